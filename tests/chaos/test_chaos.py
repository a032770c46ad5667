"""Hundreds of drawn schedules of faults, on every wire: the server's record of a run and the console's state agree.

`RUNCONSOLE_CHAOS` is the number of schedules that each mode plays (24). A failure names its seed; `python -m
tests.chaos` plays it again.
"""

from __future__ import annotations

import os

import pytest

from tests.chaos.schedule import MODES, draw
from tests.chaos.suite import play_all

TRIALS = int(os.environ.get("RUNCONSOLE_CHAOS", "24"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.timeout(90 + 2 * TRIALS)
async def test_console_and_server_agree_under_drawn_faults(
    mode: str,
) -> None:
    failures = await play_all(draw(mode, seed) for seed in range(TRIALS))
    assert not failures, "\n\n".join(map(str, failures))


def test_a_seed_always_draws_the_same_schedule() -> None:
    assert [draw("json with ids", seed) for seed in range(50)] == [draw("json with ids", seed) for seed in range(50)]
