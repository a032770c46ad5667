"""An agent's question to a person: the question, the reminder, the deadline, and the decision."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from runconsole.simulator.scenario import Ask, Checkpoint, Decision, Step

if TYPE_CHECKING:
    from runconsole.simulator.scenarios.task_agent import Agent
    from runconsole.simulator.scenarios.task_script import Question

__all__ = ["ask"]

_REMIND_AT = 0.75  # of the time to decide
_Asking: TypeAlias = Generator[Step, Decision | None, Decision]


def ask(agent: Agent, question: Question) -> _Asking:
    """Ask and wait: remind when three quarters of the time are gone, take the default at the deadline."""
    options = tuple(option.id for option in question.options)
    again = f"-{agent.attempt}" if agent.attempt > 1 else ""
    checkpoint = Checkpoint(
        f"cp-{agent.job.number}-{question.key}{again}",
        agent.job.id,
        options,
        question.default,
        actions=tuple(option.action for option in question.options),
    )
    window = question.window_s if agent.window_s is None else agent.window_s
    deadline = agent.clock.stamp(window)
    waiting = f"Waiting for a decision: {question.title}"
    yield agent.event("task.hitl_required", **_asked(question, checkpoint.id, deadline))
    yield agent.event("task.paused", reason=waiting, checkpointId=checkpoint.id)
    decision = yield Ask(checkpoint, window * _REMIND_AT, last=False)
    if decision is None:
        left = window * (1 - _REMIND_AT)
        yield agent.event(
            "checkpoint.reminder", checkpointId=checkpoint.id, timeRemaining=round(left, 1), timeout=deadline
        )
        decision = yield Ask(checkpoint, left)
    if decision is None:
        raise RuntimeError("the last wait for a decision ended without one")
    if decision.automatic:
        yield agent.event("checkpoint.timeout", checkpointId=checkpoint.id, defaultAction=checkpoint.default)
    action = next(option.action for option in question.options if option.id == decision.option)
    decision_id = str(UUID(int=agent.rng.getrandbits(128), version=4))
    yield agent.event("checkpoint.hitl_decided", **_decided(decision, action, decision_id))
    if action != "reject":
        yield agent.event("task.resumed", checkpointId=checkpoint.id, resumedBy=decision.by)
    return decision


def _asked(question: Question, checkpoint_id: str, deadline: str) -> dict[str, Any]:
    options: list[dict[str, Any]] = [
        {
            "id": option.id,
            "label": option.label,
            "description": option.description,
            "action": option.action,
            "isDefault": option.id == question.default,
        }
        for option in question.options
    ]
    return {
        "checkpointId": checkpoint_id,
        "checkpointType": question.kind,
        "title": question.title,
        "description": question.description,
        "options": options,
        "context": question.context,
        "timeout": deadline,
        "defaultAction": question.default,
    }


def _decided(decision: Decision, action: str, decision_id: str) -> dict[str, Any]:
    """Return the decider and the decision; feedback and modifications only if there are any."""
    said = {"feedback": decision.feedback, "modifications": decision.modifications}
    return {
        "checkpointId": decision.checkpoint_id,
        "decisionId": decision_id,
        "action": action,
        "selectedOption": decision.option,
        **{name: value for name, value in said.items() if value is not None},
        "decidedBy": decision.by,
        "responseTime": decision.response_s,
        "autoTriggered": decision.automatic,
    }
