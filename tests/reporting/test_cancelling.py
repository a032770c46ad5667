"""Cancelling a task: what waits is never begun, what runs ends where it reports its progress next."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from runconsole import CallRefused, InvalidArgument, TaskCancelled, report, start_run, tqdm
from runconsole.reporting.tasks import ActiveTask
from tests.servers.json_server import eventually

SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.parametrize(
    "tell",
    [
        lambda task: task.progress(0.5),
        lambda task: task.progress(step="on"),
        lambda task: task.tokens(3),
        lambda task: report(progress=0.5),
        lambda task: report(output="on"),
    ],
)
def test_a_running_task_ends_at_its_next_report(tell: Callable[[ActiveTask], None]) -> None:
    with start_run(show=False) as run:
        with run.task("long", id="a") as task:
            assert run.cancel("a") == "it ends when it reports its progress next"
            tell(task)
            pytest.fail("it went on")
        with run.task("next"):
            pass
    assert run.tasks["status"].tolist() == ["cancelled", "completed"]
    assert run.errors.empty
    assert run.console.run.status == "completed"


def test_the_report_counts_that_ends_the_task() -> None:
    with start_run(show=False) as run, run.task("long", id="a") as task:
        run.cancel("a")
        task.progress(0.5, tokens=7)
    assert run.summary["tokens_used"] == 7


def test_a_loop_ends_after_its_step() -> None:
    seen = []
    with start_run(show=False) as run:
        for number in run.track(range(5), "loop"):
            seen.append(number)
            if number == 1:
                run.cancel(run.tasks.index[0])
        for number in tqdm(range(5), desc="bar"):
            seen.append(number)
            run.cancel(run.tasks.index[1])
    assert seen == [0, 1, 0]
    assert run.tasks["status"].tolist() == ["cancelled", "cancelled"]


def test_the_block_of_another_task_does_not_catch_it() -> None:
    reached = []
    with start_run(show=False) as run, run.task("outer", id="a") as outer:
        with run.task("inner", id="b"):
            run.cancel("a")
            try:
                outer.progress(0.5)
            finally:
                reached.append("inner")
        reached.append("after inner")
    assert reached == ["inner"]
    assert run.tasks["status"].tolist() == ["cancelled", "cancelled"]


def test_an_unknown_or_ended_task_is_refused() -> None:
    with start_run(show=False) as run:
        with run.task("done", id="a"):
            pass
        for name in ("a", "nothing"):
            with pytest.raises(InvalidArgument, match=f"a task that has not ended, got '{name}'"):
                run.cancel(name)
        with pytest.raises(InvalidArgument, match="task_id= to be a text"):
            run.cancel(3)  # type: ignore[arg-type]


def test_what_waits_for_a_thread_is_never_begun() -> None:
    done, go = [], threading.Event()

    def work(number: int) -> None:
        assert go.wait(30)
        done.append(number)

    with start_run(show=False) as run, ThreadPoolExecutor(1) as outside:
        mapping = outside.submit(run.map, work, range(3), max_workers=1, name="w")
        eventually(lambda: len(run.tasks) == 3)
        run.console.cancel(run.tasks.index[2])  # as the panel's button does
        go.set()
        with pytest.raises(concurrent.futures.CancelledError, match="w 2 was cancelled"):
            mapping.result(30)
    assert done == [0, 1]
    assert run.tasks["status"].tolist() == ["completed", "completed", "cancelled"]


def test_what_a_thread_does_ends_at_its_report() -> None:
    begun, go = threading.Event(), threading.Event()

    def work(_: int) -> None:
        begun.set()
        assert go.wait(30)
        report(progress=0.5)
        pytest.fail("it went on")

    with start_run(show=False) as run, ThreadPoolExecutor(1) as outside:
        mapping = outside.submit(run.map, work, [1], retries=3)
        assert begun.wait(30)
        run.cancel("task_001")
        go.set()
        with pytest.raises(TaskCancelled):
            mapping.result(30)
    assert run.tasks["status"].tolist() == ["cancelled"]
    assert run.errors.empty


def wait(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.02)


def test_what_another_process_does_is_refused(tmp_path: Path) -> None:
    with start_run(show=False) as run, ThreadPoolExecutor(1) as outside, ProcessPoolExecutor(1, SPAWN) as processes:
        mapping = outside.submit(run.map, wait, [str(tmp_path / "go")] * 5, executor=processes)
        eventually(lambda: run.tasks["status"].tolist()[:1] == ["running"])
        try:
            with pytest.raises(CallRefused, match="runs in another process, where it cannot be cancelled"):
                run.console.cancel(run.tasks.index[0])
            assert run.console.cancel(run.tasks.index[4]) == "cancelled before it began"
        finally:
            (tmp_path / "go").touch()
        with pytest.raises(concurrent.futures.CancelledError):
            mapping.result(60)
    assert run.tasks["status"].tolist() == ["completed"] * 4 + ["cancelled"]
