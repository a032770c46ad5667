"""`Replay`: a recording played into a console, at once or at any speed, with pause and a scrubber."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

from runconsole.errors import InvalidArgument, RecordingError
from runconsole.events import Alert, LinkChanged, LinkStatus, Micros, Received
from runconsole.recording import Entry, Header, Scan, read_header
from runconsole.replay.marks import ReplayMarks
from runconsole.replay.playback import Playback
from runconsole.replay.slices import lines_of, scanned, sliced
from runconsole.replay.wires import wire_for
from runconsole.state import Effect
from runconsole.store import RunWriter

__all__ = ["Change", "Replay", "ReplayHost"]

Change = Literal["reset", "changed"]
"""The argument of a listener: the state is another object now, or a command changed playing, speed or position."""
Listener = Callable[[Change], None]
Line = Header | Entry | None

_LINK_STATUSES = frozenset({"connecting", "live", "retrying"})


class ReplayHost(Protocol):
    """The console that shows a replay, as the replay sees it."""

    def fresh(self, header: Header | None) -> RunWriter:
        """Return a writer of runs of which only the header's words are known."""

    def show(self, writer: RunWriter) -> None:
        """Show the runs of this writer from here on."""

    def changed(self, effects: tuple[Effect, ...]) -> None:
        """Take what the events of a moment ask for."""

    def call_soon(self, function: Callable[..., object]) -> None:
        """Run a function on the I/O thread soon."""

    def resume(self) -> None:
        """Have `Replay.run` run again, unless it does."""


