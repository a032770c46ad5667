"""`Relay`: a console that follows a server and records it, and a server for its viewers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from runconsole.api.run import engine_of
from runconsole.console import Console
from runconsole.engine.engine import Engine
from runconsole.engine.iothread import IOThread, lease
from runconsole.engine.outcome import Outcome
from runconsole.engine.watchers import on_loop
from runconsole.errors import DecisionExpired, DecisionRefused
from runconsole.events import Answer, Received
from runconsole.redaction.secrets import Secret
from runconsole.relay.envelopes import relayed
from runconsole.relay.stores import Store
from runconsole.reporting.journal import Journal
from runconsole.reporting.serving import RunServer

__all__ = ["Relay"]

_GATHER_S = 0.02
_GATHER_PACKED_S = 0.2
"""Of a compressed file, which is better packed in larger parts."""


class Relay:
    """Relays one run, from `start` to `stop`.

    Args:
        console: follows the run and records it to the store's file, and was not started.
        store: keeps the run, and is open.
        place: the host and port for viewers.
        token: the secret of the viewers; None for none.
    """

    def __init__(self, console: Console, store: Store, *, place: tuple[str, int], token: Secret[str] | None) -> None:
        self.console = console
        self._engine = engine_of(console)
        self._store = store
        self._place = place
        self._token = token
        self.journal = Journal()
        self._gate = _Gate(self._engine, store, self.journal)
        self._server: RunServer | None = None
        self._io: IOThread | None = None

    @property
    def url(self) -> str:
        """The address for viewers. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("expected a relay that was started")
        return self._server.url

    @property
    def trouble(self) -> str | None:
        """The reason why there is no link to the server; None while there is one, and where none is needed."""
        return self._engine.reason if self._engine.status in {"retrying", "failed"} else None

    def start(self) -> None:
        """Load what is kept, follow the server, and serve. Raises RecordingError, OSError."""
        self._engine.listen(self._gate.take)
        self.console.start()
        self._io = lease()
        asyncio.run_coroutine_threadsafe(self._close_at_end(), self._io.loop)
        host, port = self._place
        self._server = RunServer(
            self.journal,
            self.answer,
            host=host,
            port=port,
            token=self._token,
            is_over=lambda: self._engine.is_finished,
            commands=self,
        )

    async def _close_at_end(self) -> None:
        """Let the viewers have what was loaded, and when the run has ended its end, which may be that of the stream."""
        self._gate.pass_on()
        await self._engine.session_over()
        if self._engine.is_finished:
            self._gate.pass_on(is_last=True)

    def stop(self) -> None:
        """Leave the server, keep the rest, let the viewers have it. Does nothing the second time."""
        self.console.stop()
        self._gate.pass_on()
        self._store.close()
        if self._server is not None:
            self._server.stop()
        if self._io is not None:
            self._io.release()
        self._server = self._io = None

    def answer(self, checkpoint_id: str, answer: Answer[Any]) -> Awaitable[None]:
        """Send an answer to the server, on the I/O thread; return its outcome, to be awaited. The first answer counts.

        Raises DecisionRefused, InvalidArgument, NotConnected.
        """
        for run in reversed(self._engine.stores):
            known = run.state.checkpoints.get(checkpoint_id)
            if known is not None and known.status == "decided":
                said = "" if known.decision is None else f": {known.decision!r}"
                raise DecisionRefused(f"already decided{said}", checkpoint_id)
            if known is not None:
                break
        return self._confirmed(self._engine.decider.submit(checkpoint_id, answer))

    @property
    def task_commands(self) -> tuple[str, ...]:
        """The commands for tasks that the server takes, or took before the link to it was lost."""
        return self._gate.commands

    async def command(self, verb: str, task_id: str, **details: str | None) -> Any:
        """Send a command to the server, once; return its answer.

        Raises CallRefused, CallUnanswered, NotConnected, UnsupportedByWire.
        """
        return await on_loop(self._engine.command(verb, task_id, **details))

    async def _confirmed(self, outcome: Outcome) -> None:
        """Return when the server has taken an answer. Raises, in the server's words, where it does not count."""
        try:
            await on_loop(outcome.future)
        except (DecisionExpired, DecisionRefused) as error:
            found = (run.state.decisions.get(outcome.decision_id) for run in self._engine.stores)
            decision = next(filter(None, found), None)
            words = str(error) if decision is None else decision.error or str(error)
            raise type(error)(words, outcome.checkpoint_id) from None


class _Gate:
    """Lets events through to the viewers when they are kept, in their order."""

    def __init__(self, engine: Engine, store: Store, journal: Journal) -> None:
        self._engine = engine
        self._store = store
        self._journal = journal
        self._count = 0
        self.commands: tuple[str, ...] = ()
        """The commands for tasks that viewers know of."""
        self._frames: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_packed = store.path.suffix in {".gz", ".zst"}
        self._passed_at = 0.0
        """The time of the last look at a store that is not packed: the first event after a pause does not wait."""

    def take(self, event: Received) -> None:
        """Take the next event of the stream, on the I/O thread."""
        commands = self._engine.task_commands or self.commands  # they outlive a link that is lost
        frame = relayed(event, self._count, None if commands == self.commands else commands)
        self._count += 1
        if frame is None:
            return
        self.commands = commands
        self._frames.append(frame)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            at = loop.time() + _GATHER_PACKED_S if self._is_packed else self._passed_at + _GATHER_S
            self._timer = loop.call_at(at, self._on_time)

    def _on_time(self) -> None:
        self._passed_at = asyncio.get_running_loop().time()
        self.pass_on()

    def pass_on(self, *, is_last: bool = False) -> None:
        """Have the events so far kept, and then seen; on the I/O thread, or where nothing is followed any more.

        After the last ones viewers are closed.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._engine.flush()
        frames, self._frames = self._frames, []

        def publish() -> None:
            for frame in frames:
                self._journal.append(frame)
            if is_last:
                self._journal.close()

        if frames or is_last:
            self._store.keep(publish)
