"""State that outlives one session of a console: duplicate detection, notes, the wire's memory, the recording.

All that reads and writes recordings loads when there is one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from runconsole.clock import now_micros
from runconsole.log import Asides
from runconsole.options import Options
from runconsole.protocols import registry
from runconsole.protocols.base import Wire
from runconsole.session import Session
from runconsole.session.probing import Other
from runconsole.state import Effect
from runconsole.store.dedup import Dedup
from runconsole.store.runs import Runs
from runconsole.store.scope import Scope

if TYPE_CHECKING:
    from runconsole.recording import Header, Recorder
    from runconsole.replay import TakenUp

__all__ = ["Keeper"]


class Keeper:
    """Makes a console's sessions, each of which goes on where the one before it, or a recording, ended.

    Used on the I/O thread, but for `save`.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._path = None if options.record is None else Path(options.record)
        self._dedup: Dedup | None = None
        self._scope = Scope.of(execution=options.execution, task=options.task)
        self.asides = Asides()
        self._session: Session | None = None
        self._recorder: Recorder | None = None

    def adopt(self, options: Options) -> None:
        """Take other options of the same link."""
        self._options = options
        if self._session is not None:
            wire = registry.resolve(self._spoken, self.protocol).wire
            self._session.wire.decides_by = wire.decides_by
            self._session.reconnect_by(options.reconnect)

    async def session(self, runs: Runs, observe: Callable[[tuple[Effect, ...]], None]) -> Session:
        """Return a session; where a run was recorded before, it is loaded first.

        Where the file no longer holds what this console has seen, and nothing else, nothing more is recorded to it.

        Raises InvalidArgument, RecordingError.
        """
        endpoint = registry.resolve(self._spoken, self.protocol)
        dedup = self._dedup or Dedup(runs.log, filtered=self._scope is not None)
        self._dedup = dedup
        wire = endpoint.wire if self._session is None else self._session.wire
        taken: TakenUp | None = None
        is_left_alone = self._is_left_alone()
        if self._path is not None and not is_left_alone:
            header = self._header()
            taken = await self._open_recorder(self._path, header, wire, runs, dedup)
            if taken is not None:
                wire = taken.wire(wire, header)
        session = Session(
            runs,
            wire,
            endpoint.transport,
            observe=observe,
            redactor=self._options.redactor,
            dedup=dedup,
            asides=self.asides,
            recorder=self._recorder,
            gone_since=runs.state.links[-1].at if dedup.has_connected and runs.state.links else 0,
            scope=self._scope,
            other=self._other_protocol(),
            reconnect=self._options.reconnect,
        )
        self._session = session
        if is_left_alone:
            session.notify(
                f"the recording {str(self._path)!r} is not what this console has seen so far: nothing more is recorded;"
                " `save` writes the whole run"
            )
        for fact in taken.facts(now_micros()) if taken is not None else ():
            session.apply(fact)
        return session

    @property
    def protocol(self) -> str:
        """The protocol that is spoken."""
        return self._spoken.inferred_protocol()

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

    async def _open_recorder(self, path: Path, header: Header, wire: Wire, runs: Runs, dedup: Dedup) -> TakenUp | None:
        from runconsole.recording import FileContent, FileWriter, Recorder
        from runconsole.replay import Fold, same_wire, take_up, wire_for

        def wire_of(section: Header) -> Wire:
            return wire if same_wire(section, header) else wire_for(section)

        before, taken = self._recorder, None
        writer = FileWriter(path)
        try:
            if before is None:
                fold = Fold(runs, self.asides, wire_of, dedup=dedup)
                taken = await take_up(writer.path, writer, header, fold)
                held = FileContent(fold.frames, fold.links, fold.wires)
            else:
                held = before.held
            self._recorder = Recorder(
                writer,
                structs.replace(header, continues=taken is not None or before is not None),
                now=now_micros,
                trouble=self._trouble,
                secrets=self._options.redactor,
                held=held,
                whole_run=lambda: self._retold(header, runs),
            )
        except BaseException:
            writer.close()
            raise
        return taken

    def _retold(self, header: Header, runs: Runs) -> Iterator[bytes]:
        from runconsole.recording.saving import lines_of_log

        return lines_of_log(header, runs.log, len(runs.log), self.asides.cut(), finished=runs.state.finished)

    def _trouble(self, text: str) -> None:
        if self._session is not None:
            self._session.notify(text)

    def leave(self) -> None:
        """Leave the recording to the process this one was forked from."""
        self._recorder = None

    def close(self) -> None:
        """Write what is left of the recording and let go of the file."""
        if self._recorder is not None:
            self._recorder.close()

    def save(self, path: Path, runs: Runs, on_io: Callable[[Callable[[], Any]], Any]) -> None:
        """Write the run, as it is now, to a recording. From any thread.

        `on_io` runs a function on the I/O thread and returns its result. Raises InvalidArgument, RecordingError.
        """
        from runconsole.recording import home_path
        from runconsole.recording.saving import copy_run, lines_of_log, write_run
        from runconsole.replay import header_of

        path = home_path(path)
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
                self.asides.cut(),
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
