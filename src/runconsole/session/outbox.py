"""Decisions on their way to the server: each sent at most once, each answer awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from runconsole.decoding.listed import applied_option
from runconsole.errors import RunConsoleError
from runconsole.events import (
    CheckpointExpired,
    DecisionAcknowledged,
    DecisionHeld,
    DecisionPresumed,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Fact,
    Micros,
)
from runconsole.protocols.base import Outgoing, Reply, Wire
from runconsole.state import WITHDRAWN, Checkpoint
from runconsole.store.runs import Runs
from runconsole.text.length import shortened

__all__ = ["Outbox", "Post"]

_DECIDED = frozenset({"HITL_ALREADY_DECIDED", "ALREADY_DECIDED", "CONFLICT"})
_EXPIRED = frozenset({"CHECKPOINT_EXPIRED", "EXPIRED", "GONE"})
_GONE = frozenset({"CHECKPOINT_NOT_FOUND", "NOT_FOUND"})
_LONGEST_TITLE = 60
_MOMENT = 1.0
"""Seconds that an answer may come after the event that reports the same decision."""


class Post(Struct, frozen=True):
    """A frame to send over the link."""

    frame: str


class _Awaited(NamedTuple):
    """An answer that has not come: when, by the loop's clock, it is no longer waited for, and what is said then."""

    until: float
    reason: str | None
    """The reason why the outcome is unknown; None if an event has reported it."""


