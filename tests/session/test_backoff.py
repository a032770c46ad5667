"""The pauses between attempts: they double, have a limit and jitter, and begin afresh only when told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runconsole.session.backoff import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(jitter=lambda: 0.0)
    assert [backoff.next() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert backoff.attempts == 9


def test_jitter_shortens_a_pause_by_up_to_a_half() -> None:
    assert Backoff(jitter=lambda: 1.0).next() == 0.25
    assert Backoff(jitter=lambda: 0.5).next() == 0.375


def test_only_a_reset_begins_afresh() -> None:
    backoff = Backoff(jitter=lambda: 0.0)
    for _ in range(4):
        backoff.next()
    backoff.reset()
    assert (backoff.attempts, backoff.next()) == (0, 0.5)


@given(st.integers(0, 3000))
def test_a_pause_is_between_a_half_and_a_whole_of_its_length_and_never_overflows(failures: int) -> None:
    backoff = Backoff()
    backoff.attempts = failures
    assert 0.25 <= backoff.next() <= 30.0


def test_two_clients_do_not_knock_in_step() -> None:
    assert len({Backoff().next() for _ in range(20)}) > 1
