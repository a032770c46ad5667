"""The expected frames of a run, computed the slow and obvious way: plain dicts over the decoded JSON of its events.

Written from the documents of both families, not from the fold: it does not use `RunState`. It takes streams as
`tests.support.streams` draws them: every event later than the one before, each once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

Row = dict[str, Any]

WORDS = {"in_progress": "running"}
"""Statuses that have another word on the wire."""
ENDED = {"completed", "failed", "cancelled", "skipped"}

# Columns that begin as unknown.
TASK = (
    *("name", "phase", "phase_name", "wave", "progress", "step", "worker_id", "provider_id", "attempts"),
    *("max_retries", "duration_s", "tokens", "cost_usd", "started_at", "ended_at", "error"),
)
SUBTASK = ("name", "description", "progress", "duration_s", "agent_id", "started_at", "ended_at", "error")
AGENT = (
    *("name", "parent_id", "task_id", "model", "tokens", "input_tokens", "output_tokens", "cached_tokens"),
    *("reasoning_tokens", "cost_usd", "duration_s", "started_at", "ended_at", "error"),
)
CALL = ("task_id", "agent_id", "name", "arguments", "result", "error", "duration_s", "started_at", "ended_at")
WAVE = ("atoms", "atoms_completed", "success_rate", "failed", "artifacts", "duration_s", "completed_at")
ARTIFACT = ("size", "type", "language", "action")
ERROR = ("task_name", "error_type", "recoverable", "attempt", "max_retries", "stack", "action")
CHECKPOINT = (
    *("task_id", "type", "title", "description", "context", "default_action", "deadline", "decision", "decided_by"),
    *("feedback", "requested_at", "decided_at"),
)


def word(status: Any) -> Any:
    """Return the console's word for a status, None for none."""
    return WORDS.get(status, status)


def known(**values: Any) -> Row:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


