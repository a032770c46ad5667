"""Decisions on their way to the server: each sent at most once, each answer awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from runconsole.decoding.listed import applied_option
from runconsole.errors import RunConsoleError
from runconsole.events import (
    CheckpointExpired,
    DecisionAcknowledged,
    DecisionPresumed,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Fact,
    Micros,
)
from runconsole.protocols.base import Reply, Wire
from runconsole.state import WITHDRAWN
from runconsole.store.runs import Runs

__all__ = ["Outbox", "Post"]

_DECIDED = frozenset({"HITL_ALREADY_DECIDED", "ALREADY_DECIDED", "CONFLICT"})
_EXPIRED = frozenset({"CHECKPOINT_EXPIRED", "EXPIRED", "GONE"})
_GONE = frozenset({"CHECKPOINT_NOT_FOUND", "NOT_FOUND"})
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

    def hold(self, request: DecisionRequested) -> None:
        """Keep a decision, which is about to be applied, until it can be sent."""
        self._requests[request.decision_id] = request

    def flush(self, wire: Wire) -> Iterator[Fact | Post]:
        """Yield what sends every queued decision, in this order; never one whose deadline has passed at the server."""
        for decision_id, request in list(self._requests.items()):
            decision = self._runs.decision(decision_id)
            if decision is None:
                continue  # not applied yet
            if decision.state != "queued":
                del self._requests[decision_id]
            elif self._is_late(request):
                yield CheckpointExpired(self._now(), request.checkpoint_id)
            else:
                del self._requests[decision_id]
                yield from self._sent(request, decision.task_id, wire)

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
                reason = "the console stopped before there was a link: nothing was sent"
                yield DecisionTurnedDown(self._now(), decision_id, reason, WITHDRAWN)
        yield from self._unanswered(self._awaited, "the console stopped before the answer: it may or may not count")

    def _sent(self, request: DecisionRequested, task_id: str | None, wire: Wire) -> Iterator[Fact | Post]:
        decision_id = request.decision_id
        try:
            outgoing = wire.decide(request, task_id)
        except RunConsoleError as error:
            yield DecisionTurnedDown(self._now(), decision_id, str(error))
            return
        except Exception as error:  # noqa: BLE001 - also a user's own `decide` callable: say it on the card
            reason = f"the answer could not be written as a message ({type(error).__name__}: {error})"
            yield DecisionTurnedDown(self._now(), decision_id, reason)
            return
        # Marked before it leaves: from here on it may have been received, whatever happens to the link.
        yield DecisionSent(self._now(), decision_id)
        self._await(decision_id, self._patience, f"no answer came within {self._patience:g} s: it may or may not count")
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