class Outbox:
    """Sends what the state says is queued as soon as there is a link, and returns what became of it as facts.

    Args:
        runs: knows what is queued.
        now: this machine's clock.
        patience: seconds to wait for an answer.
    """

    def __init__(self, runs: Runs, now: Callable[[], Micros], *, patience: float) -> None:
        self._runs = runs
        self._now = now
        self._patience = patience
        self._requests: dict[str, DecisionRequested] = {}
        self._awaited: dict[str, _Awaited] = {}
        self._is_changed = asyncio.Event()
        self._held: dict[str, str] = {}
        """The decisions that wait for others, with what was said about it."""

    @property
    def is_holding(self) -> bool:
        """True while decisions wait for others."""
        return bool(self._held)

    def hold(self, request: DecisionRequested) -> None:
        """Keep a decision, which is about to be applied, until it can be sent."""
        self._requests[request.decision_id] = request

    def flush(self, wire: Wire) -> Iterator[Fact | Post]:
        """Yield what sends every queued decision, in this order; never one whose deadline has passed at the server."""
        for decision_id, request in list(self._requests.items()):
            decision = self._runs.decision(decision_id)
            if decision is None or decision_id not in self._requests:
                continue  # not applied yet, or sent with another one
            if decision.state != "queued":
                self._forget(decision_id)
            elif self._is_late(request):
                yield CheckpointExpired(self._now(), request.checkpoint_id)
            elif others := wire.together(request.checkpoint_id):
                yield from self._sent_together(request, others, wire)
            else:
                del self._requests[decision_id]
                yield from self._sent([request], wire.decide, decision.task_id)

    def _is_late(self, request: DecisionRequested) -> bool:
        state = self._runs.of(request).state
        due_at = state.due_at(state.checkpoints[request.checkpoint_id])
        return due_at is not None and state.clock.at(self._now()) >= due_at

    def close(self) -> Iterator[Fact]:
        """Give up what has not left: nobody sends it any more. Yield how each decision ends that has not."""
        requests, self._requests = self._requests, {}
        for decision_id in requests:
            decision = self._runs.decision(decision_id)
            if decision is not None and decision.state == "queued":
                why = "there was a link" if decision_id not in self._held else "the other answers were there"
                reason = f"the console stopped before {why}: nothing was sent"
                yield DecisionTurnedDown(self._now(), decision_id, reason, WITHDRAWN)
        yield from self._unanswered(self._awaited, "the console stopped before the answer: it may or may not count")

    def _sent_together(self, request: DecisionRequested, others: Collection[str], wire: Wire) -> Iterator[Fact | Post]:
        """Yield what sends a decision with those to all `others`, or what is said while one of these is missing."""
        queued = {known.checkpoint_id: known for known in self._requests.values() if self._is_queued(known)}
        rows = {checkpoint_id: self._checkpoint(checkpoint_id) for checkpoint_id in others}
        missing = [row for name, row in rows.items() if name not in queued and name != request.checkpoint_id]
        closed = next((row for row in missing if row is None or not row.is_open), None)
        if closed is not None:
            self._forget(request.decision_id)
            reason = f"the run cannot go on without an answer to {_name(closed)}, which is closed: nothing was sent"
            yield DecisionTurnedDown(self._now(), request.decision_id, reason)
        elif missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            reason = f"waits for the answer to {_name(missing[0])}{more}: all open questions are answered together"
            if self._held.get(request.decision_id) != reason:
                self._held[request.decision_id] = reason
                yield DecisionHeld(self._now(), request.decision_id, reason)
        else:
            requests = [queued[name] for name in others if name in queued]
            for each in requests:
                self._forget(each.decision_id)
            yield from self._sent(requests, lambda *_: wire.decide_all(requests), None)

    def _is_queued(self, request: DecisionRequested) -> bool:
        decision = self._runs.decision(request.decision_id)
        return decision is not None and decision.state == "queued" and not self._is_late(request)

    def _checkpoint(self, checkpoint_id: str) -> Checkpoint | None:
        store = self._runs.asking(checkpoint_id)
        return None if store is None else store.state.checkpoints[checkpoint_id]

    def _forget(self, decision_id: str) -> None:
        self._requests.pop(decision_id, None)
        self._held.pop(decision_id, None)

    def _sent(
        self,
        requests: Sequence[DecisionRequested],
        write: Callable[[DecisionRequested, str | None], Outgoing],
        task_id: str | None,
    ) -> Iterator[Fact | Post]:
        """Yield what sends decisions in one frame, which `write` makes."""
        try:
            outgoing: Outgoing | str = write(requests[0], task_id)
        except RunConsoleError as error:
            outgoing = str(error)
        except Exception as error:  # noqa: BLE001 - also a user's own `decide` callable: say it on the card
            outgoing = f"the answer could not be written as a message ({type(error).__name__}: {error})"
        if isinstance(outgoing, str):
            for request in requests:
                yield DecisionTurnedDown(self._now(), request.decision_id, outgoing)
            return
        # Marked before it leaves: from here on it may have been received, whatever happens to the link.
        patience = self._patience if outgoing.patience is None else outgoing.patience
        for request in requests:
            yield DecisionSent(self._now(), request.decision_id)
            self._await(request.decision_id, patience, f"no answer came within {patience:g} s: it may or may not count")
        yield Post(outgoing.frame)

    # ---- answers ----------------------------------------------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """True while answers are still to come."""
        return bool(self._awaited)

    def answered(self, reply: Reply) -> Fact | None:
        """Return what the server's answer says of a decision; None where it answers none."""
        decision_id = reply.request_id
        if self._runs.decision(decision_id) is None:
            return None
        self._awaited.pop(decision_id, None)
        if reply.error is None:
            return DecisionAcknowledged(self._now(), decision_id, applied_option(reply.value))
        return self._refusal(decision_id, reply.error, reply.code, is_gone=not reply.is_unknown_call)

    def _refusal(self, decision_id: str, error: str, code: str | None, *, is_gone: bool) -> DecisionTurnedDown:
        """Return what a refusal means; `is_gone`: one that finds nothing did not find the checkpoint."""
        known = (code or "").upper()
        return DecisionTurnedDown(
            self._now(),
            decision_id,
            error,
            code,
            final=known in _DECIDED,
            expired=known in _EXPIRED,
            gone=is_gone and known in _GONE,
        )

    def presume(self, decision_id: str) -> Fact | None:
        """Take an event that reports an equal decision for the answer; return the fact that follows.

        None where the answer itself may still say otherwise: that is waited for, a moment longer.
        """
        if decision_id not in self._awaited:
            return DecisionPresumed(self._now(), decision_id)
        self._await(decision_id, _MOMENT, None)
        return None

    def lost(self, request_ids: Iterable[str]) -> Iterator[Fact]:
        """Yield the decisions among these whose outcome nobody will report any more: their connection broke."""
        yield from self._unanswered(request_ids, "the link broke before the answer: it may or may not count")

    async def overdue(self) -> AsyncIterator[Fact]:
        """Yield what is known of each decision whose answer has not come in time. Never ends."""
        loop = asyncio.get_running_loop()
        while True:
            self._is_changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min((waits.until for waits in self._awaited.values()), default=None)):
                    await self._is_changed.wait()
            for decision_id, (until, reason) in list(self._awaited.items()):
                if until <= loop.time():
                    del self._awaited[decision_id]
                    yield self._overdue(decision_id, reason)

    def _unanswered(self, decision_ids: Iterable[str], reason: str) -> Iterator[Fact]:
        for decision_id in list(decision_ids):
            if self._awaited.pop(decision_id, None) is not None:
                yield DecisionUnanswered(self._now(), decision_id, reason)

    def _overdue(self, decision_id: str, reason: str | None) -> Fact:
        if reason is None:
            return DecisionPresumed(self._now(), decision_id)
        return DecisionUnanswered(self._now(), decision_id, reason)

    def _await(self, decision_id: str, seconds: float, reason: str | None) -> None:
        self._awaited[decision_id] = _Awaited(asyncio.get_running_loop().time() + seconds, reason)
        self._is_changed.set()


def _name(row: Checkpoint | None) -> str:
    """Return a question's title for a sentence."""
    if row is None:
        return "a question"
    title = " ".join((row.title or row.checkpoint_id).split())
    return f"“{shortened(title, _LONGEST_TITLE)}”"
