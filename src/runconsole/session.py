"""One run's link: connect, follow, retry, drop duplicates, find gaps; decisions out. All of it on the I/O thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from runconsole.arrivals import Arrivals
from runconsole.backoff import Backoff
from runconsole.calls import Calls
from runconsole.catchup import reread
from runconsole.change import Change
from runconsole.clock import now_micros
from runconsole.errors import LinkLost, NotConnected, RunConsoleError
from runconsole.events import (
    Alert,
    CheckpointExpired,
    DecisionRequested,
    DuplicateDropped,
    Fact,
    LinkChanged,
    LinkStatus,
    Logged,
    MalformedFrame,
    Micros,
    Received,
)
from runconsole.line import Line
from runconsole.log import EventLog
from runconsole.outbox import Outbox
from runconsole.state import Effect, Finished, RunState, Transmit
from runconsole.transports.base import Transport
from runconsole.wire.signals import (
    Established,
    ReconnectAsked,
    Repeated,
    Reply,
    Request,
    Send,
    Signal,
    StreamEnded,
    StreamRefused,
    Wire,
)

__all__ = ["Session"]

LINGER = 2.0
"""Seconds to listen on after the run's end, for what a server says last; longer while it still talks."""
_DOUBTFUL_ATTEMPTS = 4
_DEADLINE_GRACE = 2_000_000
_STEADY = 5_000_000
"""Microseconds of a live link after which the back-off starts afresh, also where the server sends nothing."""
_CATCHING_UP = 1_000_000
"""Microseconds after a reconnect in which what was missed may still come."""
_TICK = 1.0
_TOO_BIG = 1009
_NO_PROOF = frozenset({Logged, MalformedFrame, Alert})
"""Facts that prove no working stream: a server that greets, then turns us away, must not be tried in a storm."""

