"""Decisions on their way to the server: each sent at most once, each answer awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

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
from runconsole.protocols.base import Reply
from runconsole.session.link import Link
from runconsole.state import WITHDRAWN
from runconsole.store.runs import Runs

__all__ = ["Outbox"]

_DECIDED = frozenset({"HITL_ALREADY_DECIDED", "ALREADY_DECIDED", "CONFLICT"})
_EXPIRED = frozenset({"CHECKPOINT_EXPIRED", "EXPIRED", "GONE"})
_GONE = frozenset({"CHECKPOINT_NOT_FOUND", "NOT_FOUND"})
_MOMENT = 1.0
"""Seconds that an answer may come after the event that tells of the same decision."""


class Outbox:
    """Sends what the state says is queued as soon as there is a link, and tells the state what became of it."""

    def __init__(self, runs: Runs, apply: Callable[[Fact], Any], now: Callable[[], Micros], *, patience: float) -> None:
        self._runs = runs
        self._apply = apply
        self._now = now
        self._patience = patience
        self._requests: dict[str, DecisionRequested] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def hold(self, request: DecisionRequested) -> None:
        """Keep a decision's words until the state says that it shall be sent."""
        self._requests[request.decision_id] = request

    def flush(self, link: Link) -> None:
        """Send every queued decision over this link; never one whose deadline has passed by the server's clock."""
        for decision_id in list(self._requests):
            request = self._requests.pop(decision_id)
            if self._is_late(request):
                self._apply(CheckpointExpired(self._now(), request.checkpoint_id))
            decision = self._runs.decision(decision_id)
            if decision is not None and decision.state == "queued":
                self._send(request, decision.task_id, link)

    def _is_late(self, request: DecisionRequested) -> bool:
        state = self._runs.of(request).state
        due_at = state.due_at(state.checkpoints[request.checkpoint_id])
        return due_at is not None and state.clock.at(self._now()) >= due_at

    def close(self) -> None:
        """Give up what has not left: nobody sends it any more."""
        for decision_id in list(self._requests):
            del self._requests[decision_id]
            decision = self._runs.decision(decision_id)
            if decision is not None and decision.state == "queued":
                reason = "the console stopped before there was a link: nothing was sent"
                self._apply(DecisionTurnedDown(self._now(), decision_id, reason, WITHDRAWN))
        for decision_id in list(self._timers):
            self._unanswered(decision_id, "the console stopped before the answer: it may or may not count")

    def _send(self, request: DecisionRequested, task_id: str | None, link: Link) -> None:
        decision_id = request.decision_id
        try:
            outgoing = link.wire.decide(request, task_id)
        except RunConsoleError as error:
            self._apply(DecisionTurnedDown(self._now(), decision_id, str(error)))
            return
        except Exception as error:  # noqa: BLE001 - also a user's own `decide` callable: say it on the card
            reason = f"the answer could not be written as a message ({type(error).__name__}: {error})"
            self._apply(DecisionTurnedDown(self._now(), decision_id, reason))
            return
        # Marked before it leaves: from here on it may have been received, whatever happens to the link.
        self._apply(DecisionSent(self._now(), decision_id))
        self._timers[decision_id] = asyncio.get_running_loop().call_later(
            self._patience,
            self._unanswered,
            decision_id,
            f"no answer came within {self._patience:g} s: it may or may not count",
        )
        link.post(outgoing.frame)

    @property
    def is_waiting(self) -> bool:
        """Whether answers are still to come."""
        return bool(self._timers)

    def settle(self, reply: Reply) -> bool:
        """Take in the server's answer; return whether it answers a decision."""
        decision_id = reply.request_id
        if self._runs.decision(decision_id) is None:
            return False
        self._disarm(decision_id)
        if reply.error is None:
            self._apply(DecisionAcknowledged(self._now(), decision_id, applied_option(reply.value)))
        else:
            self._apply(self._refusal(decision_id, reply.error, reply.code, is_gone=not reply.is_unknown_call))
        return True

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

    def presume(self, decision_id: str) -> None:
        """The server has told of a decision like this one: it is this one, unless its answer says otherwise now."""
        if decision_id not in self._timers:
            self._apply(DecisionPresumed(self._now(), decision_id))
            return
        self._disarm(decision_id)
        self._timers[decision_id] = asyncio.get_running_loop().call_later(_MOMENT, self._presumed, decision_id)

    def _presumed(self, decision_id: str) -> None:
        self._disarm(decision_id)
        self._apply(DecisionPresumed(self._now(), decision_id))

    def lost(self, request_ids: Iterable[str]) -> None:
        """Note that nobody will answer these any more: their connection broke."""
        for request_id in request_ids:
            if request_id in self._timers:
                self._unanswered(request_id, "the link broke before the answer: it may or may not count")

    def _unanswered(self, decision_id: str, reason: str) -> None:
        self._disarm(decision_id)
        self._apply(DecisionUnanswered(self._now(), decision_id, reason))

    def _disarm(self, decision_id: str) -> None:
        timer = self._timers.pop(decision_id, None)
        if timer is not None:
            timer.cancel()
