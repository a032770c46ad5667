"""`ask`: questions of a run, answered once, by a console, a policy, the terminal or the time."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runconsole import (
    ActiveRun,
    Checkpoint,
    CheckpointOption,
    Console,
    DecisionExpired,
    DecisionRefused,
    InvalidArgument,
    NoOneToAsk,
    TakenAnswer,
    start_run,
)
from runconsole.reporting import notebook, questions
from tests.servers.json_server import eventually

OPTIONS = ["deploy", "keep"]


def asked(run: ActiveRun) -> str:
    """Return the id of the open question, as soon as there is one."""
    eventually(lambda: run.pending)
    return run.pending[0].checkpoint_id


class Beside:
    """A function in a thread beside this one; at the end of the block it has returned."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._failure: BaseException | None = None
        self._function = function
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:  # noqa: BLE001 - raised by the test's thread
            self._failure = error

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        if self._failure is not None:
            raise self._failure


def test_code_answers_a_question() -> None:
    with start_run() as run, run.task("release") as task:
        decide = lambda: run.decide(asked(run), "deploy", feedback="ship it", modifications={"n": 1})  # noqa: E731
        with Beside(decide):
            answer = run.ask(
                "Deploy the model?",
                options=OPTIONS,
                default="keep",
                context={"spec": "...", "cost": 0.4},
                type="release",
            )
    assert answer == TakenAnswer("deploy", "ship it", {"n": 1}, decided_by="you", timed_out=False)
    row = run.checkpoints.iloc[0]
    assert row[["task_id", "type", "title", "decision", "decided_by"]].tolist() == [
        *(task.id, "release", "Deploy the model?", "deploy", "you"),
    ]
    assert row["context"] == {"spec": "...", "cost": 0.4}
    assert row["default_action"] == "keep"
    assert run.decisions["state"].tolist() == ["applied"]


def test_options_have_ids_labels_and_descriptions() -> None:
    options = ["a", {"id": "b", "label": "Bee", "description": "buzzes"}, CheckpointOption("c", "Sea"), {"id": "d"}]
    with start_run() as run, Beside(lambda: run.decide(asked(run), "Bee")):
        assert run.ask("Which?", options=options).option == "b"  # type: ignore[arg-type]
    offered = run.checkpoints["options"].iloc[0]
    assert [(option["id"], option["label"], option["description"]) for option in offered] == [
        ("a", "a", None),
        ("b", "Bee", "buzzes"),
        ("c", "Sea", None),
        ("d", "d", None),
    ]


def test_a_policy_answers() -> None:
    with start_run(on_checkpoint=lambda checkpoint: (checkpoint.options[0].id, "by rule")) as run:
        answer = run.ask("Deploy?", options=OPTIONS)
    assert answer == TakenAnswer("deploy", "by rule", decided_by="policy")
    assert run.checkpoints["decided_by"].tolist() == ["you"]


def test_the_default_is_taken_when_the_time_is_up() -> None:
    with start_run() as run:
        answer = run.ask("Deploy?", options=OPTIONS, default="keep", timeout=0.05)
        assert answer == TakenAnswer("keep", decided_by="timeout", timed_out=True)
        with pytest.raises((DecisionExpired, DecisionRefused), match=r"time-out|deadline"):
            run.decide("question-1", "deploy")
        without = run.ask("Deploy?", options=OPTIONS, timeout=0.05)
        assert (without.option, without.timed_out) == (None, True)
    assert run.checkpoints["decided_by"].tolist() == ["timeout", "timeout"]
    assert run.checkpoints["decision"].fillna("-").tolist() == ["keep", "-"]


