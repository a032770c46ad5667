"""Each promise is kept by a good stream, and a stream that breaks it has a line with the event's number."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.promises import (
    BEGUN,
    CREATED,
    ENDED,
    RESULT,
    STARTED,
    SUMS,
    Event,
    checked,
    completed,
    done,
    execution,
    lines,
    task,
)

TWO = execution("execution_started", execution_id="e", total_tasks=2, phases=[{"number": 0, "name": "A", "tasks": 2}])
ALL_OF_TWO = {"total_tasks": 2, "completed_tasks": 2}


def half(**data: Any) -> Event:
    return done(**{"total_tasks": 2, "progress_percent": 50.0, **data})


def second(**data: Any) -> Event:
    told = {"task_id": "b", "progress": 2, "completed_tasks": 2, "total_tasks": 2, "progress_percent": 100.0}
    return done(**{**told, **data})


def error(**data: Any) -> Event:
    told = {"message": "m", "error_type": "E", "recoverable": True, "task_id": "a"}
    return execution("error", **{**told, "retry_attempt": 1, "max_retries": 4, **data})


def failed(task_id: str = "a") -> Event:
    return done(task_id=task_id, status="failed", progress=0, completed_tasks=0, progress_percent=0.0)


def progress(at: float, **payload: Any) -> Event:
    return task("task.progress", at, **{"progress": 10, "currentStep": "s", **payload})


def question(**payload: Any) -> Event:
    options = [{"id": "yes", "label": "Yes", "description": ""}, {"id": "no", "label": "No", "description": ""}]
    told = {"checkpointId": "c", "checkpointType": "spec_review", "title": "?", "description": "", "options": options}
    return task("task.hitl_required", **{**told, "timeout": "2026-01-01T01:00:00Z", "defaultAction": "no", **payload})


def used(**usage: Any) -> Event:
    model = {"model": usage.pop("model")} if "model" in usage else {}
    return task("agent.usage", agentId="a", usage=usage, **model)


METRICS = {"elapsed": 1, "estimatedRemaining": 1, "tokensUsed": 10, "cost": 0.5}
BIG = "2026-01-01T00:00:09.000Z"


@pytest.mark.parametrize(
    "events",
    [
        [TWO, half(), second(), completed(**ALL_OF_TWO)],
        [TWO, half(progress_percent=50), second(), completed(**ALL_OF_TWO)],
        [STARTED, done(status="in_progress", progress=0, completed_tasks=0, progress_percent=0), done(), completed()],
        [STARTED, half(task_id="x", total_tasks=1, progress_percent=100.0), second(), completed(**ALL_OF_TWO)],
        [STARTED, error(), error(recoverable=False, retry_attempt=4), done(), completed()],
        [STARTED, error(), failed(), completed(status="failed", completed_tasks=0, failed_tasks=1)],
        [STARTED, done(status="done", subtask_status={"x": "running"}), completed(status="partial_success")],
        [STARTED, done(), completed(), {**STARTED, "data": {**STARTED["data"], "execution_id": "f"}}, done(),
         completed(execution_id="f")],
        [CREATED, BEGUN, progress(1, metrics=METRICS), progress(3, metrics=METRICS | {"tokensUsed": 10}), ENDED],
        [CREATED, BEGUN, question(), question(checkpointId="d", timeout="2026-01-01T01:00:00+02:00"), ENDED],
        [CREATED, BEGUN, question(defaultAction="No"), question(checkpointId="d", defaultAction="reject"), ENDED],
        [CREATED, BEGUN, question(options=[], actionRequests=[{"name": "write"}]), ENDED],
        [CREATED, task("task.cancelled", reason="r", cancelledBy="user")],
        [CREATED, BEGUN, ENDED, BEGUN, ENDED],
        [CREATED, BEGUN, task("agent.spawned", agentId="a", role="writer", modelId="m"), used(inputTokens=5, cost=1),
         task("agent.spawned", agentId="a"), used(tokensInput=3), used(model="m", inputTokens=1, reasoningTokens=1),
         task("agent.tool_call", tool={"id": "c", "name": "read", "input": {}}, agentId="a"),
         task("agent.tool_result", toolCallId="c", output=[1], success=True, duration=0.5),
         task("agent.file_change", file="a.py", action="create", size=3),
         task("agent.error", error={"code": "E"}, recoverable=True, attempt=1, action={"type": "retry"}),
         task("agent.completed", agentId="a", tokensUsed=9, success=True), ENDED],
        [CREATED, BEGUN, task("checkpoint.pending", checkpointId="c", title="?", options=["yes", "no"], timeout=60,
                              defaultAction="yes"), ENDED],
        [{**CREATED, "seq": 7}, {**BEGUN, "seq": 8}, {**ENDED, "seq": 9}],
        [{**CREATED, "seq": 1}, {**task("task.started", **BEGUN["payload"] | {"taskId": "u"}), "seq": 1},
         {**BEGUN, "seq": 2}, {**ENDED, "seq": 3},
         {**task("task.failed", 9, taskId="u", error={"code": "c", "message": "m", "recoverable": False},
                 metrics={"duration": 1, "tokensUsed": 1, "cost": 0}), "seq": 2}],
    ],
)  # fmt: skip
def test_a_stream_that_keeps_its_promises_is_clean(events: list[Event]) -> None:
    assert lines(checked(*events)) == []


@pytest.mark.parametrize(
    ("events", "line"),
    [
        (
            [TWO, half(progress_percent=80), second(), completed(**ALL_OF_TWO)],
            ("broken: event 2 progress_update: percent agrees with the counters: expected progress_percent to be"
            " completed_tasks of total_tasks, got 80, 1 of 2 are 50.00"),
        ),
        (
            [TWO, half(progress=7), second(), completed(**ALL_OF_TWO)],
            ("broken: event 2 progress_update: counters agree with the events: expected progress to be the number in"
            " the events, got 7, the events say 1"),
        ),
        (
            [TWO, half(total_tasks=1, progress_percent=100), second(), completed(**ALL_OF_TWO)],
            ("broken: event 2 progress_update: totals agree with the start: expected total_tasks to be the announced"
            " number, got 1, announced are 2"),
        ),
        (
            [TWO, half(total_tasks=4, progress_percent=25), second(), completed(**ALL_OF_TWO)],
            ("broken: event 2 progress_update: totals agree with the start: expected total_tasks to be the announced"
            " number, got 4, announced are 2"),
        ),
        (
            [execution("execution_started", execution_id="e", total_tasks=1, phases=[{"number": 0, "name": "A",
                                                                                     "tasks": 5}])],
            ("broken: event 1 execution_started: phases add up: expected the tasks of all phases to be total_tasks"
            " together, got 5 of 1"),
        ),
        (
            [execution("execution_started", execution_id="e", total_tasks=1, phases=[{"number": 0, "name": "A"}] * 2)],
            "broken: event 1 execution_started: phases differ: expected another number for each phase, got [0, 0]",
        ),
        (
            [execution("execution_started", execution_id="e", total_tasks=1, phases=["A"])],
            "broken: event 1 execution_started: fields have their types: expected phases[] as an object, got 'A'",
        ),
        (
            [execution("execution_started", execution_id="e", total_tasks=1, phases=[{"number": "0", "name": "A"}])],
            ("broken: event 1 execution_started: fields have their types: expected phases[].number as a whole number, 0"
            " or more, got '0'"),
        ),
        (
            [STARTED, error(), failed(), completed(completed_tasks=0, failed_tasks=1)],
            ("broken: event 4 execution_completed: success is that of all tasks: expected another status than success"
            " where tasks have failed, got 1 failed"),
        ),
        (
            [TWO, half(), completed(total_tasks=2)],
            ("broken: event 3 execution_completed: success is that of all tasks: expected the end of every task before"
            " success, got 1 of 2"),
        ),
        (
            [STARTED, failed(), completed(status="failed", completed_tasks=0, failed_tasks=1)],
            ("broken: stream: each failure has its error: expected error of every failed task, got none of 1 tasks, a"
            " for one"),
        ),
        (
            [STARTED, done(duration_ms=-5), completed()],
            ("broken: event 2 progress_update: fields have their types: expected duration_ms as a number, 0 or more,"
            " got -5"),
        ),
        (
            [STARTED, {**done(), "timestamp": "2026-02-30T00:00:00.000Z"}, completed()],
            ("broken: event 2 progress_update: times are ISO 8601 in UTC: expected a timestamp as in"
            " 2026-05-31T18:00:00.000Z, got 2026-02-30T00:00:00.000Z"),
        ),
        (
            [STARTED, done(status="florp"), completed(completed_tasks=0, status="failed")],
            ("broken: event 2 progress_update: statuses are known words: expected pending, in_progress, completed,"
            " failed, skipped, or another word for one of them, got florp"),
        ),
        (
            [STARTED, done(subtask_status={"x": "florp"}), completed()],
            "broken: event 2 progress_update: statuses are known words",
        ),
        (
            [STARTED, done(), completed(status="florp")],
            ("broken: event 3 execution_completed: statuses are known words: expected success, completed,"
            " partial_success, failed or cancelled, got florp"),
        ),
        (
            [STARTED, done(), completed(execution_id="f")],
            ("broken: event 3 execution_completed: the end is that of the start: expected the execution_id of the start"
            " at the end, got f, begun is e"),
        ),
        (
            [STARTED, error(retry_attempt=5), done(), completed()],
            "broken: event 2 error: retries are counted: expected retry_attempt of at most max_retries, got 5 of 4",
        ),
        (
            [STARTED, done(), completed(), {**STARTED, "data": {**STARTED["data"], "execution_id": "f"}}, done()],
            "broken: stream: the end is sent: expected execution_completed at the end, got none",
        ),
        (
            [STARTED, STARTED, done(), completed()],
            "broken: event 2 execution_started: one start: expected one execution_started, got another one",
        ),
        (
            [CREATED, BEGUN, task("task.output", stream="log", data="x", workerId="w", agentId="a"), ENDED],
            "broken: event 3 task.output: fields have their types: expected stream as stdout or stderr, got 'log'",
        ),
        (
            [CREATED, task("task.started", workerId="w", providerId="p", accessMode="root"), ENDED],
            ("broken: event 2 task.started: fields have their types: expected accessMode as subscription or api, got"
            " 'root'"),
        ),
        (
            [CREATED, task("task.cancelled", reason="r", cancelledBy="me")],
            ("broken: event 2 task.cancelled: fields have their types: expected cancelledBy as user or system or"
            " timeout, got 'me'"),
        ),
        (
            [CREATED, BEGUN, task("task.completed", 9, result=RESULT | {"success": False}, metrics=SUMS)],
            "broken: event 3 task.completed: fields have their types: expected result.success as true, got False",
        ),
        (
            [CREATED, BEGUN, question(options=["yes", "no"]), ENDED],
            ("broken: event 3 task.hitl_required: fields have their types: expected options[] as an object, got 'yes'"
            " (2 times)"),
        ),
        (
            [CREATED, BEGUN, question(options=[{"id": "no", "label": "a"}] * 2), ENDED],
            "broken: event 3 task.hitl_required: options differ: expected another id for each option, got no, no",
        ),
        (
            [CREATED, BEGUN, question(timeout="soon"), ENDED],
            "broken: event 3 task.hitl_required: a deadline is a time: expected timeout as an ISO 8601 time, got soon",
        ),
        (
            [CREATED, BEGUN, question(timeout="2026-02-30T00:00:00Z"), ENDED],
            "broken: event 3 task.hitl_required: a deadline is a time: expected timeout as an ISO 8601 time",
        ),
        (
            [CREATED, BEGUN, question(defaultAction="maybe"), ENDED],
            ("broken: event 3 task.hitl_required: a default is an option: expected one of the options (yes, no) as the"
            " default, got maybe"),
        ),
        (
            [progress(1)],
            ("broken: event 1 task.progress: a task begins first: expected task.started before task.progress, got none"
            " of t"),
        ),
        (
            [progress(1)],
            ("broken: stream: each task's end is sent: expected completed, failed or cancelled of every task, got none"
            " of 1 tasks, t for one"),
        ),
        (
            [CREATED, ENDED],
            "broken: event 2 task.completed: a task begins first: expected task.started before task.completed",
        ),
        (
            [CREATED, BEGUN, progress(1, metrics=METRICS), progress(3, metrics=METRICS | {"tokensUsed": 4}), ENDED],
            ("broken: event 4 task.progress: sums do not go down: expected metrics.tokensUsed of a task so far, got 4"
            " after 10, of t"),
        ),
        (
            [CREATED, BEGUN, progress(1, metrics=METRICS),
             task("task.completed", 9, result=RESULT, metrics=SUMS | {"cost": 0.25})],
            ("broken: event 4 task.completed: sums do not go down: expected metrics.cost of a task so far, got 0.25"
            " after 0.5, of t"),
        ),
        (
            [CREATED, BEGUN, task("agent.spawned", name="writer"), ENDED],
            "broken: event 3 agent.spawned: fields are there: expected agentId as a text, got nothing",
        ),
        (
            [CREATED, BEGUN, task("agent.spawned", agentId="a", role=7), ENDED],
            ("broken: event 3 agent.spawned: fields have their types: expected name or agentName or agentType or role"
            " as a text, got 7"),
        ),
        (
            [CREATED, BEGUN, used(tokensInput=-1), ENDED],
            ("broken: event 3 agent.usage: fields have their types: expected usage.inputTokens or usage.tokensInput as"
            " a whole number, 0 or more, got -1"),
        ),
        (
            [CREATED, BEGUN, used(inputTokens=5), used(model="m", inputTokens=2), used(inputTokens=4), ENDED],
            ("broken: event 5 agent.usage: sums do not go down: expected usage.inputTokens of an agent so far, got 4"
            " after 5, of agent a"),
        ),
        (
            [CREATED, BEGUN, task("agent.usage", agentId="a"), ENDED],
            "advice: event 3 agent.usage: fields are there: expected metrics or usage as an object, got nothing",
        ),
        (
            [CREATED, BEGUN, task("agent.tool_call", arguments={"path": "x"}), ENDED],
            "broken: event 3 agent.tool_call: fields are there: expected toolCallId or toolUseId or callId or id or",
        ),
        (
            [CREATED, BEGUN, task("agent.tool_call", callId="c"), ENDED],
            ("advice: event 3 agent.tool_call: fields are there: expected toolName or name or tool.name or tool as a"
            " text or an object, got nothing"),
        ),
        (
            [CREATED, BEGUN, task("agent.tool_call", tool={"id": 7, "name": "read"}), ENDED],
            "broken: event 3 agent.tool_call: fields have their types: expected toolCallId or",
        ),
        (
            [CREATED, BEGUN, task("agent.tool_result", callId="c", isError="no"), ENDED],
            "broken: event 3 agent.tool_result: fields have their types: expected isError as true or false, got 'no'",
        ),
        (
            [CREATED, BEGUN, task("agent.file_change", file={"path": 3}), ENDED],
            ("broken: event 3 agent.file_change: fields have their types: expected path or filePath or file.path or"
            " file.filePath as a text, got 3"),
        ),
        (
            [CREATED, BEGUN, task("agent.error", agentId="a", attempt="two", message="m"), ENDED],
            ("broken: event 3 agent.error: fields have their types: expected attempt as a whole number, 0 or more, got"
            " 'two'"),
        ),
        (
            [{**CREATED, "seq": 1}, {**BEGUN, "seq": 2}, {**ENDED, "seq": 4}],
            ("broken: event 3 task.completed: numbers go up by one: expected seq to be one more than that of the event"
            " before, got 4 after 2"),
        ),
        (
            [{**STARTED, "seq": 1}, {**done(), "seq": 2}, {**completed(), "seq": 2}],
            ("broken: event 3 execution_completed: numbers go up by one: expected seq to be one more than that of the"
            " event before, got 2 after 2"),
        ),
        (
            [{"type": "phase_shift", "timestamp": BIG, "data": {}}],
            ("broken: stream: events are those of a family: expected events of the execution or the task family, got"
            " none"),
        ),
        ([{**task("task.created"), "payload": {**CREATED["payload"], "estimatedStart": "soon"}}, ENDED],
         ("broken: event 1 task.created: fields have their types: expected estimatedStart as an ISO 8601 time, got"
         " 'soon'")),
    ],
)  # fmt: skip
def test_a_broken_promise_is_a_line(events: list[Event], line: str) -> None:
    found = lines(checked(*events))
    assert [shown for shown in found if shown.startswith(line)], found


def test_interleaved_executions_are_counted_each_for_itself() -> None:
    other = execution("execution_started", execution_id="f", total_tasks=1, phases=[])
    events = [STARTED, other, done(execution_id="e"), done(execution_id="f"), completed(), completed(execution_id="f")]
    assert lines(checked(*events)) == []


def test_fields_of_tasks_are_not_asked_of_an_execution() -> None:
    beside = task("task.progress", 1, taskId="a", progress=5)
    running = done(status="in_progress", progress=0, completed_tasks=0, progress_percent=0)
    assert lines(checked(STARTED, running, beside, done(), completed())) == []


def test_a_hostile_number_is_a_finding() -> None:
    found = checked(STARTED, done(duration_ms=float("inf"), progress_percent=float("nan")), completed())
    assert [finding.expected for finding in found.broken if "types" in finding.rule] == [
        "progress_percent as a number from 0 to 100",
        "duration_ms as a number, 0 or more",
    ]
