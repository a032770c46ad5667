"""What is missing where two connections meet, by numbers, by ids that count, and where nobody can know."""

from __future__ import annotations

import pytest

from runconsole.events import Logged, Micros, Received
from runconsole.store.gaps import Gaps, Losses

BACK: Micros = 1000
LATER: Micros = 2000


def note(gaps: Gaps, *marks: str | int, at: Micros | None = None, known: bool = False) -> None:
    """Note events: of a number as `seq`, of a text as a tRPC id."""
    for mark in marks:
        where = {"seq": mark} if isinstance(mark, int) else {"offset": mark}
        gaps.note(Received("note", Logged(), "", 0, at, **where), is_new=not known)


def followed(*marks: str | int) -> Gaps:
    """Return what has followed these over one connection, and was connected again."""
    gaps = Gaps()
    gaps.connected(None, assured=False)
    note(gaps, *marks, at=10)
    gaps.connected(BACK, assured=False)
    return gaps


def words(gaps: Gaps) -> tuple[int | None, int] | None:
    losses = gaps.report()
    return None if losses is None else (losses.missed, losses.recovered)


@pytest.mark.parametrize(
    ("before", "after", "missed"),
    [
        ((1, 2, 3), (4, 5), 0),
        ((1, 2, 3), (7, 8), 3),
        (("1", "2", "3"), ("4",), 0),
        (("1", "2", "3"), ("7", "8"), 3),
        (("e-8", "e-9", "e-10"), ("e-12",), 1),
        (("5",), ("6",), 0),  # nothing fits between them, whatever the ids are
        (("3", "7", "12"), ("13",), 0),
        (("3", "7", "12"), ("20",), None),  # of many tasks only one is followed: others may have had the rest
        (("5",), ("8",), None),
        (("a4f", "07b"), ("c11",), None),
        (("1-0", "2-0"), ("3-0",), None),
        (("1", "2", "3"), ("1",), None),  # it counts afresh: what the old count ended with is not known
        (("1", "2", "3", "1"), ("4",), None),  # it counted afresh before: between 1 and 4 others may have been
        (("1", "2", "3", "1", "2", "3"), ("5",), 1),
        (("1", "2", "4", "3", "5", "6", "7"), ("9",), 1),
        (("1", "2", "3"), (), None),
        ((), ("1",), None),
    ],
)
def test_a_reconnect_tells_what_is_missing_or_that_nobody_knows(
    before: tuple[str | int, ...], after: tuple[str | int, ...], missed: int | None
) -> None:
    gaps = followed(*before)
    note(gaps, *after, at=LATER)
    assert words(gaps) == (missed, 0)
    assert words(gaps) is None


def test_a_fresh_count_says_nothing_of_the_past() -> None:
    gaps = followed(1, 2, 3)
    note(gaps, 1, 2, at=LATER)
    assert words(gaps) == (None, 0)
    note(gaps, 3, 6, at=LATER + 1)
    assert words(gaps) == (2, 0)


def test_a_known_number_with_other_content_begins_afresh() -> None:
    gaps = followed(1, 2, 3)
    note(gaps, 2)
    assert words(gaps) == (None, 0)


def test_a_replay_of_earlier_events_is_late_and_no_fresh_count() -> None:
    gaps = followed(5, 6, 7)
    note(gaps, 1, 2, 3, 4, at=5)
    note(gaps, 5, 6, 7, known=True)
    note(gaps, 8, at=LATER)
    assert words(gaps) == (0, 4)


def test_a_replay_up_to_known_events_proves_no_loss() -> None:
    for marks in ((1, 2, 3), ("1", "2", "3")):
        gaps = followed(*marks)
        note(gaps, *marks, known=True)
        assert words(gaps) == (0, 0)


def test_events_of_a_lost_connection_are_recovered_by_time() -> None:
    gaps = followed("1", "2", "3")
    note(gaps, "4", "5", at=BACK - 1)
    note(gaps, "6", at=BACK + 1)
    assert words(gaps) == (0, 2)


def test_what_could_not_be_known_at_first_is_told_once_it_is() -> None:
    gaps = followed(1, 2, 3)
    assert words(gaps) == (None, 0)
    assert words(gaps) is None
    note(gaps, 6, at=LATER)
    assert words(gaps) == (2, 0)
    gaps = followed(1, 2, 3)
    assert words(gaps) == (None, 0)
    note(gaps, 4, at=LATER)
    assert words(gaps) == (0, 0)


def test_a_second_break_before_the_report_hides_nothing() -> None:
    gaps = followed("a")
    gaps.connected(LATER, assured=True)
    assert words(gaps) == (None, 0)
    gaps = followed(1, 2, 3)
    gaps.connected(LATER, assured=False)
    note(gaps, 6, at=LATER)
    assert words(gaps) == (2, 0)


def test_the_servers_word_that_it_sends_everything_is_taken() -> None:
    gaps = followed()
    gaps = Gaps()
    gaps.connected(None, assured=False)
    gaps.connected(BACK, assured=True)
    assert words(gaps) == (0, 0)


def test_ids_that_skip_on_one_connection_leave_no_gap() -> None:
    gaps = Gaps()
    gaps.connected(None, assured=False)
    note(gaps, "1", "2", "3", "9", "10", at=10)
    assert words(gaps) is None


def test_ids_of_a_replay_that_meets_what_is_new_count() -> None:
    gaps = Gaps()
    gaps.connected(None, assured=False)
    note(gaps, "3", "1", "2", at=10)
    note(gaps, "3", at=10, known=True)
    note(gaps, "4", "5", at=10)
    gaps.connected(BACK, assured=False)
    note(gaps, "7", at=LATER)
    assert words(gaps) == (1, 0)


def test_a_handover_is_checked_by_ids_that_count() -> None:
    for before, after, missed in ((("1", "2", "3"), "6", 2), (("1", "2", "3"), "4", None), (("a", "b"), "c", None)):
        gaps = Gaps()
        gaps.connected(None, assured=False)
        note(gaps, *before, at=10)
        gaps.connected(None, assured=False)
        note(gaps, after, at=20)
        assert words(gaps) == (None if missed is None else (missed, 0))


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        (Losses(0, 0), "nothing missed"),
        (Losses(3, 0), "3 events missed"),
        (Losses(0, 12), "12 events recovered"),
        (Losses(3, 1200), "1,200 events recovered, 3 missed"),
        (Losses(None, 0), "events in between may be missing: the server gives no numbers to know it by"),
        (Losses(None, 2, 5), "2 events recovered, at least 5 missed, and more may be missing: the server gives no"),
    ],
)
def test_losses_are_said_in_words(losses: Losses, text: str) -> None:
    assert losses.words.startswith(text)
