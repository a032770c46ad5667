"""Handlers of facts beside the tasks: artifacts, errors, output, alerts, the link."""

from __future__ import annotations

from copy import copy
from typing import Any

from runconsole.events import (
    Alert,
    ArtifactCreated,
    DuplicateDropped,
    ErrorReported,
    LinkChanged,
    Micros,
    Received,
    TaskOutput,
)
from runconsole.state.advance import fill_unknown, note_error, set_known
from runconsole.state.checkpoints import close_checkpoints
from runconsole.state.ordering import is_before
from runconsole.state.rows import AlertRow, Artifact, ErrorRecord, Link, OutputChunk
from runconsole.state.state import URGENT, Effect, RunState, handles


def put_artifact(state: RunState, path: str, at: Micros, **fields: Any) -> None:
    """Set the reported fields of a task's file; a repeated file is the same row."""
    key = (fields.get("task_id"), path)
    row = copy(state.artifacts.get(key) or Artifact(path, created_at=at))
    fill_unknown(row, kind=fields.pop("kind", None))
    if not is_before(at, row.last_event_at):
        row.last_event_at = at
        set_known(row, **fields)
    else:
        fill_unknown(row, **fields)
    state.artifacts[key] = row
    state.versions["artifacts"] += 1


def put_error(state: RunState, at: Micros, *, once: bool = False, **fields: Any) -> None:
    """Add an error. `once`: unless an equal one of the same time exists."""
    row = ErrorRecord(
        at=at,
        **{"task_id": None, "task_name": None, "error_type": None, "recoverable": None}
        | {"attempt": None, "max_retries": None, "stack": None}
        | fields,
    )
    key = (row.task_id, row.message, row.error_type, row.attempt, at)
    if once and key in state.error_keys:
        return
    state.error_keys.add(key)
    state.errors[len(state.errors)] = row
    state.versions["errors"] += 1


@handles(ArtifactCreated)
def artifact_created(state: RunState, fact: ArtifactCreated, event: Received) -> None:
    at = event.received_at if event.timestamp is None else event.timestamp
    put_artifact(
        state,
        fact.path,
        at,
        size=fact.size,
        kind=fact.kind,
        language=fact.language,
        task_id=fact.task_id,
        action=fact.action,
    )


@handles(ErrorReported)
def error_reported(state: RunState, fact: ErrorReported, event: Received) -> tuple[Effect, ...]:
    at = event.received_at if event.timestamp is None else event.timestamp
    known = state.tasks.get(fact.task_id) if fact.task_id else None
    put_error(
        state,
        at,
        message=fact.message,
        task_id=fact.task_id,
        task_name=fact.task_name or (known.name if known else None),
        error_type=fact.error_type,
        recoverable=fact.recoverable,
        attempt=fact.attempt,
        max_retries=fact.max_retries,
        stack=fact.stack,
        action=fact.action,
    )
    if fact.task_id is not None:
        task = state.task(fact.task_id)
        task.name = task.name or fact.task_name
        note_error(task, fact.message, at)
        if fact.attempt is not None:
            task.attempts = max(task.attempts or 0, fact.attempt)
        if task.error_at == at:
            set_known(task, max_retries=fact.max_retries)
        state.put_task(task)
    if fact.agent_id in state.agents:
        agent = copy(state.agents[fact.agent_id])
        agent.error = fact.message
        state.agents[fact.agent_id] = agent
        state.versions["agents"] += 1
    return URGENT


@handles(TaskOutput)
def task_output(state: RunState, fact: TaskOutput, event: Received) -> None:
    at = event.received_at if event.timestamp is None else event.timestamp
    chunk = OutputChunk(at, fact.task_id, fact.stream, fact.text, fact.worker_id, fact.agent_id)
    state.output.append(chunk)
    state.versions["output"] += 1


@handles(Alert)
def alert(state: RunState, fact: Alert, event: Received) -> tuple[Effect, ...]:
    at = event.received_at if event.timestamp is None else event.timestamp
    put_alert(state, fact.level, fact.text, at, once=False)
    return URGENT


def put_alert(state: RunState, level: str, text: str, at: Micros, *, once: bool = True) -> None:
    """Add a message for a person. `once`: unless it exists."""
    row = AlertRow(level, text, at)
    if not once or row not in state.alerts:
        state.alerts.append(row)
        state.versions["run"] += 1


@handles(LinkChanged)
def link_changed(state: RunState, fact: LinkChanged, _event: None) -> tuple[Effect, ...]:
    state.links.append(
        Link(
            fact.at,
            fact.status,
            fact.attempt,
            fact.reason,
            fact.missed,
            fact.recovered,
            retry_at=fact.retry_at,
            notice=None if fact.quiet else fact.notice,
            filled=fact.filled,
        )
    )
    state.versions["links"] += 1
    if fact.quiet is not None:
        state.note_quiet(fact.quiet, fact.reason or "")
        return URGENT
    if fact.status == "live":
        state.clock.reconnected(fact.at)
    if fact.status == "ended" and not state.finished:
        close_checkpoints(state, None, "the server ended the stream")
        if fact.interrupted:
            state.interruption = fact.reason or "the stream ended before the run did"
        return state.finish(state.clock.at(fact.at))
    if fact.status == "connecting" and state.interruption is not None:
        state.resume()
    return URGENT


@handles(DuplicateDropped)
def duplicate_dropped(state: RunState, fact: DuplicateDropped, _event: None) -> None:
    if state.links:
        link = copy(state.links[-1])
        link.duplicates += fact.count
        state.links[-1] = link
        state.versions["links"] += 1
