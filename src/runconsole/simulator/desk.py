"""The plain-JSON protocol for one client, without I/O: frames in, replies and events out (ado's channel protocol).

A client sends `checkpoint.resolve`, `subscribe`, `unsubscribe`, `ping` or `auth`, each with an optional
`correlationId`, and gets one reply with the same id: the acknowledgement, or `error` with a `code` and a `message`.
"""

from __future__ import annotations

import hmac
import json
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from runconsole.simulator.steps import Answer, Event, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from runconsole.simulator.player import Player, Told

__all__ = ["UNAUTHORIZED", "Delivery", "Desk"]

UNAUTHORIZED = 4001
"""The close code for a missing or wrong token."""

Delivery = Literal["push", "subscribe"]
Message: TypeAlias = dict[str, Any]


class Desk:
    """One client's side of a run.

    `delivery="push"` sends every event unasked, `"subscribe"` those of the channels the client subscribed to; both from
    the run's beginning (`replay`) or from now on.
    Without the right `token` nothing is sent, and `closing` says so.
    """

    def __init__(
        self, player: Player, *, token: str | None, offered: str | None, replay: bool, delivery: Delivery
    ) -> None:
        self.closing: tuple[int, str] | None = None
        """Close code and reason, once the connection is to be closed."""
        self.admitted = token is None
        self._player = player
        self._token = token
        self._replies: deque[str] = deque()
        self._backlog: deque[str] = deque()
        self._channels: set[str] = {"system"} if delivery == "push" else set()
        self._cursor = 0 if replay else len(player.log)
        self._first = self._cursor
        self._handlers: dict[str, Callable[[Event], Message]] = {
            "auth": self._auth,
            "checkpoint.resolve": self._resolve,
            "ping": lambda _message: {"type": "pong"},
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }
        if offered is not None:
            self._check(offered)

    def receive(self, frame: str | bytes) -> None:
        """Read one frame; what it brings about shows in `next_frame` and `closing`."""
        message = _read(frame)
        if message is None:
            self._reply(_error("INVALID_MESSAGE", "Expected one JSON object in each frame."), {})
            return
        try:
            reply = self._answer(message)
        except Refusal as refusal:
            reply = _error(refusal.code, refusal.message)
        self._reply(reply, message)

    def next_frame(self) -> str | None:
        """Return the next frame to send, replies first; None while there is none."""
        if self._replies:
            return self._replies.popleft()
        if not self.admitted:
            return None
        if self._backlog:
            return self._backlog.popleft()
        while self._cursor < len(self._player.log):
            told = self._player.log[self._cursor]
            self._cursor += 1
            if self._wants(told, self._channels):
                return told.text
        return None

    def reject(self) -> None:
        """Give up on a client that has not shown the token in time."""
        if not self.admitted:
            self.closing = (UNAUTHORIZED, "unauthorized")

    def _answer(self, message: Message) -> Message:
        handler = self._handlers.get(str(message.get("type")))
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            raise Refusal("UNKNOWN_TYPE", f"Unknown message type {message.get('type')!r}; known are {known}.")
        if not self.admitted and handler != self._auth:
            raise Refusal("UNAUTHORIZED", "Send the token first.")
        return handler(message)

    def _check(self, offered: str) -> None:
        self.admitted = self._token is None or hmac.compare_digest(offered.encode(), self._token.encode())
        self.reject()

    def _reply(self, reply: Message, request: Message) -> None:
        stamp = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        matching = {"correlationId": request["correlationId"]} if "correlationId" in request else {}
        self._replies.append(json.dumps({**reply, "timestamp": stamp, **matching}, ensure_ascii=False))

    def _auth(self, message: Message) -> Message:
        payload = message.get("payload")
        token = message.get("token", payload.get("token") if isinstance(payload, dict) else None)
        self._check(token if isinstance(token, str) else "")
        if not self.admitted:
            raise Refusal("UNAUTHORIZED", "The token is wrong.")
        return {"type": "authenticated", "payload": {}}

    def _resolve(self, message: Message) -> Message:
        payload = _payload(message)
        answer = Answer(
            checkpoint_id=_text(payload, "checkpointId"),
            option=_text(payload, "decision"),
            task_id=_text(payload, "taskId", optional=True),
            feedback=_text(payload, "feedback", optional=True),
            modifications=payload.get("modifications"),
        )
        decision = self._player.decide(answer)
        told = {"checkpointId": decision.checkpoint_id, "taskId": decision.task_id, "decision": decision.option}
        return {"type": "checkpoint.resolve.ack", "payload": told}

    def _subscribe(self, message: Message) -> Message:
        payload = _payload(message)
        channel = _channel(payload)
        if channel not in self._channels:
            missed = self._player.log[self._first : self._cursor]
            self._backlog += [
                t.text for t in missed if self._wants(t, {channel}) and not self._wants(t, self._channels)
            ]
            self._channels.add(channel)
        return {"type": "subscribed", "payload": payload}

    def _unsubscribe(self, message: Message) -> Message:
        payload = _payload(message)
        self._channels.discard(_channel(payload))
        return {"type": "unsubscribed", "payload": payload}

    @staticmethod
    def _wants(told: Told, channels: set[str]) -> bool:
        return not channels.isdisjoint(_channels_of(told.event))


def _read(frame: str | bytes) -> Message | None:
    """Return the object in a frame; None where there is none that could be sent on (NaN, lone surrogates)."""
    try:
        message = json.loads(frame)
        json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _channels_of(event: Event) -> set[str]:
    """Return the channels an event goes to: `system` gets all of them."""
    kind = str(event["type"])
    family, _, rest = kind.partition(".")
    channels = {"system"}
    if family in {"checkpoint", "worker"}:
        channels.add(family + "s")
    if kind == "task.hitl_required":
        channels.add("checkpoints")
    body = event["payload"] if "payload" in event else event["data"]
    task_id = body.get("taskId", body.get("task_id"))
    if task_id is not None:
        channels |= {f"task.{task_id}", f"task.{task_id}.{rest}"}
    return channels


def _channel(payload: Message) -> str:
    """Return the channel a subscription means: `task.progress` with a `taskId` is `task.<id>.progress`."""
    channel = _text(payload, "channel")
    task_id = payload.get("taskId")
    if isinstance(task_id, str) and task_id not in channel.split("."):
        family, _, rest = channel.partition(".")
        return ".".join(part for part in (family, task_id, rest) if part)
    return channel


def _payload(message: Message) -> Message:
    payload = message.get("payload")
    if not isinstance(payload, dict):
        raise Refusal("INVALID_MESSAGE", "Expected an object in payload.")
    return payload


@overload
def _text(payload: Message, name: str) -> str: ...
@overload
def _text(payload: Message, name: str, *, optional: Literal[True]) -> str | None: ...
def _text(payload: Message, name: str, *, optional: bool = False) -> str | None:
    value = payload.get(name)
    if value is None and optional:
        return None
    if not isinstance(value, str) or not (value or optional):
        raise Refusal("INVALID_MESSAGE", f"Expected text in payload.{name}.")
    return value


def _error(code: str, message: str) -> Message:
    return {"type": "error", "payload": {"code": code, "message": message}}
