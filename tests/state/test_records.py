"""Facts beside the tasks: artifacts, errors, output, alerts, the link, the server's clock."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.decoding.envelope import read_events
from runconsole.events import DuplicateDropped, LinkChanged, LinkStatus, TaskStatus
from runconsole.state import Finished, RunState, Urgent
from runconsole.state.server_clock import ServerClock
from tests.support.folding import START, Folded, execution, fold, task

SECOND = 1_000_000


def moment(at: float) -> int:
    return START + round(at * 1e6)


# ---- artifacts -----------------------------------------------------------------------------------------------------


def made(at: float, path: str = "a.py", **data: object) -> str:
    return execution("artifact_created", at, path=path, **data)


def test_a_file_reported_again_updates_its_row() -> None:
    folded = fold([made(1, size=10, language="python"), made(3, size=30), made(2, size=20, type="file")])
    (row,) = folded.state.artifacts.values()
    assert (row.path, row.size, row.kind, row.language, row.created_at) == ("a.py", 30, "file", "python", moment(1))


def test_files_of_the_same_name_in_two_tasks_are_two() -> None:
    folded = fold([made(1, task_id="a"), made(2, task_id="b"), made(3)])
    assert list(folded.state.artifacts) == [("a", "a.py"), ("b", "a.py"), (None, "a.py")]


def test_a_run_counts_its_files_at_least_as_the_server_does() -> None:
    folded = fold([made(1), made(2, "b.py")])
    assert folded.state.run().artifacts == 2
    assert folded.feed([execution("execution_completed", artifacts_created=45)]).state.run().artifacts == 45


# ---- errors --------------------------------------------------------------------------------------------------------


def failure(at: float | None, message: str = "no", **data: object) -> str:
    return execution("error", at, **{"task_id": "t", "message": message} | data)


def test_an_error_is_a_row_and_the_last_one_stands_at_its_task() -> None:
    folded = fold(
        [
            failure(2, "second", retry_attempt=2, max_retries=4, task_name="Build"),
            failure(1, "first", retry_attempt=1, max_retries=3),
        ]
    )
    row = folded.state.tasks["t"]
    assert [error.message for error in folded.state.errors.values()] == ["second", "first"]
    assert (row.name, row.error, row.attempts, row.max_retries) == ("Build", "second", 2, 4)
    assert (row.status, folded.state.run().errors) == (TaskStatus.PENDING, 2)


def test_each_error_is_a_row_however_equal() -> None:
    assert len(fold([failure(1), failure(1), failure(2), failure(None), failure(None)]).state.errors) == 5


def test_a_task_fails_once_however_often_reported() -> None:
    failed = task("task.failed", 1, error={"message": "no"})
    assert len(fold([failed, failed]).state.errors) == 1


def test_an_error_of_no_task_makes_no_task() -> None:
    folded = fold([failure(1, task_id=None)])
    assert (len(folded.state.errors), folded.state.tasks) == (1, {})


def test_an_error_without_a_task_name_gets_the_tasks_name() -> None:
    folded = fold([task("task.created", prompt="Build"), failure(1)])
    assert next(iter(folded.state.errors.values())).task_name == "Build"


# ---- output --------------------------------------------------------------------------------------------------------


def written(text: str, at: float | None = None, **marks: object) -> str:
    frame = json.loads(task("task.output", at, stream="stdout", data=text))
    return json.dumps(frame | marks)


def test_output_is_kept_as_written_in_order_of_arrival() -> None:
    folded = fold([written("b\r", 2), written("a\n", 1), task("task.output", stream="stderr", data="")])
    assert [(chunk.text, chunk.stream) for chunk in folded.state.output] == [
        ("b\r", "stdout"),
        ("a\n", "stdout"),
        ("", "stderr"),
    ]


def test_each_chunk_is_a_row_however_equal() -> None:
    folded = fold([written(".", 1), written(".", 1), written("."), written(".")])
    assert "".join(chunk.text for chunk in folded.state.output) == "...."


# ---- alerts --------------------------------------------------------------------------------------------------------


def test_only_the_newest_fifty_alerts_are_kept() -> None:
    folded = fold([task("system.alert", 1, level="warning", message="full")] * 2)
    assert [(alert.level, alert.text) for alert in folded.state.alerts] == [("warning", "full")] * 2
    folded.feed(task("system.alert", n, message=f"alert {n}") for n in range(60))
    assert [alert.text for alert in folded.state.alerts] == [f"alert {n}" for n in range(10, 60)]


@pytest.mark.parametrize(
    "frame",
    [failure(1), task("system.alert", message="x"), task("task.hitl_required", checkpointId="c"), task("task.failed")],
)
def test_news_that_a_person_must_see_is_urgent(frame: str) -> None:
    (event,) = read_events(frame, START)
    followed = RunState(task="t")
    assert Urgent() in followed.apply(event)


# ---- the link ------------------------------------------------------------------------------------------------------


def changed(status: LinkStatus, at: float = 0) -> LinkChanged:
    return LinkChanged(moment(at), status)


def test_each_change_of_the_link_is_a_row_with_its_duplicates() -> None:
    state = RunState()
    state.apply(DuplicateDropped())
    for fact in (
        changed("connecting"),
        changed("live"),
        DuplicateDropped(),
        DuplicateDropped(3),
        changed("retrying", 5),
    ):
        state.apply(fact)
    assert [(link.state, link.duplicates) for link in state.links] == [("connecting", 0), ("live", 4), ("retrying", 0)]
    assert state.versions["links"] == 5


def test_a_clean_end_of_the_stream_ends_a_run_of_everything() -> None:
    folded = fold([task("task.started", 0), task("task.hitl_required", 1, checkpointId="c")])
    effects = folded.state.apply(changed("ended", 9))
    assert Finished() in effects
    assert (folded.state.finished, folded.state.open_checkpoints) == (True, [])
    assert folded.state.apply(changed("ended", 10)) == (Urgent(),)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], "completed"),
        (["completed", "completed"], "completed"),
        (["completed", "failed"], "partial"),
        (["completed", "started"], "partial"),
        (["failed", "cancelled"], "failed"),
        (["completed", "cancelled"], "completed"),
        (["cancelled", "cancelled"], "cancelled"),
    ],
)
def test_tasks_decide_the_status_of_a_run_of_everything(kinds: list[str], status: str) -> None:
    folded = fold([task(f"task.{kind}", taskId=str(n)) for n, kind in enumerate(kinds)])
    folded.apply(changed("ended", 9))
    assert folded.state.status == status


# ---- versions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "parts"),
    [
        (execution("execution_started", phases=[{"number": 1}]), {"run", "phases"}),
        (execution("wave_completed", wave_number=1), {"waves"}),
        (execution("progress_update", task_id="t", phase=1, current_wave=1), {"run", "tasks", "phases", "waves"}),
        (task("task.progress", subtask={"id": "s"}), {"tasks", "subtasks", "run"}),
        (made(1), {"artifacts"}),
        (failure(1), {"errors", "tasks"}),
        (written("a"), {"output"}),
        (task("task.hitl_required", checkpointId="c"), {"checkpoints"}),
        (task("system.alert", message="m"), {"run"}),
        (task("worker.heartbeat"), set()),
        ("garbage", set()),
    ],
)
def test_a_change_raises_the_version_of_each_touched_part(frame: str, parts: set[str]) -> None:
    before = Folded().state.versions
    after = fold([frame]).state.versions
    assert {part for part in after if after[part] != before[part]} == parts


# ---- the server's clock --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("differences", "offset"),
    [
        ([], 0),
        ([0.3], 0),
        ([-0.9, 0.5], 0),
        ([3600.0], 3600.0),
        ([-3600.2, -3600.1, -3600.15], -3600.15),
        ([3600.0] + [-0.05] * 9, 0),
        ([-100.0, -50.0, -0.2, -0.1], 0),
    ],
)
def test_the_servers_clock_needs_more_than_one_event(differences: list[float], offset: float) -> None:
    clock = ServerClock()
    for difference in differences:
        clock.observe(moment(difference), START)
    assert clock.offset == round(offset * SECOND)


@given(st.lists(st.integers(-10 * SECOND, 0), min_size=3), st.integers(-(10**10), 10**10))
def test_one_wrong_timestamp_never_moves_the_clock(lags: list[int], wrong: int) -> None:
    clock = ServerClock()
    for lag in [*lags, wrong]:
        clock.observe(START + lag, START)
    assert clock.offset <= max(0, *lags[-8:])