class Reference:
    """The rows of every frame after some frames of a stream."""

    def __init__(self, frames: list[str]) -> None:
        self.events: list[Row] = []
        self.tasks: dict[str | None, Row] = {}
        self.subtasks: dict[tuple[str, str], Row] = {}
        self.phases: dict[int, Row] = {}
        self.waves: dict[int, Row] = {}
        self.artifacts: dict[tuple[str | None, str], Row] = {}
        self.errors: list[Row] = []
        self.output: list[Row] = []
        self.checkpoints: dict[str, Row] = {}
        self.agents: dict[str, Row] = {}
        self.tool_calls: dict[str, Row] = {}
        self._used: dict[tuple[str, str | None], Row] = {}
        """The most that each agent has told of its tokens and its cost, for each task."""
        self._metered: set[tuple[str, str]] = set()
        """Each task and column that the task's own metrics have."""
        self._at = 0
        for frame in frames:
            self._take(json.loads(frame))

    def rows(self, name: str) -> list[Row]:
        """Return the rows of a frame, times as microseconds, in their order."""
        rows: Any = getattr(self, name)
        if isinstance(rows, list):
            return rows
        if name in {"phases", "waves"}:
            return [self._finished_phase(rows[key]) if name == "phases" else rows[key] for key in sorted(rows)]
        if name == "subtasks":  # by task, in the order in which tasks got their first
            first = list(dict.fromkeys(task_id for task_id, _ in rows))
            return sorted(rows.values(), key=lambda row: first.index(row["task_id"]))
        return list(rows.values())

    def _take(self, event: Row) -> None:
        kind: str = event["type"]
        data: Row = event["data"] if "data" in event else event["payload"]
        self._at = at = round(datetime.fromisoformat(event["timestamp"]).timestamp() * 1e6)
        self.events.append({"timestamp": at, "type": kind, "payload": data} | self._about(kind, data))
        getattr(self, "_" + kind.replace(".", "_"))(data)

    def _about(self, kind: str, data: Row) -> Row:
        """Return the columns of a row of `events` beside its payload."""
        task_id = data.get("taskId", data.get("task_id"))
        wave = data.get("wave_number", data.get("current_wave"))
        return {"task_id": task_id, "phase": data.get("phase") if kind == "progress_update" else None, "wave": wave}

    # ---- executions -------------------------------------------------------------------------------------------------

    def _execution_started(self, data: Row) -> None:
        for plan in data.get("phases", []):
            phase = self._phase(plan["number"])
            phase |= known(name=plan.get("name"), tasks=plan.get("tasks"))
            phase["reported"] = phase["reported"] or word(plan.get("status"))

    def _progress_update(self, data: Row) -> None:
        for number in range(1, data.get("current_wave", 0) + 1):
            self._wave(number)
        if "task_id" not in data:
            return
        task = self._task(data["task_id"])
        self._move(task, word(data.get("status")))
        duration = data.get("duration_ms")
        task |= known(
            name=data.get("task_name"),
            phase=data.get("phase"),
            phase_name=data.get("phase_name"),
            wave=data.get("current_wave"),
            duration_s=None if duration is None else duration / 1000,
        )
        self._settle(task)
        for name, status in data.get("subtask_status", {}).items():
            subtask = self._subtask(task["task_id"], name, named=name)
            self._move(subtask, word(status))
            self._settle(subtask)
        self._after(task)

    def _wave_completed(self, data: Row) -> None:
        for number in range(1, data["wave_number"] + 1):
            self._wave(number)
        wave = self.waves[data["wave_number"]]
        wave |= known(
            atoms=data.get("atoms_in_wave"),
            atoms_completed=data.get("atoms_completed"),
            failed=data.get("failed_tasks"),
        )
        if wave["success_rate"] is None and wave["atoms"] and wave["atoms_completed"] is not None:
            wave["success_rate"] = wave["atoms_completed"] / wave["atoms"]
        wave["status"] = "completed"
        wave["completed_at"] = wave["completed_at"] or self._at

    def _artifact_created(self, data: Row) -> None:
        self._artifact(data.get("task_id"), data["path"], data.get("type"), size=data.get("size"), action="created")

    def _error(self, data: Row) -> None:
        task_id = data.get("task_id")
        name = data.get("task_name") or self.tasks.get(task_id, {}).get("name")
        attempt, most = data.get("retry_attempt"), data.get("max_retries")
        self._add_error(task_id, name, data["message"], attempt=attempt, max_retries=most)
        if task_id is not None:
            task = self._task(task_id)
            task["name"] = task["name"] or data.get("task_name")
            task["error"] = data["message"]
            if attempt is not None:
                task["attempts"] = max(task["attempts"] or 0, attempt)
            task |= known(max_retries=most)

    def _execution_completed(self, data: Row) -> None:
        if data.get("status", "completed") in {"success", "completed"}:
            for wave in self.waves.values():
                wave["status"] = "completed"
            for phase in self.phases.values():
                phase["reported"] = "completed"
        self._close_checkpoints(None)

    # ---- tasks ------------------------------------------------------------------------------------------------------

    def _task_created(self, data: Row) -> None:
        task = self._task(data["taskId"])
        lines = data.get("prompt", "").splitlines()
        task["name"] = task["name"] or (lines[0] if lines else None)

    def _task_started(self, data: Row) -> None:
        task = self._task(data["taskId"])
        self._move(task, "running")
        task |= known(worker_id=data.get("workerId"), provider_id=data.get("providerId"))

    def _task_paused(self, data: Row) -> None:
        self._move(self._task(data["taskId"]), "paused")

    def _task_resumed(self, data: Row) -> None:
        self._move(self._task(data["taskId"]), "running")

    def _task_phase_changed(self, data: Row) -> None:
        task = self._task(data["taskId"])
        self._move(task, None)
        task |= known(phase_name=data.get("newPhase"))

    def _task_progress(self, data: Row) -> None:
        task = self._task(data["taskId"])
        status = data.get("status") or ("running" if task["status"] == "pending" else None)
        self._move(task, word(status))
        metrics = data.get("metrics", {})
        self._meter(task, metrics)
        task |= known(progress=data.get("progress"), step=data.get("currentStep"))
        if task["status"] == "completed":
            task["progress"] = 100
        if "subtask" in data:
            part = data["subtask"]
            subtask = self._subtask(task["task_id"], part["id"])
            begins = subtask["status"] == "pending" and "progress" in part
            self._move(subtask, "running" if begins else None)
            subtask |= known(name=part.get("name"), progress=part.get("progress"))
            if subtask["status"] == "completed":
                subtask["progress"] = 100
        self._settle(task)

    def _task_output(self, data: Row) -> None:
        row = {"at": self._at, "task_id": data["taskId"], "stream": data["stream"], "text": data["data"]}
        self.output.append(row | {"worker_id": None, "agent_id": None})

    def _task_subtask_started(self, data: Row, status: str = "running") -> None:
        self._task(data["taskId"])
        subtask = self._subtask(data["taskId"], data["subtaskId"])
        self._move(subtask, status)
        subtask |= known(name=data.get("name"), duration_s=data.get("duration"))
        self._settle(subtask)
        for path in data.get("artifacts", []):
            self._artifact(data["taskId"], path, "file")

    def _task_subtask_completed(self, data: Row) -> None:
        self._task_subtask_started(data, "completed")

    def _task_subtask_failed(self, data: Row) -> None:
        self._task_subtask_started(data, "failed")

    def _task_completed(self, data: Row) -> None:
        self._end(data, "completed", "totalDuration", "duration")
        for path in data.get("result", {}).get("filesCreated", []):
            self._artifact(data["taskId"], path, "file", action="created")

    def _task_failed(self, data: Row) -> None:
        message = data["error"]["message"]
        self._add_error(data["taskId"], self.tasks.get(data["taskId"], {}).get("name"), message)
        self._end(data, "failed", "duration", "totalDuration", error=message)

    def _task_cancelled(self, data: Row) -> None:
        reason = data.get("reason")
        self._end(data, "cancelled", error="cancelled" + (f": {reason}" if reason else ""))

    def _end(self, data: Row, status: str, *durations: str, error: str | None = None) -> None:
        task, metrics = self._task(data["taskId"]), data.get("metrics", {})
        self._move(task, status)
        self._meter(task, metrics)
        task |= known(error=error, duration_s=next((metrics[name] for name in durations if name in metrics), None))
        self._settle(task)
        self._after(task)

    def _meter(self, task: Row, metrics: Row) -> None:
        """Set a task's own tokens and cost: from then on its agents' are not added up."""
        own = known(tokens=metrics.get("tokensUsed"), cost_usd=metrics.get("cost"))
        self._metered |= {(task["task_id"], name) for name in own}
        task |= own

    def _agent_spawned(self, data: Row) -> None:
        self._agent(data, "running")

    def _agent_completed(self, data: Row) -> None:
        agent, metrics, task_id = self._agent(data, "completed"), data.get("metrics", {}), data.get("taskId")
        told = known(tokens=metrics.get("tokensUsed"), cost_usd=metrics.get("cost"))
        if not told:
            return
        used = self._used.setdefault((agent["agent_id"], task_id), {})
        used |= {name: max(value, used.get(name, 0)) for name, value in told.items()}
        for name in ("tokens", "cost_usd"):
            agent[name] = self._sum(name, lambda key: key[0] == agent["agent_id"])
            if task_id is not None and (task_id, name) not in self._metered:
                self._task(task_id)[name] = self._sum(name, lambda key: key[1] == task_id) or None

    def _sum(self, name: str, is_of: Callable[[tuple[str, str | None]], bool]) -> Any:
        values = [used[name] for key, used in self._used.items() if is_of(key) and name in used]
        return sum(values) if values else None

    def _agent(self, data: Row, status: str) -> Row:
        new = {"agent_id": data["agentId"], "status": "pending"} | dict.fromkeys(AGENT)
        agent = self.agents.setdefault(data["agentId"], new)
        self._move(agent, status)
        agent |= known(
            name=data.get("name"),
            model=agent["model"] or data.get("model"),
            parent_id=data.get("parentAgentId"),
            task_id=data.get("taskId"),
        )
        if "taskId" in data:
            self._task(data["taskId"])
        return agent

    def _agent_tool_call(self, data: Row) -> None:
        self._call(data, "running")

    def _agent_tool_result(self, data: Row) -> None:
        failed = data.get("success") is False
        words = data.get("result") if isinstance(data.get("result"), str) else None
        if data.get("result") == ["x", None]:
            words = "x"
        error = (words or "the call failed") if failed else None
        self._call(data, "failed" if failed else "completed", error=error)

    def _call(self, data: Row, status: str, error: str | None = None) -> None:
        new = {"tool_call_id": data["toolCallId"], "status": "pending"} | dict.fromkeys(CALL)
        call = self.tool_calls.setdefault(data["toolCallId"], new)
        agent = self.agents.get(data.get("agentId", call["agent_id"]) or "", {})
        self._move(call, status)
        if call["task_id"] is None:
            call["task_id"] = agent.get("task_id")
        call |= known(
            task_id=data.get("taskId"),
            agent_id=data.get("agentId"),
            name=data.get("tool"),
            arguments=data.get("arguments"),
            result=data.get("result"),
            error=error,
        )
        if "taskId" in data:
            self._task(data["taskId"])
        if "agentId" in data and not agent:
            self._agent({name: data[name] for name in ("agentId", "taskId") if name in data}, "running")

    def _agent_file_change(self, data: Row) -> None:
        action = data.get("action")
        self._artifact(data["taskId"], data["path"], "file", size=data.get("size"), action=action)

    # ---- checkpoints ------------------------------------------------------------------------------------------------

    def _task_hitl_required(self, data: Row) -> None:
        row = self._checkpoint(data["checkpointId"])
        options = [self._option(option) for option in data.get("options", ("approve", "reject"))]
        for name, value in (("task_id", data["taskId"]), ("title", data.get("title")), ("requested_at", self._at)):
            row[name] = row[name] or value
        row["options"] = row["options"] or options

    def _option(self, option: Any) -> Row:
        if isinstance(option, str):
            return {"id": option, "label": option.capitalize(), "description": None}
        return {"id": option["id"], "label": option.get("label", option["id"]), "description": None}

    def _checkpoint_reminder(self, data: Row) -> None:
        """Ignore a reminder without a deadline: no frame shows it."""

    def _checkpoint_resolved(self, data: Row) -> None:
        row = self._checkpoint(data["checkpointId"])
        if row["status"] == "decided":
            row["decision"] = row["decision"] or data.get("decision")
            return
        by = "timeout" if data.get("autoTriggered") else "other"
        row |= {"status": "decided", "decision": data.get("decision"), "decided_by": by, "decided_at": self._at}

    def _close_checkpoints(self, task_id: str | None) -> None:
        for row in self.checkpoints.values():
            if row["status"] == "pending" and (task_id is None or row["task_id"] == task_id):
                row["status"] = "expired"

    # ---- rows -------------------------------------------------------------------------------------------------------

    def _task(self, task_id: str) -> Row:
        new = {"task_id": task_id, "status": "pending"} | dict.fromkeys(TASK)
        return self.tasks.setdefault(task_id, new)

    def _subtask(self, task_id: str, subtask_id: str, named: str | None = None) -> Row:
        new = {"task_id": task_id, "subtask_id": subtask_id, "status": "pending"} | dict.fromkeys(SUBTASK)
        return self.subtasks.setdefault((task_id, subtask_id), new | {"name": named})

    def _phase(self, number: int) -> Row:
        return self.phases.setdefault(number, {"phase": number, "name": None, "tasks": None, "reported": None})

    def _wave(self, number: int) -> Row:
        return self.waves.setdefault(number, {"wave": number, "status": "running"} | dict.fromkeys(WAVE))

    def _checkpoint(self, checkpoint_id: str) -> Row:
        new = {"checkpoint_id": checkpoint_id, "status": "pending", "options": []} | dict.fromkeys(CHECKPOINT)
        return self.checkpoints.setdefault(checkpoint_id, new)

    def _artifact(self, task_id: str | None, path: str, kind: str | None, **values: Any) -> None:
        new = {"path": path, "task_id": task_id, "created_at": self._at} | dict.fromkeys(ARTIFACT)
        row = self.artifacts.setdefault((task_id, path), new)
        row["type"] = row["type"] or kind
        row |= known(**values)

    def _add_error(self, task_id: str | None, name: str | None, message: str, **values: Any) -> None:
        self.errors.append(
            dict.fromkeys(ERROR) | {"task_id": task_id, "task_name": name, "message": message, "at": self._at} | values
        )

    def _move(self, row: Row, status: str | None) -> None:
        """Bring a row to a status: an ended row that runs again has no end any more."""
        if status is not None:
            if row["status"] in ENDED and status not in ENDED:
                row["ended_at"] = row["duration_s"] = None
            row["status"] = status
        if row["status"] == "completed":
            row["progress"] = 100
        if row["status"] in ENDED:
            row["ended_at"] = row["ended_at"] or self._at
        elif row["status"] != "pending":
            row["started_at"] = row["started_at"] or self._at

    def _settle(self, row: Row) -> None:
        """Infer the start of a row of which only the end was reported: its duration before its end."""
        if row["started_at"] is None and row["ended_at"] is not None and row["duration_s"] is not None:
            row["started_at"] = row["ended_at"] - round(row["duration_s"] * 1e6)

    def _after(self, task: Row) -> None:
        """Apply the consequences of a task's event: its phase exists; its end closes its questions."""
        if task["phase"] is not None:
            phase = self._phase(task["phase"])
            phase["name"] = phase["name"] or task["phase_name"]
        if task["status"] in ENDED:
            self._close_checkpoints(task["task_id"])

    def _finished_phase(self, phase: Row) -> Row:
        """Return a phase with the columns that its tasks' statuses determine."""
        statuses = [task["status"] for task in self.tasks.values() if task["phase"] == phase["phase"]]
        completed, failed = statuses.count("completed"), statuses.count("failed")
        planned = phase["tasks"]
        progress = None if planned is None else min(100.0, 100 * completed / planned) if planned else 100.0
        return phase | {"completed": completed, "failed": failed, "progress": progress}
