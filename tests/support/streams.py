"""Random runs for property tests: well-formed events of both families, in any order, about a few things."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.folding import START

Event = dict[str, Any]

TASKS = ("t0", "t1", "t2")
_task = st.sampled_from(TASKS)
_name = st.sampled_from(["Plan", "Build\nit", "Ověřit"])
_count = st.integers(0, 12)
_seconds = st.integers(1, 900).map(lambda tenths: tenths / 10)
_percent = st.integers(0, 100)
_words = st.sampled_from(["pending", "in_progress", "completed", "failed", "skipped"])
_agent = st.sampled_from(["a0", "a1"])
_call = st.sampled_from(["k0", "k1", "k2"])
_model = st.sampled_from(["small", "large"])
_value = st.sampled_from([{"path": "a.py"}, "3", 3, ["x", None], ""])
_path = st.sampled_from(["a.py", "b.py", "docs/c.md"])


def _data(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    """Return payloads: fields that end in an underscore are always present, the others sometimes."""
    always = {name[:-1]: kind for name, kind in fields.items() if name.endswith("_")}
    sometimes = {name: kind for name, kind in fields.items() if not name.endswith("_")}
    return st.fixed_dictionaries(always, optional=sometimes)


def _kind(envelope: str, kind: str, data: st.SearchStrategy[Event]) -> st.SearchStrategy[Event]:
    return data.map(lambda fields: {"type": kind, envelope: fields})


_phases = st.lists(
    _data(number_=st.integers(0, 2), name=_name, tasks=_count, status=_words),
    max_size=3,
    unique_by=lambda p: p["number"],
)
_metrics = _data(elapsed=_seconds, tokensUsed=_count, cost=_seconds, totalDuration=_seconds, duration=_seconds)
_options = st.sampled_from(
    [["approve", "reject"], [{"id": "yes", "label": "Yes"}, {"id": "no", "action": "reject"}], []]
)

execution_events = st.one_of(
    _kind(
        "data",
        "execution_started",
        _data(execution_id=st.just("e"), total_tasks=st.integers(1, 12), phases=_phases),
    ),
    _kind(
        "data",
        "progress_update",
        _data(
            task_id=_task,
            task_name=_name,
            phase=st.integers(0, 2),
            phase_name=_name,
            status=_words,
            progress_percent=_percent,
            completed_tasks=_count,
            total_tasks=st.integers(1, 12),
            current_wave=st.integers(1, 4),
            duration_ms=_seconds,
            subtask_status=st.dictionaries(st.sampled_from(["s0", "s1"]), _words),
        ),
    ),
    _kind(
        "data",
        "wave_completed",
        _data(wave_number_=st.integers(1, 4), atoms_in_wave=_count, atoms_completed=_count, failed_tasks=_count),
    ),
    _kind("data", "artifact_created", _data(path_=_path, size=_count, type=_name, task_id=_task)),
    _kind(
        "data",
        "error",
        _data(task_id=_task, task_name=_name, message_=_name, retry_attempt=_count, max_retries=_count),
    ),
)

task_events = st.one_of(
    _kind("payload", "task.created", _data(taskId_=_task, prompt=_name)),
    _kind("payload", "task.started", _data(taskId_=_task, workerId=_name, providerId=_name)),
    _kind("payload", "task.paused", _data(taskId_=_task)),
    _kind("payload", "task.resumed", _data(taskId_=_task)),
    _kind("payload", "task.phase_changed", _data(taskId_=_task, newPhase=_name)),
    _kind(
        "payload",
        "task.progress",
        _data(
            taskId_=_task,
            progress=_percent,
            currentStep=_name,
            status=_words,
            subtask=_data(id_=st.sampled_from(["s0", "s1"]), name=_name, progress=_percent),
            metrics=_metrics,
        ),
    ),
    _kind(
        "payload",
        "task.output",
        _data(taskId_=_task, stream_=st.sampled_from(["stdout", "stderr"]), data_=st.sampled_from(["a", "b\n", "c\r"])),
    ),
    *(
        _kind(
            "payload",
            f"task.subtask.{kind}",
            _data(
                taskId_=_task,
                subtaskId_=st.sampled_from(["s0", "s1", "s2"]),
                name=_name,
                duration=_seconds,
                artifacts=st.lists(_path, max_size=2),
            ),
        )
        for kind in ("started", "completed", "failed")
    ),
    _kind(
        "payload",
        "task.completed",
        _data(taskId_=_task, result=_data(filesCreated=st.lists(_path, max_size=2)), metrics=_metrics),
    ),
    _kind("payload", "task.failed", _data(taskId_=_task, error_=_data(message_=_name), metrics=_metrics)),
    _kind("payload", "task.cancelled", _data(taskId_=_task, reason=_name)),
    _kind("payload", "agent.completed", _data(agentId_=_agent, taskId=_task, metrics=_metrics)),
    _kind(
        "payload",
        "agent.spawned",
        _data(agentId_=_agent, taskId=_task, name=_name, model=_model, parentAgentId=_agent),
    ),
    _kind(
        "payload",
        "agent.tool_call",
        _data(toolCallId_=_call, agentId=_agent, taskId=_task, tool=_name, arguments=_value),
    ),
    _kind(
        "payload",
        "agent.tool_result",
        _data(toolCallId_=_call, agentId=_agent, taskId=_task, tool=_name, result=_value, success=st.booleans()),
    ),
    _kind("payload", "agent.file_change", _data(taskId_=_task, path_=_path, action=_name, size=_count)),
)

checkpoint_events = st.one_of(
    _kind(
        "payload",
        "task.hitl_required",
        _data(checkpointId_=st.sampled_from(["c0", "c1"]), taskId_=_task, title=_name, options=_options),
    ),
    _kind("payload", "checkpoint.reminder", _data(checkpointId_=st.sampled_from(["c0", "c1"]))),
    _kind(
        "payload",
        "checkpoint.resolved",
        _data(
            checkpointId_=st.sampled_from(["c0", "c1"]),
            decision=st.sampled_from(["approve", "reject"]),
            decidedBy=_name,
            autoTriggered=st.booleans(),
        ),
    ),
)

_end = _kind(
    "data",
    "execution_completed",
    _data(
        status=st.sampled_from(["success", "failed"]), completed_tasks=_count, total_tasks=_count, duration_ms=_count
    ),
)


def stamped(events: list[Event]) -> list[str]:
    """Return the events as frames, each a tenth of a second after the one before it."""
    begin = datetime.fromtimestamp(START / 1e6, UTC)
    return [
        json.dumps(event | {"timestamp": (begin + timedelta(seconds=number / 10)).isoformat().replace("+00:00", "Z")})
        for number, event in enumerate(events)
    ]


@st.composite
def streams(draw: st.DrawFn, *, least: int = 0, most: int = 25, ends: bool = True) -> list[str]:
    """Draw the frames of a run of one family or of both, which may end."""
    kinds = draw(st.sampled_from([execution_events, task_events | checkpoint_events, execution_events | task_events]))
    events = draw(st.lists(kinds, min_size=least, max_size=most))
    if ends and draw(st.booleans()):
        events.append(draw(_end))
    return stamped(events)


@st.composite
def with_duplicates(draw: st.DrawFn, frames: st.SearchStrategy[list[str]]) -> tuple[list[str], list[str]]:
    """Draw a stream, and the same with some of its frames once more at any later place."""
    plain = draw(frames)
    doubled = list(enumerate(plain))
    for number in draw(st.lists(st.integers(0, max(0, len(plain) - 1)), max_size=8)) if plain else []:
        first = next(place for place, (known, _) in enumerate(doubled) if known == number)
        doubled.insert(draw(st.integers(first + 1, len(doubled))), (number, plain[number]))
    return plain, [frame for _, frame in doubled]
