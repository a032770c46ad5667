"""Questions of a run and their answers: the standard interrupts, and those of `ag-ui-langgraph`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from runconsole.decoding.choices import Choices, name_of, read_choices
from runconsole.decoding.payload import loads_encodable, salvage
from runconsole.decoding.times import read_deadline
from runconsole.errors import UnsupportedByWire
from runconsole.events import CheckpointOpened, CheckpointOption, DecisionRequested
from runconsole.protocols.agui.frames import InterruptFrame, LanggraphEvent
from runconsole.requests.decisions import decisions_of
from runconsole.requests.options import options_of
from runconsole.requests.responses import response
from runconsole.requests.shapes import Requests, approval, recognise

__all__ = ["AgentQuestion", "custom_question", "payload_text", "standard_question", "written_for_langgraph"]

_APPROVALS = frozenset({"tool_call", "confirmation"})
_APPROVE = CheckpointOption("approve", "Approve", action="approve")
_REJECT = CheckpointOption("reject", "Reject", action="reject")
_YES_OR_NO = Choices((_APPROVE, _REJECT))
_SUBMIT = Choices((CheckpointOption("submit", "Submit", action="approve"),))
"""The option of a question whose answer is a form."""
_TITLES = ("question", "title", "message", "prompt", "text", "description", "instruction")
_CHOICES = ("options", "choices", "actions", "enum")
_REQUESTED = frozenset(
    {"action_requests", "review_configs", "action_request", "config", "description", "type", "name", "args"}
)
"""Names of the parts of a request for decisions."""


class AgentQuestion(Struct):
    """An open question.

    Attributes:
        fact: its announcement.
        payload: its JSON, for the log.
        schema: the JSON Schema of its answer, where there is one.
        value: what LangGraph's ``interrupt`` was called with, where that says how to answer; None for anything else.
        requests: the actions that it asks about, and the shape of their answer; None for a question of another kind.
        langgraph_id: the id of LangGraph's interrupt; None where it is unknown.
        is_standard: True for an interrupt of the protocol, which is answered by ``resume``; False for one that
            ``forwardedProps.command.resume`` answers.
    """

    fact: CheckpointOpened
    payload: Any
    schema: Mapping[str, Any]
    value: Any = None
    requests: Requests | None = None
    langgraph_id: str | None = None
    is_standard: bool = True

    def answer(self, decision: DecisionRequested) -> Any:
        """Return the value that answers it. Raises UnsupportedByWire for words that are no such value."""
        if self.requests is not None:
            return response(self.requests, decisions_of(self.requests.actions, decision.answer))
        if self.value is not None and not self.schema:
            return self._value_for(decision)
        field = _approval_field(self.schema)
        if decision.modifications is not None and field is None:
            return decision.modifications
        if self.fact.options == _YES_OR_NO.options:
            return self._approval(decision, field)
        if self.schema.get("type") == "object":
            return self._object(decision)
        return decision.sent_value if self.fact.options else _value(self.schema, decision)

    def _approval(self, decision: DecisionRequested, field: str | None) -> Any:
        """Return the answer to a question for yes or no that is about no known call."""
        approves = (decision.meaning or decision.option) == "approve"
        if field is None and self.schema.get("type") == "boolean":
            return approves
        payload: dict[str, Any] = {field or "approved": approves}
        if decision.feedback is not None:
            payload["reason"] = decision.feedback
        if decision.modifications is not None:
            payload["editedArgs"] = decision.modifications
        return payload

    def _object(self, decision: DecisionRequested) -> Any:
        """Return an object: that in the words of the answer, or one with the answer as its only required field."""
        only = _only_field(self.schema)
        if only is not None:
            properties = self.schema.get("properties")
            schema = properties.get(only, {}) if isinstance(properties, Mapping) else {}
            value = decision.sent_value if self.fact.options else _value(schema, decision)
            return value if isinstance(value, dict) else {only: value}
        value = _parsed(decision.feedback or decision.option)
        if isinstance(value, dict):
            return value
        names = ", ".join(_properties(self.schema)) or "its fields"
        raise UnsupportedByWire(
            f"expected the answer as a JSON object with {names}, got other words: pass it as modifications=, or write"
            " JSON"
        )

    def _value_for(self, decision: DecisionRequested) -> Any:
        """Return what LangGraph's ``interrupt`` is to return."""
        if decision.modifications is not None:
            return decision.modifications
        if self.fact.offers == "text":
            return decision.feedback or decision.option
        return decision.sent_value