Observer = Callable[[tuple[Effect, ...]], None]


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
        self._outbox = Outbox(state, self.apply, now)
        self._line: Line | None = None
        self._handover: Change | None = None
        self._handing: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._calls = Calls(redact)
        self._is_live = False
        self._live_since: Micros = 0
        self._lost_at: Micros | None = None
        self._gone_s = 0.0
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
            if effect.__class__ is Transmit and self._is_live and self._line is not None:
                self._outbox.flush(self._line)
            elif effect.__class__ is Finished:
                self._ended.set()
        self._observe(effects)
        if self._ended.is_set():
            self._end()

    def _take(self, event: Received) -> None:
        """Log and fold an event of the server, unless it came before."""
        self._heard = True
        if self._arrivals.admit(event):
            self._log.append(event)
            if self._backoff.attempts and event.fact.__class__ not in _NO_PROOF:
                self._backoff.reset()
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
            self._line = await Line.open(self._transport, self._wire, self._hear, self._now)
            await self._follow()
        except LinkLost as lost:
            await self._leave()
            return await self._after(lost)
        finally:
            await self._leave()
        return self._end()

    async def _follow(self) -> None:
        """Follow until the run has ended and the server has nothing more to say. Raises LinkLost."""
        line = self._current
        await line.greet()
        if not line.wire.confirms:
            self._go_live()
        lingering = asyncio.create_task(self._linger(), name="runconsole-linger")
        try:
            while not lingering.done():
                line = self._current
                await asyncio.wait({line.reader, lingering, *self._handing}, return_when=asyncio.FIRST_COMPLETED)
                if line.reader.done() and self._handing:
                    await asyncio.wait(self._handing)  # the new connection may take over
                elif line.reader.done() and line is self._current:
                    line.reader.result()
            await self._current.send(self._current.wire.close())
        finally:
            for task in (lingering, *self._handing):
                task.cancel()
            await asyncio.gather(lingering, *self._handing, return_exceptions=True)

    @property
    def _current(self) -> Line:
        if self._line is None:
            raise LinkLost("the connection is gone")
        return self._line

    async def _hear(self, line: Line, signals: Sequence[Signal]) -> None:
        """Take in what a line reads; during a handover two lines read."""
        if self._handover is not None:
            signals = self._handover.sort(line, signals)
        for signal in signals:
            if isinstance(signal, Received):
                self._take(signal)
            else:
                await self._heed(signal, line)

    async def _heed(self, signal: Signal, line: Line) -> None:
        match signal:
            case Repeated():
                self.apply(DuplicateDropped())
            case Established():
                self._go_live()
            case Reply():
                self._answered(signal)
            case Send():
                await line.send([signal.frame])
            case StreamEnded():
                if self._state.followed_task is not None and not self._state.finished:
                    raise LinkLost("the server ended the stream before the task had ended", doubtful=True)
                self.link("ended", reason=signal.reason)
            case StreamRefused():
                raise LinkLost(signal.reason, fatal=signal.fatal)
            case ReconnectAsked() if self._handover is None:
                self._handing.add(task := asyncio.create_task(self._hand_over(line), name="runconsole-handover"))
                task.add_done_callback(self._handing.discard)
            case _:
                pass

    async def _hand_over(self, old: Line) -> None:
        """Change to a new connection, as the server asked, without losing, doubling or reordering an event."""
        self._handover = change = Change(old)
        try:
            new = await change.connect(self._transport, self._hear, self._now)
            if new is None:
                return
            self._line, self._wire = new, new.wire
        finally:
            self._handover = None
            await self._hear(old, change.finish())
        self.link("live", notice="reconnected, as the server asked")
        self._outbox.flush(new)
        self._forsake(await change.retire())

    def _go_live(self) -> None:
        if self._is_live:
            return
        self._is_live = True
        self._live_since = self._now()
        notice = back_at = None
        if self._lost_at is not None:
            gone = (self._live_since - self._lost_at) / 1e6
            self._gone_s = gone
            notice = f"reconnected after {_seconds(gone)}"
            back_at = self._live_since + self._state.clock.offset
        wire = self._current.wire
        self._arrivals.connected(back_at, assured=wire.resumes_from is not None, knows_repeats=wire.knows_repeats)
        self.link("live", notice=notice)
        self._outbox.flush(self._current)
        if self._current.wire.can_ask:
            self._asking.add(task := asyncio.create_task(self._ask(), name="runconsole-ask"))
            task.add_done_callback(self._asking.discard)

    async def _leave(self) -> None:
        """Close what is open; say so to whoever waits for an answer over it."""
        line, self._line = self._line, None
        if self._is_live:
            self._lost_at = self._now()
        self._is_live = False
        for task in self._asking:
            task.cancel()
        if line is not None:
            self._forsake(await line.close())

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
        if lost.code == _TOO_BIG:
            self._wire.forget_mark()
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
        """Say that it is over, once; return that it is."""
        if not self._state.links or self._state.links[-1].state != "ended":
            self.link("ended")
        return True

    # ---- asking the server --------------------------------------------------------------------------------------

    async def call(self, request: Request) -> Any:
        """Make a call and return its result. Never sent twice. Raises NotConnected, and what `Calls.make` raises."""
        if not self._is_live:
            raise NotConnected(f"no live link to the server: {request.name} was not sent")
        return await self._calls.make(self._current, request)

    def _answered(self, reply: Reply) -> None:
        if reply.error is None:
            self._backoff.reset()
        if not self._calls.settle(reply):
            self._outbox.settle(reply)

    def _forsake(self, request_ids: Sequence[str]) -> None:
        """Nobody will answer these any more."""
        self._outbox.lost(request_ids)
        self._calls.lost(request_ids)

    async def _ask(self) -> None:
        """Re-read what may have been asked or ended while nobody listened."""
        with suppress(RunConsoleError):
            async for event in reread(self.call, self._state, self._now(), tasks=self._lost_at is not None):
                self.apply(event)

    # ---- once a second ------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self._expire_checkpoints()
            self._report_losses()
            if self._is_live and self._now() - self._live_since > _STEADY:
                self._backoff.reset()

    def _expire_checkpoints(self) -> None:
        if not self._state.versions["checkpoints"]:
            return
        server_now = self._now() + self._state.clock.offset
        for checkpoint in self._state.open_checkpoints:
            if checkpoint.deadline is not None and server_now > checkpoint.deadline + _DEADLINE_GRACE:
                self.apply(CheckpointExpired(self._now(), checkpoint.checkpoint_id))

    def _report_losses(self) -> None:
        """Say what a reconnect brought back and what it did not, a moment after it; and gaps whenever they show."""
        if self._arrivals.came_back is not None and (
            not self._is_live or self._now() - self._live_since < _CATCHING_UP
        ):
            return
        is_back = self._arrivals.came_back is not None
        losses = self._arrivals.report()
        if losses is None:
            return
        parts = [f"{losses.recovered:,} events recovered"] if losses.recovered else []
        if losses.missed is None:
            parts.append("events in between may be missing: the server gives no numbers to know it by")
        elif losses.missed > 0 or not parts:
            parts.append(f"{max(losses.missed, 0):,} missed")
        before = f"reconnected after {_seconds(self._gone_s)}: " if is_back else "events: "
        status: LinkStatus = "live" if self._is_live else "retrying"
        missed = None if losses.missed is None else max(losses.missed, 0)
        self.link(status, missed=missed, recovered=losses.recovered, notice=before + ", ".join(parts))


def _seconds(gone: float) -> str:
    return f"{gone:.0f} s" if gone >= 1 else "a moment"