class Replay:
    """The controls of a recording: `play`, `pause`, `seek`, `speed`. From any thread; what they ask for happens soon.

    Positions are seconds since the recording's first line. A recording of several runs shows the newest.

    Args:
        path: the recording.
        speed: seconds of the recording per second; 0 is as fast as possible, None loads all at once.
        host: the console that shows it.

    Raises InvalidArgument where the file is no recording.

    Attributes:
        longest_pause: seconds that playing waits at most where nothing happens; None waits as long as the run did.
        marks: the positions of errors, questions and phases, as far as it was read.
    """

    def __init__(
        self,
        path: Path,
        *,
        speed: float | None,
        host: ReplayHost,
    ) -> None:
        self.path = path.absolute()  # here and now: the working directory may be another when it is read again
        self.header = read_header(self.path)
        self.longest_pause: float | None = 5.0
        self.marks = ReplayMarks()
        self._speed = speed or 1.0
        self._loads = not speed
        self._host = host
        self._listeners: list[Listener] = []
        self._scan = Scan()
        self._is_open = False
        self._playback: Playback | None = None
        self._source: Iterator[Line] = iter(())
        self._ahead: list[Line] = []
        self._reached = 0.0
        self._anchor: tuple[float, float] | None = None
        self._is_playing = not self._loads
        self._is_over = False
        self._is_stopped = False
        self._is_begun = False
        self._target: float | None = None
        self._wake = asyncio.Event()

    # ---- what it is -------------------------------------------------------------------------------------------------

    @property
    def duration(self) -> float:
        """Seconds from the first line to the last."""
        return self._scan.duration_s

    @property
    def position(self) -> float:
        """Seconds since the first line: up to where the console shows the run."""
        if self._target is not None:
            return min(self._target, self.duration)
        return min(self._due(), self.duration) if self._anchor is not None else self._reached

    @property
    def speed(self) -> float:
        """Seconds of the recording per second; 0 is as fast as possible. Can be set."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if not 0 <= speed < float("inf"):
            raise InvalidArgument(f"expected a speed of 0 or more, got {speed!r}")
        self._command(lambda: self._set_speed(float(speed)))

    @property
    def is_playing(self) -> bool:
        """True if it plays: neither paused nor at the end."""
        return self._is_playing and not self._is_over

    @property
    def is_over(self) -> bool:
        """True if the end is reached."""
        return self._is_over

    @property
    def is_begun(self) -> bool:
        """True if the console was started, and not stopped since: only then does anything happen."""
        return self._is_begun

    @property
    def rests(self) -> bool:
        """True if there is nothing to do until somebody asks for something."""
        return self._is_over and self._target is None

    @property
    def began(self) -> Micros | None:
        """The time of the first line, in microseconds since 1970 UTC; None before it was read."""
        return self._scan.began

    @property
    def now(self) -> Micros:
        """The time of the run at this position, in microseconds since 1970 UTC."""
        return (self._scan.began or 0) + round(self.position * 1e6)

    @property
    def report(self) -> str | None:
        """Return what is wrong with the recording, in one sentence; None for nothing."""
        parts = []
        if self._scan.cut:
            parts.append(f"was cut in the middle of a line ({self._scan.cut:,} bytes of it were left out)")
        misread = self._playback.misread if self._playback is not None else self._scan.unreadable
        if misread:
            parts.append(f"has {misread:,} lines that cannot be read")
        return f"the recording {' and '.join(parts)}" if parts else None

    def status(self, link: LinkStatus | None) -> LinkStatus:
        """Return the console's status, from the recorded one of the link."""
        if self._is_over:
            return link if link in {"ended", "failed"} else "stopped"
        if self._is_stopped:
            return "stopped"
        return link if link is not None and link in _LINK_STATUSES else "connecting"

    # ---- commands ---------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Go on; from the beginning, when at the end."""
        self._command(self._play)

    def pause(self) -> None:
        """Stand still."""
        self._command(self._pause)

    def seek(self, seconds: float) -> None:
        """Go to a position; it is clipped to the recording. Going back shows another state object ("reset")."""
        if math.isnan(seconds):
            raise InvalidArgument(f"expected a position in seconds, got {seconds!r}")
        self._command(lambda: self._seek(float(seconds)))

    def on_change(self, listener: Listener) -> None:
        """Call `listener` on the I/O thread with ``"reset"`` when the state is replaced, ``"changed"`` after commands.

        Between the two, `position` moves by itself while `is_playing`.
        """
        self._listeners.append(listener)

    def off_change(self, listener: Listener) -> None:
        """Call a listener no more."""
        self._listeners = [other for other in self._listeners if other != listener]

    def _command(self, command: Callable[[], object]) -> None:
        self._host.resume()
        self._host.call_soon(lambda: self._carry_out(command))

    def _carry_out(self, command: Callable[[], object]) -> None:
        command()
        self._wake.set()
        if self._is_begun:
            self._host.resume()  # again: it may have come to its end in between
            self._tell("changed")

    def _play(self) -> None:
        if self._is_over:
            self._target = 0.0
        self._is_playing = True
        self._set_anchor()

    def _pause(self) -> None:
        self._reached = self.position
        self._is_playing, self._anchor = False, None

    def _set_speed(self, speed: float) -> None:
        self._reached = self.position
        self._speed = speed
        self._set_anchor()

    def _seek(self, seconds: float) -> None:
        self._target = max(seconds, 0.0)

    def _set_anchor(self) -> None:
        """From here on the position follows the clock."""
        self._anchor = None
        if self._is_playing and self._speed:
            self._anchor = (time.monotonic(), self._reached)

    def _due(self) -> float:
        """Return the position that the clock asks for."""
        if self._anchor is None:
            return self._reached
        since, position = self._anchor
        return position + (time.monotonic() - since) * self._speed

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)

    # ---- life, on the I/O thread ------------------------------------------------------------------------------------

    async def open(self, writer: RunWriter) -> None:
        """Look the recording through, and load it with `writer` unless it is to be played.

        Raises RecordingError where it cannot be read.
        """
        self._is_stopped, self._is_begun = False, True
        self._wake = asyncio.Event()  # of this loop
        if self._is_open:
            self._set_anchor()
            return
        try:
            self._scan = await scanned(self.path)
        except OSError as error:
            raise RecordingError(
                f"cannot read the recording {str(self.path)!r} ({error.strerror or type(error).__name__})"
            ) from None
        self._is_open = True
        self.header = self._scan.header
        self._begin(writer)
        if self._loads:
            await self._go_to(self.duration)
        self._set_anchor()

    def stop(self) -> None:
        """Note that the console was stopped."""
        self._reached = self.position
        self._anchor = None
        self._is_stopped, self._is_begun = True, False

    async def run(self) -> None:
        """Play and do what is commanded, until the end is reached."""
        self._host.changed(
            ()
        )  # whoever shows the position follows it from here on, also where no line asks for anything
        while True:
            self._wake.clear()
            if self._target is not None:
                await self._jump()
            elif self.rests:
                return
            elif not self._is_playing:
                await self._wake.wait()
            elif not self._speed:
                await self._go_to(self.duration)
            else:
                await self._play_on()

    def _begin(self, writer: RunWriter) -> None:
        self._playback = Playback(writer, wire_for)
        self.marks.restart()
        self._source = lines_of(self.path, self._scan)
        self._ahead = []
        self._is_over = False

    def _place(self, line: Line) -> float:
        """Return the position of a line; one without a time stands where the one before it does."""
        if not isinstance(line, Entry) or self._scan.began is None:
            return 0.0
        return (line.at - self._scan.began) / 1e6

    def _until(self, position: float) -> Iterator[Line]:
        """Give the lines up to a position; the one after them stays ahead."""
        for line in itertools.chain(self._ahead, self._source):
            self._ahead = []
            if self._place(line) > position:
                self._ahead = [line]
                return
            yield line

    async def _go_to(self, position: float) -> None:
        """Fold up to a position, with turns for others; a command ends it early."""
        playback = self._playback
        if playback is None:
            return
        effects: dict[Effect, None] = {}
        async for line in sliced(self._until(position)):
            effects.update(dict.fromkeys(playback.apply(line)))
            self._reached = max(self._reached, self._place(line))
            self.marks.note(self._reached, self.duration, playback.state)
            if self._wake.is_set() and self._is_open and not self._loads:
                break
        else:
            self._reached = max(self._reached, position)
            self._loads = False
        if not self._ahead and self._reached >= self.duration:
            effects.update(dict.fromkeys(self._finish(playback.writer)))
            self._host.changed(tuple(effects))
            self._tell("changed")
        elif effects:
            self._host.changed(tuple(effects))

    def _finish(self, writer: RunWriter) -> tuple[Effect, ...]:
        """Note that the last line is read; say what is wrong with the recording, and return what that asks for."""
        if self._is_over:
            return ()
        self._is_over, self._is_playing, self._anchor = True, False, None
        at = self._scan.ended or 0
        links = writer.runs.state.links
        effects: tuple[Effect, ...] = ()
        if self._scan.cut:
            status: LinkStatus = links[-1].state if links else "stopped"
            effects += writer.apply(LinkChanged(at, status, reason=self.report, notice=self.report))
        if self.report is not None:
            effects += writer.apply(Received("recording", Alert("warning", self.report), "", at))
        return effects

    async def _jump(self) -> None:
        """Go to the newest target. Backward, another run is folded from the start and shown when it is there."""
        target, self._target = self._target, None
        if target is None:
            return
        target = min(target, self.duration)
        self._anchor = None
        if self._is_over and target >= self.duration:
            return
        if target >= self._reached and not self._is_over:
            await self._travel(target)
        else:
            writer = self._host.fresh(self.header)
            self._begin(writer)
            self._reached = 0.0
            await self._travel(target)
            self._host.show(writer)
            self._tell("reset")
            self._host.changed(())
        self._set_anchor()
        self._tell("changed")

    async def _travel(self, target: float) -> None:
        """Fold up to the target; one that is set meanwhile and lies ahead takes its place."""
        await self._go_to(target)
        while self._reached < target and not self._is_over:
            self._wake.clear()
            if self._target is not None:
                if self._target < self._reached:
                    return
                target, self._target = min(self._target, self.duration), None
            await self._go_to(target)

    async def _play_on(self) -> None:
        """Fold what is due, then sleep until the next line is, or a command comes."""
        due = self._due()
        await self._go_to(min(due, self.duration))
        if not self._ahead or self._wake.is_set():
            return
        self._reached = min(due, self._place(self._ahead[0]))
        wait = (self._place(self._ahead[0]) - self._due()) / self._speed
        if wait <= 0:
            self._set_anchor()  # too fast for this machine: the clock waits for the run
            await asyncio.sleep(0)
            return
        longest = self.longest_pause
        with suppress(TimeoutError):
            async with asyncio.timeout(wait if longest is None else min(wait, longest)):
                await self._wake.wait()
            return
        if longest is not None and wait > longest:
            self._reached = self._place(self._ahead[0])
            self._set_anchor()
