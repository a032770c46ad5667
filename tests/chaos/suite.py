"""Many trials at once, on one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.clock import adjustable
from tests.chaos.oracle import verdict
from tests.chaos.schedule import Schedule
from tests.chaos.trial import Trial, run

_AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed trial; `str` has its findings, and the command that plays it again."""

    schedule: Schedule
    wrong: list[str]
    trial: Trial | None

    def __str__(self) -> str:
        mode, seed = self.schedule.mode, self.schedule.seed
        what = "\n".join(f"  - {sentence}" for sentence in self.wrong)
        return f'{mode}, seed {seed} (again: python -m tests.chaos "{mode}" {seed})\n  {self.schedule}\n{what}'


async def play_all(schedules: Iterable[Schedule]) -> list[Failure]:
    """Play schedules, some at a time; return the failed ones."""
    asyncio.get_running_loop().set_debug(False)  # three times slower, and what it finds other tests find
    turn = asyncio.Semaphore(_AT_ONCE)

    async def play(schedule: Schedule) -> Failure | None:
        async with turn:
            return await _play(schedule)

    with adjustable():
        outcomes = await asyncio.gather(*(play(schedule) for schedule in schedules))
    return [outcome for outcome in outcomes if outcome is not None]


async def _play(schedule: Schedule) -> Failure | None:
    with TemporaryDirectory() as directory:
        try:
            trial = await run(schedule, Path(directory) / "trial.jsonl")
        except Exception as error:  # noqa: BLE001 - one trial must not take the others with it
            return Failure(schedule, [f"{type(error).__name__}: {error}"], None)
        wrong = verdict(trial)
        if trial.recording is not None:
            wrong += trial.recording.differences(trial)
    return Failure(schedule, wrong, trial) if wrong else None
