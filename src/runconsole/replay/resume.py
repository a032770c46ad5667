"""Going on with a recording: load the run it holds, cut what is torn, say what happened in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from runconsole.events import DecisionTurnedDown, DecisionUnanswered, Fact, LinkChanged, Micros
from runconsole.protocols.base import Wire
from runconsole.protocols.registry import saved_events_suffice
from runconsole.recording import FileWriter, Header, Scan
from runconsole.replay.playback import Playback
from runconsole.replay.slices import lines_of, scanned, sliced
from runconsole.replay.wires import same_wire
from runconsole.state import WITHDRAWN

__all__ = ["TakenUp", "follows_same", "goes_on", "take_up"]

_FINAL = frozenset({"ended", "failed", "stopped"})


class TakenUp(Struct):
    """A run that was read from a recording, to go on with.

    Attributes:
        playback: the playback that has read it.
        until: the time of its last line.
        cut: the number of bytes of an unfinished line that were cut off.
    """

    playback: Playback
    until: Micros
    cut: int

    def wire(self, wanted: Wire, header: Header) -> Wire:
        """Return the wire to go on with: the one that has read the recording, where it is of the kind `wanted`."""
        before = self.playback.header
        known = self.playback.wire if before is not None and same_wire(before, header) else None
        return known if known is not None else wanted

    def facts(self, now: Micros) -> Iterator[Fact]:
        """Yield what a console that goes on has to say about the one before it."""
        links = self.playback.state.links
        if self.cut or (links and links[-1].state not in _FINAL):
            why = "the console that recorded this ended here"
            if self.cut:
                why += f"; the recording was cut in the middle of a line, {self.cut:,} bytes of it were dropped"
            yield LinkChanged(self.until, "stopped", reason=why, notice=why)
        for decision in list(self.playback.state.decisions.values()):
            if decision.state == "queued":
                reason = "the console ended before there was a link: nothing was sent"
                yield DecisionTurnedDown(now, decision.decision_id, reason, WITHDRAWN)
            elif decision.state == "sent":
                reason = "the console ended before the answer: it may or may not count"
                yield DecisionUnanswered(now, decision.decision_id, reason)


async def take_up(path: Path, writer: FileWriter, header: Header, playback: Playback) -> TakenUp | None:
    """Playback in the run of a recording that has not ended, and make the file whole.

    Returns None where there is nothing to go on with: no run, one that has ended, one of another address, protocol,
    task or execution, or one that was saved from a log where the wire itself must know what came before.

    Raises OSError, RecordingError.
    """
    found = await scanned(path)
    writer.repair(found.sound)
    if not goes_on(found, header):
        return None
    async for line in sliced(lines_of(path, found)):
        playback.apply(line)
    if found.ended is None:
        return None
    return TakenUp(playback, found.ended, found.cut)


def goes_on(found: Scan, header: Header) -> bool:
    """Return whether a console with this header goes on with the run of a recording."""
    known = found.header
    if known is None or found.finished or not follows_same(known, header):
        return False
    return known.content == "frames" or saved_events_suffice(header.protocol)


def follows_same(one: Header, other: Header) -> bool:
    """Return whether two consoles follow the same run, as far as anyone can tell before it speaks."""
    return _followed(one) == _followed(other)


def _followed(header: Header) -> tuple[str | None, ...]:
    """Return what makes two consoles follow the same run, as far as anyone can tell before it speaks."""
    return header.url, header.protocol, header.task, header.execution
