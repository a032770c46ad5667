"""Checkpoints: the questions of a run and their answers, from either family's names."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from runconsole.events import CheckpointDecided, CheckpointOpened, CheckpointOption, CheckpointReminded, Fact
from runconsole.wire.payload import FactReader, first, read_time, salvage, understood

__all__ = ["FACTS", "read_option"]

_DEFAULT_OPTIONS = (
    CheckpointOption("approve", "Approve"),
    CheckpointOption("reject", "Reject"),
)


class _Option(Struct, rename="camel"):
    id: str | None = None
    label: str | None = None
    description: str | None = None
    action: str | None = None
    is_default: bool | None = None


class _Opened(Struct, rename="camel"):
    checkpoint_id: str | None = None
    id: str | None = None
    task_id: str | None = None
    checkpoint_type: str | None = None
    type: str | None = None
    title: str | None = None
    description: str | None = None
    options: list[Any] | None = None
    context: Any = None
    timeout: str | float | None = None
    default_action: str | None = None


class _Decided(Struct, rename="camel"):
    checkpoint_id: str | None = None
    selected_option: str | None = None
    decision: Any = None
    action: str | None = None
    default_action: str | None = None
    action_taken: str | None = None
    feedback: str | None = None
    decided_by: str | None = None
    auto_triggered: bool | None = None
    response_time: float | None = None
    decided_at: str | float | None = None


def read_option(value: object) -> CheckpointOption | None:
    """Return an option from an object or a plain string; None where it is neither."""
    if isinstance(value, str):
        return CheckpointOption(value, value.replace("_", " ").replace("-", " ").capitalize())
    option = salvage(value, _Option)
    name: str | None = None if option is None else first(option.id, option.action, option.label)
    if option is None or name is None:
        return None
    return CheckpointOption(name, first(option.label, name), option.description, option.action, bool(option.is_default))


def _opened(data: _Opened) -> Fact | None:
    checkpoint_id = first(data.checkpoint_id, data.id)
    if checkpoint_id is None:
        return None
    options = tuple(option for value in data.options or () if (option := read_option(value)))
    context = data.context
    return CheckpointOpened(
        checkpoint_id=checkpoint_id,
        task_id=data.task_id,
        kind=first(data.checkpoint_type, data.type),
        title=data.title,
        description=data.description,
        options=options or _DEFAULT_OPTIONS,
        context=context if isinstance(context, dict) or context is None else {"context": context},
        deadline=read_time(data.timeout),
        default_action=first(data.default_action, next((o.id for o in options if o.is_default), None)),
    )


def _reminded(data: _Opened) -> Fact | None:
    if data.checkpoint_id is None:
        return None
    return CheckpointReminded(data.checkpoint_id, read_time(data.timeout))


def _chosen(data: _Decided) -> str | None:
    decision = data.decision
    if isinstance(decision, dict):
        decision = first(decision.get("selectedOption"), decision.get("action"), decision.get("decision"))
    chosen: str | None = first(data.selected_option, decision if isinstance(decision, str) else None, data.action)
    return chosen


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
    taken = first(_chosen(data), data.action_taken, data.default_action)
    decided_at = read_time(data.decided_at)
    return CheckpointDecided(
        data.checkpoint_id, taken, data.feedback, data.decided_by, automatic=True, decided_at=decided_at
    )


FACTS: dict[str, FactReader] = {
    "task.hitl_required": understood(_Opened, _opened),
    "checkpoint.pending": understood(_Opened, _opened),
    "checkpoint.hitl_required": understood(_Opened, _opened),
    "checkpoint.reminder": understood(_Opened, _reminded),
    "checkpoint.resolved": understood(_Decided, _decided),
    "checkpoint.hitl_decided": understood(_Decided, _decided),
    "checkpoint.timeout": understood(_Decided, _timed_out),
}
"""For each event type, what its payload means."""
