"""One viewer of a run over plain JSON (docs/protocols/channel.md), without I/O: frames in, replies out."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec

from runconsole.clock import now_micros
from runconsole.errors import (
    CallRefused,
    CallUnanswered,
    DecisionError,
    DecisionExpired,
    DecisionUnknown,
    InvalidArgument,
    NotConnected,
    RunConsoleError,
)
from runconsole.events import Answer
from runconsole.redaction.secrets import Secret
from runconsole.reporting.writing import iso_time
from runconsole.values import plain, plain_argument

__all__ = ["UNAUTHORIZED", "TakesAnswer", "TakesCommands", "ViewerConversation", "batches", "offered_token", "resolved"]

UNAUTHORIZED = 4001
"""The close code for a missing or wrong token."""
_MOST_EVENTS, _MOST_CHARACTERS = 200, 100_000
"""Of one frame to a viewer."""

Message = dict[str, Any]
_TASK = "task."
"""The beginning of the types of messages that are commands for a task."""
_DETAILS = {"resume": {"feedback": "feedback"}, "retry": {"from_checkpoint": "fromCheckpoint"}}
"""By verb: the details of a command, and their names in the message."""

TakesAnswer = Callable[[str, Answer[Any]], Awaitable[None] | None]
"""Takes an answer to a question by its id. It raises what refuses the answer, or returns what will."""


class TakesCommands(Protocol):
    """Takes commands for tasks, as a `Source` does.

    Attributes:
        task_commands: the ones that are taken now.
    """

    @property
    def task_commands(self) -> tuple[str, ...]: ...

    async def command(self, verb: str, task_id: str, **details: str | None) -> Any:
        """Carry out a command; return its result. Raises RunConsoleError."""


class ViewerConversation:
    """The server's side of one viewer.

    Args:
        answer: takes an answer. Where it returns something to be awaited, the reply follows that; an answer whose end
            stays unknown gets none.
        token: the secret that a viewer has to send; None admits everybody.
        offered: the token of the handshake.
        commands: takes commands for tasks; None for a run that takes none. A command whose end stays unknown gets no
            reply.
    """

    def __init__(
        self,
        answer: TakesAnswer,
        *,
        token: Secret[str] | None,
        offered: str | None,
        commands: TakesCommands | None = None,
    ) -> None:
        self._answer = answer
        self._token = token
        self._commands = commands
        self.admitted = token is None
        self.is_denied = False
        """True if a wrong token came: the connection is to be closed."""
        if offered is not None:
            self._check(offered)

    def receive(self, frame: str | bytes) -> list[str | Awaitable[str | None]]:
        """Read a frame; return the replies to it, those that come later as awaitables; None is no reply."""
        try:
            message = msgspec.json.decode(frame)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            message = None
        if not isinstance(message, dict):
            return ["pong"] if frame in ("ping", b"ping") else [_reply({}, _error("expected a JSON object"))]
        if self.is_denied:
            return []
        reply = self._reply_to(message)
        return [_reply(message, reply) if isinstance(reply, dict) else _later(message, reply)]

    def _reply_to(self, message: Message) -> Message | Awaitable[Message | None]:
        kind, payload = message.get("type"), message.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        if kind == "auth":
            self._check(message.get("token", payload.get("token")))
            return {"type": "authenticated"} if self.admitted else _error("the token is wrong", "UNAUTHORIZED")
        if not self.admitted:
            return _error("send the token first", "UNAUTHORIZED")
        return self._reply_to_admitted(kind, payload)

    def _reply_to_admitted(self, kind: object, payload: Message) -> Message | Awaitable[Message | None]:
        match kind:
            case "ping":
                return {"type": "pong"}
            case "subscribe" | "unsubscribe":  # every viewer gets every event
                return {"type": f"{kind}d", "payload": payload}
            case "checkpoint.resolve":
                return resolved(payload, self._answer)
        verb = _verb_of(kind)
        if self._commands is not None and verb in self._commands.task_commands:
            return commanded(verb, payload, self._commands)
        return _error(f"no such message: {kind!r}", "UNKNOWN_TYPE")

    def _check(self, offered: object) -> None:
        if self._token is None:
            return
        self.admitted = isinstance(offered, str) and hmac.compare_digest(
            offered.encode("utf-8", "replace"), self._token.reveal().encode()
        )
        self.is_denied = not self.admitted


def resolved(payload: object, answer: TakesAnswer) -> Message | Awaitable[Message | None]:
    """Take the answer in a viewer's message; return the reply to it, or what will: its `type` and `payload`."""
    payload = payload if isinstance(payload, dict) else {}
    checkpoint_id, feedback = payload.get("checkpointId"), payload.get("feedback")
    option = payload.get("decision", payload.get("selectedOption"))
    if not isinstance(checkpoint_id, str) or not isinstance(option, str) or not isinstance(feedback, str | None):
        return _error("expected checkpointId, decision and feedback as texts")
    taken = {"type": "checkpoint.resolve.ack", "payload": {"checkpointId": checkpoint_id, "decision": option}}
    try:
        modifications = plain_argument("modifications", payload.get("modifications"))
        outcome = answer(checkpoint_id, Answer(option, feedback, modifications, payload.get("decisions")))
    except (DecisionError, InvalidArgument, NotConnected) as error:
        return _refusal(error)
    return taken if outcome is None else _reply_after(outcome, taken)


