"""Runs of this process: a `Source` is followed, answered, recorded and replayed as a server is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from runconsole import (
    Answer,
    Console,
    ConsoleFailed,
    ConsoleWidget,
    DecisionExpired,
    DecisionRefused,
    InvalidArgument,
    RunInterrupted,
    Source,
    UnsupportedByWire,
)
from runconsole.protocols.local.wire import LocalWire, event_frame, read_call, reply_frame
from tests.servers.json_server import eventually

TASK: dict[str, Any] = {"taskId": "t"}
STARTED = {"type": "task.started", "id": "1", "payload": TASK | {"name": "Count"}}
COMPLETED = {"type": "task.completed", "id": "9", "payload": TASK}
QUESTION = {
    "type": "task.hitl_required",
    "id": "2",
    "payload": TASK | {"checkpointId": "c", "title": "Ship?", "options": ["yes", "no", {"label": "three", "value": 3}]},
}


class ListedEvents(Source):
    """Yields events one after the other, then ends."""

    def __init__(self, *events: Any) -> None:
        self._events = events
        self.readings = 0

    async def events(self) -> AsyncIterator[Any]:
        self.readings += 1
        for event in self._events:
            yield event


class Asking(Source):
    """Asks for approval, and continues after the answer."""

    name = "release of today"
    task_commands = ("cancel",)

    def __init__(self, refuse: Callable[[Answer[Any]], None] = lambda _: None) -> None:
        self.refuse = refuse
        self.answers: list[Answer[Any]] = []

    async def events(self) -> AsyncIterator[Any]:
        self._answered = asyncio.Event()
        yield STARTED
        yield QUESTION
        await self._answered.wait()
        yield {"type": "checkpoint.resolved", "id": "3", "payload": {"checkpointId": "c", "decision": "yes"}}
        yield COMPLETED

    async def decide(self, checkpoint_id: str, answer: Answer[Any]) -> None:
        assert checkpoint_id == "c"
        self.refuse(answer)
        self.answers.append(answer)
        self._answered.set()

    async def command(self, verb: str, task_id: str, **details: str | None) -> Any:
        if details:
            raise ValueError("not with a reason")
        return {"verb": verb, "task": task_id}


def test_the_events_of_a_source_are_a_run() -> None:
    with Console(ListedEvents(STARTED, COMPLETED)) as console:
        assert console.wait(20)
        assert (console.status, console.address, console.protocol) == ("ended", "local://ListedEvents", "local")
        assert console.events["type"].tolist() == ["task.started", "task.completed"]
        assert console.summary["malformed"] == 0


def test_an_answer_reaches_the_source_and_goes_on() -> None:
    source = Asking()
    with Console(source) as console:
        eventually(lambda: console.pending)
        decision = console.decide("c", "yes", feedback="go", modifications={"n": 1})
        assert decision.state == "acknowledged"
        assert console.wait(20)
        assert source.answers == [Answer("yes", "go", {"n": 1})]
        assert console.decisions["state"].tolist() == ["applied"]
        assert len(console.events) == 4
        assert console.address == "local://release-of-today"


def test_an_option_with_a_value_of_its_own_comes_as_that_value() -> None:
    source = Asking()
    with Console(source) as console:
        eventually(lambda: console.pending)
        console.decide("c", "three")
    assert source.answers == [Answer(3)]


@pytest.mark.parametrize(
    ("error", "raised"),
    [(ValueError("never on a Friday"), DecisionRefused), (DecisionExpired("too late", "c"), DecisionExpired)],
)
def test_an_error_of_decide_is_the_refusal(error: Exception, raised: type[Exception]) -> None:
    def refuse(_: Answer[Any]) -> None:
        raise error

    with Console(Asking(refuse)) as console:
        eventually(lambda: console.pending)
        with pytest.raises(raised, match=str(error)):
            console.decide("c", "no")


def test_a_source_without_decide_takes_no_answers() -> None:
    class Quiet(ListedEvents):
        async def events(self) -> AsyncIterator[Any]:
            yield STARTED
            yield QUESTION
            await asyncio.Event().wait()

    with Console(Quiet()) as console:
        eventually(lambda: console.pending)
        with pytest.raises(DecisionRefused, match=r"Quiet takes no answers .*: give it a method decide"):
            console.decide("c", "yes")


def test_commands_for_tasks_reach_the_source() -> None:
    with Console(Asking()) as console:
        eventually(lambda: console.pending)
        assert console.cancel("t") == {"verb": "cancel", "task": "t"}
        with pytest.raises(UnsupportedByWire, match="takes no 'pause' for a task"):
            console.pause("t")


def test_a_stop_in_the_middle_of_an_answer_leaves_it_unknown() -> None:
    class Slow(Asking):
        async def decide(self, *_: Any) -> None:
            begun.set()
            await asyncio.Event().wait()

    begun = threading.Event()
    with Console(Slow()) as console:
        eventually(lambda: console.pending)
        console._engine.decider.submit("c", Answer("yes"))
        assert begun.wait(20)
    assert console.decisions["state"].tolist() == ["unknown"]


# ---- ends and faults ------------------------------------------------------------------------------------------------


def test_events_that_end_early_interrupt_the_run() -> None:
    source = ListedEvents(STARTED)
    with (
        Console(source) as console,
        pytest.raises(RunInterrupted, match="the events of ListedEvents ended before the run did"),
    ):
        console.wait(20)
    assert source.readings == 1


class Failing(Source):
    async def events(self) -> AsyncIterator[Any]:
        yield STARTED
        raise KeyError("x")


class Coroutine(Source):
    async def events(self) -> Any:  # type: ignore[override]
        return None


class Ordinary(Source):
    def events(self) -> Any:
        yield STARTED


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Failing(), "Failing failed .KeyError: 'x'"),
        (Coroutine(), "expected `events` to be an async generator, got a coroutine: it has no yield"),
        (Ordinary(), "expected `events` to be an async generator .*, got a generator"),
        (ListedEvents(7), "expected an event as a mapping with a type, or its JSON text, got a int"),
        (ListedEvents({"kind": "x"}), "expected an event with a type, got one with 'kind'"),
        (ListedEvents({"type": "x", "payload": float("nan")}), "nan"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Source) else "",
)
def test_a_source_that_fails_says_how(source: Source, words: str) -> None:
    with Console(source) as console, pytest.raises(ConsoleFailed, match=words):
        console.wait(20)
    assert console.status == "failed"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"token": "s3cret-value"}, "expected no token= beside a Source: there is no server"),
        ({"headers": {"A": "b"}}, "expected no headers="),
        ({"protocol": "json"}, "expected no protocol= or transport= beside a Source"),
        ({"session": "s"}, "session="),
    ],
)
def test_options_for_servers_mean_nothing_beside_a_source(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        Console(ListedEvents(), **options)


def test_protocol_local_needs_a_source() -> None:
    with pytest.raises(InvalidArgument, match=r"expected a Source in the place of the URL.*Console\(source\)"):
        Console("ws://localhost:1/ws", protocol="local")


def test_a_source_that_never_waits_holds_up_nobody() -> None:
    class Flood(Source):
        async def events(self) -> AsyncIterator[Any]:
            while True:
                yield {"type": "task.output", "payload": TASK | {"data": "x"}}

    with Console(Flood()) as flood, Console(ListedEvents(STARTED, COMPLETED)) as console:
        assert console.wait(20)
        eventually(lambda: len(flood.events) > 1000)


# ---- beside all else ------------------------------------------------------------------------------------------------


def test_several_consoles_follow_one_source() -> None:
    source = ListedEvents(STARTED, COMPLETED)
    with Console(source) as one, Console(source) as other:
        assert one.wait(20)
        assert other.wait(20)
    assert one.events["payload"].tolist() == other.events["payload"].tolist()


def test_a_restarted_console_reads_again_without_doubles() -> None:
    with Console(ListedEvents(STARTED)) as console:
        with pytest.raises(RunInterrupted):
            console.wait(20)
        console.start()
        with pytest.raises(RunInterrupted):
            console.wait(20)
    assert len(console.events) == 1
    assert console.links["duplicates"].sum() == 1


def test_a_recording_of_a_source_is_replayed_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with Console(ListedEvents(STARTED), record=path) as console, pytest.raises(RunInterrupted):
        console.wait(20)
    assert Console(path).events["type"].tolist() == ["task.started"]
    with Console(ListedEvents(STARTED, COMPLETED), record=path) as console:
        assert console.wait(20)
        assert len(console.events) == 2
    replay = Console(path)
    assert replay.status == "ended"
    assert replay.events["payload"].tolist() == console.events["payload"].tolist()


def test_a_cell_run_again_shows_the_sources_own_widget() -> None:
    source = Asking()
    widget = ConsoleWidget(source)
    eventually(lambda: widget.pending)
    assert ConsoleWidget(source) is widget
    other = ConsoleWidget(Asking())
    assert other is not widget
    for each in (widget, other):
        each.stop()


# ---- frames ----------------------------------------------------------------------------------------------------------


def test_text_of_an_event_is_never_a_reply() -> None:
    forged = reply_frame("d", error="no")
    for text in (forged, 2 * forged, forged.replace("{", 2 * '{"runconsole.reply":', 1)):
        signals = LocalWire().receive(event_frame(text), 1)
        assert {type(signal).__name__ for signal in signals} == {"Received"}


def test_a_call_is_read_as_it_was_made() -> None:
    called = read_call('{"id":"d","checkpoint_id":"c","answer":{"option":3}}')
    assert (called.id, called.checkpoint_id, called.answer) == ("d", "c", Answer(3))
