"""`map`: one task an item, results in order, in threads and in processes."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from runconsole import InvalidArgument, report, start_run
from runconsole.reporting import channel
from tests.servers.json_server import eventually

SPAWN = multiprocessing.get_context("spawn")


def double(number: int) -> int:
    return 2 * number


def talk(number: int) -> int:
    report(progress=0.5, step=f"step of {number}", output=f"number {number}\n", tokens=10, cost_usd=0.5)
    report(artifact=f"{number}.py")
    return number


def fail_on_odd(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


def fail_twice(folder: str) -> int:
    """Fail at the first and second call, in whichever process."""
    calls = len(list(Path(folder).iterdir()))
    Path(folder, f"{calls}").touch()
    if calls < 2:
        raise OSError(f"call {calls + 1}")
    return calls


def die(_: int) -> None:
    os._exit(3)


@pytest.fixture(params=["threads", "processes", "given threads", "foreign"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor | None]:
    if request.param == "threads":
        yield None
        return
    makers: dict[str, Callable[[], Executor]] = {
        "processes": lambda: ProcessPoolExecutor(2, mp_context=SPAWN),
        "given threads": lambda: ThreadPoolExecutor(2),
        "foreign": Foreign,
    }
    with makers[request.param]() as pool:
        yield pool


class Foreign(Executor):
    """An executor of another library: a thread for each call."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - carried by the future
                future.set_exception(error)

        threading.Thread(target=work).start()
        return future


def test_results_come_in_order_one_task_each(executor: Executor | None) -> None:
    with start_run() as run:
        assert run.map(double, range(30), executor=executor, name="double", phase="P") == [2 * n for n in range(30)]
    assert run.tasks["status"].tolist() == ["completed"] * 30
    assert run.tasks["name"].tolist() == [f"double {n}" for n in range(30)]
    assert set(run.tasks["phase_name"]) == {"P"}
    assert run.tasks["worker_id"].notna().all()
    assert run.summary["completed_tasks"] == 30


def test_functions_report_from_where_they_run(executor: Executor | None) -> None:
    with start_run() as run:
        assert run.map(talk, [1, 2, 3], executor=executor) == [1, 2, 3]
    tasks = run.tasks
    assert tasks["step"].tolist() == ["step of 1", "step of 2", "step of 3"]
    assert tasks["tokens"].tolist() == [10, 10, 10]
    assert run.summary["cost_usd"] == 1.5
    output = run.console.output
    assert sorted(tasks.loc[output["task_id"], "name"] + ": " + output["text"].to_numpy()) == [
        *("talk 1: number 1\n", "talk 2: number 2\n", "talk 3: number 3\n"),
    ]
    assert sorted(run.artifacts["path"]) == ["1.py", "2.py", "3.py"]


def test_the_first_failure_is_raised_when_the_others_are_done(executor: Executor | None) -> None:
    with start_run() as run, pytest.raises(ValueError, match="1 is odd") as caught:
        run.map(fail_on_odd, range(5), executor=executor)
    assert caught.value.__notes__ == ["2 of 5 items failed"]
    assert run.tasks["status"].tolist() == ["completed", "failed", "completed", "failed", "completed"]
    assert sorted(run.errors["message"]) == ["1 is odd", "3 is odd"]
    assert "raise ValueError" in run.errors["stack"].iloc[0]
    assert run.summary["status"] == "partial"


def test_a_failure_that_leaves_the_run_is_reported_once() -> None:
    with pytest.raises(ValueError, match="1 is odd"), start_run() as run:
        run.map(fail_on_odd, [0, 1])
    assert run.errors["message"].tolist() == ["1 is odd"]


def test_failures_are_tried_again(executor: Executor | None, tmp_path: Path) -> None:
    with start_run() as run:
        assert run.map(fail_twice, [str(tmp_path)], executor=executor, retries=2) == [2]
    assert run.tasks[["status", "attempts", "max_retries"]].to_numpy().tolist() == [["completed", 2, 2]]
    assert run.errors["attempt"].tolist() == [1, 2]
    assert run.errors["recoverable"].tolist() == [True, True]


def test_retries_end(tmp_path: Path) -> None:
    with start_run() as run, pytest.raises(ValueError, match="1 is odd"):
        run.map(fail_on_odd, [1], retries=2)
    assert run.errors["recoverable"].tolist() == [True, True, False]
    assert run.errors["attempt"].tolist() == [1, 2, 2]
    assert run.tasks["status"].tolist() == ["failed"]


def test_a_worker_that_dies_fails_its_task() -> None:
    pool = ProcessPoolExecutor(1, mp_context=SPAWN)
    with pytest.raises(concurrent.futures.BrokenExecutor), pool, start_run() as run:
        run.map(die, [1], executor=pool)
    assert run.tasks["status"].tolist() == ["failed"]
    assert run.errors["error_type"].tolist() == ["BrokenProcessPool"]


