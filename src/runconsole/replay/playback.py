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
    DuplicateDropped,
    Fact,
    LinkChanged,
    Logged,
    MalformedFrame,
    Micros,
    Received,
    UnknownEvent,
    events_of,
)
from runconsole.log import Asides, StreamLog
from runconsole.protocols.base import Wire
from runconsole.recording import Entry, Header
from runconsole.recording.fact_codec import read_fact
from runconsole.recording.format import Op
from runconsole.replay.wires import same_wire
from runconsole.state import Effect, RunState
from runconsole.store.dedup import Dedup
from runconsole.store.runs import Runs, RunStore
from runconsole.store.scope import Scope

__all__ = ["Fold"]

_DUPLICATE = DuplicateDropped()
_MOST_WIRES = 10_000
_READINGS: dict[str, type[Fact]] = {"logged": Logged, "unknown": UnknownEvent}


class Fold:
    """Reads lines, one after the other, as the console read what they tell.

    Args:
        runs, asides: what is folded into.
        wire_of: makes the wire that reads a section's frames.
        dedup: learns what came; it is given for a console that goes on.
        scope: knows which events are left out, beside those that were when it was recorded; None is none.

    Attributes:
        frames: how many frames were read.
        links: how many connections there were.
        wires: those that spoke over them; `wire` is the newest.
        header: of the newest section.
        misread: lines that do not say what they should.
    """

    def __init__(
        self,
        runs: Runs,
        asides: Asides,
        wire_of: Callable[[Header], Wire],
        *,
        dedup: Dedup | None = None,
        scope: Scope | None = None,
    ) -> None:
        self.runs = runs
        self.asides = asides
        self.frames = 0
        self.links = 0
        self.wires: list[Wire] = []
        self.wire: Wire | None = None
        self.header: Header | None = None
        self.misread = 0
        self._wire_of = wire_of
        self._dedup = dedup
        self._scope = scope
        self._next_wire: Wire | None = None
        self._lines: dict[int, Wire] = {}
        self._held: dict[int, list[Received]] = {}
        self._held_before: dict[int, list[Received]] = {}
        self._effects: list[Effect] = []

    @property
    def state(self) -> RunState:
        """The newest run's."""
        return self.runs.state

    @property
    def log(self) -> StreamLog:
        """All that was read, of whatever run."""
        return self.runs.log

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
        if header.content == "events" and self._dedup is not None:
            self._dedup.connected(None)  # a log does not tell over which connection an event came
        self.header = header

    def _entry(self, entry: Entry) -> None:
        match entry:
            case Entry(direction="in"):
                self._came(entry)
            case Entry(direction="out", frame=str(frame)):
                self._wire_at(entry.link).sent(
                    frame, ChainMap(*(store.state.decisions for store in reversed(self.runs.all)))
                )
            case Entry(fact=dict(told)):
                self._noted(told)
            case Entry(take=(number, place)):
                events = self._held.get(number) or self._held_before[number]
                self._settle(events[place if place >= 0 else ~place], taken=place >= 0)
            case Entry(wire=int(number)):
                self._opened(entry.link, number)
            case Entry(closed=True):
                self._wire_at(entry.link).lost()
            case Entry(connected=dict(told)):
                self._connected(told)

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
        self.wire = self._lines[link] = self.wires[number]
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
        wire = self._lines.get(link) or self.wire
        if wire is None:
            self._opened(link, len(self.wires))
            wire = self._lines[link]
        return wire

    def _connected(self, told: dict[str, Any]) -> None:
        back_at = msgspec.convert(told.get("back_at"), Micros | None)
        self._held_before, self._held = self._held, {}
        if self._dedup is not None:
            self._dedup.connected(
                back_at,
                assured=bool(told.get("assured")),
                replays=int(told.get("replays") or 0),
            )

    # ---- events and facts -------------------------------------------------------------------------------------------

    def _came(self, entry: Entry) -> None:
        if entry.type is not None:
            self._settle(_logged_event(entry, entry.type), taken=True, run=entry.run)
            return
        frame = base64.b64decode(entry.base64) if entry.base64 is not None else (entry.frame or "")
        number = self.frames
        self.frames += 1
        signals = self._wire_at(entry.link).receive(frame, entry.at)
        events = events_of(signals)
        if entry.ops is None:
            for event in events:
                self._settle(event, taken=True)
        else:
            self._held[number] = events
            for op in entry.ops:
                self._operate(events, op)

    def _operate(self, events: list[Received], op: Op) -> None:
        if isinstance(op, int):
            self._settle(events[op if op >= 0 else ~op], taken=op >= 0)
        elif op.get("is") == "connected":
            self._connected(op)
        else:
            self._noted(op)

    def _settle(self, event: Received, *, taken: bool, run: int | None = None) -> None:
        if self._scope is not None and self._scope.excludes(event):
            return
        if taken:
            if self._dedup is not None:
                self._dedup.note(event)
            self._fold(event, self.runs.place(event, run))
        else:
            self.asides.note(len(self.runs.log), _DUPLICATE)
            self._fold(_DUPLICATE)

    def _noted(self, told: dict[str, Any]) -> None:
        fact = read_fact(told)
        if isinstance(fact, LinkChanged) and fact.recovered is not None and self._dedup is not None:
            self._dedup.gaps.report()
        self.asides.note(len(self.runs.log), fact)
        self._fold(fact)

    def _fold(self, fact: Fact | Received, store: RunStore | None = None) -> None:
        try:
            self._effects += self.runs.fold(fact, store)
        except Exception:  # noqa: BLE001 - it broke then, too: what was said about it is a line of its own
            return


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
    told = "" if entry.task_id is None else f',"taskId":{_quoted(entry.task_id)}'
    fact = read_event(f'{{"type":{_quoted(kind)},"payload":{payload}{told}}}', entry.at).fact
    if entry.reading == "alert" and not isinstance(fact, Alert):
        fact = read_named(kind, payload, entry.at)[0].fact
    return fact


def _quoted(text: str) -> str:
    return msgspec.json.encode(encodable(text)).decode()
