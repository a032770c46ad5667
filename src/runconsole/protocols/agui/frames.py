"""Events of AG-UI as one tolerant struct: JSON text in, fields out."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from runconsole.decoding.payload import reader

__all__ = ["Event", "InterruptFrame", "LanggraphEvent", "LanggraphInterrupt", "read_frame", "read_langgraph"]


class InterruptFrame(Struct, rename="camel"):
    """A question with which a run ends, until another run answers it."""

    id: str | None = None
    reason: str | None = None
    message: str | None = None
    tool_call_id: str | None = None
    response_schema: Any = None
    expires_at: Any = None
    metadata: Any = None


class LanggraphInterrupt(Struct, frozen=True):
    """An interrupt as LangGraph has it, beside the event that `ag-ui-langgraph` makes of it."""

    id: str | None = None
    response_schema: Any = None


class LanggraphEvent(Struct, rename="camel"):
    """The event ``on_interrupt`` of `ag-ui-langgraph`."""

    value: Any = None
    raw_event: LanggraphInterrupt = LanggraphInterrupt()


class RunOutcome(Struct, rename="camel"):
    """The end of a run, or of a sub-agent."""

    type: str | None = None
    interrupts: list[Any] = []
    pending_tool_call_ids: list[str] = []


class Event(Struct, rename="camel"):
    """The fields of all events. What an event does not have is None."""

    type: str = ""
    timestamp: Any = None
    thread_id: str | None = None
    run_id: str | None = None
    protocol_version: str | None = None
    outcome: RunOutcome | None = None
    usage: Any = None
    message: str | None = None
    code: str | None = None
    step_name: str | None = None
    message_id: str | None = None
    role: str | None = None
    name: str | None = None
    delta: Any = None
    tool_call_id: str | None = None
    tool_call_name: str | None = None
    parent_message_id: str | None = None
    content: Any = None
    snapshot: Any = None
    messages: Any = None
    activity_type: str | None = None
    replace: bool | None = None
    patch: Any = None
    subagent_run_id: str | None = None
    parent_subagent_run_id: str | None = None
    parent_tool_call_id: str | None = None
    description: str | None = None
    value: Any = None


read_frame = reader(Event)
"""Return the event of a JSON text, fields of wrong types left out; None for what is no event."""

read_langgraph = reader(LanggraphEvent)
"""Return the interrupt of LangGraph in the JSON text of an event ``on_interrupt``, as `read_frame` does."""
