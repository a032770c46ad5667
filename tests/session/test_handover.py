"""From one connection to another: nothing lost, doubled or out of order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runconsole.events import MalformedFrame, Received
from runconsole.protocols.base import Established, ReconnectAsked, Reply, Send, Signal, StreamEnded
from runconsole.protocols.trpc.wire import TrpcWire
from runconsole.session.handover import Handover
from tests.protocols.trpc.trpc_frames import AT, came, data, failed, kinds, started

if TYPE_CHECKING:
    from collections.abc import Sequence


def event(name: str, offset: str | None = None) -> Received:
    return Received(name, MalformedFrame(""), f'"{name}"', AT, offset=offset)


def names(signals: Sequence[Signal]) -> list[str]:
    return [signal.type for signal in signals if isinstance(signal, Received)]


def test_a_successor_goes_on_where_its_wire_is() -> None:
    wire = TrpcWire("stream.x", connection_params={"token": "s3cret"})
    wire.open()
    came(wire, failed(1, "NOT_FOUND", enveloped=True), data(2, {"json": 1}), started(2))
    wire.last_event_id = "b"
    first, second = [json.loads(frame) for frame in wire.successor().open()]
    assert first["method"] == "connectionParams"
    assert second["params"]["lastEventId"] == "b"


class Successor:
    """Stands for the new wire: whether its subscription goes on from an event."""

    def __init__(self, resumes_from: str | None) -> None:
        self.resumes_from = resumes_from


def test_tracked_events_from_the_last_one_on_pass() -> None:
    handover = Handover(Successor("1"))
    assert names(handover.from_new([Established(), event("b", "2")])) == ["b"]
    assert handover.established
    assert names(handover.from_old([event("b", "2"), StreamEnded()])) == ["b"]
    assert handover.finish() == []


def test_tracked_events_from_anywhere_wait_for_the_old_ones() -> None:
    handover = Handover(Successor(None))
    assert names(handover.from_new([Established(), event("c", "3")])) == []
    assert names(handover.from_old([event("b", "2")])) == ["b"]
    assert names(handover.finish()) == ["c"]


@pytest.mark.parametrize(
    ("old", "new", "applied", "dropped"),
    [
        ("bc", "bcd", "abcd", 2),
        ("bcd", "bcd", "abcd", 3),
        ("bcd", "cd", "abcd", 2),
        ("bcd", "", "abcd", 0),
        ("b", "cd", "abcd", 0),
        ("", "bcd", "abcd", 0),
        ("bb", "bbc", "abbc", 2),
    ],
)
@pytest.mark.parametrize("early", [0, 1, 2])
def test_untracked_events_are_neither_lost_nor_doubled(
    old: str, new: str, applied: str, dropped: int, early: int
) -> None:
    """The first `early` events of the old connection are read before the new one's acceptance."""
    handover = Handover(Successor(None))
    seen: list[Signal] = handover.from_old([event("a")])
    for name in old[:early]:
        seen += handover.from_old([event(name)])
    seen += handover.from_new([Established()])
    seen += handover.from_new([event(name) for name in new])
    for name in old[early:]:
        seen += handover.from_old([event(name)])
    seen += handover.finish()
    assert "".join(names(seen)) == applied
    assert handover.dropped == dropped


def test_the_old_connection_counts_until_the_new_one_stands() -> None:
    handover = Handover(Successor(None))
    signals: list[Signal] = [event("a"), StreamEnded()]
    assert handover.from_old(signals) == signals


def test_then_only_events_and_replies_of_the_old_one_count() -> None:
    handover = Handover(Successor(None))
    handover.from_new([Established()])
    reply = Reply("d-1")
    signals: list[Signal] = [Established(), reply, StreamEnded(), ReconnectAsked(), Send("PONG")]
    assert handover.from_old(signals) == [reply, Send("PONG")]


def test_what_follows_a_held_event_waits_with_it() -> None:
    handover = Handover(Successor(None))
    assert handover.from_new([Established(), event("a"), StreamEnded()]) == [Established()]
    assert kinds(handover.finish()) == ["Received", "StreamEnded"]
