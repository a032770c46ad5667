"""A stream is compared with the promises of its family: each broken one is a line with the event's number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import runconsole
from runconsole import InvalidArgument, report, start_run
from runconsole.checking.reading import _stamps, check
from runconsole.cli import cli
from runconsole.simulator import Simulator
from tests.support.promises import (
    BEGUN,
    BROKEN,
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


def test_an_execution_that_keeps_all_promises_is_clean() -> None:
    found = checked(STARTED, done(), completed())
    assert lines(found) == []
    assert (found.family, found.events, found.ended, found.ok) == ("execution", 3, True, True)
    assert str(found) == "here: 3 events (execution): every promise is kept"


@pytest.mark.parametrize(
    ("events", "line"),
    [
        (
            [done(), completed()],
            "broken: stream: the start is sent: expected execution_started at the start, got none",
        ),
        ([STARTED, done()], "broken: stream: the end is sent: expected execution_completed at the end, got none"),
        (
            [done(), STARTED, completed()],
            (
                "broken: event 2 execution_started: the start is first: expected execution_started before any task,"
                " got it after a task"
            ),
        ),
        (
            [STARTED, done(), completed(), done()],
            (
                "broken: event 4 progress_update: the end is last: expected no event after execution_completed,"
                " got progress_update"
            ),
        ),
        (
            [STARTED, done(progress_percent=130.5), completed()],
            (
                "broken: event 2 progress_update: fields have their types: expected progress_percent as a"
                " number from 0 to"
                " 100, got 130.5"
            ),
        ),
        (
            [STARTED, done(task_id=7), done(), completed()],
            "broken: event 2 progress_update: fields have their types: expected task_id as a text, got 7",
        ),
        (
            [STARTED, done(task_name=None), completed()],
            "advice: event 2 progress_update: fields are there: expected task_name as a text, got nothing",
        ),
        (
            [STARTED, done(completed_tasks=5), completed()],
            (
                "broken: event 2 progress_update: counters agree with the events: expected completed_tasks"
                " to be the number"
                " in the events, got 5, the events say 1"
            ),
        ),
        (
            [STARTED, done(), completed(failed_tasks=2)],
            (
                "broken: event 3 execution_completed: counters agree with the events: expected failed_tasks to be the"
                " number in the events, got 2, the events say 0"
            ),
        ),
        (
            [STARTED, done(current_wave=3), completed()],
            "broken: stream: each wave's end is sent: expected wave_completed of every wave, got none of wave 3",
        ),
        (
            [STARTED, done(), execution("error", message="x"), completed()],
            "broken: event 3 error: fields are there: expected recoverable as true or false, got nothing",
        ),
        (
            [STARTED, {**done(), "timestamp": "2026-01-01T00:00:00"}, completed()],
            (
                "broken: event 2 progress_update: times are ISO 8601 in UTC: expected a timestamp as in"
                " 2026-05-31T18:00:00.000Z, got 2026-01-01T00:00:00"
            ),
        ),
        (
            [STARTED, {**done(), "timestamp": "2026-01-01T00:00:00+00:00Z"}, completed()],
            (
                "broken: event 2 progress_update: times are ISO 8601 in UTC: expected a timestamp as in"
                " 2026-05-31T18:00:00.000Z, got 2026-01-01T00:00:00+00:00Z"
            ),
        ),
        (
            [STARTED, {**done(), "id": "x"}, {**completed(), "id": "x"}],
            (
                "broken: event 3 execution_completed: an id is one event's: expected another id for each event of a"
                " connection, got 'x' again"
            ),
        ),
        (
            [STARTED, BROKEN, done(), completed()],
            "broken: event 2: every frame is an event: expected JSON with a type",
        ),
    ],
)
def test_a_broken_promise_of_an_execution_is_a_line(events: list[Any], line: str) -> None:
    found = lines(checked(*events))
    assert [shown for shown in found if shown.startswith(line)], found


@pytest.mark.parametrize(
    ("events", "line"),
    [
        (
            [CREATED, BEGUN],
            (
                "broken: stream: each task's end is sent: expected completed, failed or cancelled of every"
                " task, got none of"
                " 1 tasks, t for one"
            ),
        ),
        (
            [BEGUN, ENDED, ENDED],
            "broken: event 3 task.completed: one end a task: expected one end of a task, got another one of t",
        ),
        (
            [BEGUN, *(task("task.progress", at, progress=at) for at in (1, 1.2, 3)), ENDED],
            (
                "broken: event 3 task.progress: progress once a second: expected a second between two"
                " reports of a task's"
                " progress, got 0.200 s, of t"
            ),
        ),
        (
            [BEGUN, *(task("task.output", n / 50, stream="stdout", data="x") for n in range(20)), ENDED],
            (
                "broken: event 14 task.output: output in chunks: expected about 100 characters or 100 ms a chunk of a"
                " task's output, got more than 12 short ones within a second, of t"
            ),
        ),
        (
            [BEGUN, task("task.hitl_required", checkpointId="c", title="?", options=[{"id": "a"}]), ENDED],
            (
                "broken: event 2 task.hitl_required: a question has a deadline: expected timeout of every"
                " question, got none"
            ),
        ),
        (
            [
                BEGUN,
                task("task.hitl_required", checkpointId="c", title="?", options=[], timeout="2026-01-01T00:00:00Z"),
            ],
            (
                "broken: event 2 task.hitl_required: a question has a default: expected defaultAction of"
                " every question, got"
                " none"
            ),
        ),
        (
            [BEGUN, task("task.failed", 2, error={"message": 5})],
            "broken: event 2 task.failed: fields have their types: expected error.message as a text, got 5",
        ),
        (
            [BEGUN, task("task.progress", progress=-1), ENDED],
            (
                "broken: event 2 task.progress: fields have their types: expected progress as a number"
                " from 0 to 100, got -1"
            ),
        ),
        ([ENDED], "broken: event 1 task.completed: a task begins first: expected task.started before task.completed"),
        ([BEGUN, task("task.sings"), ENDED], "advice: event 2 task.sings: known types: expected an event type of the"),
    ],
)
def test_a_broken_promise_of_a_task_is_a_line(events: list[Event], line: str) -> None:
    found = lines(checked(*events))
    assert [shown for shown in found if shown.startswith(line)], found


def test_the_last_progress_may_come_right_before_the_end() -> None:
    events = [task("task.progress", at, progress=at, currentStep="s") for at in (1, 1.2)]
    assert lines(checked(BEGUN, *events, task("task.completed", 1.2, result=RESULT, metrics=SUMS))) == []


def test_a_finding_of_many_events_is_one_line_with_their_number() -> None:
    (found,) = checked(BEGUN, *[task("task.progress", n, progress="x") for n in range(5)], ENDED).broken
    assert (found.event, found.count) == (2, 5)


def test_what_a_stream_that_broke_off_lacks_is_no_finding() -> None:
    found = checked(STARTED, done(), reason="it was cut")
    assert lines(found) == []
    assert str(found).endswith("every promise is kept; it could not be checked to its end: it was cut")


def test_nothing_is_a_finding() -> None:
    assert lines(checked()) == ["broken: stream: there are events: expected one or more events, got none"]


def test_nothing_of_a_stream_that_broke_off_is_no_finding() -> None:
    assert lines(checked(reason="it was cut")) == []


def test_a_hostile_text_is_shown_with_marks() -> None:
    found = checked(BEGUN, task("task.progress", progress="\x1b[2J\u202e"), ENDED)
    assert "\x1b" not in str(found)
    assert "\u202e" not in str(found)
    assert json.loads(found.to_json())["ok"] is False
    assert found.frame["rule"].tolist() == ["fields have their types", "fields are there"]


@pytest.mark.parametrize(
    ("frame", "stamps"),
    [
        ({"type": "a", "timestamp": "T", "data": {}}, ["T"]),
        ({"type": "a", "data": {"timestamp": "T"}}, ["T"]),
        ([{"type": "a", "payload": {}}, {"type": "b", "timestamp": "T"}], [None, "T"]),
        ({"id": 1, "result": {"type": "data", "data": {"type": "a", "timestamp": "T", "payload": {}}}}, ["T"]),
        (
            {
                "id": 1,
                "result": {"type": "data", "data": {"id": "9", "data": {"json": {"type": "a", "timestamp": "T"}}}},
            },
            ["T"],
        ),
        (["event", ["a", {"type": "a", "timestamp": "T"}]], ["T"]),
        (["ack", "1", []], []),
        ("pong", []),
    ],
)
def test_the_times_of_a_frame_are_found_as_they_are_written(frame: Any, stamps: list[Any]) -> None:
    assert list(_stamps(json.dumps(frame))) == stamps


@pytest.mark.parametrize("status", [["completed"], {"a": 1}])
def test_a_status_that_is_no_text_is_a_finding(status: Any) -> None:
    found = lines(checked(STARTED, done(status=status), completed(completed_tasks=0, status="failed")))
    assert found == [
        f"broken: event 2 progress_update: fields have their types: expected status as a text, got {status!r}"
    ]


def test_events_with_a_correlation_id_are_checked() -> None:
    events = [{**event, "correlationId": "run-1"} for event in (STARTED, done(progress_percent=900), completed())]
    assert [(finding.event, finding.got) for finding in checked(*events).broken] == [(2, "900")]


def test_answers_to_the_console_are_left_out() -> None:
    told = {"type": "subscribed", "payload": {}, "correlationId": "1"}
    refused = {"type": "error", "payload": {"message": "no such channel"}, "correlationId": "2"}
    assert lines(checked(STARTED, told, refused, done(), completed())) == []


def test_a_line_break_in_the_stream_begins_no_line() -> None:
    stamped = STARTED | {"timestamp": "a\nbroken: forged"}
    found = str(checked(stamped, execution("x\nbroken: forged"), done(), completed()))
    assert len(found.splitlines()) == 3
    assert "a␊broken: forged" in found


def test_a_broken_promise_is_found_behind_advice_of_any_number() -> None:
    advised = [execution(f"other{number}") for number in range(1_500)]
    found = checked(STARTED, *advised, done(progress_percent=900), completed())
    assert [finding.got for finding in found.broken] == ["900"]
    assert len(found.findings) < 1_010
    assert sum(finding.count for finding in found.findings) == 1_501


# ---- sources --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", ["json", "trpc", "socketio"])
@pytest.mark.parametrize("family", ["execution", "tasks"])
def test_the_simulator_keeps_its_promises(family: Any, wire: Any) -> None:
    options: dict[str, Any] = {"decision_timeout": 20, "speed": 50} if family == "tasks" else {"speed": 0}
    with Simulator(family=family, wire=wire, **options).start() as simulator:
        found = runconsole.check(simulator.url, on_checkpoint=lambda question: question.options[0])
    assert lines(found) == []
    assert (found.family, found.ended) == (family, True)


def work(number: int) -> None:
    report(progress=0.5, output="half\n", tokens=1)
    if number == 3:
        raise ValueError("three")


def test_a_run_of_ones_own_keeps_the_promises(tmp_path: Path) -> None:
    with start_run("own", record=tmp_path / "run.jsonl", show=False, phases={"A": 8}) as run:
        with pytest.raises(ValueError, match="three"):
            run.map(work, range(8), phase="A", retries=1)
        with run.wave(), run.task("t") as told:
            for step in range(100):
                told.progress(step / 100)
                print(step, file=told.stdout)
                print(step, file=told.stderr)
            run.artifact("a.py", size=3)
    found = check(tmp_path / "run.jsonl")
    assert lines(found) == []
    assert found.ended


def test_an_option_beside_a_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").touch()
    with pytest.raises(InvalidArgument, match="no options beside a recording, got token"):
        check(tmp_path / "run.jsonl", token="x")


def test_the_command_says_what_is_broken_and_exits_with_1(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with start_run(record=file, show=False) as run:
        run.emit("task.progress", {"taskId": "t", "progress": 300})
    result = CliRunner().invoke(cli, ["check", str(file)])
    assert result.exit_code == 1
    assert (
        "event 2 task.progress: fields have their types: expected progress as a number from 0 to 100, got 300"
        in result.output
    )
    as_json = CliRunner().invoke(cli, ["check", str(file), "--json"])
    assert as_json.exit_code == 1
    assert json.loads(as_json.output)["findings"][0]["got"] == "300"


def test_the_command_exits_with_0_for_a_clean_run_and_2_for_no_address(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with start_run(record=file, show=False):
        pass
    assert CliRunner().invoke(cli, ["check", str(file)]).exit_code == 0
    assert CliRunner().invoke(cli, ["check", str(tmp_path / "nothing.jsonl")]).exit_code == 2
