"""One run's link: connect, follow, retry, drop duplicates, find gaps; decisions out. All of it on the I/O thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from runconsole.arrivals import Arrivals
from runconsole.backoff import Backoff
from runconsole.errors import LinkLost
from runconsole.events import (
    Alert,
    CheckpointExpired,
    DecisionRequested,
    DuplicateDropped,
    Fact,
    LinkChanged,
    LinkStatus,
    Micros,
    Received,
)
from runconsole.log import EventLog
from runconsole.outbox import Outbox
from runconsole.state import Effect, Finished, RunState, Transmit
from runconsole.transports.base import Connection, Transport
from runconsole.wire.signals import Established, Reply, Send, Signal, StreamEnded, StreamRefused, Wire

__all__ = ["Session", "now_micros"]

LINGER = 2.0
"""Seconds to listen on after the run's end, for what a server says last; longer while it still talks."""
_DOUBTFUL_ATTEMPTS = 4
_DEADLINE_GRACE = 2_000_000
_TICK = 1.0

Observer = Callable[[tuple[Effect, ...]], None]


def now_micros() -> Micros:
    """Return the time now by this machine's clock."""
    return time.time_ns() // 1000


class Session:
    """Follows one run until it ends, fails for good, or the task running `run` is cancelled.

    Everything that happens is applied to the state here and nowhere else. `observe` is called after each event that
    asks for something, on the I/O thread.
    """

    def __init__(
        self,
        state: RunState,
        log: EventLog,
        wire: Wire,
        transport: Transport,
        *,
        observe: Observer,
        redact: Callable[[str], str] = str,
        now: Callable[[], Micros] = now_micros,
        backoff: Backoff | None = None,
    ) -> None:
        self._state = state
        self._log = log
        self._wire = wire
        self._transport = transport
        self._observe = observe
        self._redact = redact
        self._now = now
        self._backoff = backoff or Backoff()
        self._arrivals = Arrivals()
        self._outbox = Outbox(state, wire, self.apply, now)
        self._connection: Connection | None = None
        self._is_live = False
        self._was_live = False
        self._lost_at: Micros | None = None
        self._heard = False
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()

    # ---- what others ask for ------------------------------------------------------------------------------------

    def decide(self, request: DecisionRequested) -> None:
        """Apply a decision; it is sent now, or when the link is back."""
        self._outbox.hold(request)
        self.apply(request)

    def reconnect(self) -> None:
        """Make the next attempt now."""
        self._wake.set()

    # ---- the one writer -----------------------------------------------------------------------------------------

    def apply(self, fact: Fact | Received) -> None:
        """Fold one event in and do what it asks for."""
        try:
            effects = self._state.apply(fact)
        except Exception as error:
            if not isinstance(fact, Received):
                raise
            text = f"an event of type {fact.type!r} could not be understood ({type(error).__name__}); it is in `events`"
            effects = self._state.apply(Received(fact.type, Alert("error", text), "", self._now()))
        if effects:
            self._carry_out(effects)

    def _carry_out(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if effect.__class__ is Transmit and self._is_live and self._connection is not None:
                self._outbox.flush(self._connection)
            elif effect.__class__ is Finished:
                self._ended.set()
        self._observe(effects)

    def _take(self, event: Received) -> None:
        """Log and fold an event of the server, unless it came before."""
        self._heard = True
        if self._arrivals.admit(event):
            self._log.append(event)
            self.apply(event)
        else:
            self.apply(DuplicateDropped())

    def link(
        self,
        status: LinkStatus,
        *,
        reason: str | None = None,
        notice: str | None = None,
        delay: float | None = None,
        missed: int | None = None,
        recovered: int | None = None,
    ) -> None:
        """Record a change of the link."""
        at = self._now()
        self.apply(
            LinkChanged(
                at,
                status,
                self._backoff.attempts,
                None if reason is None else self._redact(reason),
                missed,
                recovered,
                retry_at=None if delay is None else at + round(delay * 1e6),
                notice=notice,
            )
        )

    # ---- the life of the link -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the run to its end. Leaves the link `ended` or `failed`."""
        ticker = asyncio.create_task(self._tick(), name="runconsole-tick")
        try:
            while not await self._attempt():
                pass
        finally:
            ticker.cancel()
            with suppress(asyncio.CancelledError):
                await ticker

    async def _attempt(self) -> bool:
        """Connect once and follow; return whether the session is over."""
        self.link("connecting")
        try:
            async with self._transport.connect() as connection:
                try:
                    await self._follow(connection)
                finally:
                    self._leave()
        except LinkLost as lost:
            return await self._after(lost)
        return self._end()

    async def _follow(self, connection: Connection) -> None:
        """Drain the connection until the run has ended and the server has nothing more to say."""
        self._connection = connection
        for frame in self._wire.open():
            await connection.send(frame)
        if not self._wire.confirms:
            self._go_live()
        reader = asyncio.create_task(self._drain(connection), name="runconsole-drain")
        ended = asyncio.create_task(self._linger(), name="runconsole-linger")
        try:
            await asyncio.wait({reader, ended}, return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                reader.result()
            else:
                with suppress(LinkLost):
                    for frame in self._wire.close():
                        await connection.send(frame)
        finally:
            for task in (reader, ended):
                task.cancel()
            await asyncio.gather(reader, ended, return_exceptions=True)

    async def _drain(self, connection: Connection) -> None:
        receive, read, now = connection.receive, self._wire.receive, self._now
        while True:
            frame = await receive()
            for signal in read(frame, now()):
                if signal.__class__ is Received:
                    self._take(signal)
                else:
                    await self._heed(signal, connection)

    async def _heed(self, signal: Signal, connection: Connection) -> None:
        match signal:
            case Established():
                self._backoff.reset()
                self._go_live()
            case Reply():
                self._outbox.settle(signal)
            case Send():
                await connection.send(signal.frame)
            case StreamEnded():
                if self._state.followed_task is None or self._state.finished:
                    self.link("ended", reason=signal.reason)
                else:
                    raise LinkLost("the server ended the stream before the task had ended", doubtful=True)
            case StreamRefused():
                raise LinkLost(signal.reason, fatal=signal.fatal)
            case _:
                pass

    def _go_live(self) -> None:
        if self._is_live:
            return
        self._is_live = True
        notice = None
        if self._was_live and self._lost_at is not None:
            gone = (self._now() - self._lost_at) / 1e6
            notice = f"reconnected after {gone:.0f} s" if gone >= 1 else "reconnected at once"
        self._was_live = True
        self.link("live", notice=notice)
        if self._connection is not None:
            self._outbox.flush(self._connection)

    def _leave(self) -> None:
        if self._is_live:
            self._lost_at = self._now()
        self._connection = None
        self._is_live = False
        self._outbox.link_lost()

    async def _linger(self) -> None:
        """Return when the run has ended and the server has been silent for a while."""
        await self._ended.wait()
        self._heard = True
        while self._heard:
            self._heard = False
            await asyncio.sleep(LINGER)

    async def _after(self, lost: LinkLost) -> bool:
        """Decide what a lost link means; return whether the session is over."""
        if self._state.finished or self._ends_run(lost):
            return self._end()
        hopeless = lost.doubtful and self._backoff.attempts + 1 >= _DOUBTFUL_ATTEMPTS
        if lost.fatal or hopeless:
            self.link("failed", reason=str(lost))
            return True
        delay = self._backoff.next()
        self._wake.clear()
        self.link("retrying", reason=str(lost), delay=delay)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), delay)
        return False

    def _ends_run(self, lost: LinkLost) -> bool:
        """Whether the server ended the stream in good order: closed with 1000 after every known task was done."""
        tasks = self._state.tasks
        return (
            lost.orderly
            and self._state.followed_task is None
            and bool(tasks)
            and all(task.finished for task in tasks.values())
        )

    def _end(self) -> bool:
        self.link("ended")
        return True

    # ---- once a second ------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self._expire_checkpoints()
            self._report_gaps()

    def _expire_checkpoints(self) -> None:
        if not self._state.versions["checkpoints"]:
            return
        server_now = self._now() + self._state.clock.offset
        for checkpoint in self._state.open_checkpoints:
            if checkpoint.deadline is not None and server_now > checkpoint.deadline + _DEADLINE_GRACE:
                self.apply(CheckpointExpired(self._now(), checkpoint.checkpoint_id))

    def _report_gaps(self) -> None:
        missed, recovered = self._arrivals.report()
        if missed or recovered:
            parts = [f"{recovered:,} recovered"] if recovered else []
            parts += [f"{missed:,} missed"] if missed > 0 else []
            status: LinkStatus = "live" if self._is_live else "retrying"
            self.link(status, missed=max(missed, 0), recovered=recovered, notice=f"events: {', '.join(parts)}")
