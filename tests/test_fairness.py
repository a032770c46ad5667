"""Long work lets other threads run: about every millisecond, also in work within work and right after it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator

import pytest

from runconsole import fairness
from runconsole.fairness import in_turns, quick_turns


class Clock:
    """A clock that only the work and the rests move on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.turns: list[float] = []
        """The time of each rest."""

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.turns.append(self.now)
        self.now += seconds

    def work(self, milliseconds: float, steps: Iterable[object]) -> None:
        for _ in in_turns(steps):
            self.now += milliseconds / 1e3


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fairness, "time", clock)
    monkeypatch.setattr(fairness, "_turn", fairness._Turn())
    return clock


def test_short_work_never_rests(clock: Clock) -> None:
    clock.work(0.2, range(4))
    assert clock.turns == []


def test_long_work_rests_about_every_millisecond(clock: Clock) -> None:
    clock.work(0.4, range(30))
    assert len(clock.turns) == 9


def test_work_within_work_is_of_the_same_turn(clock: Clock) -> None:
    for _ in in_turns(range(10)):
        clock.work(0.4, range(2))
    gaps = [after - before for before, after in zip([100.0, *clock.turns], clock.turns, strict=False)]
    assert len(gaps) == 6
    assert max(gaps) < 0.0014


def test_work_right_after_other_work_is_of_the_same_turn(clock: Clock) -> None:
    for _ in range(10):
        clock.work(0.9, range(1))
    assert len(clock.turns) == 4


def test_work_after_a_pause_does_not_begin_with_a_rest(clock: Clock) -> None:
    clock.work(0.9, range(1))
    clock.now += 1
    clock.work(0.9, range(1))
    assert clock.turns == []


def test_each_thread_has_a_turn_of_its_own(clock: Clock) -> None:
    clock.work(1.5, range(1))
    other = threading.Thread(target=clock.work, args=(0.1, range(1)))
    other.start()
    other.join()
    assert clock.turns == []
    clock.work(0.1, range(1))
    assert len(clock.turns) == 1


@pytest.fixture
def usual() -> Iterator[float]:
    """Python's own interval, which holds again after the test."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    yield 0.005
    sys.setswitchinterval(before)


def test_threads_switch_quickly_until_the_last_one_leaves(usual: float) -> None:
    with quick_turns():
        with quick_turns():
            assert sys.getswitchinterval() == pytest.approx(0.001)
        assert sys.getswitchinterval() == pytest.approx(0.001)
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_an_error_leaves_pythons_interval_behind(usual: float) -> None:
    with pytest.raises(KeyError), quick_turns():
        raise KeyError
    assert sys.getswitchinterval() == pytest.approx(usual)


@pytest.mark.usefixtures("usual")
def test_an_interval_of_the_program_stays() -> None:
    sys.setswitchinterval(0.02)
    with quick_turns():
        assert sys.getswitchinterval() == pytest.approx(0.02)
    assert sys.getswitchinterval() == pytest.approx(0.02)
    sys.setswitchinterval(0.005)
    with quick_turns():
        sys.setswitchinterval(0.003)
    assert sys.getswitchinterval() == pytest.approx(0.003)