def standard_question(
    given: Any,
    task_id: str | None,
    number: str,
    tool: str | None = None,
    arguments: str = "",
    *,
    schemas: Mapping[str, Any] = MappingProxyType({}),
) -> AgentQuestion:
    """Return the question of an interrupt.

    Args:
        given: the interrupt.
        task_id: the task that asks.
        number: its id where the server gives it none.
        tool: the name of the tool whose call it is about; None for none.
        arguments: of that call, as JSON.
        schemas: those of answers that came beside the interrupts, by the ids of these.
    """
    interrupt = salvage(given, InterruptFrame) or InterruptFrame()
    schema = interrupt.response_schema or schemas.get(interrupt.id or "")
    schema = schema if isinstance(schema, Mapping) else {}
    value = _langgraph_value(interrupt.metadata)
    requests = recognise(value, schema)
    if requests is None and tool is not None:
        requests = approval(schema, tool, _parsed(arguments) if arguments else {})
    if requests is not None:
        choices = Choices(options_of(requests.actions))
    else:
        choices = _choices(interrupt.reason, schema) if schema or value is None else _choices_of_value(value)
    context = _context(value, requests)
    if value is None and interrupt.metadata:
        context["metadata"] = interrupt.metadata
    if tool is not None and requests is None:
        context |= {"tool": tool, "arguments": _parsed(arguments)}
    deadline = read_deadline(interrupt.expires_at)
    fact = CheckpointOpened(
        interrupt.id or number,
        task_id,
        interrupt.reason,
        interrupt.message or _title(value, requests) or (interrupt.reason or "question").replace("_", " ").capitalize(),
        options=choices.options,
        offers=choices.offers,
        options_note=choices.note,
        context=context or None,
        deadline=deadline.at,
        expires_in_s=deadline.in_s,
        schema=dict(schema) if choices is _SUBMIT else None,
        requests=() if requests is None else requests.actions,
    )
    return AgentQuestion(fact, given, schema, value, requests, None if value is None else _langgraph_id(interrupt.id))


def custom_question(event: LanggraphEvent, task_id: str | None, number: str) -> AgentQuestion:
    """Return the question of an ``on_interrupt`` event of `ag-ui-langgraph`: any value, often as JSON in a string."""
    value = _parsed(event.value) if isinstance(event.value, str) else event.value
    schema = event.raw_event.response_schema
    schema = schema if isinstance(schema, Mapping) else {}
    requests = recognise(value, schema)
    if requests is not None:
        choices = Choices(options_of(requests.actions))
    else:
        choices = _choices("on_interrupt", schema) if schema else _choices_of_value(value)
    fact = CheckpointOpened(
        event.raw_event.id or number,
        task_id,
        "on_interrupt",
        _title(value, requests),
        options=choices.options,
        offers=choices.offers,
        options_note=choices.note,
        context=_context(value, requests) or None,
        schema=dict(schema) if choices is _SUBMIT else None,
        requests=() if requests is None else requests.actions,
    )
    own_id = _langgraph_id(event.raw_event.id)
    return AgentQuestion(fact, value, schema, "" if value is None else value, requests, own_id, is_standard=False)


def _langgraph_id(given: str | None) -> str | None:
    """Return an id if it is of the kind by which LangGraph tells the answers to several interrupts apart."""
    return given if given is not None and re.fullmatch("[0-9a-f]{32}", given) else None


