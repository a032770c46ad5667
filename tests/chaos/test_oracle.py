"""The oracle finds faults: a client with any of these faults of its own does not get through the trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runconsole.events import DecisionSent, Fact, Received
from runconsole.protocols.base import Signal, Wire
from runconsole.protocols.json.wire import ChannelWire
from runconsole.reconnect import DENIED, Policy, Reconnect, of_status
from runconsole.session import Session
from runconsole.session.handover import Handover
from runconsole.session.outbox import Outbox, Post
from runconsole.state import RunState
from runconsole.store.dedup import DUPLICATE, NEW, Arrival, Dedup, _Replay
from runconsole.store.gaps import Gaps, Losses
from runconsole.store.scope import Scope
from tests.chaos.schedule import draw
from tests.chaos.suite import play_all

Break = Callable[[pytest.MonkeyPatch], None]

_AT_A_TIME, _MOST = 15, 120


def _believes_every_event_is_new(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Dedup, "admit", lambda self, event: NEW)


def _reports_no_loss(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Gaps, "report", lambda self: None)


def _believes_that_nothing_is_ever_missed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Gaps, "report", lambda self: Losses(0, 0, is_back=True) if self.is_back else None)


def _drops_an_event_now_and_then(patch: pytest.MonkeyPatch) -> None:
    admit = Dedup.admit

    def forgetful(self: Dedup, event: Received) -> Arrival:
        arrival = admit(self, event)
        return DUPLICATE if '"n":17,' in event.payload or '"n": 17,' in event.payload else arrival

    patch.setattr(Dedup, "admit", forgetful)


def _sends_decisions_twice(patch: pytest.MonkeyPatch) -> None:
    flush = Outbox.flush

    def twice(self: Outbox, wire: Wire) -> Iterator[Fact | Post]:
        for step in flush(self, wire):
            yield step
            if isinstance(step, Post):
                yield step

    patch.setattr(Outbox, "flush", twice)


def _never_pauses_between_attempts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Reconnect, "__call__", lambda *_: 0.0)


def _passes_on_what_a_new_connection_brings_at_once(patch: pytest.MonkeyPatch) -> None:
    def at_once(self: Handover, signals: list[Signal]) -> list[Signal]:
        self.established = self.established or bool(signals)
        return list(signals)

    patch.setattr(Handover, "from_new", at_once)


def _forgets_decisions_when_the_link_breaks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "_abandon", lambda self, request_ids: None)
    patch.setattr(Outbox, "_unanswered", lambda self, decision_ids, reason: ())
    patch.setattr(Outbox, "_overdue", lambda self, decision_id, reason: DecisionSent(self._now(), decision_id))


def _takes_a_close_between_two_tasks_for_the_end(patch: pytest.MonkeyPatch) -> None:
    def is_complete(state: RunState) -> bool:
        return bool(state.tasks) and all(task.finished for task in state.tasks.values())

    patch.setattr("runconsole.session.session.is_complete", is_complete)


def _takes_the_refusal_of_another_for_its_own(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ChannelWire, "_is_about_us", lambda self, event, correlation: True)


def _takes_a_restart_for_a_wrong_address(patch: pytest.MonkeyPatch) -> None:
    def hasty(status: int) -> Policy:
        return DENIED if 400 <= status < 500 else of_status(status)

    patch.setattr("runconsole.transports.websocket.of_status", hasty)


def _takes_a_slow_catch_up_for_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_Replay, "end", lambda self: setattr(self, "_is_over", True))


def _compares_events_by_the_letter(patch: pytest.MonkeyPatch) -> None:
    for module in ("identities", "dedup"):
        patch.setattr(f"runconsole.store.{module}.is_same", lambda earlier, event, **_: earlier == event)


def _takes_every_event_for_its_own(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Scope, "excludes", lambda self, event: False)


def _believes_the_clock_of_this_machine(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tests.chaos.trial.now_micros", lambda: time.time_ns() // 1000)


MUTANTS: list[tuple[str, Break]] = [
    ("json with ids", _believes_every_event_is_new),
    ("trpc tracked", _reports_no_loss),
    ("json with timestamps, live only", _believes_that_nothing_is_ever_missed),
    ("trpc tracked", _drops_an_event_now_and_then),
    ("trpc tracked", _sends_decisions_twice),
    ("json with ids", _never_pauses_between_attempts),
    ("trpc untracked, replaying", _passes_on_what_a_new_connection_brings_at_once),
    ("json with timestamps, live only", _takes_a_close_between_two_tasks_for_the_end),
    ("json with ids", _takes_the_refusal_of_another_for_its_own),
    ("trpc tracked", _takes_a_restart_for_a_wrong_address),
    ("socketio, live only", _forgets_decisions_when_the_link_breaks),
    ("socketio with slow catch-ups, without times", _takes_a_slow_catch_up_for_over),
    ("json with ids", _compares_events_by_the_letter),
    ("trpc tracked", _believes_the_clock_of_this_machine),
    ("socketio in a room, with catch-up", _takes_every_event_for_its_own),
]


# A broken client leaves connections behind, and so does the server that waited for it in vain.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("mode", "breaks"), MUTANTS, ids=[f"{mode}: {breaks.__name__.strip('_')}" for mode, breaks in MUTANTS]
)
async def test_a_client_with_a_fault_of_its_own_is_found_out(
    monkeypatch: pytest.MonkeyPatch, mode: str, breaks: Callable[[pytest.MonkeyPatch], Any]
) -> None:
    breaks(monkeypatch)
    monkeypatch.setattr("tests.chaos.trial.PATIENCE", 5.0)
    for first in range(0, _MOST, _AT_A_TIME):
        if await play_all(draw(mode, seed) for seed in range(first, first + _AT_A_TIME)):
            return
    pytest.fail(f"{_MOST} schedules, and none of them found it")
