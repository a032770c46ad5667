"""A client's operations on a run, the same on every wire: admission, decisions, commands, queries."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from runconsole.simulator.scenario import Answer, Checkpoint, Command, Decision, Event, Refusal
from runconsole.simulator.strict import stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runconsole.simulator.player import LogEntry, Player
    from runconsole.simulator.strict import Dialect

__all__ = ["Delivery", "Frame", "Message", "RunService", "body_of", "task_of", "text_in"]

Delivery = Literal["push", "subscribe"]
Message: TypeAlias = dict[str, Any]

_STATUS_BY_EVENT = {
    "task.created": "pending",
    "task.queued": "queued",
    "task.started": "running",
    "task.paused": "paused",
    "task.resumed": "running",
    "task.completed": "completed",
    "task.failed": "failed",
    "task.cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A text for a client. `entry` is its event, if it has one; `decides` marks the answer to a decision."""

    text: str
    entry: LogEntry | None = None
    decides: bool = False


class RunService:
    """The operations on one run, for all of its clients. Impossible operations raise Refusal."""

    def __init__(self, player: Player, token: str | None, dialect: Dialect | None = None) -> None:
        self.player = player
        self.dialect = dialect
        """The one decision procedure of a strict server; None for a lenient one, which takes every form."""
        self._token = token
        self.floor = 0
        """The number of the last forgotten event: the server that knew it has crashed."""

    @property
    def is_open(self) -> bool:
        """True if no token is needed."""
        return self._token is None

    def accepts(self, offered: object) -> bool:
        """Return whether this is the token (or none is needed)."""
        if self._token is None:
            return True
        return isinstance(offered, str) and hmac.compare_digest(offered.encode(), self._token.encode())

    # ---- to decide --------------------------------------------------------------------------------------------------

    def resolve(self, payload: object) -> Decision:
        """Take a decision: ``{checkpointId, decision}`` or ``{checkpointId, action, selectedOption}``."""
        if not isinstance(payload, Mapping):
            raise Refusal("INVALID_MESSAGE", "Expected an object in payload.")
        given = "selectedOption" if "selectedOption" in payload else "decision"
        return self.player.decide(
            Answer(
                checkpoint_id=text_in(payload, "checkpointId"),
                option=text_in(payload, given),
                task_id=text_in(payload, "taskId", optional=True),
                feedback=text_in(payload, "feedback", optional=True),
                modifications=payload.get("modifications"),
            )
        )

    def command(self, verb: Literal["cancel", "pause", "resume", "retry"], task_id: object) -> Message:
        """Cancel, pause, resume or retry a task; return its state then."""
        if not isinstance(task_id, str) or not task_id:
            raise Refusal("INVALID_MESSAGE", "Expected the id of a task.")
        status = self.task(task_id)["status"]
        if verb == "retry" and status not in {"failed", "cancelled"}:
            raise Refusal("INVALID_STATE", f"{task_id} is {status}: there is nothing to retry.")
        self.player.command(Command(verb, task_id))
        return {"success": True, "task": self.task(task_id)}

    # ---- to know ----------------------------------------------------------------------------------------------------

    def task(self, task_id: object) -> Message:
        """Return ``{id, status, progress?, error?}`` of a task."""
        known: Message = {}
        for event in self._events_of(task_id):
            kind, body = str(event["type"]), body_of(event)
            status = _STATUS_BY_EVENT.get(kind, body.get("status"))
            news = {"status": status, "progress": body.get("progress"), "error": body.get("error")}
            known |= {name: value for name, value in news.items() if value is not None}
        if not known:
            raise Refusal("TASK_NOT_FOUND", f"There is no task {task_id}.")
        return {"id": task_id, "status": "pending", **known}

    def checkpoint(self, checkpoint_id: object) -> Message:
        """Return a checkpoint as it was asked, with its `status` (pending, decided, expired) and its `decision`.

        A strict service returns it in the backend's stored form.
        """
        found = next((item for item in self.player.checkpoints if item.id == checkpoint_id), None)
        if found is None:
            raise Refusal("CHECKPOINT_NOT_FOUND", f"There is no checkpoint {checkpoint_id}.")
        return self._describe(found)

    def pending(self, task_id: object = None) -> list[Message]:
        """Return the checkpoints that wait for a person, of one task or of all."""
        waiting = [item for item in self.player.checkpoints if item.state == "open"]
        described = [self._describe(item) for item in waiting if task_id in {None, item.task_id}]
        if self.dialect is None:
            return described
        return [{"checkpoint": item, "task": {"id": item["taskId"], "status": "paused"}} for item in described]

    def _describe(self, checkpoint: Checkpoint) -> Message:
        asked = (body_of(entry.event) for entry in self.player.log if entry.event["type"] == "task.hitl_required")
        question = next((body for body in asked if body.get("checkpointId") == checkpoint.id), {})
        if self.dialect is not None:
            clock = self.player.timeline.clock
            return stored(checkpoint, question, lambda seconds: clock.stamp(seconds - clock.seconds))
        status = "pending" if checkpoint.state == "open" else checkpoint.state
        described = {**question, "checkpointId": checkpoint.id, "taskId": checkpoint.task_id, "status": status}
        decision = checkpoint.decision
        if decision is not None:
            described["decision"] = {
                "selectedOption": decision.option,
                "feedback": decision.feedback,
                "decidedBy": decision.by,
                "responseTime": decision.response_s,
                "autoTriggered": decision.automatic,
            }
        return described

    def _events_of(self, task_id: object) -> Iterator[Event]:
        return (entry.event for entry in self.player.log if task_of(entry.event) == task_id is not None)


def body_of(event: Event) -> Message:
    """Return an event's data, under either envelope's name."""
    body = event.get("payload", event.get("data"))
    return body if isinstance(body, dict) else {}


def task_of(event: Event) -> str | None:
    """Return the task of an event."""
    body = body_of(event)
    task_id = body.get("taskId", body.get("task_id"))
    return task_id if isinstance(task_id, str) else None


@overload
def text_in(payload: Mapping[str, Any], name: str) -> str: ...
@overload
def text_in(payload: Mapping[str, Any], name: str, *, optional: Literal[True]) -> str | None: ...
def text_in(payload: Mapping[str, Any], name: str, *, optional: bool = False) -> str | None:
    """Return the text under a name. Raises Refusal where there is none."""
    value = payload.get(name)
    if value is None and optional:
        return None
    if not isinstance(value, str) or not (value or optional):
        raise Refusal("INVALID_MESSAGE", f"Expected text in payload.{name}.")
    return value
