"""`ReplayFeed`: a recording as the source of a console's runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runconsole.engine.feed import Feed, FeedHost, Sender, new_runs
from runconsole.errors import InvalidArgument, NotConnected
from runconsole.events import Fact, LinkStatus, Micros, Received
from runconsole.log.storage import LogStorage
from runconsole.options import Options
from runconsole.recording import Header
from runconsole.recording.saving import copy_run, write_run
from runconsole.replay import Replay
from runconsole.state import Effect
from runconsole.store import RunWriter
from runconsole.store.scope import Scope

__all__ = ["ReplayFeed"]


class ReplayFeed(Feed):
    """Plays a recording, or loads it at once. Raises InvalidArgument where the file is none."""

    is_live = False

    def __init__(self, options: Options, host: FeedHost) -> None:
        if not options.is_plain_path:
            raise InvalidArgument(
                f"cannot read the recording {options.address!r} (No such file or directory): a URL begins with ws://,"
                " wss://, http:// or https://"
            )
        self._options = options
        self._host = host
        self._replay = self.replay = Replay(Path(options.url.reveal()), speed=options.speed, host=self)
        self.writer = self.fresh(self._replay.header)

    # ---- as the replay's host ----------------------------------------------------------------------------------------

    def fresh(self, header: Header | None) -> RunWriter:
        """Return a writer of runs of which only the header's words are known."""
        options = self._options
        self._storage = LogStorage(options.memory_limit)
        scope = Scope.of(execution=options.execution, task=options.task)
        return RunWriter(new_runs(options, self._storage, header), scope=scope)

    def show(self, writer: RunWriter) -> None:
        """Show other runs from here on."""
        self.writer = writer
        self._host.replaced()

    def changed(self, effects: tuple[Effect, ...]) -> None:
        """Pass on what the events of a moment ask for."""
        self._host.changed(effects)

    def call_soon(self, function: Callable[..., object]) -> None:
        """Run a function on the I/O thread soon."""
        self._host.call_soon(function)

    def resume(self) -> None:
        """Have `follow` run again, unless it does."""
        if self._replay.is_begun:
            self._host.resume()

    # ---- as the engine's feed ----------------------------------------------------------------------------------------

    @property
    def protocol(self) -> str:
        """Always ``"replay"``."""
        return "replay"

    @property
    def sender(self) -> Sender | None:
        """Raises NotConnected: a recording takes no answers."""
        raise NotConnected("this is a recording: nothing can be sent any more, and nothing was")

    @property
    def rests(self) -> bool:
        """True where the end is reached and nothing else is asked for."""
        return self._replay.rests

    @property
    def now(self) -> Micros:
        """The time of the run at the position that is shown."""
        return self._replay.now

    def status(self, link: LinkStatus | None) -> LinkStatus:
        """Return the status that the link had then; at the end of the recording, how it ended."""
        return self._replay.status(link)

    async def open(self) -> None:
        """Look the recording through, and load it where it is not to be played. Raises RecordingError."""
        await self._replay.open(self.writer)

    async def follow(self) -> None:
        """Play, and do what is commanded, until the end is reached."""
        try:
            await self._replay.run()
        except asyncio.CancelledError:
            self._replay.stop()
            self.changed(())
            raise

    def stopping(self) -> None:
        """Stand still at this position."""
        self._replay.stop()

    def reconnect(self) -> None:
        """Raises InvalidArgument."""
        raise InvalidArgument("this is a recording: there is nothing to connect to")

    def apply(self, fact: Fact | Received) -> None:
        """Fold in a fact that the recording does not hold."""
        self.writer.apply(fact)

    def adopt(self, options: Options) -> None:
        """Go on with other options."""
        self._options = options
        self._storage.limit = options.memory_limit

    def leave(self) -> None:
        """Leave nothing: the recording is only read."""

    def save(self, path: Path, on_io: Callable[[Callable[[], Any]], Any]) -> None:  # noqa: ARG002 - the file is there
        """Copy the newest run of the recording. Raises InvalidArgument, RecordingError."""
        write_run(path, copy_run(self._replay.path))
