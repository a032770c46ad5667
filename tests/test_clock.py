"""This machine's clock, as the runs see it."""

from __future__ import annotations

import time

import pytest

from runconsole import clock


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_set_does_not_move_the_time_of_a_run(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.set_clock()
    before, real = clock.now_micros(), time.time_ns
    assert abs(before - real() // 1000) < 60_000_000
    monkeypatch.setattr(time, "time_ns", lambda: real() + hours * 3_600_000_000_000)
    assert 0 <= clock.now_micros() - before < 600_000_000
    clock.set_clock()
    assert abs(clock.now_micros() - time.time_ns() // 1000) < 60_000_000
    monkeypatch.undo()
    clock.set_clock()
