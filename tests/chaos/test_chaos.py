"""Hundreds of drawn schedules of faults, on every wire: what the server knows of a run is what the console says of it.

`RUNCONSOLE_CHAOS` is how many schedules each mode plays (24). What goes wrong names its seed; `python -m tests.chaos`
plays it again.
"""

from __future__ import annotations

import os

import pytest

from tests.chaos.schedule import MODES, draw
from tests.chaos.suite import play_all

TRIALS = int(os.environ.get("RUNCONSOLE_CHAOS", "24"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.timeout(90 + 2 * TRIALS)
async def test_no_event_is_lost_unsaid_doubled_or_out_of_order_and_every_decision_is_what_the_server_saw(
    mode: str,
) -> None:
    failures = await play_all(draw(mode, seed) for seed in range(TRIALS))
    assert not failures, "\n\n".join(map(str, failures))


def test_a_seed_always_draws_the_same_schedule() -> None:
    assert [draw("json with ids", seed) for seed in range(50)] == [draw("json with ids", seed) for seed in range(50)]
