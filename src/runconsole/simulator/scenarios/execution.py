"""The execution family: its example run of 120 tasks, sent as `{"type", "timestamp", "data"}`.

Every task reports `in_progress` when an attempt starts and `completed` (or `failed`) when it is over; tasks that write
source code also report their subtasks on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from runconsole.simulator.scenario import Clock, Emit, Event, Script, Sleep
from runconsole.simulator.scenarios.execution_plan import PHASES, WORK_STEPS, kind_of, language_of
from runconsole.simulator.scenarios.execution_schedule import MAX_RETRIES, Schedule, TaskSlot, WaveSlot, draw_schedule

__all__ = ["ExecutionScenario"]

_LENGTH_S = 625.0
_ESTIMATED_MS = 600_000
_TOKENS = 67_450
_MOST_FAILURES = 20
_COST_USD = 0.42
_FIRST_EVENT_S = 0.2  # a pause between the first client and the first task
_SIZES = {"file": (900, 7_500), "test": (1_200, 6_000), "documentation": (1_500, 9_000), "config": (200, 1_400)}


@dataclass(slots=True)
class _Counters:
    """The run's counters in its events."""

    total: int
    completed: int = 0
    failed: int = 0
    artifacts: int = 0


_Emission = Callable[[_Counters], Emit]


class ExecutionScenario:
    """The documented example run: 5 phases, 120 tasks, 8 waves, 45 artifacts, some retries, about 10 minutes.

    `failures` tasks (none of those that create a file) fail for good after their last retry.
    """

    def __init__(self, *, seed: int = 1, failures: int = 0) -> None:
        if not 0 <= failures <= _MOST_FAILURES:
            raise ValueError(f"failures must be 0 to {_MOST_FAILURES}, not {failures}.")
        self._seed = seed
        self._failures = failures

    def scripts(self, clock: Clock) -> Sequence[Script]:
        """Return the one script of the run: it depends on no decision."""
        return [self._script(clock)]

    def background(self, clock: Clock) -> Sequence[Script]:  # noqa: ARG002 - the protocol's signature
        """Return nothing: this family has no heartbeats."""
        return []

    def envelope(self, clock: Clock, step: Emit) -> Event:
        """Return the execution family's envelope."""
        return {"type": step.type, "timestamp": clock.stamp(), "data": step.body}

    def _script(self, clock: Clock) -> Script:
        rng = Random(self._seed)  # noqa: S311 - a play, not a secret
        schedule = draw_schedule(rng, failures=self._failures, length_s=_LENGTH_S)
        execution_id = f"exec_{clock.started_at:%Y%m%d}_{rng.getrandbits(24):06x}"
        slots = [slot for wave in schedule.waves for slot in wave.tasks]
        counters = _Counters(total=len(slots))
        yield _started(execution_id, slots)
        for at, emission in _emissions(schedule, rng):
            yield Sleep(max(0.0, at + _FIRST_EVENT_S - clock.seconds))
            yield emission(counters)
        yield _completed(execution_id, counters, clock, rng)


def _started(execution_id: str, slots: Sequence[TaskSlot]) -> Emit:
    phases = [
        {"number": number, "name": name, "tasks": sum(slot.task.phase == number for slot in slots)}
        for number, name in enumerate(PHASES)
    ]
    body: Event = {
        "execution_id": execution_id,
        "total_tasks": len(slots),
        "total_atoms": sum(slot.atoms for slot in slots),
        "estimated_duration_ms": _ESTIMATED_MS,
        "phases": phases,
    }
    return Emit("execution_started", body)


def _completed(execution_id: str, counters: _Counters, clock: Clock, rng: Random) -> Emit:
    tokens = _TOKENS + rng.randint(-900, 900)
    body: Event = {
        "execution_id": execution_id,
        "status": "partial_success" if counters.failed else "success",
        "total_tasks": counters.total,
        "completed_tasks": counters.completed,
        "failed_tasks": counters.failed,
        "duration_ms": round(clock.seconds * 1000),
        "artifacts_created": counters.artifacts,
        "tokens_used": tokens,
        "cost_usd": round(tokens * _COST_USD / _TOKENS, 2),
    }
    return Emit("execution_completed", body)


