"""An event of a long run costs what one of a short run costs, in every dimension in which a run can grow.

Counted are the instructions of the interpreter, which no other program on the machine changes. The time itself is a
benchmark's: `benchmarks.growth`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from benchmarks._following import Following
from benchmarks._runs import DIMENSIONS, frames

FEW, MANY = 500, 2500
COUNTED = 60
PATCH_EVERY = 10
MOST = 1.2
"""Many over few. A search through all, or a copy of it, with each event or patch gives 2 and more."""


@pytest.mark.parametrize("shown", [False, True], ids=["state and log", "with the panel"])
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_an_event_costs_no_more_in_a_longer_run(dimension: str, *, shown: bool) -> None:
    following = Following()

    def take(part: list[str]) -> None:
        for number, frame in enumerate(part):
            following.take(frame)
            if shown and number % PATCH_EVERY == 0:
                following.paint()

    made = frames(dimension, MANY + COUNTED)
    take(made[:FEW])
    few = instructions(lambda: take(made[FEW : FEW + COUNTED]))
    take(made[FEW + COUNTED : MANY])
    many = instructions(lambda: take(made[MANY:]))
    assert few > COUNTED
    assert many <= MOST * few


def instructions(work: Callable[[], object]) -> int:
    """Return the number of instructions that the interpreter carries out for some work."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_instructions_are_counted_alike_each_time() -> None:
    few, again, many = (
        instructions(lambda: [str(number) for number in range(1000)]),
        instructions(lambda: [str(number) for number in range(1000)]),
        instructions(lambda: [str(number) for number in range(2000)]),
    )
    assert few == again
    assert 1.9 < many / few < 2.1
