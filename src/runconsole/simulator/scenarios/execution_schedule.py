"""The schedule of the 120 tasks: their times, waves and failures, drawn once from the seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from runconsole.simulator.scenarios.execution_plan import PlannedTask, planned_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["MAX_RETRIES", "WAVES", "Attempt", "Schedule", "TaskSlot", "WaveSlot", "draw_schedule"]

WAVES = 8
MAX_RETRIES = 4
_WORKERS = 3
_TOTAL_ATOMS = 800
_RETRIED_TASKS = 5
_MEAN_SECONDS = (6.0, 9.0, 11.0, 17.0, 15.0)  # of a task, by phase
_PAUSE_BEFORE_RETRY = 0.25  # of the task's mean duration
_PAUSE_BETWEEN_WAVES = 0.5

_ERRORS = (
    ("AssertionError", "Test assertion failed: expected 401, got 500"),
    ("TimeoutError", "The model did not answer within 60 s"),
    ("ConnectionError", "Could not reach the staging database"),
    ("SyntaxError", "Generated file does not parse: unexpected indent (line 42)"),
    ("RateLimitError", "Provider rate limit reached; retrying"),
    ("TypeCheckError", "Argument 1 has incompatible type 'str'; expected 'UserId'"),
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a task, in seconds from the run's start. `error` is (type, message) of a failed one."""

    start: float
    end: float
    error: tuple[str, str] | None = None


@dataclass(slots=True)
class TaskSlot:
    """A task's place in the run."""

    task: PlannedTask
    wave: int
    atoms: int
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """True if the last attempt failed too."""
        return self.attempts[-1].error is not None

    @property
    def duration_s(self) -> float:
        """Working time over all attempts, without the pauses between them."""
        return sum(attempt.end - attempt.start for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class WaveSlot:
    """A wave's time and its tasks."""

    number: int
    start: float
    end: float
    tasks: tuple[TaskSlot, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole run: its waves in order and its length in seconds."""

    waves: tuple[WaveSlot, ...]
    seconds: float


def draw_schedule(rng: Random, *, failures: int, length_s: float) -> Schedule:
    """Draw a run of about `length_s` seconds (within 3 %) in which `failures` tasks fail for good.

    Waves follow one another; inside a wave the tasks start in order on three workers.
    """
    slots = _draw_slots(rng)
    troubled = _draw_troubles(rng, slots, failures)
    waves: list[WaveSlot] = []
    now = 0.0
    for number in range(1, WAVES + 1):
        tasks = tuple(slot for slot in slots if slot.wave == number)
        end = _run_wave(rng, tasks, troubled, now)
        waves.append(WaveSlot(number, now, end, tasks))
        now = end + _PAUSE_BETWEEN_WAVES
    return _stretched(waves, length_s * rng.uniform(0.97, 1.03))


def _draw_slots(rng: Random) -> list[TaskSlot]:
    tasks = planned_tasks()
    bounds = [round((wave + rng.uniform(-0.2, 0.2)) * len(tasks) / WAVES) for wave in range(1, WAVES)]
    atoms = _shares(_TOTAL_ATOMS, [rng.uniform(0.5, 1.5) * _MEAN_SECONDS[task.phase] for task in tasks])
    return [
        TaskSlot(task, 1 + sum(index >= bound for bound in bounds), atoms[index]) for index, task in enumerate(tasks)
    ]


def _shares(total: int, weights: Sequence[float]) -> list[int]:
    """Split `total` into whole shares of at least 1, proportional to `weights`."""
    spare = total - len(weights)
    scale = spare / sum(weights)
    edges = [0]
    passed = 0.0
    for weight in weights:
        passed += weight * scale
        edges.append(round(passed))
    return [1 + after - before for before, after in pairwise(edges)]


def _draw_troubles(rng: Random, slots: list[TaskSlot], failures: int) -> dict[str, int]:
    """Return the number of failing attempts by task id. Tasks that create a file always succeed in the end."""
    later = [slot.task for slot in slots if slot.task.phase >= 1]
    plain = [task for task in later if task.artifact is None]
    failing = rng.sample(plain, failures)
    retried = rng.sample([task for task in later if task not in failing], _RETRIED_TASKS)
    troubled = {task.id: 1 for task in retried}
    troubled[retried[-1].id] = 2
    return troubled | {task.id: MAX_RETRIES + 1 for task in failing}


def _run_wave(rng: Random, tasks: Sequence[TaskSlot], troubled: dict[str, int], start: float) -> float:
    free = [start] * _WORKERS
    for slot in tasks:
        worker = free.index(min(free))
        mean = _MEAN_SECONDS[slot.task.phase]
        at = free[worker] + rng.uniform(0.1, 0.4)
        for number in range(1, MAX_RETRIES + 2):
            failing = number <= troubled.get(slot.task.id, 0)
            end = at + mean * rng.uniform(0.5, 1.6) * (0.5 if failing else 1.0)
            slot.attempts.append(Attempt(at, end, rng.choice(_ERRORS) if failing else None))
            at = end + (mean * _PAUSE_BEFORE_RETRY if failing else 0.0)
            if not failing:
                break
        free[worker] = slot.attempts[-1].end
    return max(free)


def _stretched(waves: Sequence[WaveSlot], length_s: float) -> Schedule:
    """Scale all times so that the last wave ends at `length_s`."""
    factor = length_s / waves[-1].end
    for slot in (slot for wave in waves for slot in wave.tasks):
        slot.attempts = [Attempt(a.start * factor, a.end * factor, a.error) for a in slot.attempts]
    scaled = [WaveSlot(wave.number, wave.start * factor, wave.end * factor, wave.tasks) for wave in waves]
    return Schedule(tuple(scaled), length_s)
