"""Event streams of any length, already in the bytes of the wire: making them must cost the sender nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

__all__ = ["completed", "mixed", "output", "progress", "question", "started", "steps", "wired"]

_EPOCH_MS = 1_763_310_885_123
"""2025-11-16T16:34:45.123Z, the time of the documented example. Each frame is a millisecond later, so none repeats
another."""

_PROGRESS = (
    b'{"type":"progress_update","timestamp":"%s","data":{"task_id":"task_%06d","task_name":"%s","phase":%d,'
    b'"phase_name":"Execution","status":"%s","progress":%d,"progress_percent":%.2f,"completed_tasks":%d,'
    b'"total_tasks":%d,"current_wave":%d,"duration_ms":%d.5,'
    b'"subtask_status":{"subtask_1":"completed","subtask_2":"in_progress"}}}'
)
_OUTPUT = (
    b'{"type":"task.output","timestamp":"%s","payload":{"taskId":"task_%06d","stream":"stdout",'
    b'"data":"[%09d] collected 312 items, 14 passed, 2 skipped in 3.14 s\\n","agentId":"agent_%d"}}'
)
_TOOL = (
    b'{"type":"agent.tool_call","timestamp":"%s","payload":{"taskId":"task_%06d","agentId":"agent_%d",'
    b'"tool":"read_file","input":{"path":"src/module_%d.py","offset":%d}}}'
)


def started(tasks: int) -> bytes:
    """Return the first event of an execution of that many tasks."""
    data = {
        "execution_id": "exec_benchmark",
        "total_tasks": tasks,
        "total_atoms": tasks * 7,
        "estimated_duration_ms": 600_000,
        "phases": [{"number": 3, "name": "Execution", "tasks": tasks}],
    }
    return _event("execution_started", data, 0)


def completed(tasks: int, frames: int) -> bytes:
    """Return the last event of an execution."""
    data = {
        "execution_id": "exec_benchmark",
        "status": "success",
        "total_tasks": tasks,
        "completed_tasks": tasks,
        "failed_tasks": 0,
        "duration_ms": frames,
        "artifacts_created": 45,
        "tokens_used": 82_450,
        "cost_usd": 1.24,
    }
    return _event("execution_completed", data, frames + 1)


def progress(frames: int, tasks: int) -> Iterator[bytes]:
    """Yield `progress_update`s of the documented shape, about 330 bytes each: task after task, again and again.

    All tasks run until the last round, which completes them.
    """
    stamp = _Stamps()
    last_round = max(0, frames - tasks)
    for number in range(frames):
        task, done = number % tasks, max(0, number - last_round + 1)
        yield _PROGRESS % (
            stamp.of(number + 1),
            task,
            b"Implement module %d" % task,
            3,
            b"completed" if done else b"in_progress",
            done,
            100 * done / tasks,
            done,
            tasks,
            1 + number * 10 // frames,
            number % 5000,
        )


def steps(first: int, workers: int, per_task: int) -> Iterator[bytes]:
    """Yield `progress_update`s for ever, named ``event 17`` and so on, from number `first`: a run under way.

    `workers` of its tasks run at a time; each has `per_task` events, then it is completed.
    """
    stamp, number = _Stamps(), first
    while True:
        lap, worker = divmod(number, workers)
        task, step = (lap // per_task) * workers + worker, lap % per_task
        done = (lap // per_task) * workers
        yield _PROGRESS % (
            stamp.of(number + 1),
            task,
            b"event %d" % number,
            3,
            b"completed" if step == per_task - 1 else b"in_progress",
            done,
            min(100.0, done / 1000),
            done,
            100_000,
            1 + lap // (10 * per_task),
            step,
        )
        number += 1


def output(frames: int, tasks: int) -> Iterator[bytes]:
    """Yield lines of output, in turn of each task."""
    stamp = _Stamps()
    for number in range(frames):
        yield _OUTPUT % (stamp.of(number + 1), number % tasks, number, number % 8)


def mixed(frames: int, tasks: int) -> Iterator[bytes]:
    """Yield agents' events: of ten, six of progress, two of an agent's tools, two lines of output."""
    stamp = _Stamps()
    for number, event in enumerate(progress(frames, tasks)):
        kind, task, agent = number % 10, number % tasks, number % 8
        if kind in {3, 7}:
            yield _TOOL % (stamp.of(number + 1), task, agent, number % 300, number)
        elif kind in {4, 8}:
            yield _OUTPUT % (stamp.of(number + 1), task, number, agent)
        else:
            yield event


def question(number: int) -> bytes:
    """Return a question of the task family that waits an hour for its answer."""
    payload = {
        "taskId": "task_1",
        "checkpointId": f"cp-{number}",
        "checkpointType": "spec_review",
        "title": f"Question {number}",
        "description": "Is this what you want?",
        "options": [
            {"id": "approve", "label": "Approve", "description": "Go on as planned"},
            {"id": "reject", "label": "Reject", "description": "Stop"},
        ],
        "defaultAction": "approve",
    }
    return json.dumps({"type": "task.hitl_required", "payload": payload}).encode()


def wired(text: bytes) -> bytes:
    """Return one unmasked WebSocket text frame (RFC 6455, section 5.2), as a server sends it."""
    size = len(text)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + text
    if size < 2**16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text


class _Stamps:
    """Times as the wire writes them, a millisecond apart; the part down to the second is made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = b""

    def of(self, number: int) -> bytes:
        second, millis = divmod(_EPOCH_MS + number, 1000)
        if second != self._second:
            self._second = second
            self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.").encode()
        return self._prefix + b"%03dZ" % millis


def _event(kind: str, data: dict[str, object], number: int) -> bytes:
    return json.dumps({"type": kind, "timestamp": _Stamps().of(number).decode(), "data": data}).encode()
