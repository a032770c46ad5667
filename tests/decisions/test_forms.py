"""Answers with a form: checked before they are sent, on every wire; sent where changes are sent."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from runconsole import (
    ActiveRun,
    Answer,
    Console,
    DecisionRefused,
    InvalidArgument,
    TakenAnswer,
    UnfitValues,
    start_run,
)
from runconsole.decoding.envelope import read_events
from runconsole.events import CheckpointOpened, CheckpointOption
from runconsole.state import Checkpoint
from runconsole.terminal.prompt import Prompt, PromptAnswer
from tests.servers.json_server import JsonServer, eventually

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "rate": {"type": "number", "maximum": 1},
        "kind": {"enum": ["small", "large"], "default": "small"},
    },
    "required": ["rate"],
}
OPTIONS = ["train", "skip"]


def opened(**payload: Any) -> CheckpointOpened:
    (event,) = read_events(json.dumps({"type": "checkpoint.pending", "payload": {"checkpointId": "c"} | payload}), 1)
    assert isinstance(event.fact, CheckpointOpened)
    return event.fact


@pytest.mark.parametrize("name", ["responseSchema", "answerSchema", "schema"])
def test_the_schema_of_a_question_is_read_under_its_names(name: str) -> None:
    assert opened(**{name: SCHEMA}).schema == SCHEMA


@pytest.mark.parametrize("given", [None, "x", 5, [], {}])
def test_what_is_no_schema_is_none(given: Any) -> None:
    assert opened(responseSchema=given).schema is None


# ---- a server -------------------------------------------------------------------------------------------------------


def question(schema: Any = SCHEMA, options: Any = ("approve", "reject")) -> dict[str, Any]:
    offered = [{"id": option, "label": option} for option in options]
    payload = {"checkpointId": "c", "title": "Train it?", "options": offered, "responseSchema": schema}
    return {"type": "checkpoint.pending", "payload": payload}


@pytest.fixture
def asking() -> Iterator[tuple[JsonServer, Console]]:
    with JsonServer() as server, Console(server.url) as console:
        server.peer.send(question())
        eventually(lambda: console.pending)
        yield server, console


def acknowledged(server: JsonServer) -> dict[str, Any]:
    """Acknowledge the one answer that comes; return what it says."""
    message = server.peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
    ack = {
        "type": "checkpoint.resolve.ack",
        "correlationId": message["correlationId"],
        "payload": {"checkpointId": "c"},
    }
    server.peer.send(ack)
    payload: dict[str, Any] = message["payload"]
    return payload


def test_unfit_values_are_not_sent(asking: tuple[JsonServer, Console]) -> None:
    server, console = asking
    with pytest.raises(UnfitValues, match=r"form of the question: rate: 3 is greater than the maximum of 1$") as caught:
        console.decide("c", "approve", values={"rate": 3})
    assert caught.value.fields == {"rate": "3 is greater than the maximum of 1"}
    with pytest.raises(UnfitValues, match="rate: a value is needed"):
        console.decide("c", "approve")
    with pytest.raises(InvalidArgument, match="values= or modifications="):
        console.decide("c", "approve", values={"rate": 1}, modifications={"rate": 1})
    assert len(console.decisions) == 0
    assert console.pending[0].schema == SCHEMA
    assert not any(message.get("type") == "checkpoint.resolve" for message in server.peer.messages)


@pytest.mark.parametrize("name", ["values", "modifications"])
def test_values_that_fit_are_sent_with_the_defaults(asking: tuple[JsonServer, Console], name: str) -> None:
    server, console = asking
    given: dict[str, Any] = {name: {"rate": 0.5}}
    with ThreadPoolExecutor(1) as outside:
        decision = outside.submit(console.decide, "c", "approve", **given)
        assert acknowledged(server)["modifications"] == {"rate": 0.5, "kind": "small"}
        assert decision.result().modifications == {"rate": 0.5, "kind": "small"}


def test_a_rejection_needs_no_values(asking: tuple[JsonServer, Console]) -> None:
    server, console = asking
    with ThreadPoolExecutor(1) as outside:
        decision = outside.submit(console.decide, "c", "reject")
        assert "modifications" not in acknowledged(server)
        assert decision.result().option == "reject"


def test_values_of_an_unusable_schema_are_left_to_the_server() -> None:
    with JsonServer() as server, Console(server.url) as console, ThreadPoolExecutor(1) as outside:
        server.peer.send(question({"properties": 5}))
        eventually(lambda: console.pending)
        decision = outside.submit(console.decide, "c", "approve", values={"rate": "any"})
        assert acknowledged(server)["modifications"] == {"rate": "any"}
        decision.result()


def test_a_question_for_words_is_answered_with_json_too() -> None:
    with JsonServer() as server, Console(server.url) as console, ThreadPoolExecutor(1) as outside:
        server.peer.send(question(None, ()))
        eventually(lambda: console.pending)
        with pytest.raises(InvalidArgument, match="in words or as modifications="):
            console.decide("c")
        decision = outside.submit(console.decide, "c", modifications={"color": "ré"})
        said = acknowledged(server)
        assert (said["decision"], said["modifications"]) == ('{"color": "ré"}', {"color": "ré"})
        decision.result()


@pytest.mark.parametrize(
    "answer",
    [
        {"option": "approve", "values": {"rate": 0.5}},
        {"option": "approve", "modifications": {"rate": 0.5}},
        Answer("approve", modifications={"rate": 0.5}),
    ],
)
def test_a_policy_sees_the_schema_and_gives_values(answer: Any) -> None:
    seen: list[Any] = []

    def policy(checkpoint: Checkpoint) -> Any:
        seen.append(checkpoint.schema)
        return answer

    with JsonServer() as server, Console(server.url, on_checkpoint=policy):
        server.peer.send(question())
        assert acknowledged(server)["modifications"] == {"rate": 0.5, "kind": "small"}
    assert seen == [SCHEMA]


def test_a_recording_keeps_the_schema(tmp_path: Path) -> None:
    with JsonServer() as server, Console(server.url, record=tmp_path / "run.jsonl") as console:
        server.peer.send(question())
        eventually(lambda: console.pending)
    with Console(tmp_path / "run.jsonl") as replayed:
        assert replayed.pending[0].schema == SCHEMA


# ---- a run of one's own ---------------------------------------------------------------------------------------------


def asked(run: ActiveRun, **options: Any) -> tuple[ThreadPoolExecutor, Future[TakenAnswer], str]:
    outside = ThreadPoolExecutor(1)
    answer = outside.submit(run.ask, "Train it?", options=OPTIONS, schema=SCHEMA, **options)
    eventually(lambda: run.pending)
    return outside, answer, run.pending[0].checkpoint_id


def test_ask_returns_the_values_with_the_defaults() -> None:
    with start_run(show=False) as run:
        outside, answer, name = asked(run)
        with outside:
            with pytest.raises(UnfitValues, match="kind: expected one of 'small', 'large', got 'huge'"):
                run.decide(name, "train", values={"rate": 1, "kind": "huge"})
            run.decide(name, "train", values={"rate": 1})
            assert answer.result(30).modifications == {"rate": 1, "kind": "small"}


async def test_ask_async_returns_the_values() -> None:
    async with start_run(show=False) as run:
        asking = asyncio.create_task(run.ask_async("Train it?", options=OPTIONS, schema=SCHEMA, timeout=60))
        await asyncio.to_thread(eventually, lambda: run.pending)
        await run.console.decide_async(run.pending[0].checkpoint_id, "train", values={"rate": 1})
        assert (await asking).modifications == {"rate": 1, "kind": "small"}


def test_the_run_refuses_what_does_not_fit_and_asks_on() -> None:
    with start_run(show=False) as run:
        outside, answer, name = asked(run)
        with outside:
            for values in ({"rate": 3}, None):
                with pytest.raises(DecisionRefused, match="rate: "):
                    run._questions.answer(name, Answer("train", modifications=values), by="other")
            assert run.pending
            run._questions.answer(name, Answer("skip"), by="other")
            assert answer.result(30).modifications is None


def test_a_viewer_elsewhere_sees_the_form_and_fills_it_in() -> None:
    with start_run(show=False) as run, Console(run.serve()) as viewer:
        outside, answer, name = asked(run)
        with outside:
            eventually(lambda: viewer.pending)
            assert viewer.pending[0].schema == SCHEMA
            viewer.decide(name, "train", values={"rate": 0.25, "kind": "large"})
            assert answer.result(30) == TakenAnswer("train", None, {"rate": 0.25, "kind": "large"}, decided_by="other")
    run.stop_serving()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("x", "expected schema= to be a JSON Schema, a dict, got a str"),
        ({"properties": 5}, "to be a JSON Schema that can be used: .*properties: 5 is not of type 'object'"),
    ],
)
def test_a_wrong_schema_is_refused_at_once(schema: Any, words: str) -> None:
    with start_run(show=False) as run:
        with pytest.raises(InvalidArgument, match=words):
            run.ask("Train it?", options=OPTIONS, schema=schema, timeout=1)
        assert run.checkpoints.empty


# ---- the terminal ---------------------------------------------------------------------------------------------------


def test_the_prompt_asks_field_by_field() -> None:
    waiting = [Checkpoint("c", options=(CheckpointOption("approve", "Approve"),), schema=SCHEMA)]
    prompt = Prompt()
    answers = [prompt.press(key, waiting) for key in ("1", "3", "enter")]
    shown = "\n".join(prompt.lines(waiting, 0))
    assert "! 3 is greater than the maximum of 1" in shown
    assert "rate (number; at most 1): ▌" in shown
    answers += [prompt.press(key, waiting) for key in ("1", "enter")]
    assert "kind (1 small, 2 large; Enter for small): ▌" in "\n".join(prompt.lines(waiting, 0))
    answers += [prompt.press(key, waiting) for key in ("2", "enter", *"ok", "enter")]
    given = Answer("approve", "ok", {"rate": 1, "kind": "large"})
    assert [answer for answer in answers if answer is not None] == [PromptAnswer("c", given)]


def test_the_prompt_asks_a_rejection_for_no_values() -> None:
    waiting = [Checkpoint("c", options=(CheckpointOption("reject", "Reject"),), schema=SCHEMA)]
    prompt = Prompt()
    assert [prompt.press(key, waiting) for key in ("1", "enter")][-1] == PromptAnswer("c", Answer("reject"))


PROGRAM = """
import runconsole
schema = {schema!r}
with runconsole.start_run("train") as run:
    answer = run.ask("Train it?", options=["train", "skip"], schema=schema)
    print("took", answer.option, answer.modifications)
"""


def test_a_program_asks_at_its_terminal(tmp_path: Path) -> None:
    main, other = pty.openpty()
    command = [sys.executable, "-c", PROGRAM.format(schema=SCHEMA)]
    process = subprocess.Popen(command, cwd=tmp_path, stdin=other, stdout=other, stderr=other)
    os.close(other)
    shown = b""
    try:
        for awaited, typed in (
            (b"then Enter", b"train\n"),
            (b"rate (number; at most 1): ", b"7\n"),
            (b"! 7 is greater than the maximum of 1", b"0.5\n"),
            (b"kind (1 small, 2 large; Enter for small): ", b"\n"),
            (b"took train {'rate': 0.5, 'kind': 'small'}", b""),
        ):
            while awaited not in shown:
                shown += os.read(main, 4096)
            os.write(main, typed)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)