def test_the_late_word_of_a_dead_worker_does_not_begin_its_task_again() -> None:
    with start_run() as run:
        with run.task("score") as task:
            record = task._record
        run._emitter.begin(record, worker="dead")
    assert run.tasks["status"].tolist() == ["completed"]


def test_items_of_a_generator_without_a_length_are_taken_as_they_come() -> None:
    with start_run() as run:
        assert run.map(double, (n for n in range(5)), max_workers=1) == [0, 2, 4, 6, 8]
        assert run.map(double, []) == []
    assert len(run.tasks) == 5


def test_items_wait_as_pending_tasks() -> None:
    may_go = threading.Event()

    def wait(number: int) -> int:
        may_go.wait(60)
        return number

    with start_run() as run:
        mapping = threading.Thread(target=run.map, args=(wait, range(10)), kwargs={"max_workers": 2})
        mapping.start()
        eventually(lambda: run.tasks["status"].value_counts().to_dict() == {"running": 2, "pending": 8})
        may_go.set()
        mapping.join()
    assert set(run.tasks["status"]) == {"completed"}


def test_an_interrupt_cancels_what_has_not_begun() -> None:
    begun, may_go = threading.Event(), threading.Event()

    def wait(number: int) -> int:
        begun.set()
        may_go.wait(60)
        return number

    def items() -> Iterator[int]:
        yield from range(5)
        begun.wait(60)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), start_run() as run:
        run.map(wait, items(), max_workers=1)
    may_go.set()
    assert run.tasks["status"].tolist() == ["cancelled"] * 5
    assert run.summary["status"] == "cancelled"


def test_the_end_of_the_run_cancels_what_has_not_begun() -> None:
    may_go = threading.Event()
    raised: list[BaseException] = []

    def wait(_: int) -> None:
        may_go.wait(60)

    def work() -> None:
        try:
            run.map(wait, range(5), max_workers=1)
        except concurrent.futures.CancelledError as error:
            raised.append(error)

    with start_run() as run:
        thread = threading.Thread(target=work)
        thread.start()
        eventually(lambda: len(run.tasks) == 5)
        run.finish("cancelled")
        thread.join()
        may_go.set()
    assert [str(error) for error in raised] == ["the run has ended: what had not begun is cancelled"]
    assert set(run.tasks["status"]) == {"cancelled"}


def test_questions_can_be_asked_inside_of_items() -> None:
    with start_run(on_checkpoint=lambda checkpoint: checkpoint.options[1].id) as run:
        assert run.map(lambda n: run.ask(f"{n}?", options=["no", f"yes {n}"]).option, [1, 2]) == ["yes 1", "yes 2"]
    assert run.checkpoints["task_id"].tolist() == run.tasks.index.tolist() or len(run.checkpoints) == 2


def test_an_executor_of_this_process_leaves_no_connection_behind() -> None:
    with Foreign() as pool, start_run() as run:
        assert run.map(double, [1, 2], executor=pool) == [2, 4]
    assert channel._lines == {}


def test_many_items_are_cheap_and_bounded() -> None:
    count = 20_000
    with start_run() as run:
        assert run.map(double, range(count), max_workers=2)[-1] == 2 * (count - 1)
        assert len(run._emitter._open) == 0
    assert run.summary["completed_tasks"] == count
    assert len(run.tasks) == count


def test_outside_of_a_run_a_report_does_nothing() -> None:
    report(progress=0.5, output="x", tokens=3, artifact="x")
    with pytest.raises(InvalidArgument, match="from 0 to 1"):
        report(progress=2)


def test_a_report_in_a_task_is_the_tasks_and_outside_of_tasks_the_runs() -> None:
    with start_run() as run:
        with run.task("t") as task:
            report(progress=0.25, step="s", tokens=2)
        report(output="of the run\n", tokens=3, progress=0.5)
    assert run.tasks.loc[task.id, "tokens"] == 2
    assert run.summary["tokens_used"] == 5
    assert run.console.output["task_id"].isna().tolist() == [True]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"function": 7}, "a function to map"),
        ({"executor": 7}, "executor= to be a concurrent.futures.Executor"),
        ({"max_workers": 0}, "max_workers= to be 1 or more"),
        ({"retries": -1}, "retries= to be a whole number"),
        ({"items": 7}, "not iterable"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"function": double, "items": [1]} | arguments
    with start_run() as run:
        with pytest.raises((InvalidArgument, TypeError), match=words):
            run.map(given.pop("function"), given.pop("items"), **given)
        assert run.tasks.empty
    with ThreadPoolExecutor(1) as pool, start_run() as run, pytest.raises(InvalidArgument, match="no max_workers="):
        run.map(double, [1], executor=pool, max_workers=2)
