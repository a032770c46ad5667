"""An agent at work on one task: its events, counters and questions (the task family, agents' events included)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runconsole.simulator.scenario import Clock, Emit, Script, Sleep, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from runconsole.simulator.scenarios.task_script import Edit, Job, Line, Part

__all__ = ["Agent", "Ledger"]

_USD_PER_TOKEN = 7.5e-6
_CHUNK = 100  # characters of output in one event, as in the task family
_TICK_S = 1.1  # between two progress events: at most one a second


@dataclass(slots=True)
class Ledger:
    """The cost of all tasks of the run together, in US dollars, and the threshold that is reported once."""

    threshold: float = 0.25
    spent: float = 0.0
    is_reported: bool = False


@dataclass(slots=True)
class Agent:
    """One task under way. Its methods are scripts; times are simulated seconds."""

    job: Job
    worker_id: str
    clock: Clock
    rng: Random
    ledger: Ledger
    window_s: float | None = None
    """The time to decide, for every question; None leaves each question its own."""
    attempt: int = 1
    """The number of the attempt: a retry is 2."""
    phase: str | None = None
    started_at: float = 0.0
    tokens: int = 0
    planned_s: float = 0.0
    worked_s: float = 0.0
    progress: int = 0
    saved: int = 0
    edits: list[Edit] = field(default_factory=list)
    subtasks: dict[Part, str] = field(default_factory=dict)

    @property
    def agent_id(self) -> str:
        """The agent's id on the wire."""
        return f"agent-{self.job.number}"

    @property
    def cost(self) -> float:
        """The cost of the task so far, in US dollars."""
        return round(self.tokens * _USD_PER_TOKEN, 4)

    def event(self, kind: str, **payload: object) -> Emit:
        """Return an event of this task."""
        return Emit(kind, {"taskId": self.job.id, **payload})

    def write(self, *lines: Line) -> Iterator[Step]:
        """Write output: joined per stream and cut into chunks at any place."""
        for stream in ("stdout", "stderr"):
            text = "".join(line.text for line in lines if line.stream == stream)
            for start in range(0, len(text), _CHUNK):
                yield self.event(
                    "task.output",
                    stream=stream,
                    data=text[start : start + _CHUNK],
                    workerId=self.worker_id,
                    agentId=self.agent_id,
                )

    def begin(self, parts: Sequence[Part]) -> Script:
        """Start the task and announce its subtasks."""
        job = self.job
        self.started_at = self.clock.seconds
        yield Emit("worker.task_assigned", {"workerId": self.worker_id, "taskId": job.id, "providerId": job.provider})
        yield self.event("task.started", workerId=self.worker_id, providerId=job.provider, accessMode=job.access)
        yield self.event(
            "agent.spawned",
            agentId=self.agent_id,
            providerId=job.provider,
            workerId=self.worker_id,
            accessMode=job.access,
        )
        yield from self.plan(parts)

    def plan(self, parts: Sequence[Part]) -> Iterator[Step]:
        """Announce subtasks, each after the one before."""
        for part in parts:
            before = list(self.subtasks.values())[-1:]
            order = len(self.subtasks) + 1
            self.subtasks[part] = f"{self.job.id}-{order}"
            self.planned_s += part.seconds
            yield self.event(
                "subtask.created",
                subtaskId=self.subtasks[part],
                name=part.name,
                description=part.description,
                order=order,
                dependencies=before,
            )

    def work(self, part: Part) -> Script:
        """Do one planned subtask: output, progress, files."""
        if part.phase != self.phase:
            yield from self._enter(part.phase)
        name, subtask_id = part.name, self.subtasks[part]
        yield self.event(
            "task.subtask.started",
            subtaskId=subtask_id,
            name=name,
            description=part.description,
            agentId=self.agent_id,
        )
        started = self.clock.seconds
        seconds = part.seconds * self.rng.uniform(0.9, 1.15)
        ticks = max(1, int(seconds / _TICK_S))
        for tick in range(ticks):
            yield Sleep(seconds / ticks)
            due = slice(len(part.output) * tick // ticks, len(part.output) * (tick + 1) // ticks)
            yield from self.write(*part.output[due])
            yield from self._advance(part, (tick + 1) / ticks, part.seconds / ticks)
        for edit in part.edits:
            yield from self._change(edit)
        yield self.event(
            "task.subtask.completed",
            subtaskId=subtask_id,
            name=name,
            duration=round(self.clock.seconds - started, 2),
            artifacts=[edit.path for edit in part.edits],
        )

    def _enter(self, phase: str) -> Iterator[Step]:
        previous, self.phase = self.phase, phase
        if previous is not None:
            yield self.event("task.phase_changed", previousPhase=previous, newPhase=phase)
            self.saved += 1
            reason = f"End of {previous}"
            checkpoint_id = f"cp-{self.job.number}-auto-{self.saved}"
            yield self.event("task.checkpoint", checkpointId=checkpoint_id, type="auto", reason=reason)

    def _advance(self, part: Part, share: float, seconds: float) -> Iterator[Step]:
        tokens = round(seconds * self.job.rate * self.rng.uniform(0.8, 1.2))
        self.tokens += tokens
        self.worked_s += seconds
        self.progress = max(self.progress, min(99, round(100 * self.worked_s / self.planned_s)))
        remaining = max(0.0, self.planned_s - self.worked_s)
        yield self.event(
            "task.progress",
            progress=self.progress,
            currentStep=part.name,
            status="running",
            phase=part.phase,
            subtask={"id": self.subtasks[part], "name": part.name, "progress": round(100 * share)},
            metrics={
                "elapsed": self.elapsed(),
                "estimatedRemaining": round(remaining, 1),
                "tokensUsed": self.tokens,
                "cost": self.cost,
            },
        )
        self.ledger.spent += tokens * _USD_PER_TOKEN
        if self.ledger.spent >= self.ledger.threshold and not self.ledger.is_reported:
            self.ledger.is_reported = True
            current = round(self.ledger.spent, 4)
            yield Emit("cost.threshold", {"current": current, "threshold": self.ledger.threshold})

    def _change(self, edit: Edit) -> Iterator[Step]:
        tool = {"name": "write_file", "input": {"path": edit.path}, "startedAt": self.clock.stamp()}
        yield self.event("agent.tool_call", agentId=self.agent_id, tool=tool)
        file = {
            "path": edit.path,
            "action": edit.action,
            "linesAdded": edit.added,
            "linesRemoved": edit.removed,
        }
        self.edits.append(edit)
        yield self.event("agent.file_change", agentId=self.agent_id, file=file)
        words = f"{edit.action}: {edit.added} lines added, {edit.removed} removed"
        yield self.event("agent.tool_result", agentId=self.agent_id, tool={"name": "write_file", "output": words})

    def elapsed(self) -> float:
        """Return the seconds since the task started, the waits for people included."""
        return round(self.clock.seconds - self.started_at, 1)