def _emissions(schedule: Schedule, rng: Random) -> Iterable[tuple[float, _Emission]]:
    """Return the run's emissions with their times, in order. Counters are filled in at emission time."""
    emissions: list[tuple[float, _Emission]] = []
    for wave in schedule.waves:
        for slot in wave.tasks:
            emissions += _of_task(slot, rng)
        emissions.append((wave.end, _of_wave(wave)))
    return sorted(emissions, key=lambda entry: entry[0])


def _of_task(slot: TaskSlot, rng: Random) -> Iterator[tuple[float, _Emission]]:
    for number, attempt in enumerate(slot.attempts, start=1):
        yield attempt.start, _progress(slot, "in_progress", 0.0, done=0)
        if attempt.error is not None:
            yield attempt.end, _error(slot, number, attempt.error)
        elif slot.task.writes_code:
            span = attempt.end - attempt.start
            for done in range(1, len(WORK_STEPS)):
                passed = span * done / len(WORK_STEPS)
                yield attempt.start + passed, _progress(slot, "in_progress", passed, done=done)
    end = slot.attempts[-1].end
    if slot.failed:
        yield end, _progress(slot, "failed", slot.duration_s, done=0)
        return
    if slot.task.artifact is not None:
        yield end, _artifact(slot.task.id, slot.task.artifact, rng.randint(*_SIZES[kind_of(slot.task.artifact)]))
    yield end, _progress(slot, "completed", slot.duration_s, done=len(WORK_STEPS))


def _progress(slot: TaskSlot, status: str, passed_s: float, *, done: int) -> _Emission:
    task = slot.task

    def emission(counters: _Counters) -> Emit:
        counters.completed += status == "completed"
        counters.failed += status == "failed"
        body: Event = {
            "task_id": task.id,
            "task_name": task.name,
            "phase": task.phase,
            "phase_name": PHASES[task.phase],
            "status": status,
            "progress": counters.completed,
            "progress_percent": round(100 * counters.completed / counters.total, 2),
            "completed_tasks": counters.completed,
            "total_tasks": counters.total,
            "current_wave": slot.wave,
            "duration_ms": round(passed_s * 1000, 1),
        }
        if task.writes_code:
            body["subtask_status"] = _subtask_status(done)
        return Emit("progress_update", body)

    return emission


def _subtask_status(done: int) -> dict[str, str]:
    states = ["completed"] * done + ["in_progress"] + ["pending"] * len(WORK_STEPS)
    return dict(zip(WORK_STEPS, states, strict=False))


def _artifact(task_id: str, path: str, size: int) -> _Emission:
    def emission(counters: _Counters) -> Emit:
        counters.artifacts += 1
        body = {"path": path, "size": size, "type": kind_of(path), "language": language_of(path), "task_id": task_id}
        return Emit("artifact_created", body)

    return emission


def _error(slot: TaskSlot, attempt: int, error: tuple[str, str]) -> _Emission:
    body = {
        "task_id": slot.task.id,
        "task_name": slot.task.name,
        "message": error[1],
        "error_type": error[0],
        "recoverable": attempt <= MAX_RETRIES,
        "retry_attempt": min(attempt, MAX_RETRIES),
        "max_retries": MAX_RETRIES,
    }
    return lambda _counters: Emit("error", body)


def _of_wave(wave: WaveSlot) -> _Emission:
    atoms = sum(slot.atoms for slot in wave.tasks)
    attempts = sum(len(slot.attempts) for slot in wave.tasks)
    succeeded = sum(not slot.failed for slot in wave.tasks)
    body = {
        "wave_number": wave.number,
        "atoms_in_wave": atoms,
        "atoms_completed": sum(slot.atoms for slot in wave.tasks if not slot.failed),
        "duration_ms": round((wave.end - wave.start) * 1000),
        "success_rate": round(succeeded / attempts, 2),
    }
    return lambda _counters: Emit("wave_completed", body)