def written_for_langgraph(answer: Any) -> Any:
    """Return an answer as `ag-ui-langgraph` reads it from a command: it takes a text that is JSON for that value."""
    return json.dumps(answer) if isinstance(answer, str) and _parsed(answer) is not answer else answer


def _langgraph_value(metadata: Any) -> Any:
    """Return the value of LangGraph's ``interrupt``, which `ag-ui-langgraph` sends beside an interrupt."""
    own = metadata.get("langgraph") if isinstance(metadata, Mapping) else None
    return own.get("raw") if isinstance(own, Mapping) else None


def _context(value: Any, requests: Requests | None) -> dict[str, Any]:
    """Return what a question is about, without the actions, which the card has by themselves."""
    if not isinstance(value, dict):
        return {}
    return {name: part for name, part in value.items() if requests is None or name not in _REQUESTED}


def _title(value: Any, requests: Requests | None) -> str | None:
    """Return the words of a question in the value of LangGraph's ``interrupt``."""
    if requests is not None:
        return requests.title
    if not isinstance(value, dict):
        return value if isinstance(value, str) else name_of(value)
    title = next((text for name in _TITLES if isinstance(text := value.get(name), str) and text), None)
    return title or name_of(value)


def _choices_of_value(value: Any) -> Choices:
    """Return the options in the value of LangGraph's ``interrupt``."""
    fields = value if isinstance(value, dict) else {}
    given = next((fields[name] for name in _CHOICES if fields.get(name)), None)
    return Choices(offers="text") if given is None else read_choices(given, None)


def _choices(reason: str | None, schema: Mapping[str, Any]) -> Choices:
    """Return the options of an answer with this schema; text for one that is no choice."""
    if not schema:
        return _YES_OR_NO if reason in _APPROVALS else Choices(offers="text")
    if _approval_field(schema) is not None or schema.get("type") == "boolean":
        return _YES_OR_NO
    only = _only_field(schema)
    properties = schema.get("properties")
    values = properties.get(only) if only is not None and isinstance(properties, Mapping) else schema
    values = values if isinstance(values, Mapping) else {}
    given = next((values[name] for name in ("enum", "oneOf") if values.get(name)), None)
    if given is not None:
        return read_choices(given, None)
    return _SUBMIT if schema.get("type") == "object" and _properties(schema) else Choices(offers="text")


def _approval_field(schema: Mapping[str, Any]) -> str | None:
    """Return the name of the field that approves: ``approved``, a boolean; None for none."""
    properties = schema.get("properties")
    field = properties.get("approved") if isinstance(properties, Mapping) else None
    return "approved" if isinstance(field, Mapping) and field.get("type") == "boolean" else None


def _properties(schema: Mapping[str, Any]) -> list[str]:
    properties = schema.get("properties")
    return [str(name) for name in properties] if isinstance(properties, Mapping) else []


def _only_field(schema: Mapping[str, Any]) -> str | None:
    """Return the name of the one field that an object must have."""
    required = schema.get("required")
    names = required if isinstance(required, list) and required else _properties(schema)
    return str(names[0]) if len(names) == 1 else None


def _value(schema: Mapping[str, Any], decision: DecisionRequested) -> Any:
    """Return the answer's words as a value of the schema's type."""
    words = decision.feedback or decision.option
    if schema.get("type") in {None, "string"}:
        return words
    value = _parsed(words)
    if value is words:
        raise UnsupportedByWire(f"expected the answer as JSON, of type {schema.get('type')}, got other words")
    return value


def _parsed(text: str) -> Any:
    """Return the value of a JSON text; the text itself where it is none."""
    try:
        return loads_encodable(text)
    except (ValueError, RecursionError):
        return text


def payload_text(value: Any) -> str:
    """Return a question as JSON."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError):
        return json.dumps(str(value))
