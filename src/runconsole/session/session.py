"""One run's link: connect, follow, retry, drop duplicates, find gaps; decisions out. All of it on the I/O thread."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, cast

import msgspec

from runconsole.clock import now_micros
from runconsole.errors import DecisionExpired, LinkLost, NotConnected, UnsupportedByWire
from runconsole.events import (
    Alert,
    DecisionRequested,
    Fact,
    LinkChanged,
    LinkStatus,
    Logged,
    MalformedFrame,
    Micros,
    Received,
)
from runconsole.protocols.base import (
    CaughtUp,
    Established,
    EventsLost,
    Queries,
    ReconnectAsked,
    Repeated,
    Reply,
    Request,
    Send,
    Signal,
    StreamBroken,
    StreamEnded,
    StreamRefused,
    SubscriptionRefused,
    TaskCommand,
    Wire,
)
from runconsole.reconnect import REFUSED, Reconnect, ReconnectPolicy
from runconsole.session.aio import cancelled, spawn, until
from runconsole.session.attempts import Attempts
from runconsole.session.calls import Calls
from runconsole.session.denial import Denial
from runconsole.session.endings import expired, fingerprint
from runconsole.session.inquiries import Inquiries
from runconsole.session.link import OpenLink
from runconsole.session.linklog import LinkLog
from runconsole.session.outbox import Outbox, Post
from runconsole.session.pace import PACE, Pace
from runconsole.session.probing import Other, is_spoken
from runconsole.session.silence import Quiet, Silence
from runconsole.session.switching import Change
from runconsole.state import Effect, Finished, Inquire, Presume, RunState, Transmit
from runconsole.state.completion import is_complete, standing
from runconsole.store.writer import RunWriter
from runconsole.transports.base import Transport

__all__ = ["Session"]

_logger = logging.getLogger(__name__)

_TOO_BIG = 1009
_NO_PROOF = frozenset({Logged, MalformedFrame, Alert})
"""Facts that prove no working stream: a server that greets, then turns us away, must not be tried in a storm."""

_EVENTS_ALONE = {Received}

Observer = Callable[[tuple[Effect, ...]], None]


class Session:
    """Follows one run until it ends, fails for good, or the task running `run` is cancelled.

    Everything that happens is applied to the state by its `RunWriter` and nowhere else.

    Args:
        writer: writes the runs of the stream.
        wire: translates between frames and events.
        transport: makes the connections.
        observe: called on the I/O thread after each event that asks for something.
        now: this machine's clock.
        reconnect: the policy of new attempts; None is the default policy.
        pace: timeouts and intervals.
        gone_since: the time at which an earlier session last had a link; 0 is never.
        other: makes the protocol that the server may speak instead, which is tried when it stays silent.
    """

    def __init__(
        self,
        writer: RunWriter,
        wire: Wire,
        transport: Transport,
        *,
        observe: Observer,
        now: Callable[[], Micros] = now_micros,
        reconnect: ReconnectPolicy | None = None,
        pace: Pace = PACE,
        gone_since: Micros = 0,
        other: Callable[[], Other] | None = None,
    ) -> None:
        if writer.dedup is None:
            raise ValueError("expected a writer that knows which events came before")
        self._writer = writer
        self._runs = writer.runs
        self._dedup = writer.dedup
        self._recorder = writer.recorder
        self._redactor = writer.redactor
        self._scope = writer.scope
        self._wire = wire
        self._transport = transport
        self._observe = observe
        self._now = now
        self._attempts = Attempts(reconnect or Reconnect())
        self._pace = pace
        self._steps: deque[Fact | Received | Post] = deque()
        """Facts to apply and frames to post, in order, that came up while another fact was applied."""
        self._is_applying = False
        self._link_log = LinkLog(now, self._dedup.gaps, pace=pace, gone_since=gone_since, scope=self._scope)
        self._outbox = Outbox(self._runs, now, patience=pace.reply)
        self._calls = Calls(patience=pace.reply)
        self._inquiries = Inquiries(self._runs, now, linger=pace.linger)
        self._link: OpenLink | None = None
        self._change: Change | None = None
        self._handing: set[asyncio.Task[None]] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._other = other
        self.protocol: str | None = None
        """The protocol that the server was found to speak, where that is another than its address was taken for."""
        self._silence = Silence(self._runs.state, after=pace.silent)
        self._denial = Denial(pace.silent)
        self._logged = len(self._runs.log)
        self._quiet_since: Micros = 0
        self._connecting_since: Micros | None = None
        self._seek_until: Micros = 0
        self._probes: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._is_over = False
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()

    # ---- what others ask for ------------------------------------------------------------------------------------

    def decide(self, request: DecisionRequested) -> None:
        """Apply a decision; it is sent now, or when the link is back. Raises DecisionExpired when all is over."""
        if self._is_over:  # and its recording closed: what nobody can receive is no event of the run any more
            raise DecisionExpired("the run is over: nothing was sent", request.checkpoint_id)
        self._outbox.hold(request)
        self.apply(request)

    def reconnect(self) -> None:
        """Make the next attempt now."""
        self._wake.set()

    def read_on(self) -> bool:
        """Read at once what waits for the end of a pause between two reads; return whether there was one."""
        return self._link is not None and self._link.read_on()

    def reconnect_by(self, policy: ReconnectPolicy | None) -> None:
        """Make the attempts that follow by this policy; None is the usual one."""
        self._attempts.policy = policy or Reconnect()

    @property
    def task_commands(self) -> tuple[str, ...]:
        """The commands for tasks that the server takes."""
        return self._wire.task_commands

    @property
    def _state(self) -> RunState:
        return self._runs.state

    @property
    def wire(self) -> Wire:
        """The wire of the newest connection, for a session that continues this one."""
        return self._wire

    def notify(self, text: str) -> None:
        """Show something that went wrong on our side and does not touch the run."""
        self.apply(Received("runconsole", Alert("error", text), "", self._now()))
        self.apply(LinkChanged(self._now(), self._link_log.status, reason=text, notice=text))

    def apply(self, fact: Fact | Received) -> None:
        """Fold in a fact that no event of the log reports, and do what it asks for.

        A fact that comes up while another one is applied has its turn after that, in the order in which they came up.
        """
        self._take_steps((fact,))

    def _take_steps(self, steps: Iterable[Fact | Received | Post]) -> None:
        """Take these steps now, or after those that are being taken."""
        self._steps.extend(steps)
        if not self._is_applying:
            self._carry_out(())

    def _log_link(self, change: LinkChanged) -> None:
        """Log a change of the link; its words may be the server's, which may say a secret back."""
        said = change.notice or change.reason
        words = "" if said is None else f": {self._redactor.hide_said(said)!a}"
        wait = "" if change.retry_at is None else f", next attempt in {(change.retry_at - change.at) / 1e6:.1f} s"
        _logger.debug("link %s, failures in a row: %d%s%s", change.status, change.attempt, wait, words)

    def _apply_all(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self.apply(fact)

    async def _apply_answers(self, answers: AsyncIterator[Fact | Received]) -> None:
        """Fold in what the server says when asked, unless it is about another run."""
        async for answer in answers:
            if self._scope is None or not isinstance(answer, Received) or not self._scope.excludes(answer):
                self.apply(answer)

    async def _apply_overdue(self) -> None:
        async for fact in self._outbox.overdue():
            self.apply(fact)

    def link(self, status: LinkStatus, *, reason: str | None = None, delay: float | None = None) -> None:
        """Record a change of the link."""
        self._change_link(status, attempt=self._attempts.in_a_row, reason=reason, delay=delay)

    def _change_link(self, status: LinkStatus, **details: Any) -> None:
        self._apply_all(self._link_log.change(status, **details))

    # ---- what events ask for ------------------------------------------------------------------------------------

    def _carry_out(self, effects: tuple[Effect, ...]) -> None:
        """Do what an event asks for; then take the steps that this brings up, one after the other."""
        self._is_applying = True
        try:
            if effects:
                self._perform(effects)
            while self._steps:
                step = self._steps.popleft()
                if isinstance(step, Post):
                    self._current.post(step.frame)
                else:
                    effects = self._apply_now(step)
                    if effects:
                        self._perform(effects)
        finally:
            self._is_applying = False

    def _apply_now(self, fact: Fact | Received) -> tuple[Effect, ...]:
        if isinstance(fact, LinkChanged) and _logger.isEnabledFor(logging.DEBUG):
            self._log_link(fact)
        return self._writer.apply(fact)

    def _perform(self, effects: tuple[Effect, ...]) -> None:
        if self._ended.is_set() and not self._state.finished:
            self._go_on()
        for effect in effects:
            match effect:
                case Transmit():
                    self._send_queued()
                case Presume(decision_id):
                    presumed = self._outbox.presume(decision_id)
                    if presumed is not None:
                        self.apply(presumed)
                case Inquire(checkpoint_id):
                    self._inquire(checkpoint_id)
                case Finished():
                    self._attempts.prove()
                    self._ended.set()
                    if self._recorder is not None and self._state.interruption is None:
                        self._recorder.finished()
        self._observe(effects)
        if self._ended.is_set() and not self._wire.goes_on:
            self._end()

    def _go_on(self) -> None:
        """Another run has begun, although the one before it had ended."""
        self._ended.clear()
        if self._recorder is not None:
            self._recorder.finished(is_so=False)
        if self._link_log.is_live and self._link_log.status == "ended":
            self.link("live")

    def _send_queued(self) -> None:
        link = self._link
        if self._link_log.is_live and link is not None and link.is_greeted and not link.reader.done():
            self._take_steps(self._outbox.flush(link.wire))

    def _inquire(self, checkpoint_id: str) -> None:
        """Ask what became of a checkpoint, where there is a link to ask over; after a reconnect it is asked anyway."""
        queries = None if self._link is None else self._link.wire.queries
        if self._link_log.is_live and queries is not None:
            self._ask(self._inquiries.outcome(self.call, queries, checkpoint_id))

    def _ask(self, answers: AsyncIterator[Fact | Received]) -> None:
        spawn(self._asking, self._apply_answers(answers), "inquire")

    # ---- the life of the link -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the run to its end. Leaves the link `ended` or `failed`."""
        tasks = {
            asyncio.create_task(self._tick(), name="runconsole-tick"),
            asyncio.create_task(self._apply_overdue(), name="runconsole-overdue"),
        }
        try:
            while not await self._attempt():
                pass
        finally:
            await cancelled({*tasks, *self._retiring, *self._probes})
            self._apply_all(self._link_log.close())
            self._apply_all(self._outbox.close())
            self._is_over = True

    async def _attempt(self) -> bool:
        """Connect once and follow; return whether the session is over."""
        self.link("connecting")
        self._denial.clear()
        self._connecting_since = self._now()
        self._link_log.lasted_s = 0.0
        link = None
        try:
            link = self._link = await OpenLink.open(
                self._transport, self._wire, self._on_signals, self._now, self._recorder, self._redactor
            )
            await self._follow(link)
        except LinkLost as lost:
            link = self._link or link
            await self._leave()
            lost.orderly = lost.orderly or (link is not None and link.is_over)
            return await self._after(lost, known=self._link_log.was_live if link is None else self._attempts.served)
        finally:
            await self._leave()
        return self._end()

    async def _follow(self, link: OpenLink) -> None:
        """Follow until the run has ended and the server has nothing more to say. Raises LinkLost."""
        if not link.wire.confirms:
            self._go_live(link)
        await link.greet()
        self._send_queued()
        lingering = asyncio.create_task(self._linger(), name="runconsole-linger")
        try:
            while not lingering.done():
                link = self._current
                ends: set[asyncio.Future[Any]] = {link.reader, link.close_reason, lingering, *self._handing}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                await self._check(link)
            await self._current.send(self._current.wire.close())
        finally:
            await cancelled({lingering, *self._handing})

    async def _check(self, link: OpenLink) -> None:
        """Raise LinkLost if the link is at its end and no other takes over."""
        if not (link.reader.done() or link.close_reason.done()):
            return
        if self._handing:
            await asyncio.wait(self._handing)
        if link is not self._current:
            return
        self._link_log.went_down()
        await until(
            lambda: link.reader.done() or not (self._outbox.is_waiting or self._calls.is_waiting), self._pace.parting
        )
        if link.close_reason.done():
            raise link.close_reason.result()
        link.reader.result()

    @property
    def _current(self) -> OpenLink:
        if self._link is None:
            raise LinkLost("the connection is gone")
        return self._link

    def _on_signals(self, link: OpenLink, signals: Sequence[Signal]) -> None:
        """Take in what a link reads; during a change two links read."""
        if self._change is not None:
            signals = self._change.sort(link, signals)
        elif link is not self._link:
            signals = [signal for signal in signals if isinstance(signal, (Reply, Send))]
        if not self._attempts.in_a_row and set(map(type, signals)) == _EVENTS_ALONE:
            for effects in self._writer.take_all(cast("Sequence[Received]", signals)):
                self._carry_out(effects)
            return
        for signal in signals:
            if isinstance(signal, Received):
                known = len(self._runs.log) if self._attempts.in_a_row else None
                effects = self._writer.take(signal)
                if effects:
                    self._carry_out(effects)
                if known is not None and len(self._runs.log) > known and signal.fact.__class__ not in _NO_PROOF:
                    self._attempts.prove()
            elif isinstance(signal, CaughtUp):
                self._writer.caught_up(signal.left)
            else:
                self._on_signal(signal, link)

    def _on_signal(self, signal: Signal, link: OpenLink) -> None:
        match signal:
            case Repeated(event):
                self._carry_out(self._writer.take_copy(event))
            case Established():
                self._attempts.served = True
                self._go_live(link)
                self._send_queued()
            case Reply():
                self._answered(signal)
            case Send():
                link.post(signal.frame)
            case StreamEnded():
                link.is_over = True
                spawn(self._handing, self._conclude(link, signal.reason), "conclude")
            case StreamBroken() | StreamRefused():
                self._lose_stream(signal, link)
            case EventsLost(reason):
                self.apply(LinkChanged(self._now(), self._link_log.status, reason=reason, notice=reason))
            case SubscriptionRefused(last=last):
                self._tell_refusal(link, last=last)
            case ReconnectAsked() if self._change is None and link is self._link:
                self._change = Change(link, self._pace)
                spawn(self._handing, self._hand_over(link, self._change), "handover")
            case _:
                pass

    def _lose_stream(self, signal: StreamBroken | StreamRefused, link: OpenLink) -> None:
        """Leave a link over which no more events come; raise LinkLost where a new one would not help."""
        if isinstance(signal, StreamBroken):
            raise LinkLost(signal.reason, fatal=True, orderly=True, unfinished=True)
        if signal.fatal:
            raise LinkLost(signal.reason, policy=REFUSED)
        link.part(LinkLost(signal.reason))

    async def _conclude(self, link: OpenLink, reason: str | None) -> None:
        """End the run, or leave the link: its stream is over. Before, the server is asked how tasks ended."""
        queries = link.wire.queries
        if queries is not None and not (self._state.finished or is_complete(self._state)):
            await self._ask_for_ends(link, queries)
        if self._state.finished:
            return
        if is_complete(self._state):
            self.link("ended", reason=reason)
        else:
            link.part(LinkLost(f"the server ended the stream in good order {standing(self._state)}", orderly=True))

    async def _ask_for_ends(self, link: OpenLink, queries: Queries) -> None:
        """Ask how tasks ended, as long as the link is there and for a while at most."""
        answers = self._inquiries.ends(self.call, queries)
        asking = asyncio.create_task(self._apply_answers(answers), name="runconsole-ends")
        try:
            await asyncio.wait({asking, link.reader}, timeout=self._pace.parting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancelled({asking})

    async def _hand_over(self, old: OpenLink, change: Change) -> None:
        """Change to a new connection, as the server asked, without losing, doubling or reordering an event."""
        new = None
        try:
            new = await change.connect(self._transport, self._on_signals, self._now)
        finally:
            self._change = None
            held = change.finish()
            if new is not None:
                self._switch(new, seamless=change.is_seamless)
                self._on_signals(new, held)
            elif change.is_forced:
                self._writer.connected(self._server_time)
                self._on_signals(old, held)
        if new is not None:
            spawn(self._retiring, self._retire(old, change), "retire")

    async def _retire(self, old: OpenLink, change: Change) -> None:
        """Close a link that another has taken over from, when the answers that can come only there have come."""
        try:
            await change.answered()
        finally:
            self._abandon(await old.close())

    def _switch(self, new: OpenLink, *, seamless: bool) -> None:
        new.wire.decides_by = self._wire.decides_by  # it may have been replaced since the new one was made
        self._link, self._wire = new, new.wire
        self._note_connection(new, is_back=not seamless)
        if self._link_log.status != "ended":
            self._change_link("live", notice="reconnected, as the server asked")
        self._send_queued()

    def _go_live(self, link: OpenLink) -> None:
        if self._link_log.is_live or link.close_reason.done():
            return
        self._connecting_since = None
        again = self._dedup.has_connected and not self._link_log.is_afresh
        notice = self._link_log.live()
        self._note_connection(link, is_back=again)
        self._change_link("live", attempt=self._attempts.in_a_row, notice=notice)
        if link.wire.queries is not None:
            self._ask(self._inquiries.reread(self.call, link.wire.queries, again=again))

    def _note_connection(self, link: OpenLink, *, is_back: bool) -> None:
        wire = link.wire
        self._writer.connected(
            self._server_time if is_back else None,
            assured=wire.resumes_from is not None and (wire.assures or not is_back),
            replays=wire.replays,
        )

    @property
    def _server_time(self) -> Micros:
        return self._state.clock.at(self._now())

    async def _leave(self) -> None:
        """Close what is open; say so to whoever waits for an answer over it."""
        link, self._link = self._link, None
        self._link_log.went_down()
        for asking in self._asking:
            asking.cancel()
        if link is not None:
            self._abandon(await link.close())

    async def _linger(self) -> None:
        """Return when the run has ended and the server has been silent for a while; never where later runs follow."""
        if self._wire.goes_on:
            await asyncio.Event().wait()
        count = -1
        while count != len(self._runs.log):
            await self._ended.wait()
            count = len(self._runs.log)
            await asyncio.sleep(self._pace.linger)

    async def _after(self, lost: LinkLost, *, known: bool) -> bool:
        """Decide what a lost link means; return whether the session is over. `known` as of `Attempts`."""
        state, attempts = self._state, self._attempts
        lost = self._denial.lost(has_run=state.has_run) or lost
        is_over = state.finished or (lost.orderly and not lost.unfinished and is_complete(state))
        if is_over and not self._wire.goes_on:
            return self._end()
        if lost.code == _TOO_BIG:
            self._wire.forget_mark()
        is_steady = self._link_log.lasted_s > self._pace.steady
        if lost.orderly and lost.fatal:
            self._change_link("ended", reason=str(lost), interrupted=True)
            return True
        if lost.orderly and attempts.is_interrupted(fingerprint(state), steady=is_steady):
            self._interrupt()
            return True
        reason = str(lost)
        try:
            delay = attempts.pause_after(lost, known=known)
        except Exception as error:  # noqa: BLE001 - a user's function
            delay, reason = None, f"{reason}; reconnect= failed ({type(error).__name__}: {error})"
        if delay is None:
            self.link("failed", reason=reason)
            return True
        self._wake.clear()
        self.link("retrying", reason=reason, delay=delay)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):  # not `wait_for`, which may swallow a cancellation in Python 3.11
                await self._wake.wait()
        return False

    def _interrupt(self) -> None:
        """Say that the stream has ended before the run did."""
        reason = (
            f"the server closed the stream in good order {self._attempts.closes} times {standing(self._state)}, and "
            "told nothing new: see there what became of the run, or start the console again"
        )
        self._change_link("ended", reason=reason, interrupted=True)

    def _end(self) -> bool:
        """Say that it is over, once; return that it is."""
        if self._link_log.status != "ended":
            self.link("ended")
        return True

    # ---- calls and their answers ---------------------------------------------------------------------------------

    async def call(
        self,
        request: Request | TaskCommand,
        timeout: float | None = None,  # noqa: ASYNC109 - as `Calls.make`
    ) -> Any:
        """Make a call and return its result. Never sent twice. Raises NotConnected, and what `Calls.make` raises."""
        if not self._link_log.is_live:
            raise NotConnected(f"no live link to the server: {request.name} was not sent")
        if isinstance(request, TaskCommand):
            if not request.task_id and not self._wire.cancels_runs:
                raise UnsupportedByWire(f"expected the id of a task to {request.name}: the server has no such command")
            request = self._wire.command(request)
        request = msgspec.structs.replace(request, at=self._now(), request_id=uuid.uuid4().hex)
        return await self._calls.make(self._current, request, timeout)

    def _answered(self, reply: Reply) -> None:
        if self._calls.answered(reply):
            return
        fact = self._outbox.answered(reply)
        if fact is not None:
            self.apply(fact)
            if reply.error is None:
                self._attempts.prove()

    def _abandon(self, request_ids: Sequence[str]) -> None:
        """Nobody will answer these any more."""
        self._apply_all(self._outbox.lost(request_ids))
        self._calls.lost(request_ids)

    # ---- once a second ------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._pace.tick)
            for store in self._runs.all:
                for fact in expired(store.state, self._now()):
                    self.apply(fact)
            if self._outbox.is_holding:
                self._send_queued()  # a question that they wait for may be closed
            self._apply_all(self._link_log.tick())
            self._look_at_silence()
            if self._link_log.age_s > self._pace.steady:
                self._attempts.prove()

    # ---- what does not come ---------------------------------------------------------------------------------------

    def _look_at_silence(self) -> None:
        """Tell of a server that does not accept us, of a link without a run, and of a run without an end."""
        now = self._now()
        if self._silence.state is not self._state:
            self._silence = Silence(self._state, after=self._pace.silent)
        if len(self._runs.log) != self._logged:
            self._logged, self._quiet_since = len(self._runs.log), now
        if not self._link_log.is_live:
            self._tell_waiting(now)
            return
        if self._denial.stands(self._logged):
            self._part_if_refused(now)
            return
        live_s = self._link_log.age_s
        is_foreign = self._wire.is_foreign and self._other is not None and not self._state.has_run
        if (is_foreign or self._silence.is_silent(live_s)) and self._seeks(now):
            return
        since = max(self._quiet_since, now - round(live_s * 1e6))
        quiet = self._silence.look(
            live_s=live_s, quiet_s=(now - since) / 1e6, events=self._logged, asked=self._wire.asked
        )
        if quiet is not None:
            self._tell_quiet(quiet)

    def _tell_quiet(self, quiet: Quiet) -> None:
        status, text = self._link_log.status, quiet.text
        self.apply(LinkChanged(self._now(), status, reason=text, notice=text, quiet=quiet.kind))

    def _tell_refusal(self, link: OpenLink, *, last: bool) -> None:
        """Say that a subscription was refused; `last`: over this connection nothing else can come."""
        text = f"the server has refused a subscription: {link.wire.asked}"
        if last:
            self._denial.note(text, self._now(), len(self._runs.log))
        self._tell_quiet(Quiet("silent", text))

    def _part_if_refused(self, now: Micros) -> None:
        lost = self._denial.lost(has_run=self._state.has_run)
        if lost is not None and self._link is not None and self._denial.is_final(now):
            self._link.part(lost)

    def _tell_waiting(self, now: Micros) -> None:
        """Say once for each attempt what a connection waits for that does not become live."""
        since = self._connecting_since
        if since is None or now - since < self._pace.accept * 1e6 or self._link_log.status != "connecting":
            return
        self._connecting_since = None
        words = "the server has not answered yet"
        if self._link is not None:
            words = f"the connection is open, but the server has not accepted us yet: {self._link.wire.asked}"
        self.link("connecting", reason=f"{words} (since {(now - since) / 1e6:.0f} s)")

    def _seeks(self, now: Micros) -> bool:
        """Look for the run elsewhere, once: in other rooms, by another protocol. Return whether that is under way."""
        link, other = self._link, self._other
        if link is None or self._probes:
            return bool(self._probes)
        if other is not None:
            self._other = None
            spawn(self._probes, self._try(link, other), "probe")
            return True
        frames = link.wire.widen(now)
        for frame in frames:
            link.post(frame)
        if frames and link.wire.replays:
            self._note_connection(link, is_back=False)  # replays may come in between what is new, as on a new one
        if frames:
            self._seek_until = now + round(self._pace.silent * 1e6 / (1 if link.wire.confirms else 4))
        return now < self._seek_until

    async def _try(self, link: OpenLink, other: Callable[[], Other]) -> None:
        """Find out whether the server speaks another protocol; if so, connect anew with that."""
        if not await is_spoken(other(), self._now, self._pace.silent) or self._state.has_run or link is not self._link:
            return
        found = other()
        self.protocol, self._wire, self._transport = found.protocol, found.wire, found.transport
        if self._recorder is not None and found.header is not None:
            self._recorder.begin_section(found.header)
        self._link_log.forget()
        link.part(LinkLost(f"the server speaks {found.protocol}: connecting anew with it"))
