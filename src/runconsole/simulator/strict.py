"""Differences between the two backends and their documents, for servers as strict as the backends. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from runconsole.simulator.scenario import Clock, Emit, Event, Refusal, Scenario, Script

if TYPE_CHECKING:
    from runconsole.simulator.scenario import Checkpoint

__all__ = ["DIALECTS", "Dialect", "StrictScenario", "check_channel", "decision_input", "stored"]

Dialect: TypeAlias = Literal["resolve", "decide"]
"""The one decision procedure of a server."""
DIALECTS: Final = ("resolve", "decide")

_UNSENT = frozenset({"wave_completed", "artifact_created", "error", "execution_completed"})
"""Events that the execution family's backend never sends: a run of it has no end."""
_TAKES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "resolve": ("decision", ("approve", "reject", "modify", "defer")),
    "decide": ("action", ("approve", "reject", "modify", "retry", "skip", "escalate")),
}
_CHANNELS = frozenset({"system", "checkpoints", "workers"})


class StrictScenario:
    """A scenario as the backends send it: an execution without an end, options without their meaning."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    def scripts(self, clock: Clock) -> Sequence[Script]:
        """Return the scripts without the events that are never sent."""
        return [_without_unsent(script) for script in self._scenario.scripts(clock)]

    def background(self, clock: Clock) -> Sequence[Script]:
        """Return the scripts beside the run."""
        return self._scenario.background(clock)

    def envelope(self, clock: Clock, step: Emit) -> Event:
        """Return an event; the options of a question only have a name."""
        if step.type == "task.hitl_required":
            options = [
                {name: option[name] for name in ("id", "label", "description")} for option in step.body["options"]
            ]
            step = Emit(step.type, {**step.body, "options": options})
        return self._scenario.envelope(clock, step)


def _without_unsent(script: Script) -> Script:
    """Yield the steps of a script, and send it their results, but for events that are never sent."""
    step = next(script, None)
    while step is not None:
        try:
            if isinstance(step, Emit) and step.type in _UNSENT:
                step = script.send(None)
                continue
            try:
                outcome = yield step
            except Exception as error:  # noqa: BLE001 - the script's own business
                step = script.throw(error)
            else:
                step = script.send(outcome)
        except StopIteration:
            return


def check_channel(channel: str) -> None:
    """Raise Refusal unless the backend has this channel."""
    if channel not in _CHANNELS and not channel.startswith("task."):
        raise Refusal("SUBSCRIPTION_FAILED", f"Unknown channel: {channel}")


def decision_input(dialect: Dialect, given: Any) -> dict[str, Any]:
    """Return a decision's input after a strict schema. Raises Refusal with the schema's issues."""
    name, actions = _TAKES[dialect]
    value = given if isinstance(given, dict) else {}
    if value.get(name) not in actions:
        issue = {"code": "invalid_value", "values": list(actions), "path": [name], "message": "Invalid option"}
        raise Refusal("BAD_REQUEST", json.dumps([issue]))
    known = {"checkpointId", name, "feedback", "modifications"} | ({"selectedOption"} if dialect == "decide" else set())
    for text in known & {"checkpointId", "selectedOption"}:
        if not isinstance(value.get(text), str):
            raise Refusal("BAD_REQUEST", json.dumps([{"code": "invalid_type", "expected": "string", "path": [text]}]))
    return {key: value[key] for key in value if key in known}


def stored(checkpoint: Checkpoint, question: Mapping[str, Any], at: Callable[[float], str]) -> dict[str, Any]:
    """Return a checkpoint as the task family's backend stores it; `at` writes simulated seconds as a time."""
    actions = dict(zip(checkpoint.options, checkpoint.actions, strict=True))
    options = [
        {**option, "action": actions[option["id"]], "isDefault": option["id"] == checkpoint.default}
        for option in question.get("options", ())
    ]
    decision = checkpoint.decision
    decided = None
    if decision is not None:
        decided = {
            "action": actions[decision.option],
            "selectedOption": decision.option,
            "decidedAt": at((checkpoint.asked_at or 0.0) + decision.response_s),
            "autoTriggered": decision.automatic,
            "userId": decision.by,
            "responseTime": decision.response_s,
        }
    return {
        "id": checkpoint.id,
        "taskId": checkpoint.task_id,
        "type": "hitl",
        "trigger": question.get("checkpointType"),
        "description": question.get("description"),
        "hitlRequired": True,
        "hitlConfig": {
            "title": question.get("title"),
            "message": question.get("description"),
            "options": options,
            "context": question.get("context"),
            "timeout": {"defaultAction": checkpoint.default, "expiresAt": question.get("timeout")},
        },
        "hitlDecision": decided,
        "createdAt": at(checkpoint.asked_at or 0.0),
    }
