"""The server's clock after a reconnect: old events do not put it back."""

from __future__ import annotations

import pytest

from runconsole.state.server_clock import ServerClock
from tests.support.folding import START

SECOND = 1_000_000
MINUTE = 60 * SECOND


@pytest.mark.parametrize("ahead", [-300, 0, 300], ids=["5 minutes behind", "right", "5 minutes ahead"])
def test_a_replay_after_a_reconnect_keeps_the_clock(ahead: int) -> None:
    clock = ServerClock()
    for number in range(3):
        at = START + number * SECOND
        clock.observe(at + ahead * SECOND, at)
    back = START + 10 * MINUTE
    clock.reconnected(back)
    for number in range(20):
        clock.observe(START + (ahead + number) * SECOND, back + number)
    assert clock.offset == ahead * SECOND


def test_a_changed_clock_is_accepted_after_a_while() -> None:
    clock = ServerClock()
    clock.observe(START, START)
    clock.reconnected(START + MINUTE)
    for number in range(10):
        at = START + 2 * MINUTE + number * SECOND
        clock.observe(at - 5 * MINUTE, at)
    assert clock.offset == -5 * MINUTE


def test_without_events_a_reconnect_changes_nothing() -> None:
    clock = ServerClock()
    clock.reconnected(START)
    assert (clock.is_known, clock.estimate, clock.offset) == (False, 0, 0)
    clock.observe(START - MINUTE, START)
    assert (clock.is_known, clock.offset) == (True, -MINUTE)