def test_one_of_many_answers_counts() -> None:
    taken: list[str] = []
    refused: list[str] = []

    def answer(console: Console, question: Checkpoint, option: str) -> None:
        try:
            console.decide(question, option)
        except DecisionRefused as error:
            refused.append(str(error))
        else:
            taken.append(option)

    with start_run() as run:
        consoles = [Console(run) for _ in range(4)]

        def all_answer() -> None:
            eventually(lambda: all(console.pending for console in consoles))
            # Before any answer: the first one takes the question from all consoles.
            questions = [console.pending[0] for console in consoles]
            threads = [
                threading.Thread(target=answer, args=(console, question, OPTIONS[number % 2]))
                for number, (console, question) in enumerate(zip(consoles, questions, strict=True))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        with Beside(all_answer):
            given = run.ask("Deploy?", options=OPTIONS)
        assert [given.option] == taken
        assert len(refused) == 3
    for console in consoles:
        assert console.wait(30)
        assert console.checkpoints["decision"].tolist() == taken
        console.stop()
    assert run.table("checkpoint.resolved")["selectedOption"].tolist() == taken


def test_threads_ask_at_once() -> None:
    answers: dict[int, str | None] = {}

    def work(number: int) -> None:
        with run.task(f"t{number}"):
            answers[number] = run.ask(f"{number}?", options=["yes", f"no-{number}"]).option

    with start_run() as run:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(run.pending) == 8)
        for checkpoint in run.pending:
            run.decide(checkpoint, checkpoint.options[1].id)
        for thread in threads:
            thread.join()
    assert answers == {number: f"no-{number}" for number in range(8)}


async def test_coroutines_ask_without_blocking() -> None:
    async with start_run() as run:
        asking = [asyncio.create_task(run.ask_async(f"{n}?", options=OPTIONS)) for n in range(3)]
        while len(run.console.pending) < 3:  # noqa: ASYNC110 - the console's thread has no event to wait for
            await asyncio.sleep(0.01)
        for checkpoint in run.console.pending[:2]:
            await run.console.decide_async(checkpoint, "deploy")
        assert [(await task).option for task in asking[:2]] == ["deploy", "deploy"]
        asking[2].cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking[2]
        late = await run.ask_async("Late?", options=OPTIONS, default="keep", timeout=0.05)
        assert (late.option, late.timed_out) == ("keep", True)


async def test_a_cancelled_question_closes() -> None:
    async with start_run() as run:
        asking = asyncio.create_task(run.ask_async("Deploy?", options=OPTIONS))
        while not run.console.pending:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        while run.console.pending:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        assert run.console.checkpoints["status"].tolist() == ["expired"]


def test_the_end_of_the_run_ends_its_questions() -> None:
    failures: list[str] = []

    def ask() -> None:
        try:
            run.ask("Deploy?", options=OPTIONS)
        except NoOneToAsk as error:
            failures.append(str(error))

    with start_run() as run:
        thread = threading.Thread(target=ask)
        thread.start()
        asked(run)
    thread.join()
    assert failures == ["the run has ended, and with it this question"]
    assert run.checkpoints["status"].tolist() == ["expired"]
    with pytest.raises(InvalidArgument, match="this run has ended"):
        run.ask("Late?", options=OPTIONS, timeout=1)


def test_an_interrupt_withdraws_the_question() -> None:
    def interrupt() -> None:
        asked(run)
        signal.raise_signal(signal.SIGINT) if os.name == "nt" else os.kill(os.getpid(), signal.SIGINT)

    with start_run() as run:
        with Beside(interrupt), pytest.raises(KeyboardInterrupt):
            run.ask("Deploy?", options=OPTIONS)
        eventually(lambda: not run.pending)
        assert run.ask("Again?", options=OPTIONS, default="keep", timeout=0.01).option == "keep"


def test_a_question_that_nobody_can_answer_says_so_at_once() -> None:
    code = (
        "import runconsole\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(2)\n"
        "with runconsole.start_run() as run:\n"
        "    run.map(str, range(4), executor=pool)  # its idle threads answer nothing\n"
        "    try:\n"
        "        run.ask('Deploy?', options=['a', 'b'])\n"
        "    except runconsole.NoOneToAsk as error:\n"
        "        print(error)\n"
        "    print(run.ask('Deploy?', options=['a', 'b'], default='b', timeout=0.01).option)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("no answer can ever come: there is no panel, no terminal and no other thread")
    assert first.endswith(
        "pass timeout= and default=, or start_run(on_checkpoint=...), or let others answer by run.serve()"
    )
    assert second == "b"


def test_a_page_that_takes_no_presses_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_run() as run:
        run._widget = SimpleNamespace(_is_bound=False)  # type: ignore[assignment]
        monkeypatch.setattr(notebook, "kernel", lambda: SimpleNamespace(_supports_kernel_subshells=True))
        monkeypatch.setattr(questions, "_SILENT_S", 0.01)
        said: list[str] = []

        def is_told() -> bool:
            said.append(capsys.readouterr().err)
            return any(said)

        def answer() -> None:
            eventually(is_told)
            run.decide(asked(run), "keep")

        with Beside(answer):
            assert run.ask("Deploy?", options=OPTIONS).option == "keep"
        assert "question-1 waits for an answer, but no page takes presses while this cell runs" in "".join(said)
        run._widget = None


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (SimpleNamespace(_allow_stdin=False, _supports_kernel_subshells=True), "a program executes this notebook"),
        (SimpleNamespace(_allow_stdin=True, _supports_kernel_subshells=True), "no panel shows this run"),
    ],
)
def test_in_a_notebook_it_says_why_nobody_can_answer(
    monkeypatch: pytest.MonkeyPatch, kernel: SimpleNamespace, words: str
) -> None:
    with start_run() as run:
        monkeypatch.setattr(notebook, "kernel", lambda: kernel)
        with pytest.raises(NoOneToAsk, match=words):
            run.ask("Deploy?", options=OPTIONS)
        assert run.checkpoints.empty


