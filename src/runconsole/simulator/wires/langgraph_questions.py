"""The questions of the task family as values of LangGraph's `interrupt`, and the answers to them. No I/O.

Each of the three kinds is another one of those in use: LangChain's request for approval, options, and a form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runconsole.simulator.scenario import Answer, Checkpoint, Event

__all__ = ["answer_of", "payload_of", "schema_of"]

_ACTION: Final = {"name": "merge_and_deploy", "args": {"environment": "production", "instances": 6}}
_ALLOWED: Final = ("approve", "edit", "reject")


def payload_of(question: Event) -> Event:
    """Return what the graph interrupts with."""
    title, context = question["title"], question["context"]
    match question["checkpointType"]:
        case "deployment":
            requests = [{**_ACTION, "description": f"{title}\n\n{question['description']}"}]
            configs = [{"action_name": _ACTION["name"], "allowed_decisions": list(_ALLOWED)}]
            return {"action_requests": requests, "review_configs": configs}
        case "architecture":
            return {"question": title, "options": [option["id"] for option in question["options"]], "context": context}
    return {"question": title, "context": context}


def schema_of(question: Event) -> Event | None:
    """Return the JSON Schema of the answer; None where there is none."""
    if question["checkpointType"] != "spec_review":
        return None
    options = [option["id"] for option in question["options"]]
    return {
        "type": "object",
        "properties": {
            "decision": {"type": "string", "enum": options, "default": question["defaultAction"]},
            "feedback": {"type": "string", "description": "What should be different"},
        },
    }


def answer_of(checkpoint: Checkpoint, response: Any) -> Answer | None:
    """Return the answer in a response; None for one that the graph cannot read."""
    decisions = response.get("decisions") if isinstance(response, Mapping) else None
    if isinstance(decisions, list) and len(decisions) == 1 and isinstance(decisions[0], Mapping):
        return _decision(checkpoint, decisions[0])
    if isinstance(response, Mapping):
        option = response.get("decision", checkpoint.default)
        return _answer(checkpoint, option, response.get("feedback"))
    return _answer(checkpoint, response)


def _decision(checkpoint: Checkpoint, decision: Mapping[str, Any]) -> Answer | None:
    kind = decision.get("type")
    if kind not in _ALLOWED:
        return None
    edited = decision.get("edited_action")
    arguments = edited.get("args") if isinstance(edited, Mapping) else None
    option = "reject" if kind == "reject" else "approve"
    return _answer(checkpoint, option, decision.get("message"), arguments)


def _answer(checkpoint: Checkpoint, option: Any, feedback: Any = None, modifications: Any = None) -> Answer | None:
    if option not in checkpoint.options:
        return None
    words = feedback if isinstance(feedback, str) and feedback else None
    return Answer(checkpoint.id, option, feedback=words, modifications=modifications)
