"""`start_run`: its blocks, its reports, its end, and the frames that they leave behind."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runconsole import ActiveRun, ActiveTask, Console, ConsoleWidget, InvalidArgument, start_run
from runconsole.reporting import current

ALL = ("tasks", "subtasks", "phases", "waves", "artifacts", "errors", "checkpoints")
FIRST, LAST = "execution_started", "execution_completed"


@pytest.fixture(autouse=True)
def _everything_ends() -> Iterator[None]:
    yield
    for run in list(current.runs):
        run.finish("cancelled")
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("runconsole")] == []


def row_of(run: ActiveRun, task: ActiveTask) -> dict[str, Any]:
    return {str(name): value for name, value in run.tasks.loc[task.id].items()}


def payloads(run: ActiveRun, kind: str) -> list[dict[str, Any]]:
    events = run.events
    return [json.loads(payload) for payload in events.loc[events["type"] == kind, "payload"]]


def status(run: ActiveRun) -> str:
    return str(run.summary["status"])


# ---- tasks ----------------------------------------------------------------------------------------------------------


def test_a_task_is_a_row_and_its_end_completes_the_run() -> None:
    with start_run("nightly") as run:
        with run.task("train", phase="Train", max_retries=2) as task:
            task.progress(0.5, step="half", tokens=10, cost_usd=0.25)
            task.progress(1, tokens=5, cost_usd=0.25)
        row = row_of(run, task)
        assert (row["name"], row["phase_name"], row["status"]) == ("train", "Train", "completed")
    row = row_of(run, task)
    assert (row["tokens"], row["cost_usd"], row["step"], row["progress"]) == (15, 0.5, "half", 100)
    assert row["duration_s"] >= 0
    assert run.summary["status"] == "completed"
    assert (run.summary["percent"], run.summary["tokens_used"], run.summary["title"]) == (100, 15, "nightly")
    assert run.events["type"].iloc[0] == FIRST
    assert run.events["type"].iloc[-1] == LAST


def test_an_exception_is_one_error_of_the_innermost_task_and_goes_on() -> None:
    with pytest.raises(ValueError, match="no luck"), start_run() as run, run.task("outer"), run.task("inner"):
        raise ValueError("no luck")
    assert run.tasks["status"].tolist() == ["failed", "failed"]
    assert run.tasks["error"].tolist() == ["no luck", "no luck"]
    errors = run.errors
    assert errors[["task_name", "message", "error_type"]].to_numpy().tolist() == [["inner", "no luck", "ValueError"]]
    assert not errors["recoverable"].iloc[0]
    assert 'raise ValueError("no luck")' in errors["stack"].iloc[0]
    assert status(run) == "failed"


def test_a_failed_task_whose_exception_was_caught_leaves_a_partial_success() -> None:
    with start_run() as run:
        with pytest.raises(ZeroDivisionError), run.task("bad"):
            raise ZeroDivisionError
        with run.task("good"):
            pass
    assert run.errors["message"].tolist() == ["ZeroDivisionError"]
    assert payloads(run, LAST)[0]["status"] == "partial_success"
    assert (run.summary["completed_tasks"], run.summary["failed_tasks"]) == (1, 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupt_cancels_task_and_run_without_an_error(error: type[BaseException]) -> None:
    with pytest.raises(error), start_run() as run, run.task("long"):
        raise error
    assert run.tasks["status"].tolist() == ["cancelled"]
    assert status(run) == "cancelled"
    assert run.errors.empty


def test_an_exception_outside_of_tasks_is_an_error_of_the_run() -> None:
    with pytest.raises(RuntimeError), start_run() as run:
        raise RuntimeError("disk full")
    assert run.errors[["message", "error_type"]].to_numpy().tolist() == [["disk full", "RuntimeError"]]
    assert run.errors["task_id"].isna().all()
    assert status(run) == "failed"


def test_an_exit_without_a_code_is_a_success() -> None:
    with pytest.raises(SystemExit), start_run() as run:
        sys.exit(0)
    assert status(run) == "completed"


def test_subtasks_belong_to_their_task() -> None:
    with start_run() as run, run.task("build", id="build") as task:
        with task.subtask("compile") as part:
            part.progress(0.5)
        with pytest.raises(OSError, match="full"), task.subtask("link", id="ld"):
            raise OSError("full")
    assert list(run.subtasks.index) == [("build", "build.1"), ("build", "ld")]
    assert run.subtasks["status"].tolist() == ["completed", "failed"]
    assert run.subtasks["name"].tolist() == ["compile", "link"]
    assert run.tasks.loc["build", "status"] == "completed"
    assert run.errors.empty


def test_calls_of_tools_are_parts_of_their_task_with_arguments_and_results() -> None:
    with start_run() as run, run.task("build", id="build") as task:
        with task.tool("read", {"path": Path("a.py")}) as call:
            call.result({"lines": [1, 2]})
        with pytest.raises(OSError, match="full"), task.tool("write", id="w"):
            raise OSError("full")
        with task.tool("look", object) as call:
            call.result(complex(1, 2))
    assert list(run.tool_calls.index) == ["build.1", "w", "build.3"]
    assert run.subtasks["name"].tolist() == run.tool_calls["name"].tolist() == ["read", "write", "look"]
    assert run.tool_calls["status"].tolist() == ["completed", "failed", "completed"]
    assert run.tool_calls["arguments"].iloc[0] == {"path": "a.py"}
    assert run.tool_calls["result"].tolist()[0] == {"lines": [1, 2]}
    assert run.tool_calls["result"].tolist()[2] == "(1+2j)"
    assert run.tool_calls["error"].iloc[1] == "full"
    assert run.agents.empty


def test_what_a_task_is_in_is_found_by_context(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("x = 1\n")
    with start_run() as run:
        with run.task("a", phase="P") as outer:
            run.output("of a\n")
            run.tokens(7)
            run.artifact(tmp_path / "made.py")
            run.error("odd")
            with run.task("b") as inner:
                print("of b", file=inner.stderr)
        run.output("of none\n")
        run.tokens(3, 0.5)
    output = run.console.output
    assert dict(zip(output["text"], output["task_id"].fillna("-"), strict=True)) == {
        "of a\n": outer.id,
        "of b\n": inner.id,
        "of none\n": "-",
    }
    assert output["stream"].tolist() == ["stdout", "stderr", "stdout"]
    artifact = run.artifacts.iloc[0]
    assert (artifact["size"], artifact["language"], artifact["type"]) == (6, "python", "file")
    assert artifact["task_id"] == run.errors["task_id"].iloc[0] == outer.id
    assert run.errors["recoverable"].tolist() == [True]
    assert run.tasks["phase_name"].tolist() == ["P", "P"]
    assert run.tasks.loc[outer.id, "tokens"] == 7
    assert (run.summary["tokens_used"], run.summary["cost_usd"]) == (10, 0.5)


def test_tokens_outside_of_tasks_count_beside_those_of_tasks() -> None:
    with start_run() as run:
        run.tokens(100)
        with run.task("t") as task:
            task.tokens(10)
        assert run.summary["tokens_used"] == 110
    assert run.summary["tokens_used"] == 110


def test_what_comes_after_the_end_of_a_task_changes_nothing_but_output() -> None:
    with start_run() as run:
        with run.task("t") as task:
            pass
        task.progress(0.1, tokens=5)
        task.output("late\n")
    row = row_of(run, task)
    assert (row["status"], row["progress"]) == ("completed", 100)
    assert run.summary["tokens_used"] is None
    assert run.console.output["text"].tolist() == ["late\n"]


def test_tasks_that_still_run_at_the_end_are_cancelled() -> None:
    run = start_run()
    run.task("open").__enter__()
    run.finish()
    assert run.tasks["status"].tolist() == ["cancelled"]
    assert payloads(run, LAST)[0]["status"] == "success"
    run.finish("failed")
    assert len(payloads(run, LAST)) == 1


# ---- loops ----------------------------------------------------------------------------------------------------------


def test_a_tracked_loop_is_a_task_with_a_bar() -> None:
    with start_run() as run:
        assert list(run.track([1, 2, 3], "count", phase="P")) == [1, 2, 3]
        assert list(run.track((n for n in range(4)), "generate")) == [0, 1, 2, 3]
        assert list(run.track((n for n in range(4)), "told", total=4)) == [0, 1, 2, 3]
        assert list(run.track([], "nothing")) == []
    assert run.tasks["status"].tolist() == ["completed"] * 4
    assert run.tasks["step"].fillna("").tolist() == ["3 of 3", "4", "4 of 4", ""]


def test_the_body_of_a_tracked_loop_is_inside_its_task() -> None:
    with start_run() as run:
        for item in run.track("ab", "letters"):
            run.output(item + "\n")
        run.output("after\n")
    assert run.console.output["task_id"].fillna("-").tolist() == ["task_001", "task_001", "-"]


def test_an_exception_in_the_body_of_a_loop_fails_its_task() -> None:
    def fail() -> None:
        for _ in run.track(range(10), "loop"):
            raise KeyError("k")

    with pytest.raises(KeyError), start_run() as run:
        fail()
    assert run.tasks[["status", "error"]].to_numpy().tolist() == [["failed", "'k'"]]
    assert run.errors["task_name"].tolist() == ["loop"]
    assert status(run) == "failed"


def test_an_exception_in_the_body_of_a_loop_inside_a_task_fails_both() -> None:
    def fail() -> None:
        for _ in run.track(range(10), "loop"):
            raise KeyError("k")

    with pytest.raises(KeyError), start_run() as run, run.task("around"):
        fail()
    assert run.tasks["status"].tolist() == ["failed", "failed"]
    assert run.errors["task_name"].tolist() == ["loop"]


def test_an_exception_of_the_iterable_fails_its_task() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), start_run() as run:
        list(run.track(broken(), "read"))
    assert run.tasks["status"].tolist() == ["failed"]


def test_a_break_completes_the_task_and_says_where() -> None:
    with start_run() as run:
        for number in run.track(range(10), "search"):
            if number == 3:
                break
        with run.task("next"):
            pass
    assert run.tasks["status"].tolist() == ["completed", "completed"]
    assert run.tasks["step"].iloc[0] == "left at 3 of 10"


# ---- the run --------------------------------------------------------------------------------------------------------


def test_announced_phases_count_against_their_plan() -> None:
    with start_run(phases={"Read": 2, "Write": 1}) as run:
        assert payloads(run, FIRST)[0]["phases"] == [
            {"number": 0, "name": "Read", "tasks": 2},
            {"number": 1, "name": "Write", "tasks": 1},
        ]
        with run.task("r1", phase="Read"):
            pass
        assert round(run.summary["percent"]) == 33
        assert run.phases[["name", "tasks", "completed"]].to_numpy().tolist() == [["Read", 2, 1], ["Write", 1, 0]]
        with run.task("more", phase="Else"):
            pass
    assert run.phases["name"].tolist() == ["Read", "Write", "Else"]
    assert payloads(run, LAST)[0]["total_tasks"] == 3


def test_a_phase_of_a_partial_run_ends_when_its_tasks_have() -> None:
    with start_run(phases=["A"]) as run:
        with run.task("a", phase="A"):
            pass
        with pytest.raises(ValueError, match="b"), run.task("b", phase="B"):
            raise ValueError("b")
    assert run.phases["status"].tolist() == ["completed", "completed"]
    assert run.phases["failed"].tolist() == [0, 1]


def test_without_a_total_the_progress_is_that_of_the_tasks() -> None:
    with start_run() as run:
        for number in run.track(range(4), "loop"):
            if number == 1:
                assert run.summary["percent"] == 25
        assert run.summary["percent"] == 100
    assert "total_tasks" not in payloads(run, "progress_update")[0]


def test_a_wave_sums_up_its_tasks() -> None:
    with start_run() as run:
        with run.wave():
            with run.task("a"):
                run.artifact("made.txt")
            with pytest.raises(ValueError, match="b"), run.task("b"):
                raise ValueError("b")
        with run.wave(5), run.task("c"):
            pass
        with run.wave() as last:
            assert last.number == 6
        with run.task("d", wave=9):
            pass
    waves = run.waves
    assert [waves[name].iloc[0] for name in ("atoms", "atoms_completed", "failed", "artifacts")] == [2, 1, 1, 1]
    assert waves.loc[1, "success_rate"] == 0.5
    assert waves.loc[5, "atoms"] == 1
    assert run.tasks["wave"].tolist() == [1, 1, 5, 9]
    assert [event["wave_number"] for event in payloads(run, "wave_completed")] == [1, 5, 6]


def test_any_event_can_be_reported_as_it_is() -> None:
    with start_run() as run:
        run.emit("log_message", {"level": "info", "message": "hello"})
        run.emit('odd "type"', {"at": Path("x"), "half": "\ud83d"})
    assert run.console.output["text"].tolist() == ["hello\n"]
    assert payloads(run, 'odd "type"') == [{"at": "x", "half": "\ufffd"}]
    assert run.summary["malformed"] == 0


def test_events_have_ids_numbers_and_times() -> None:
    with start_run(execution="run-7") as run, run.task("t"):
        pass
    frames = [json.loads(frame) for frame in run._emitter.journal.read(0)]
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    assert len({frame["id"] for frame in frames}) == len(frames)
    assert all(frame["timestamp"].endswith("Z") for frame in frames)
    assert frames[0]["data"] == {"execution_id": "run-7", "phases": []}
    assert run.summary["execution_id"] == "run-7"


def test_progress_and_output_are_reported_once_a_second() -> None:
    with start_run() as run, run.task("busy") as task:
        for number in range(1, 2001):
            task.progress(number / 2000, step=f"{number}")
            task.output(f"{number}\n")
    assert "".join(run.console.output["text"]) == "".join(f"{number}\n" for number in range(1, 2001))
    seconds = run.tasks["duration_s"].iloc[0]
    assert len(run.table("task.progress")) <= seconds + 3
    assert len(run.table("task.output")) <= seconds + 3
    assert run.tasks["step"].iloc[0] == "2000"


def test_what_waits_for_its_turn_comes_without_another_report() -> None:
    with start_run() as run, run.task("slow") as task:
        task.progress(0.1)
        task.progress(0.2, step="second")
        task.output("first\n")
        task.output("second\n")
        while "second\n" not in run.console.output["text"].tolist() or run.tasks["step"].iloc[0] != "second":
            pass
        assert run.tasks["progress"].tolist() == [20]


def test_many_threads_report_at_once() -> None:
    def work(number: int) -> None:
        with run.task(f"t{number}", id=f"t{number}", phase=f"P{number % 4}") as task:
            for step in range(50):
                task.output(f"{number}.{step}\n")
                task.tokens(1)
                with run.task(f"{number}.{step}"):
                    pass

    with start_run() as run:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(run.tasks) == 16 * 51
    assert set(run.tasks["status"]) == {"completed"}
    assert run.tasks["tokens"].sum() == run.summary["tokens_used"] == 800
    for number in range(16):
        text = "".join(run.console.output.loc[run.console.output["task_id"] == f"t{number}", "text"])
        assert text == "".join(f"{number}.{step}\n" for step in range(50))
    frames = run.events
    assert frames["event_id"].is_unique
    assert run.summary["completed_tasks"] == 816


async def test_a_run_in_coroutines_has_a_task_in_each() -> None:
    async def work(name: str) -> None:
        with run.task(name):
            await asyncio.sleep(0)
            run.output(f"{name}\n")

    async with start_run() as run:
        await asyncio.gather(*map(work, "abc"))
    names = run.tasks["name"]
    assert [names[task] for task in run.console.output["task_id"]] == run.console.output["text"].str.strip().tolist()
    assert status(run) == "completed"


async def test_a_cancelled_coroutine_cancels_its_run() -> None:
    begun = asyncio.Event()
    runs: list[ActiveRun] = []

    async def work() -> None:
        async with start_run() as run:
            runs.append(run)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert status(runs[0]) == "cancelled"


# ---- those who follow -----------------------------------------------------------------------------------------------


def test_consoles_and_panels_follow_a_run_from_its_beginning() -> None:
    with start_run("followed") as run:
        with run.task("a"):
            pass
        with Console(run, title="mine") as console, ConsoleWidget(run, display=False) as widget:
            with run.task("b"):
                pass
            run.finish()
            assert console.wait(30)
            assert widget.wait(30)
            for name in ALL:
                assert getattr(console, name).equals(getattr(run, name))
            assert console.address == f"local://{run.execution_id}"
            assert console.run.title == "mine"
            assert console.events["payload"].tolist() == run.events["payload"].tolist()
    with Console(run) as late:
        assert late.wait(30)
        assert late.tasks.equals(run.tasks)


def test_the_widget_of_a_run_is_one() -> None:
    with start_run() as run:
        assert run.widget is run.widget
        assert run.widget.console is run.console
    assert run.console.is_started  # its pages may still ask for more
    run.console.stop()


def test_a_run_is_recorded_and_replayed(tmp_path: Path) -> None:
    with start_run("kept", record=tmp_path / "run.jsonl") as run, run.task("t") as task:
        task.output("x\n")
    with Console(tmp_path / "run.jsonl") as replayed:
        for name in ALL:
            assert getattr(replayed, name).equals(getattr(run, name))
    run.save(tmp_path / "copy.jsonl")
    with Console(tmp_path / "copy.jsonl") as copy:
        assert copy.run.status == "completed"


SCRIPT = """
import runconsole
run = runconsole.start_run("left open", record="run.jsonl")
for number in run.track(range(3), "loop"):
    print(number)
{more}
"""


@pytest.mark.parametrize(
    ("more", "ended"),
    [
        ("", "completed"),
        ("run.task('open').__enter__()", "cancelled"),
        ("raise SystemExit(3)", "completed"),
    ],
)
def test_the_end_of_the_interpreter_ends_a_run_and_loses_nothing(tmp_path: Path, more: str, ended: str) -> None:
    code = SCRIPT.format(more=more)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0\n1\n2\n", "")
    with Console(tmp_path / "run.jsonl") as console:
        assert (console.run.status, console.run.completed_tasks) == (ended, 1)
        assert console.events["type"].iloc[-1] == LAST


def test_an_exception_of_a_script_is_in_its_recording(tmp_path: Path) -> None:
    code = 'import runconsole\nwith runconsole.start_run(record="run.jsonl") as run, run.task("t"):\n    1 / 0\n'
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    with Console(tmp_path / "run.jsonl") as console:
        assert console.run.status == "failed"
        assert console.errors["error_type"].tolist() == ["ZeroDivisionError"]


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"execution": " "}, "the id of the run"),
        ({"execution": 7}, "execution= to be a text"),
        ({"total_tasks": -1}, "total_tasks= to be a whole number"),
        ({"total_tasks": True}, "total_tasks= to be a whole number"),
        ({"phases": "Read"}, "a list of names, or a dict"),
        ({"phases": {"Read": "two"}}, "to be a whole number"),
        ({"phases": [1]}, "the names of phases as texts"),
        ({"title": 7}, "title= to be a string"),
        ({"on_checkpoint": 7}, "on_checkpoint= to be a function"),
    ],
)
def test_a_bad_argument_of_a_run_is_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        start_run(**arguments)
    assert current.runs == []


def test_bad_reports_are_named_and_end_nothing() -> None:
    with start_run() as run, run.task("t", id="mine") as task:
        for call, words in (
            (lambda: task.progress(1.5), "from 0 to 1"),
            (lambda: task.progress("half"), "from 0 to 1"),  # type: ignore[arg-type]
            (lambda: task.progress(float("nan")), "from 0 to 1"),
            (lambda: task.progress(step=7), "step= to be a text"),  # type: ignore[arg-type]
            (lambda: task.tokens(-1), "tokens as a whole number"),
            (lambda: run.tokens(1, float("inf")), "US dollars"),
            (lambda: task.output("x", stream="err"), "'stdout' or 'stderr'"),  # type: ignore[arg-type]
            (lambda: task.output(7), "text= to be a text"),  # type: ignore[arg-type]
            (lambda: run.task("t", id="mine"), "no task of this run has"),
            (lambda: run.task("t", id="task_000"), "no task of this run has"),
            (lambda: run.task("t", wave=-1), "wave= to be a whole number"),
            (lambda: run.task(None), "name= to be a text"),  # type: ignore[arg-type]
            (lambda: run.track([], "x", total=-1), "total= to be a whole number"),
            (lambda: run.emit("x", [1]), "data= to be a mapping"),  # type: ignore[arg-type]
            (lambda: run.emit("x", {"f": object()}), "JSON can carry"),
            (lambda: run.finish("done"), "status= to be one of"),
            (task.__enter__, "has not begun"),
        ):
            with pytest.raises(InvalidArgument, match=words):
                call()
        task.progress(1 + 1e-9)
    assert run.tasks["status"].tolist() == ["completed"]
    with pytest.raises(InvalidArgument, match="this run has ended"):
        run.task("too late")
    with pytest.raises(InvalidArgument, match="this run has ended"):
        run.emit("x", {})


def test_numbers_of_other_libraries_are_numbers() -> None:
    import numpy as np

    with start_run() as run, run.task("t") as task:
        task.progress(np.float32(0.5), tokens=np.int64(3), cost_usd=np.float64(0.5))  # type: ignore[arg-type]
    assert (run.summary["tokens_used"], run.summary["cost_usd"]) == (3, 0.5)


def test_texts_of_a_run_stay_texts() -> None:
    with start_run("<b>bold</b> \x1b[31m") as run, run.task("line\nbreak \ud83d") as task:
        task.output("a\udcffb\n")
    assert run.tasks["name"].tolist() == ["line\nbreak \ufffd"]
    assert run.console.output["text"].tolist() == ["a\ufffdb\n"]
    assert "\x1b" not in str(run)
    assert repr(run).startswith("ActiveRun('<b>bold</b>")
    assert repr(task) == "ActiveTask('line\\nbreak \\ud83d', id='task_001', status='completed')"
