"""`LiveFeed`: a server as the source of a console's runs. All that reads and writes recordings loads when needed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from runconsole.clock import now_micros
from runconsole.engine.feed import Feed, FeedHost, Sender, new_runs
from runconsole.events import Fact, LinkStatus, Micros, Received
from runconsole.log.storage import LogStorage
from runconsole.options import Options
from runconsole.protocols import registry
from runconsole.protocols.base import Wire
from runconsole.session import Session
from runconsole.session.probing import Other
from runconsole.store import RunWriter
from runconsole.store.dedup import Dedup
from runconsole.store.scope import Scope

if TYPE_CHECKING:
    from runconsole.recording import Header, Recorder
    from runconsole.replay import TakenUp

__all__ = ["LiveFeed"]


class LiveFeed(Feed):
    """Follows a server. Each session goes on where the one before it, or a recording, ended."""

    is_live = True

    def __init__(self, options: Options, host: FeedHost) -> None:
        self._options = options
        self._host = host
        self._path = None if options.record is None else Path(options.record)
        self._session: Session | None = None
        self._recorder: Recorder | None = None
        self._inferred = options.inferred_protocol()
        registry.resolve(options, self._inferred)  # says at once what cannot be used
        self._storage = LogStorage(options.memory_limit)
        runs = new_runs(options, self._storage)
        scope = Scope.of(execution=options.execution, task=options.task)
        self._dedup = Dedup(runs.log, filtered=scope is not None)
        self.writer = RunWriter(runs, dedup=self._dedup, scope=scope)

    # ---- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make a session; where a run was recorded before, it is loaded first.

        Where the file no longer holds what this console has seen, and nothing else, nothing more is recorded to it.

        Raises InvalidArgument, RecordingError.
        """
        endpoint = registry.resolve(self._spoken, self.protocol)
        wire = endpoint.wire if self._session is None else self._session.wire
        taken: TakenUp | None = None
        is_left_alone = self._is_left_alone()
        if self._path is not None and not is_left_alone:
            header = self._header()
            taken = await self._open_recorder(self._path, header, wire)
            if taken is not None:
                wire = taken.wire(wire, header)
        links = self.runs.state.links
        self.writer.begin(self._recorder, self._options.redactor)
        self._session = session = Session(
            self.writer,
            wire,
            endpoint.transport,
            observe=self._host.changed,
            gone_since=links[-1].at if self._dedup.has_connected and links else 0,
            other=self._other_protocol(),
            reconnect=self._options.reconnect,
        )
        if is_left_alone:
            session.notify(
                f"the recording {str(self._path)!r} is not what this console has seen so far: nothing more is recorded;"
                " `save` writes the whole run"
            )
        for fact in taken.facts(now_micros()) if taken is not None else ():
            session.apply(fact)

    async def follow(self) -> None:
        """Follow the run to its end; then write what is left of the recording and let go of the file."""
        session = self._session
        if session is None:
            return
        try:
            await session.run()
        except asyncio.CancelledError:
            links = self.runs.state.links
            if not self.runs.state.finished and not (links and links[-1].state == "failed"):
                session.link("stopped")
            raise
        except Exception as error:  # noqa: BLE001 - a task has an owner: what trips it is shown, not lost
            session.link("failed", reason=f"runconsole itself failed ({error!r}): please report it")
        finally:
            if self._recorder is not None:
                self._recorder.close()

    def stopping(self) -> None:
        """The cancelled `follow` says that it stopped."""

    # ---- as the engine's feed ---------------------------------------------------------------------------------------

    @property
    def sender(self) -> Sender | None:
        """The newest session."""
        return self._session

    @property
    def rests(self) -> bool:
        """Never: a server may always say something."""
        return False

    @property
    def now(self) -> Micros:
        """This machine's time."""
        return now_micros()

    def status(self, link: LinkStatus | None) -> LinkStatus:
        """Return the newest status of the link."""
        return link or "connecting"

    def reconnect(self) -> None:
        """Make the next attempt now."""
        if self._session is not None:
            self._session.reconnect()

    def read_on(self) -> bool:
        """Read at once what the server has sent. As `Feed.read_on`."""
        return self._session is not None and self._session.read_on()

    def apply(self, fact: Fact | Received) -> None:
        """Fold in a fact that no event of the log reports."""
        if self._session is not None:
            self._session.apply(fact)
        else:
            self.writer.apply(fact)

    def adopt(self, options: Options) -> None:
        """Take other options of the same link."""
        self._options = options
        self._storage.limit = options.memory_limit
        if self._session is not None:
            wire = registry.resolve(self._spoken, self.protocol).wire
            self._session.wire.decides_by = wire.decides_by
            self._session.reconnect_by(options.reconnect)

    @property
    def protocol(self) -> str:
        """The protocol that is spoken: the one that the server was found to speak, else the given or inferred one."""
        return (None if self._session is None else self._session.protocol) or self._inferred

    @property
    def _spoken(self) -> Options:
        """The options, with the protocol that the server was found to speak."""
        found = None if self._session is None else self._session.protocol
        return self._options if found is None else structs.replace(self._options, protocol=found)

    def _other_protocol(self) -> Callable[[], Other] | None:
        """Return what makes the protocol that the server may speak instead; None where nothing is to be tried."""
        other = registry.alternative(self._spoken, self.protocol)
        if other is None:
            return None
        protocol, options = other

        def make() -> Other:
            from runconsole.replay import header_of

            header = None if self._recorder is None else header_of(options, now_micros())
            return Other(protocol, *registry.resolve(options, protocol), header)

        return make

    def _is_left_alone(self) -> bool:
        """Return whether the file is no longer what this console has recorded."""
        if self._path is None or self._recorder is None:
            return False
        from runconsole.recording import identity_of

        return identity_of(self._path) != self._recorder.end

    def _header(self) -> Header:
        from runconsole.replay import header_of

        return header_of(self._spoken, now_micros())

    async def _open_recorder(self, path: Path, header: Header, wire: Wire) -> TakenUp | None:
        from runconsole.recording import FileContent, FileWriter, Recorder
        from runconsole.replay import Playback, same_wire, take_up, wire_for

        def wire_of(section: Header) -> Wire:
            return wire if same_wire(section, header) else wire_for(section)

        before, taken = self._recorder, None
        writer = FileWriter(path)
        try:
            if before is None:
                playback = Playback(RunWriter(self.runs, dedup=self._dedup, asides=self.writer.asides), wire_of)
                taken = await take_up(writer.path, writer, header, playback)
                held = FileContent(playback.frames, playback.links, playback.wires)
            else:
                held = before.held
            self._recorder = Recorder(
                writer,
                structs.replace(header, continues=taken is not None or before is not None),
                now=now_micros,
                trouble=self._trouble,
                secrets=self._options.redactor,
                held=held,
                whole_run=lambda: self._retold(header),
            )
        except BaseException:
            writer.close()
            raise
        return taken

    def _retold(self, header: Header) -> Iterator[bytes]:
        from runconsole.recording.saving import lines_of_log

        runs = self.runs
        return lines_of_log(header, runs.log, len(runs.log), self.writer.asides.cut(), finished=runs.state.finished)

    def _trouble(self, text: str) -> None:
        if self._session is not None:
            self._session.notify(text)

    def flush(self) -> None:
        """Hand what was taken so far to the file of the recording."""
        if self._recorder is not None:
            self._recorder.flush()

    def leave(self) -> None:
        """Leave the recording to the process this one was forked from."""
        self._recorder = None

    def save(self, path: Path, on_io: Callable[[Callable[[], Any]], Any]) -> None:
        """Write the runs to a recording; bring this console's own up to date. As `Feed.save`."""
        from runconsole.recording import home_path
        from runconsole.recording.saving import copy_run, lines_of_log, write_run
        from runconsole.replay import header_of

        path, runs = home_path(path), self.runs
        recording = on_io(self._recording)
        if recording is not None:
            try:
                if not _is_at(path, recording):
                    write_run(path, copy_run(self._path or path, descriptor=recording))
            finally:
                os.close(recording)
            return
        first = runs.all[0].state
        header = header_of(self._options, first.links[0].at if first.links else now_micros())
        count, asides, finished = on_io(
            lambda: (
                len(runs.log),
                self.writer.asides.cut(),
                runs.state.finished and runs.state.interruption is None,
            )
        )
        lines = lines_of_log(header, runs.log, count, asides, finished=finished)
        write_run(path, map(self._options.redactor.hide_line, lines))

    def _recording(self) -> int | None:
        """Return a descriptor of the recording, None where that does not hold the whole run."""
        recorder = self._recorder
        if recorder is None:
            return None
        recorder.catch_up()
        return recorder.duplicate() if recorder.is_recording and recorder.stalled is None else None


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether a path is that of an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False
