"""What a session tells a recording: each frame with what became of its events, and what happened beside them.

A line is written when all that its frame brought has happened, so that any number of whole lines is a run up to some
moment. Where the events of a frame were taken as they came, the frame alone says so.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from runconsole.events import (
    DecisionAcknowledged,
    DecisionPresumed,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Fact,
    Micros,
    Received,
)
from runconsole.recording.asides import moment
from runconsole.recording.facts import write_fact
from runconsole.recording.files import Writer
from runconsole.recording.lines import Entry, Header, Op, encode_line
from runconsole.recording.secrets import Secrets

__all__ = ["Held", "Tape"]

FLUSH_S = 0.5
_FULL = 256 * 1024
_DECISIONS: frozenset[type] = frozenset(
    {DecisionRequested, DecisionSent, DecisionAcknowledged, DecisionPresumed, DecisionTurnedDown, DecisionUnanswered}
)


class Held(NamedTuple):
    """What a file holds of a run: how many frames and connections, and the wires that spoke over them."""

    frames: int = 0
    links: int = 0
    wires: Sequence[Any] = ()


class _Reads(Protocol):
    def receive(self, frame: str | bytes, at: Micros) -> Sequence[Any]: ...


class _Frame:
    """The newest frame while its events are being taken."""

    def __init__(self, number: int, link: int, frame: str | bytes, at: Micros, events: list[Received]) -> None:
        self.number = number
        self.link = link
        self.frame = frame
        self.at = at
        self.events = events
        self.next = 0
        self.ops: list[Op] | None = None
        """What became of them so far, where that is not "taken in order"."""

    @property
    def is_done(self) -> bool:
        return self.next >= len(self.events)

    def add(self, op: Op) -> None:
        if self.ops is None:
            self.ops = list(range(self.next))
        self.ops.append(op)

    def settle(self, event: Received, *, taken: bool) -> bool:
        """Note what became of one of its events; return whether it is one."""
        place = self.next
        if place >= len(self.events) or self.events[place] is not event:
            place = next((k for k, other in enumerate(self.events) if other is event and k >= self.next), -1)
            if place < 0:
                return False
        if self.ops is not None or not taken or place != self.next:
            self.add(place if taken else ~place)
        self.next = place + 1
        return True

    def entry(self) -> Entry:
        ops = self.ops
        if ops is None and not self.is_done:
            ops = list(range(self.next))
        if isinstance(self.frame, bytes):
            text = base64.b64encode(self.frame).decode()
            return Entry(self.at, "in", self.link, base64=text, ops=ops)
        return Entry(self.at, "in", self.link, self.frame, ops=ops)


class Tape:
    """Records one run. Used on the I/O thread; no method raises: trouble with the file ends the recording, not the run.

    Args:
        writer: the file.
        header: its next section's; written at once.
        now: this machine's time.
        trouble: told, in one sentence, why the recording ended.
        secrets: are hidden in what comes before anyone reads it, and in what leaves before it is written.
        held: what the file holds already, where it goes on.
    """

    def __init__(
        self,
        writer: Writer,
        header: Header,
        *,
        now: Callable[[], Micros],
        trouble: Callable[[str], None],
        secrets: Secrets,
        held: Held | None = None,
    ) -> None:
        self._writer: Writer | None = writer
        self._now = now
        self._trouble = trouble
        self._secrets = secrets
        self._frames, self._links, wires = held or Held()
        self._wires = list(wires)
        self._frame: _Frame | None = None
        self._held: dict[int, tuple[int, int, Received]] = {}
        self._held_before: dict[int, tuple[int, int, Received]] = {}
        self._lines: list[bytes] = []
        self._after: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._add(encode_line(header))
        self.flush()

    @property
    def held(self) -> Held:
        """What the file holds now."""
        return Held(self._frames, self._links, tuple(self._wires))

    @property
    def is_recording(self) -> bool:
        """Whether the file still grows."""
        return self._writer is not None

    # ---- connections ------------------------------------------------------------------------------------------------

    def opened(self, wire: object) -> int:
        """Note a new connection and the wire that will speak over it; return its number."""
        number = next((number for number, known in enumerate(self._wires) if known is wire), None)
        if number is None:
            number = len(self._wires)
            self._wires.append(wire)
        self._links += 1
        self._put(Entry(self._now(), "local", self._links, wire=number))
        return self._links

    def closed(self, link: int) -> None:
        """Note that a connection is closed."""
        self._put(Entry(self._now(), "local", link, closed=True))

    def reader(self, link: int, wire: _Reads) -> Callable[[str | bytes, Micros], Sequence[Any]]:
        """Return what stands in for the wire's `receive`: it notes each frame, without secrets, and what it holds."""

        def read(frame: str | bytes, at: Micros) -> Sequence[Any]:
            self._close_frame()
            frame = self._secrets.hide_frame(frame)
            signals = wire.receive(frame, at)
            events = [signal for signal in signals if signal.__class__ is Received]
            self._frame = _Frame(self._frames, link, frame, at, events)
            self._frames += 1
            self._arm()
            return signals

        return read

    def sent(self, link: int, frame: str) -> None:
        """Note a frame that is about to leave."""
        self._put(Entry(self._now(), "out", link, self._secrets.hide_sent(frame)))

    def connected(self, back_at: Micros | None, *, assured: bool, knows_repeats: bool) -> None:
        """Note that the server has accepted us, and what the console knew then."""
        told = {"back_at": back_at, "assured": assured, "knows_repeats": knows_repeats}
        frame = self._frame
        if frame is not None and not frame.is_done:
            frame.add({"is": "connected", **told})
        else:
            self._put(Entry(self._now(), "local", connected=told))
        self._held_before, self._held = self._held, {}

    # ---- events and facts -------------------------------------------------------------------------------------------

    def took(self, event: Received) -> None:
        """Note that an event of a frame was taken."""
        self._settle(event, taken=True)

    def dropped(self, event: Received) -> None:
        """Note that an event of a frame had come before."""
        self._settle(event, taken=False)

    def _settle(self, event: Received, *, taken: bool) -> None:
        if self._frame is not None and self._frame.settle(event, taken=taken):
            return
        self._close_frame()
        held = self._held.pop(id(event), None) or self._held_before.pop(id(event), None)
        if held is not None:
            self._put(Entry(self._now(), "local", take=(held[0], held[1] if taken else ~held[1])))

    def fact(self, fact: Fact | Received) -> None:
        """Note something of our own."""
        told = write_fact(fact)
        frame = self._frame
        if frame is not None and not frame.is_done:
            frame.add(told)
        else:
            at = moment(fact)
            self._put(Entry(self._now() if at is None else at, "local", fact=told))
        if fact.__class__ in _DECISIONS:
            self.flush()

    def finished(self) -> None:
        """Note that the run has ended."""
        self._put(Entry(self._now(), "local", finished=True))

    # ---- writing ----------------------------------------------------------------------------------------------------

    def _put(self, entry: Entry) -> None:
        line = encode_line(entry)
        if self._frame is not None and not self._frame.is_done:
            self._after.append(line)
            return
        self._close_frame()
        self._add(line)

    def _close_frame(self) -> None:
        frame, self._frame = self._frame, None
        if frame is None:
            return
        self._held |= {
            id(event): (frame.number, place, event)
            for place, event in enumerate(frame.events[frame.next :], frame.next)
        }
        self._add(encode_line(frame.entry()))
        after, self._after = self._after, []
        for line in after:
            self._add(line)

    def _add(self, line: bytes) -> None:
        if self._writer is None:
            return
        line = self._secrets.hide_line(line)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FULL:
            self._write()
        else:
            self._arm()

    def _arm(self) -> None:
        """See to it that what is written now reaches the file soon."""
        if self._timer is None and self._writer is not None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._close_frame()
        self._write()

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines, self._size = self._lines, [], 0
        if not lines or self._writer is None:
            return
        try:
            self._writer.write(b"".join(lines))
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            why = error.strerror or type(error).__name__
            # Not at once: it may have been asked for in the middle of something.
            asyncio.get_running_loop().call_soon(
                self._trouble, f"the recording to {str(writer.path)!r} has ended ({why}); the run goes on without it"
            )

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self.flush()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
