"""The recorder of a session: each frame with the fate of its events, and the facts beside them.

A line is written when all events of its frame have been handled, so that any number of whole lines is a run up to some
moment. If all events of a frame were taken in order, the frame's line has no further fields.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from runconsole.errors import RecordingError
from runconsole.events import (
    DecisionAcknowledged,
    DecisionHeld,
    DecisionPresumed,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    DuplicateDropped,
    Fact,
    LinkChanged,
    Micros,
    Received,
    events_of,
)
from runconsole.log import moment
from runconsole.recording.fact_codec import write_fact
from runconsole.recording.files import FileWriter, Identity, Whereabouts
from runconsole.recording.format import Entry, Header, encode_line, entry_of
from runconsole.recording.open_frame import OpenFrame
from runconsole.redaction.pieces import Seams
from runconsole.redaction.secrets import Redactor

__all__ = ["FileContent", "Recorder"]

FLUSH_S = 0.5
LOOK_S = 2.0
_FULL = 256 * 1024
_PATIENCE = 64 * 1024 * 1024
"""Bytes to keep for a file that cannot be written, until it can."""
_DUPLICATE = DuplicateDropped()
_ELSEWHERE = "what this console records is not in that; `save` writes the run to another file"
_DECISIONS: frozenset[type] = frozenset(
    {
        *(DecisionRequested, DecisionHeld, DecisionSent, DecisionAcknowledged, DecisionPresumed, DecisionTurnedDown),
        DecisionUnanswered,
    }
)


class FileContent(NamedTuple):
    """The part of a run in a file: the numbers of frames and connections, and the wires that spoke over them."""

    frames: int = 0
    links: int = 0
    wires: Sequence[Any] = ()


class _Reads(Protocol):
    def receive(self, frame: str | bytes, at: Micros) -> Sequence[Any]: ...


class Recorder:
    """Records one run. Used on the I/O thread; no method raises: a problem with the file never ends the run.

    Lines that cannot be written (the disk is full) are kept until they can be, up to `_PATIENCE` bytes; past that the
    recording ends, with a last line about it as soon as that can be written. A deleted file is written again.

    Args:
        writer: the file.
        header: the header of its next section; written at once.
        now: returns this machine's time.
        trouble: called with one sentence about a problem with the file, and about its end.
        secrets: hidden in frames before they are read, and in lines before they are written.
        held: the earlier content of the file, if it is continued.
        whole_run: returns the lines of a recording of the whole run so far, its header first.
    """

    def __init__(
        self,
        writer: FileWriter,
        header: Header,
        *,
        now: Callable[[], Micros],
        trouble: Callable[[str], None],
        secrets: Redactor,
        held: FileContent | None = None,
        whole_run: Callable[[], Iterator[bytes]] = lambda: iter(()),
    ) -> None:
        self._writer: FileWriter | None = writer
        self._now = now
        self._trouble = trouble
        self._secrets = secrets
        self._frames, self._links, wires = held or FileContent()
        self._wires = list(wires)
        self._frame: OpenFrame | None = None
        self._held: dict[int, tuple[int, int, Received]] = {}
        self._held_before: dict[int, tuple[int, int, Received]] = {}
        self._lines: list[bytes] = []
        self._after: list[bytes] = []
        self._size = 0
        self._units: deque[bytes] = deque()
        self._owed = 0
        self._stalled: str | None = None
        self._is_over = False
        self._where: Whereabouts = "here"
        self._whole_run = whole_run
        self._by_events = False
        """True if the file holds events instead of frames: earlier frames are lost, without which a wire cannot read
        the rest."""
        self._is_rewritten = True
        self._past: Iterator[bytes] | None = None
        self._end: Identity | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._add(encode_line(header))
        self.flush()

    @property
    def held(self) -> FileContent:
        """The present content of the file."""
        return FileContent(self._frames, self._links, tuple(self._wires))

    @property
    def is_recording(self) -> bool:
        """True if the file still grows."""
        return self._writer is not None and not self._is_over

    @property
    def stalled(self) -> str | None:
        """The reason why the newest lines are not in the file; None if all are."""
        return self._stalled

    @property
    def end(self) -> Identity | None:
        """The identity and size of the closed file; None while it is open, and if it lacks something."""
        return self._end

    def duplicate(self) -> int:
        """Return a descriptor of the file, for `Reader`; the caller closes it."""
        if self._writer is None:
            raise ValueError("the recording is closed")
        return self._writer.duplicate()

    # ---- connections ------------------------------------------------------------------------------------------------

    def opened(self, wire: object) -> int:
        """Note a new connection and its wire; return the connection's number."""
        number = next((number for number, known in enumerate(self._wires) if known is wire), None)
        if number is None:
            number = len(self._wires)
            self._wires.append(wire)
        self._links += 1
        self._put_frame(Entry(self._now(), "local", self._links, wire=number))
        return self._links

    def begin_section(self, header: Header) -> None:
        """Note that frames from here on are read by another header; the run goes on."""
        self._close_frame()
        self._add(encode_line(msgspec.structs.replace(header, continues=True)))
        self._arm()

    def closed(self, link: int) -> None:
        """Note that a connection is closed."""
        self._put_frame(Entry(self._now(), "local", link, closed=True))

    def reader(self, link: int, wire: _Reads) -> Callable[[str | bytes, Micros], Sequence[Any]]:
        """Return a substitute for the wire's `receive`: it notes each frame, without secrets, and its events."""
        seams = Seams(self._secrets) if self._secrets.is_needed else None

        def read(frame: str | bytes, at: Micros) -> Sequence[Any]:
            self._close_frame()
            frame = self._secrets.hide_frame(frame)
            signals = wire.receive(frame, at)
            if seams is not None:
                signals, frame = seams.join(signals, frame)
            if self._by_events:
                return signals
            events = events_of(signals)
            self._frame = OpenFrame(self._frames, link, frame, at, events)
            self._frames += 1
            self._arm()
            return signals

        return read

    def sent(self, link: int, frame: str) -> None:
        """Note a frame that is about to leave."""
        self._put_frame(Entry(self._now(), "out", link, self._secrets.hide_sent(frame)))

    def connected(self, back_at: Micros | None, *, assured: bool, replays: int) -> None:
        """Note that the server has accepted us, and the console's knowledge then."""
        if self._by_events:
            return
        known = {"back_at": back_at, "assured": assured, "replays": replays}
        frame = self._frame
        if frame is not None and not frame.is_done:
            frame.add({"is": "connected", **known})
        else:
            self._put(Entry(self._now(), "local", connected=known))
        self._held_before, self._held = self._held, {}

    # ---- events and facts -------------------------------------------------------------------------------------------

    def took(self, event: Received) -> None:
        """Note that an event of a frame was taken."""
        self._note_fate(event, taken=True)

    def dropped(self, event: Received) -> None:
        """Note that an event of a frame was a duplicate."""
        self._note_fate(event, taken=False)

    def passed_over(self, event: Received) -> None:
        """Note that an event of a frame belongs to another run."""
        if self._frame is not None:
            self._frame.pass_over(event)
        self._held.pop(id(event), None)
        self._held_before.pop(id(event), None)

    def _note_fate(self, event: Received, *, taken: bool) -> None:
        if self._by_events:
            self._put(entry_of(event) if taken else Entry(self._now(), "local", fact=write_fact(_DUPLICATE)))
            return
        if self._frame is not None and self._frame.note_fate(event, taken=taken):
            return
        self._close_frame()
        held = self._held.pop(id(event), None) or self._held_before.pop(id(event), None)
        if held is not None:
            self._put(Entry(self._now(), "local", take=(held[0], held[1] if taken else ~held[1])))

    def fact(self, fact: Fact | Received) -> None:
        """Note a fact of our own."""
        written = write_fact(fact)
        frame = self._frame
        if frame is not None and not frame.is_done:
            frame.add(written)
        else:
            at = moment(fact)
            self._put(Entry(self._now() if at is None else at, "local", fact=written))
        if fact.__class__ in _DECISIONS:
            self.flush()

    def finished(self, *, is_so: bool = True) -> None:
        """Note that the run has ended, or that another one has begun after it."""
        self._put(Entry(self._now(), "local", finished=is_so))

    # ---- writing ----------------------------------------------------------------------------------------------------

    def _put_frame(self, entry: Entry) -> None:
        """Add a line about connections or frames."""
        if not self._by_events:
            self._put(entry)

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
        if not self.is_recording:
            return
        line = self._secrets.hide_line(line)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FULL and self._stalled is None:
            self._write()
        else:
            self._arm()

    def _arm(self) -> None:
        """Schedule a flush."""
        if self._timer is None and self._writer is not None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Hand everything to the operating system, and check that the file still exists."""
        self._close_frame()
        self._write()
        self._look()
        if self._next_look is not None:
            self._next_look.cancel()
        self._next_look = None
        if self._writer is not None:  # even without new lines: a change of the file is to be reported soon
            self._next_look = asyncio.get_running_loop().call_later(LOOK_S, self.flush)

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            self._units.append(b"".join(self._lines))
            self._owed += self._size
            self._lines, self._size = [], 0
        if self._writer is None or not self._is_rewritten:
            return
        try:
            while self._units:
                self._writer.write(self._units[0])
                self._owed -= len(self._units.popleft())
        except OSError as error:
            self._stall(self._writer, error.strerror or type(error).__name__)
        else:
            self._resume(self._writer)

    def _stall(self, writer: FileWriter, why: str) -> None:
        """Keep lines that could not be written for the next time, as long as they are not too many."""
        name = repr(str(writer.path))
        if self._stalled is None:
            self._report(
                f"the recording to {name} stands still ({why}); the run goes on, and what comes is written later"
            )
        self._stalled = why
        if self._owed > _PATIENCE and not self._is_over:
            self._is_over = True
            self._report(
                f"the recording to {name} has ended ({why}); the run goes on without it: `save` writes all of it"
            )
            text = f"the recording ends here, the run does not: the rest could not be written ({why})"
            fact = write_fact(LinkChanged(self._now(), "stopped", reason=text, notice=text))
            self._units = deque([encode_line(Entry(self._now(), "local", fact=fact))])
            self._owed = len(self._units[0])
        self._arm()

    def _resume(self, writer: FileWriter) -> None:
        """Note that all lines are written."""
        stalled, self._stalled = self._stalled, None
        if self._is_over:
            self._close(writer)
        elif stalled is not None:
            self._report(f"the recording to {str(writer.path)!r} goes on; nothing is missing from it")

    def _look(self) -> None:
        """Check that the file is still at its path; a deleted one is written there again."""
        writer = self._writer
        if writer is None:
            return
        try:
            where = writer.whereabouts
        except OSError:
            return
        if where == self._where:
            return
        self._where = where
        name = f"the recording {str(writer.path)!r}"
        if where == "deleted":
            self._restore(writer, name)
        elif where == "shortened":
            self._begin_anew(writer, name)
        elif where == "overwritten":
            self._report(f"{name} was overwritten by another program: {_ELSEWHERE}")
            self._close(writer)
        elif where == "moved":
            self._report(f"{name} has another name now, and goes on under that")
        elif where == "replaced":
            self._report(f"{name} was deleted, and another file is in its place: {_ELSEWHERE}")

    def _restore(self, writer: FileWriter, name: str) -> None:
        try:
            self._writer = writer.again()
        except (OSError, RecordingError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._report(f"{name} was deleted, and is not written again ({why}); `save` writes the run to another file")
        else:
            writer.close()
            self._where = "here"
            self._report(f"{name} was deleted: it is there again, whole")

    def _begin_anew(self, writer: FileWriter, name: str) -> None:
        """Write the whole run to an emptied file; soon, when no frame is in the middle of being handled."""
        try:
            writer.begin_anew()
        except OSError as error:
            self._report(f"{name} was emptied by another program, and is not written anew ({error.strerror})")
            return
        self._report(f"{name} was emptied by another program: it is written anew, with all that is known of the run")
        self._where, self._by_events, self._is_rewritten = "here", True, False
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Write the next part of the run so far, in turns with other work; then the lines that came since."""
        writer = self._writer
        if writer is None or self._is_rewritten:
            return
        if self._past is None:
            self._frames, self._links, self._wires = 0, 0, []
            self._lines, self._size, self._owed = [], 0, 0
            self._held, self._held_before = {}, {}
            self._units.clear()
            self._past = self._whole_run()
        part: list[bytes] = []
        size = 0
        for line in self._past:
            part.append(self._secrets.hide_line(line))
            size += len(line)
            if size >= _FULL:
                break
        try:
            writer.write(b"".join(part))
        except OSError as error:
            self._report(f"the recording {str(writer.path)!r} cannot be written anew ({error.strerror}): {_ELSEWHERE}")
            self._where = "overwritten"
            self._close(writer)
            return
        if size >= _FULL:
            asyncio.get_running_loop().call_soon(self._go_on)
        else:
            self._past, self._is_rewritten = None, True
            self.flush()

    def catch_up(self) -> None:
        """Write everything now. Never in the middle of a frame's handling."""
        self.flush()
        while self._writer is not None and not self._is_rewritten:
            self._go_on()

    def _report(self, text: str) -> None:
        # Not at once: the caller may be in the middle of something.
        asyncio.get_running_loop().call_soon(self._trouble, text)

    def close(self) -> None:
        """Write the rest and close the file."""
        self.catch_up()
        if self._writer is not None:
            if self._units and not self._is_over:
                name = repr(str(self._writer.path))
                self._report(f"the recording to {name} lacks its end ({self._stalled}): `save` writes the whole run")
            self._close(self._writer)

    def _close(self, writer: FileWriter) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        if self._where == "here" and not self._units and not self._is_over:
            self._end = writer.identity
        self._writer = None
        writer.close()
