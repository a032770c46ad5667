"""Streams of both families, whole and broken, and what a checker finds in them."""

from __future__ import annotations

import json
from typing import Any

from runconsole import CheckReport
from runconsole.checking.checker import Checker
from runconsole.decoding.envelope import read_events

Event = dict[str, Any]
BROKEN = "{broken"


def execution(kind: str, **data: Any) -> Event:
    return {"type": kind, "timestamp": "2026-01-01T00:00:00.000Z", "data": data}


def task(kind: str, at: float = 0.0, **payload: Any) -> Event:
    stamp = f"2026-01-01T00:00:{at:06.3f}Z"
    return {"type": kind, "timestamp": stamp, "payload": {"taskId": "t", **payload}}


STARTED = execution("execution_started", execution_id="e", total_tasks=1, phases=[])


def done(**data: Any) -> Event:
    told = {"task_id": "a", "task_name": "A", "status": "completed", "progress": 1, "progress_percent": 100.0}
    return execution("progress_update", **{**told, "completed_tasks": 1, "total_tasks": 1, **data})


def completed(**data: Any) -> Event:
    told = {"execution_id": "e", "status": "success", "total_tasks": 1, "completed_tasks": 1, "failed_tasks": 0}
    return execution("execution_completed", **{**told, "duration_ms": 1.0, "artifacts_created": 0, **data})


def checked(*events: Event | str, reason: str | None = None) -> CheckReport:
    checker = Checker()
    for event in events:
        text = event if isinstance(event, str) else json.dumps(event)
        stamp = None if text == BROKEN else json.loads(text).get("timestamp")
        for received in read_events(text, 1):
            checker.take(received, stamp)
    return checker.report("here", reason=reason)


def lines(found: CheckReport) -> list[str]:
    return [str(finding) for finding in found.findings]


CREATED = task("task.created", prompt="p", taskType="x", queuePosition=0, estimatedStart="2026-01-01T00:00:00.000Z")
BEGUN = task("task.started", workerId="w", providerId="p", accessMode="api")
RESULT = {
    "success": True,
    **dict.fromkeys(("filesCreated", "filesModified", "filesDeleted"), ()),
    "testsRun": 1,
    "testsPassed": 1,
    "coverage": 90.5,
    "specPath": "spec.md",
}
SUMS = {"totalDuration": 9, "providerTime": {"p": 9}, "tokensUsed": 10, "cost": 0.5}
ENDED = task("task.completed", 9, result=RESULT, metrics=SUMS)
