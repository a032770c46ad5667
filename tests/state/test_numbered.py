"""Phases and waves in the order of their numbers, in any order of arrival, at a cost that does not grow with each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.state import numbered
from runconsole.state.numbered import Numbered
from tests.support.folding import Folded, execution


@given(st.lists(st.integers()))
def test_it_is_read_in_the_order_of_the_numbers(numbers: list[int]) -> None:
    rows: Numbered[str] = Numbered()
    for count, number in enumerate(numbers):
        rows[number] = str(number)
        if count % 2 == 0:
            assert rows.next_number() == max([-1, *numbers[: count + 1]]) + 1
        if count % 3 == 0:
            assert list(rows) == sorted(set(numbers[: count + 1]))
    expected = {number: str(number) for number in sorted(numbers)}
    assert list(rows.items()) == list(expected.items())
    assert list(rows.values()) == list(expected.values())
    assert list(rows.keys()) == list(expected)
    assert list(reversed(rows)) == list(reversed(expected))
    assert list(dict(rows).items()) == list(expected.items())
    assert rows == expected
    assert rows.next_number() == max([-1, *numbers]) + 1


@pytest.mark.parametrize("numbers", [range(1, 300), range(300, 0, -1)], ids=["up", "down"])
def test_new_phases_and_waves_are_not_sorted_one_by_one(numbers: range, monkeypatch: pytest.MonkeyPatch) -> None:
    sorts: list[int] = []
    merge = numbered._merged

    def counted(known: tuple[int, ...], new: list[int]) -> tuple[int, ...]:
        sorts.append(len(known))
        return merge(known, new)

    monkeypatch.setattr(numbered, "_merged", counted)
    folded = Folded()
    for n in numbers:
        folded.feed([execution("progress_update", task_id=f"t{n}", phase=n, phase_name=f"Phase {n}")])
        folded.feed([execution("wave_completed", wave=n)])
    assert sorts == []
    assert list(folded.state.phases) == list(folded.state.waves) == sorted(numbers)


def test_waves_that_are_reached_one_by_one_are_filled_in_once(monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[int] = []
    set_default = Numbered.setdefault

    def counted(rows: Numbered[object], number: int, row: object) -> object:
        filled.append(number)
        return set_default(rows, number, row)

    monkeypatch.setattr(Numbered, "setdefault", counted)
    folded = Folded()
    for n in (3, 4, 9, 2, 300):
        folded.feed([execution("wave_completed", wave=n)])
    assert filled == list(range(1, 301))
