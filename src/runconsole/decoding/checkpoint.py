"""Checkpoints: the questions of a run and their answers, by both families' names."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from runconsole.decoding.choices import Choices, name_of, read_choices, read_option
from runconsole.decoding.payload import FactReader, fact_reader, first
from runconsole.decoding.times import read_deadline, read_time
from runconsole.events import CheckpointDecided, CheckpointOpened, CheckpointReminded, Fact
from runconsole.requests.fields import read_requests
from runconsole.requests.options import options_of

__all__ = ["FACTS", "read_option"]


class _Opened(Struct, rename="camel"):
    checkpoint_id: str | None = None
    id: str | None = None
    task_id: str | None = None
    checkpoint_type: str | None = None
    type: str | None = None
    title: str | None = None
    description: str | None = None
    options: Any = None
    context: Any = None
    timeout: Any = None
    expires_at: Any = None
    default_action: Any = None
    default_option: Any = None
    response_schema: Any = None
    answer_schema: Any = None
    schema: Any = None
    action_requests: Any = None


class _Decided(Struct, rename="camel"):
    checkpoint_id: str | None = None
    selected_option: Any = None
    decision: Any = None
    action: Any = None
    default_action: Any = None
    action_taken: Any = None
    feedback: str | None = None
    decided_by: str | None = None
    auto_triggered: bool | None = None
    response_time: float | None = None
    decided_at: Any = None


def _opened(data: _Opened) -> Fact | None:
    checkpoint_id = first(data.checkpoint_id, data.id)
    if checkpoint_id is None:
        return None
    kind = first(data.checkpoint_type, data.type)
    requests = read_requests(data.action_requests)
    choices = Choices(options_of(requests)) if requests else read_choices(data.options, kind)
    context, deadline = data.context, read_deadline(first(data.timeout, data.expires_at))
    default = first(data.default_action, data.default_option, _default_beside(data.timeout))
    return CheckpointOpened(
        checkpoint_id=checkpoint_id,
        task_id=data.task_id,
        kind=kind,
        title=data.title,
        description=data.description,
        options=choices.options,
        context=context if isinstance(context, dict) or context is None else {"context": context},
        deadline=deadline.at,
        default_action=first(name_of(default), next((o.id for o in choices.options if o.is_default), None)),
        expires_in_s=deadline.in_s,
        offers=choices.offers,
        options_note=choices.note,
        schema=None if requests else _schema(data.response_schema, data.answer_schema, data.schema),
        requests=requests,
    )


def _schema(*given: object) -> dict[str, Any] | None:
    """Return the JSON Schema of the answer, under the first name that has an object."""
    return next((schema for schema in given if isinstance(schema, dict) and schema), None)


def _default_beside(timeout: object) -> object:
    """Return the default action inside an object of the deadline: ``{duration, defaultAction, expiresAt}``."""
    return first(timeout.get("defaultAction"), timeout.get("default_action")) if isinstance(timeout, dict) else None


def _reminded(data: _Opened) -> Fact | None:
    if data.checkpoint_id is None:
        return None
    deadline = read_deadline(first(data.timeout, data.expires_at))
    return CheckpointReminded(data.checkpoint_id, deadline.at, deadline.in_s)


def _chosen(data: _Decided) -> str | None:
    decision = data.decision
    if isinstance(decision, dict):
        names = ("selectedOption", "action", "decision")
        decision = first(*map(decision.get, names)) if decision.keys() & set(names) else decision
    return name_of(first(data.selected_option, decision, data.action))


def _decided(data: _Decided) -> Fact | None:
    if data.checkpoint_id is None:
        return None
    automatic = bool(data.auto_triggered) or data.decided_by in {"timeout", "system:timeout"}
    return CheckpointDecided(
        data.checkpoint_id,
        _chosen(data),
        data.feedback,
        data.decided_by,
        automatic,
        data.response_time,
        read_time(data.decided_at),
    )


def _timed_out(data: _Decided) -> Fact | None:
    if data.checkpoint_id is None:
        return None
    taken = name_of(first(_chosen(data), data.action_taken, data.default_action))
    decided_at = read_time(data.decided_at)
    return CheckpointDecided(
        data.checkpoint_id, taken, data.feedback, data.decided_by, automatic=True, decided_at=decided_at
    )


FACTS: dict[str, FactReader] = {
    "task.hitl_required": fact_reader(_Opened, _opened),
    "checkpoint.pending": fact_reader(_Opened, _opened),
    "checkpoint.hitl_required": fact_reader(_Opened, _opened),
    "checkpoint.reminder": fact_reader(_Opened, _reminded),
    "checkpoint.resolved": fact_reader(_Decided, _decided),
    "checkpoint.hitl_decided": fact_reader(_Decided, _decided),
    "checkpoint.timeout": fact_reader(_Decided, _timed_out),
}
"""A reader of payloads for each event type."""