TERMINAL = """
import runconsole
with runconsole.start_run("ship", record="run.jsonl") as run:
    answer = run.ask("Deploy?", options=["deploy", {"id": "keep", "label": "Keep it"}], default="keep")
    print("took", answer.option, answer.decided_by)
"""


@pytest.mark.parametrize(("typed", "taken"), [("1\n", "deploy"), ("9\nkeep it\n", "keep"), ("\n", "keep")])
def test_the_terminal_answers(tmp_path: Path, typed: str, taken: str) -> None:
    main, other = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", TERMINAL], cwd=tmp_path, stdin=other, stdout=other, stderr=other)
    os.close(other)
    shown = b""
    try:
        while b"then Enter" not in shown:
            shown += os.read(main, 4096)
        assert b"[1] deploy" in shown
        assert b"[2] Keep it (default)" in shown
        for line in typed.splitlines(keepends=True):
            os.write(main, line.encode())
        while f"took {taken} you".encode() not in shown:
            shown += os.read(main, 4096)
        assert process.wait(60) == 0
        with Console(tmp_path / "run.jsonl") as console:
            assert console.checkpoints[["decision", "decided_by"]].to_numpy().tolist() == [[taken, "you"]]
    finally:
        process.kill()
        process.wait()
        os.close(main)


ACTIONS = """
import runconsole
from runconsole import ActionRequest
asked = [ActionRequest("send", {"to": "a"}, allowed=["approve", "edit"]), ActionRequest("erase", {"path": "/x"})]
with runconsole.start_run("ship") as run:
    answer = run.ask("Do these?", requests=asked)
    print("took", *[(each.type, each.args, each.message) for each in answer.decisions])
"""


def test_the_terminal_decides_actions_one_by_one() -> None:
    main, other = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", ACTIONS], stdin=other, stdout=other, stderr=other)
    os.close(other)
    shown = b""
    try:
        for wanted, line in [
            (b"then Enter", "2"),
            (b"1 approve, 2 edit: ", "2"),
            (b"to (Enter for a): ", "b"),
            (b"1 approve, 2 reject: ", "2"),
            (b"Reason", "no"),
        ]:
            while wanted not in shown:
                shown += os.read(main, 4096)
            os.write(main, f"{line}\n".encode())
        while b"took ('edit', {'to': 'b'}, None) ('reject', None, 'no')" not in shown:
            shown += os.read(main, 4096)
        assert b"[1] Approve all" in shown
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"options": []}, "different options, one or more"),
        ({"options": ["a", "a"]}, "different options"),
        ({"options": "ab"}, "a list of texts or of dicts, got a str"),
        ({"options": [7]}, "an option as a text, or a dict"),
        ({"options": [{"label": "x"}]}, "with the texts id, label and description"),
        ({"options": [{"id": "x", "colour": "red"}]}, "with the texts id, label and description"),
        ({"options": [" "]}, "got an empty one"),
        ({"default": "maybe"}, "default= to be one of the options"),
        ({"timeout": 0}, "timeout= to be a number of seconds"),
        ({"title": 7}, "title= to be a text"),
        ({"description": 7}, "description= to be a text"),
        ({"context": "spec"}, "context= to be a dict"),
        ({"context": {"f": object()}}, "context= to be a value that JSON can carry"),
    ],
)
def test_a_bad_question_is_named_and_not_asked(arguments: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"title": "Deploy?", "options": OPTIONS, "timeout": 1} | arguments
    with start_run() as run:
        with pytest.raises(InvalidArgument, match=words):
            run.ask(given.pop("title"), **given)
        assert run.checkpoints.empty
