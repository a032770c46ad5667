"""Which events are new, which came before, and what is missing, over all connections of a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.events import Logged, Micros, Received
from runconsole.session.arrivals import AGAIN, DUPLICATE, NEW, Arrivals

RECONNECTED: Micros = 1000


def event(content: str = "x", at: Micros | None = None, **marks: Any) -> Received:
    return Received("note", Logged(), content, 0, at, **marks)


def connected() -> Arrivals:
    arrivals = Arrivals()
    arrivals.connected(None)
    return arrivals


def admitted(arrivals: Arrivals, *events: Received) -> list[bool]:
    return [arrivals.admit(one) is not DUPLICATE for one in events]


@pytest.mark.parametrize("mark", [{"event_id": "e1"}, {"seq": 1}, {"offset": "17"}])
def test_an_identified_event_is_new_once_over_all_connections(mark: dict[str, Any]) -> None:
    arrivals = connected()
    assert admitted(arrivals, event(**mark), event(**mark)) == [True, False]
    arrivals.connected(RECONNECTED)
    assert admitted(arrivals, event(**mark), event(**mark)) == [False, False]


@pytest.mark.parametrize("mark", [{"event_id": "e1"}, {"seq": 1}, {"offset": "17"}])
def test_the_same_mark_on_another_event_is_another_event(mark: dict[str, Any]) -> None:
    assert admitted(connected(), event("a", **mark), event("b", **mark)) == [True, True]


def test_on_one_connection_events_without_marks_are_all_new() -> None:
    assert admitted(connected(), event(at=5), event(at=5), event(), event()) == [True] * 4


def test_what_a_server_says_again_to_the_letter_is_another_event_that_tells_nothing() -> None:
    arrivals = connected()
    told = event("a", 1), event("b", 1), event("a", 1), event("a", 2), event("a", 1)
    assert [arrivals.admit(one) for one in told] == [NEW, NEW, AGAIN, NEW, AGAIN]


def test_a_server_that_replays_its_past_after_a_reconnect_is_known_by_the_content() -> None:
    arrivals = connected()
    past = [event("a", 1), event("b", 2), event("b", 2)]
    assert admitted(arrivals, *past) == [True] * 3
    arrivals.connected(RECONNECTED)
    assert admitted(arrivals, *past, event("c", 3)) == [False, False, False, True]


def test_an_event_that_comes_more_often_than_before_the_reconnect_is_new_the_last_time() -> None:
    arrivals = connected()
    admitted(arrivals, event("a", 1))
    arrivals.connected(RECONNECTED)
    assert admitted(arrivals, event("a", 1), event("a", 1)) == [False, True]


def test_without_timestamps_only_what_comes_before_the_first_news_is_a_replay() -> None:
    arrivals = connected()
    admitted(arrivals, event("tick"), event("start"))
    arrivals.connected(RECONNECTED)
    assert admitted(arrivals, event("tick"), event("start"), event("new"), event("tick")) == [False, False, True, True]


def test_a_wire_that_knows_repeats_itself_is_believed() -> None:
    arrivals = connected()
    admitted(arrivals, event("a", 1))
    arrivals.connected(RECONNECTED, knows_repeats=True)
    assert admitted(arrivals, event("a", 1)) == [True]


# ---- what is missing -----------------------------------------------------------------------------------------------


def losses(arrivals: Arrivals) -> tuple[int | None, int] | None:
    report = arrivals.gaps.report()
    return None if report is None else (report.missed, report.recovered)


def test_a_number_that_jumps_ahead_leaves_a_gap_and_one_that_fills_it_is_recovered() -> None:
    arrivals = connected()
    admitted(arrivals, event("a", seq=1), event("b", seq=2), event("e", seq=5))
    assert losses(arrivals) == (2, 0)
    assert losses(arrivals) is None
    admitted(arrivals, event("c", seq=3))
    assert losses(arrivals) == (0, 1)


def test_numbers_without_a_gap_report_nothing() -> None:
    arrivals = connected()
    admitted(arrivals, *(event(str(n), seq=n) for n in range(7, 30)))
    assert losses(arrivals) is None


def test_a_gap_over_a_reconnect_is_counted_with_what_came_late() -> None:
    arrivals = connected()
    admitted(arrivals, *(event(str(n), at=n, seq=n) for n in (1, 2, 3)))
    arrivals.connected(RECONNECTED)
    admitted(arrivals, event("6", at=6, seq=6), event("7", at=2000, seq=7))
    missed, recovered = losses(arrivals) or (None, 0)
    assert (missed, recovered) == (2, 1)


def test_a_number_that_is_no_number_of_an_event_fills_no_memory() -> None:
    arrivals = connected()
    assert admitted(arrivals, event("a", seq=1), event("b", seq=2**62), event("c", seq=-(2**62))) == [True] * 3


@given(st.permutations(range(1, 12)), st.sets(st.integers(1, 11)))
def test_however_numbers_arrive_what_never_came_is_what_is_missing(order: list[int], lost: set[int]) -> None:
    arrivals = connected()
    came = [0, *(number for number in order if number not in lost)]
    assert admitted(arrivals, *(event(str(n), seq=n) for n in came)) == [True] * len(came)
    report = losses(arrivals)
    assert (report[0] if report else 0) == len(set(range(max(came))) - set(came))
