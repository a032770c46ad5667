"""Lines of a recording to its runs: the same lines always give the same."""

from __future__ import annotations

import base64
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import msgspec

from runconsole.decoding.envelope import read_event, read_named
from runconsole.decoding.payload import encodable
from runconsole.events import (
    Alert,
    Fact,
    Logged,
    MalformedFrame,
    Micros,
    Received,
    UnknownEvent,
    events_of,
)
from runconsole.log import StreamLog
from runconsole.protocols.base import Wire
from runconsole.recording import Entry, Header
from runconsole.recording.fact_codec import read_fact
from runconsole.recording.format import Op
from runconsole.replay.wires import same_wire
from runconsole.state import Effect, RunState
from runconsole.store import RunWriter

__all__ = ["Playback"]

_MOST_WIRES = 10_000
_READINGS: dict[str, type[Fact]] = {"logged": Logged, "unknown": UnknownEvent}


class Playback:
    """Reads lines, one after the other, as the console read its frames.

    Args:
        writer: folds in what is read. Its `dedup` is given for a console that goes on, its `scope` for events to leave
            out beside those that were when it was recorded.
        wire_of: makes the wire that reads a section's frames.

    Attributes:
        writer: as given.
        frames: the number of frames that were read.
        links: the number of connections.
        wires: those that spoke over them; `wire` is the newest.
        header: of the newest section.
        misread: lines that do not say what they should.
    """

    def __init__(self, writer: RunWriter, wire_of: Callable[[Header], Wire]) -> None:
        self.writer = writer
        self.frames = 0
        self.links = 0
        self.wires: list[Wire] = []
        self.wire: Wire | None = None
        self.header: Header | None = None
        self.misread = 0
        self._wire_of = wire_of
        self._next_wire: Wire | None = None
        self._wires_by_link: dict[int, Wire] = {}
        self._held: dict[int, list[Received]] = {}
        self._held_before: dict[int, list[Received]] = {}
        self._effects: list[Effect] = []

    @property
    def state(self) -> RunState:
        """The newest run's."""
        return self.writer.runs.state

    @property
    def log(self) -> StreamLog:
        """All that was read, of whatever run."""
        return self.writer.runs.log

    def apply(self, line: Header | Entry | None) -> tuple[Effect, ...]:
        """Fold in one line; return what it would ask a live console to do. None is a line that could not be read."""
        self._effects = []
        try:
            if line is None:
                self.misread += 1
            elif isinstance(line, Header):
                self._section(line)
            else:
                self._entry(line)
        except Exception:  # noqa: BLE001 - whatever a stranger has written: it says nothing that can be used
            self.misread += 1
        return tuple(self._effects)

    # ---- connections ------------------------------------------------------------------------------------------------

    def _section(self, header: Header) -> None:
        if self.header is None or not same_wire(self.header, header):
            self._next_wire = self._wire_of(header)
        if header.content == "events":
            self.writer.connected(None)  # a log does not hold the connections of its events
        self.header = header

    def _entry(self, entry: Entry) -> None:
        match entry:
            case Entry(direction="in"):
                self._received(entry)
            case Entry(direction="out", frame=str(frame)):
                self._wire_at(entry.link).sent(
                    frame, ChainMap(*(store.state.decisions for store in reversed(self.writer.runs.all)))
                )
            case Entry(fact=dict(fields)):
                self._apply_fact(fields)
            case Entry(take=(number, place)):
                events = self._held.get(number) or self._held_before[number]
                self._take(events[place if place >= 0 else ~place], taken=place >= 0)
            case Entry(wire=int(number)):
                self._opened(entry.link, number)
            case Entry(closed=True):
                self._wire_at(entry.link).lost()
            case Entry(connected=dict(fields)):
                self._connected(fields)

    def _opened(self, link: int, number: int) -> None:
        if number < 0:
            raise ValueError(f"expected the number of a wire, got {number}")
        if number >= len(self.wires):
            if len(self.wires) >= _MOST_WIRES:
                raise ValueError("expected fewer wires in one recording")
            self.wires.append(self._another_wire())
            number = len(self.wires) - 1
        self._next_wire = None
        self.links = link
        self.wire = self._wires_by_link[link] = self.wires[number]
        self.wire.begin()

    def _another_wire(self) -> Wire:
        if self._next_wire is not None:
            return self._next_wire
        successor = getattr(self.wires[-1], "successor", None) if self.wires else None
        if successor is None:
            raise ValueError("expected a section that says how to read its frames")
        wire: Wire = successor()
        return wire

    def _wire_at(self, link: int) -> Wire:
        wire = self._wires_by_link.get(link) or self.wire
        if wire is None:
            self._opened(link, len(self.wires))
            wire = self._wires_by_link[link]
        return wire

    def _connected(self, fields: dict[str, Any]) -> None:
        back_at = msgspec.convert(fields.get("back_at"), Micros | None)
        self._held_before, self._held = self._held, {}
        self.writer.connected(back_at, assured=bool(fields.get("assured")), replays=int(fields.get("replays") or 0))

    # ---- events and facts -------------------------------------------------------------------------------------------

    def _received(self, entry: Entry) -> None:
        if entry.type is not None:
            self._take(_logged_event(entry, entry.type), taken=True, run=entry.run)
            return
        frame = base64.b64decode(entry.base64) if entry.base64 is not None else (entry.frame or "")
        number = self.frames
        self.frames += 1
        signals = self._wire_at(entry.link).receive(frame, entry.at)
        events = events_of(signals)
        if entry.ops is None:
            for event in events:
                self._take(event, taken=True)
        else:
            self._held[number] = events
            for op in entry.ops:
                self._operate(events, op)

    def _operate(self, events: list[Received], op: Op) -> None:
        if isinstance(op, int):
            self._take(events[op if op >= 0 else ~op], taken=op >= 0)
        elif op.get("is") == "connected":
            self._connected(op)
        else:
            self._apply_fact(op)

    def _take(self, event: Received, *, taken: bool, run: int | None = None) -> None:
        self._effects += self.writer.take_recorded(event, taken=taken, run=run)

    def _apply_fact(self, fields: dict[str, Any]) -> None:
        self._effects += self.writer.apply_recorded(read_fact(fields))


def _logged_event(entry: Entry, kind: str) -> Received:
    """Return an event of a log, read again from its type and payload."""
    payload = entry.payload or ""
    if entry.reading == "malformed":
        fact: Fact = MalformedFrame("")
    elif entry.reading in _READINGS:
        fact = _READINGS[entry.reading](entry.task_id)
    else:
        fact = _meaning(kind, payload, entry)
    return Received(
        kind,
        fact,
        payload,
        entry.at,
        entry.timestamp,
        entry.id,
        entry.seq,
        entry.correlation_id,
        entry.offset,
    )


def _meaning(kind: str, payload: str, entry: Entry) -> Fact:
    task = "" if entry.task_id is None else f',"taskId":{_quoted(entry.task_id)}'
    fact = read_event(f'{{"type":{_quoted(kind)},"payload":{payload}{task}}}', entry.at).fact
    if entry.reading == "alert" and not isinstance(fact, Alert):
        fact = read_named(kind, payload, entry.at)[0].fact
    return fact


def _quoted(text: str) -> str:
    return msgspec.json.encode(encodable(text)).decode()