async def _reply_after(outcome: Awaitable[None], taken: Message) -> Message | None:
    """Return the reply to an answer when its outcome is known; None where nobody knows it."""
    try:
        await outcome
    except DecisionUnknown:
        return None
    except (DecisionError, InvalidArgument, NotConnected) as error:
        return _refusal(error)
    return taken


def _verb_of(kind: object) -> str:
    """Return the verb of a command for a task; "" for any other type of message."""
    return kind.removeprefix(_TASK) if isinstance(kind, str) and kind.startswith(_TASK) else ""


def commanded(verb: str, payload: Message, commands: TakesCommands) -> Message | Awaitable[Message | None]:
    """Give the command in a viewer's message; return the reply to it, or what will."""
    task_id = payload.get("taskId")
    details = {name: payload.get(sent) for name, sent in _DETAILS.get(verb, {}).items()}
    if not isinstance(task_id, str) or not all(isinstance(value, str | None) for value in details.values()):
        return _error(f"expected taskId of {_TASK}{verb} as a text, and its details as texts")
    return _reply_after_command(verb, commands.command(verb, task_id, **details))


async def _reply_after_command(verb: str, outcome: Awaitable[Any]) -> Message | None:
    try:
        value = await outcome
    except CallUnanswered:
        return None
    except CallRefused as error:
        return _error(str(error), error.code or "COMMAND_REFUSED")
    except RunConsoleError as error:
        return _error(str(error), "COMMAND_REFUSED")
    return {"type": f"{_TASK}{verb}.ack", "payload": plain(value)}


async def _later(request: Message, reply: Awaitable[Message | None]) -> str | None:
    message = await reply
    return None if message is None else _reply(request, message)


def _refusal(error: Exception) -> Message:
    match error:
        case DecisionExpired():
            return _error(str(error), "CHECKPOINT_EXPIRED")
        case DecisionError() | NotConnected():
            return _error(str(error), "CHECKPOINT_REFUSED")
    return _error(str(error))


def _error(message: str, code: str = "INVALID_MESSAGE") -> Message:
    return {"type": "error", "payload": {"code": code, "message": message}}


def _reply(request: Message, reply: Message) -> str:
    matching = {"correlationId": request["correlationId"]} if "correlationId" in request else {}
    return msgspec.json.encode({**reply, "timestamp": iso_time(now_micros()), **matching}).decode()


def batches(events: Sequence[str]) -> Iterator[str]:
    """Yield events as frames: one alone as it is, several as an array."""
    part: list[str] = []
    size = 0
    for event in events:
        if part and (len(part) >= _MOST_EVENTS or size + len(event) > _MOST_CHARACTERS):
            yield _frame(part)
            part, size = [], 0
        part.append(event)
        size += len(event)
    if part:
        yield _frame(part)


def _frame(events: list[str]) -> str:
    return events[0] if len(events) == 1 else f"[{','.join(events)}]"


def offered_token(query: str, authorization: str | None) -> str | None:
    """Return the token of a handshake: of its query, else of its Authorization header; None for none."""
    scheme, _, bearer = (authorization or "").partition(" ")
    return next(iter(parse_qs(query).get("token", ())), bearer if scheme.lower() == "bearer" and bearer else None)
