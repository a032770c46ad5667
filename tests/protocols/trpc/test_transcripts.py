"""Conversations recorded with real servers (@trpc/server 11.25), played to the wire.

trpc_transcripts.txt holds them: `>` the client's frame, `<` the server's, `=` the wire's signals. The wire must send
the client's frames itself (JSON-equal) and give exactly these signals.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runconsole.events import Received
from runconsole.protocols.base import Reply, Request, Send, Signal, StreamRefused
from runconsole.protocols.trpc import superjson
from runconsole.protocols.trpc.wire import TrpcWire
from tests.support.decisions import requested

if TYPE_CHECKING:
    from runconsole.protocols.trpc.wire import Transformer

AT = 1_700_000_000_000_000
TRANSCRIPTS = Path(__file__).parent / "trpc_transcripts.txt"


def conversations() -> dict[str, list[str]]:
    """Return the lines of each conversation by its title."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in TRANSCRIPTS.read_text("utf-8").splitlines():
        if line.startswith("# "):
            lines = found.setdefault(line[2:], [])
        elif line:
            lines.append(line)
    return found


class Player:
    """Plays the client's part of a conversation through the wire, and notes its signals for the server's part."""

    def __init__(self, transformer: Transformer) -> None:
        self._transformer: Transformer = transformer
        self._params: dict[str, str] | None = None
        self._wire = self._opened()
        self._signals: list[Signal] = []

    def _opened(self) -> TrpcWire:
        """Return a wire whose own subscription the conversation leaves out."""
        wire = TrpcWire("stream.systemEvents", transformer=self._transformer, connection_params=self._params)
        wire._numbers = itertools.count(1000)
        wire.open()
        return wire

    def client(self, text: str) -> None:
        """Assert that the wire sends this frame."""
        if text in {"PING", "PONG"}:
            assert Send(text) in self._signals
            return
        frame = json.loads(text)
        if frame["method"] == "connectionParams":
            self._params = frame["data"]
            self._wire = self._opened()
        elif frame["method"] == "subscription":
            self._subscribe(frame)
        elif frame["method"] == "subscription.stop":
            assert [json.loads(stop) for stop in self._wire.close()] == [frame]
        else:
            assert json.loads(self._request(frame)) == frame

    def _subscribe(self, frame: dict[str, Any]) -> None:
        params = frame["params"]
        self._wire = TrpcWire(
            params["path"], self._input(params), transformer=self._transformer, connection_params=self._params
        )
        self._wire._numbers = itertools.count(frame["id"])
        self._wire.last_event_id = params.get("lastEventId")
        assert json.loads(self._wire.open()[-1]) == frame

    def _request(self, frame: dict[str, Any]) -> str:
        params = frame["params"]
        value = self._input(params)
        self._wire._numbers = itertools.count(frame["id"])
        if params["path"] not in {"checkpoints.resolve", "checkpoints.decide"}:
            return self._wire.call(Request(frame["method"], params["path"], value)).frame
        self._wire.decides_by = params["path"]
        option, action = value.get("selectedOption", value.get("decision")), value.get("action")
        return self._wire.decide(
            requested(
                AT,
                f"decision-{frame['id']}",
                value["checkpointId"],
                option,
                value.get("feedback"),
                value.get("modifications"),
                action=action,
            ),
            None,
        ).frame

    def _input(self, params: dict[str, Any]) -> Any:
        if self._transformer == "none":
            return params.get("input")
        return superjson.decode(params["input"])

    def server(self, text: str) -> list[str]:
        """Return the lines for the wire's signals of this frame."""
        self._signals = self._wire.receive(text, AT)
        return [f"= {describe(signal, text)}" for signal in self._signals]


def describe(signal: Signal, frame: str) -> str:
    match signal:
        case Received():
            assert "meta" in frame or signal.payload in frame, "the payload is part of the frame, byte for byte"
            return f"Received {signal.type} {signal.offset}"
        case Reply(error=None):
            return f"Reply {signal.request_id} {json.dumps(signal.value)}"
        case Reply():
            return f"Reply {signal.request_id} {signal.code}: {signal.error}"
        case StreamRefused():
            return f"StreamRefused {'for good' if signal.fatal else 'for now'} {signal.code}: {signal.reason}"
        case Send():
            return f"Send {signal.frame}"
    return type(signal).__name__


def play(title: str, lines: list[str]) -> list[str]:
    """Return the conversation with the wire's present signals."""
    player = Player("superjson" if title.startswith("superjson") else "none")
    played = []
    for line in lines:
        if line.startswith("> "):
            player.client(line[2:])
            played.append(line)
        elif line.startswith("< "):
            played += [line, *player.server(line[2:])]
    return played


@pytest.mark.parametrize(("title", "lines"), conversations().items(), ids=conversations())
def test_the_wire_plays_the_clients_part(title: str, lines: list[str]) -> None:
    assert play(title, lines) == lines


def test_both_forms_of_every_conversation_mean_the_same() -> None:
    def meanings(form: str) -> dict[str, list[str]]:
        return {
            title.removeprefix(form): [line for line in lines if line.startswith("=")]
            for title, lines in conversations().items()
            if title.startswith(form)
        }

    plain, enveloped = meanings("plain: "), meanings("superjson: ")
    del plain["values that JSON lacks"], enveloped["values that JSON lacks"]  # the plain server cannot send them
    for title in ("decisions and other mutations", "the mutation made again by hand"):
        # The recordings differ in their times.
        plain[title], enveloped[title] = (
            [line.partition("2026-")[0] for line in of[title]] for of in (plain, enveloped)
        )
    for title in ("the server is killed", "resumed after the kill"):
        plain[title], enveloped[title] = [], []  # and in where the kill came
    assert plain == enveloped
