"""Decisions on their way to the server: each sent at most once, each answer awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from runconsole.events import (
    DecisionAcknowledged,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Fact,
    Micros,
)
from runconsole.session.line import Line
from runconsole.state import RunState
from runconsole.wire.signals import Reply

__all__ = ["Outbox"]

_GONE = frozenset({"HITL_ALREADY_DECIDED", "ALREADY_DECIDED", "CONFLICT", "CHECKPOINT_NOT_FOUND", "NOT_FOUND"})
_EXPIRED = frozenset({"CHECKPOINT_EXPIRED", "EXPIRED", "GONE"})


class Outbox:
    """Sends what the state says is queued as soon as there is a link, and tells the state what became of it."""

    def __init__(
        self, state: RunState, apply: Callable[[Fact], Any], now: Callable[[], Micros], *, patience: float
    ) -> None:
        self._state = state
        self._apply = apply
        self._now = now
        self._patience = patience
        self._requests: dict[str, DecisionRequested] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def hold(self, request: DecisionRequested) -> None:
        """Keep a decision's words until the state says that it shall be sent."""
        self._requests[request.decision_id] = request

    def flush(self, line: Line) -> None:
        """Send every queued decision over this line."""
        for decision_id in list(self._requests):
            decision = self._state.decisions.get(decision_id)
            if decision is None or decision.state != "queued":
                del self._requests[decision_id]
                continue
            self._send(self._requests.pop(decision_id), decision.task_id, line)

    def _send(self, request: DecisionRequested, task_id: str | None, line: Line) -> None:
        decision_id = request.decision_id
        try:
            outgoing = line.wire.decide(request, task_id)
        except Exception as error:  # noqa: BLE001 - also a user's own `decide` callable: say it on the card
            reason = f"the answer could not be written as a message ({type(error).__name__}: {error})"
            self._apply(DecisionTurnedDown(self._now(), decision_id, reason))
            return
        # Marked before it leaves: from here on it may have been received, whatever happens to the link.
        self._apply(DecisionSent(self._now(), decision_id))
        loop = asyncio.get_running_loop()
        self._timers[decision_id] = loop.call_later(
            self._patience,
            self._unanswered,
            decision_id,
            f"no answer came within {self._patience:g} s: it may or may not count",
        )
        task = loop.create_task(line.send([outgoing.frame]), name="runconsole-send")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def is_waiting(self) -> bool:
        """Whether answers are still to come."""
        return bool(self._timers)

    def settle(self, reply: Reply) -> bool:
        """Take in the server's answer; return whether it answers a decision."""
        decision_id = reply.request_id
        if decision_id not in self._state.decisions:
            return False
        self._disarm(decision_id)
        if reply.error is None:
            self._apply(DecisionAcknowledged(self._now(), decision_id))
        else:
            code = (reply.code or "").upper()
            self._apply(
                DecisionTurnedDown(
                    self._now(),
                    decision_id,
                    reply.error,
                    reply.code,
                    final=code in _GONE,
                    expired=code in _EXPIRED,
                )
            )
        return True

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
