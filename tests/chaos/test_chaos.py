"""Hundreds of drawn fault schedules on every wire: nothing lost unsaid, doubled or reordered, every decision true.

``CHAOS=200 pytest tests/chaos`` draws so many for each mode. A failure names its mode and seed: the same two draw the
same trial again.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.chaos.oracle import verdict
from tests.chaos.schedule import MODES, draw
from tests.chaos.trial import run

SEEDS = int(os.environ.get("CHAOS", "20"))
AT_ONCE = 5


@pytest.mark.timeout(300 + SEEDS)
@pytest.mark.parametrize("mode", MODES)
async def test_whatever_goes_wrong_the_console_says_what_the_server_saw(mode: str) -> None:
    asyncio.get_running_loop().set_debug(False)  # hundreds of connections; debug mode triples their cost
    gate = asyncio.Semaphore(AT_ONCE)

    async def trial(seed: int) -> list[str]:
        async with gate:
            schedule = draw(mode, seed)
            return [f"{schedule}: {complaint}" for complaint in verdict(await run(schedule))]

    complaints = await asyncio.gather(*map(trial, range(SEEDS)))
    assert [line for lines in complaints for line in lines] == []
