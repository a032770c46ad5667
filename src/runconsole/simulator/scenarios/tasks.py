"""The task family: events of four coding agents on two workers, in the task family's envelope with event ids.

Three checkpoints wait for a person: `cp-101-spec`, `cp-102-architecture` and `cp-104-merge`. Answered at once, the run
takes about fifty seconds; unanswered, about five minutes.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

from runconsole.simulator.scenario import AtTask, Clock, Emit, Event, Interrupted, Script, Sleep
from runconsole.simulator.scenarios.task_agent import Agent, Ledger
from runconsole.simulator.scenarios.task_ending import cancel
from runconsole.simulator.scenarios.task_flows import FLOWS, Flow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runconsole.simulator.scenarios.task_script import Job

__all__ = ["TasksScenario"]

_WORKERS = ("worker-1", "worker-2")
_PROVIDERS = ["claude-code", "codex-cli"]
_HEARTBEAT_S = 30.0
_ESTIMATED_TASK_S = 25.0


class TasksScenario:
    """Four tasks, two workers, three checkpoints.

    `decision_timeout` is the time to decide in simulated seconds, for every checkpoint; None leaves each its own (120,
    120 and 180 s).
    """

    def __init__(self, *, seed: int = 1, decision_timeout: float | None = None) -> None:
        if decision_timeout is not None and not decision_timeout > 0:
            raise ValueError(f"decision_timeout must be more than 0 seconds, not {decision_timeout!r}.")
        self._seed = seed
        self._decision_timeout = decision_timeout
        self._ids = Random(f"{seed}/ids")  # noqa: S311 - a play, not a secret

    def scripts(self, clock: Clock) -> Sequence[Script]:
        """Return the intake and the two workers, which share the queue."""
        self._ids.seed(f"{self._seed}/ids/{clock.started_at.isoformat()}")
        queue = deque(FLOWS)
        ledger = Ledger()
        return [_intake(clock), *(self._worker(worker_id, queue, ledger, clock) for worker_id in _WORKERS)]

    def background(self, clock: Clock) -> Sequence[Script]:
        """Return the workers' heartbeats."""
        return [_heartbeat(worker_id, clock, self._seed) for worker_id in _WORKERS]

    def envelope(self, clock: Clock, step: Emit) -> Event:
        """Return the task family's envelope, with an event id."""
        event_id = str(UUID(int=self._ids.getrandbits(128), version=4))
        return {"id": event_id, "type": step.type, "timestamp": clock.stamp(), "payload": step.body}

    def _worker(self, worker_id: str, queue: deque[tuple[Job, Flow]], ledger: Ledger, clock: Clock) -> Script:
        yield Sleep(1.5)
        while queue:
            job, flow = queue.popleft()
            yield from self._task(worker_id, job, flow, ledger, clock)
            yield Sleep(0.8)

    def _task(self, worker_id: str, job: Job, flow: Flow, ledger: Ledger, clock: Clock, *, attempt: int = 1) -> Script:
        yield _status_changed(worker_id, "idle", "busy")
        rng = Random(f"{self._seed}/{job.id}")  # noqa: S311 - a play, not a secret
        agent = Agent(job, worker_id, clock, rng, ledger, self._decision_timeout, attempt)
        yield AtTask(job.id, again=lambda: self._again(worker_id, job, flow, ledger, clock, attempt=attempt + 1))
        try:
            yield from flow(agent)
        except Interrupted:
            yield from cancel(agent, "Cancelled by user.", "user")
        yield AtTask(None)
        yield _status_changed(worker_id, "busy", "idle")

    def _again(self, worker_id: str, job: Job, flow: Flow, ledger: Ledger, clock: Clock, *, attempt: int) -> Script:
        """Run a task once more, beside the workers' tasks."""
        queued = {"taskId": job.id, "queuePosition": 1, "estimatedWait": 0.8, "queuedAt": clock.stamp()}
        yield Emit("task.queued", queued)
        yield Sleep(0.8)
        yield from self._task(worker_id, job, flow, ledger, clock, attempt=attempt)


def _intake(clock: Clock) -> Script:
    for worker_id in _WORKERS:
        info = {"hostname": f"{worker_id}.local", "type": "local", "version": "1.0.0", "capabilities": _PROVIDERS}
        yield Emit("worker.registered", {"workerId": worker_id, "info": info})
    for position, (job, _) in enumerate(FLOWS, start=1):
        wait_s = _ESTIMATED_TASK_S * ((position - 1) // len(_WORKERS))
        yield Emit(
            "task.created",
            {
                "taskId": job.id,
                "prompt": job.prompt,
                "taskType": job.kind,
                "queuePosition": position,
                "estimatedStart": clock.stamp(1.5 + wait_s),
            },
        )
        queued_at = clock.stamp()
        yield Emit(
            "task.queued",
            {"taskId": job.id, "queuePosition": position, "estimatedWait": wait_s, "queuedAt": queued_at},
        )
        yield Sleep(0.2)


def _status_changed(worker_id: str, previous: str, current: str) -> Emit:
    return Emit("worker.status_changed", {"workerId": worker_id, "previous": previous, "current": current})


def _heartbeat(worker_id: str, clock: Clock, seed: int) -> Script:
    rng = Random(f"{seed}/{worker_id}")  # noqa: S311 - a play, not a secret
    while True:
        yield Sleep(_HEARTBEAT_S)
        metrics = {
            "cpuUsage": round(rng.uniform(20, 80), 1),
            "memoryUsage": round(rng.uniform(40, 60), 1),
            "diskUsage": 31.5,
            "uptime": round(clock.seconds),
        }
        yield Emit("worker.heartbeat", {"workerId": worker_id, "status": "busy", "metrics": metrics})
