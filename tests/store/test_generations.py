"""A memory of the newest things."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runconsole.store.generations import Recent


@given(st.integers(1, 20), st.lists(st.integers(0, 60)))
def test_the_newest_keys_are_remembered(capacity: int, keys: list[int]) -> None:
    recent: Recent[int] = Recent(capacity)
    for position, key in enumerate(keys):
        recent.note(key, position)
    newest = list(dict.fromkeys(reversed(keys)))
    last = {key: position for position, key in enumerate(keys)}
    remembered = [key for key in set(keys) if key in recent]
    assert set(newest[:capacity]) <= set(remembered)
    assert len(remembered) <= 2 * capacity
    assert all(recent.get(key) == last[key] for key in remembered)


@given(st.lists(st.integers(0, 3)))
def test_noting_tells_what_was_noted_before(keys: list[int]) -> None:
    recent: Recent[int] = Recent(10)
    before: dict[int, int] = {}
    for position, key in enumerate(keys):
        assert recent.note(key, position) == before.get(key)
        before[key] = position


def test_what_is_forgotten_is_told_once() -> None:
    forgotten: list[int] = []
    recent: Recent[str] = Recent(2, forgotten.extend)
    for number in range(6):
        recent.note(number, str(number))
    assert forgotten == [0, 1, 2, 3]
    assert recent.get(0) is None
    assert recent.get(5) == "5"
