"""The server's clock after a reconnect: what tells of the past does not put it back."""

from __future__ import annotations

import pytest

from runconsole.state.server_clock import ServerClock
from tests.support.folding import START

SECOND = 1_000_000
MINUTE = 60 * SECOND


@pytest.mark.parametrize("ahead", [-300, 0, 300], ids=["5 minutes behind", "right", "5 minutes ahead"])
def test_what_is_replayed_after_a_reconnect_does_not_put_the_clock_back(ahead: int) -> None:
    clock = ServerClock()
    for number in range(3):
        at = START + number * SECOND
        clock.observe(at + ahead * SECOND, at)
    back = START + 10 * MINUTE
    clock.reconnected(back)
    for number in range(20):
        clock.observe(START + (ahead + number) * SECOND, back + number)
    assert clock.offset == ahead * SECOND


def test_a_server_whose_clock_has_changed_is_believed_after_a_while() -> None:
    clock = ServerClock()
    clock.observe(START, START)
    clock.reconnected(START + MINUTE)
    for number in range(10):
        at = START + 2 * MINUTE + number * SECOND
        clock.observe(at - 5 * MINUTE, at)
    assert clock.offset == -5 * MINUTE


def test_without_any_event_nothing_is_known_and_a_reconnect_changes_nothing() -> None:
    clock = ServerClock()
    clock.reconnected(START)
    assert (clock.is_known, clock.estimate, clock.offset) == (False, 0, 0)
    clock.observe(START - MINUTE, START)
    assert (clock.is_known, clock.offset) == (True, -MINUTE)
