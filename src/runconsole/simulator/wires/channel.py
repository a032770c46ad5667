"""The plain-JSON protocol for one client, without I/O: frames in, replies and events out (docs/protocols/channel.md).

A client sends `checkpoint.resolve`, `subscribe`, `unsubscribe`, `ping` or `auth`, each with an optional
`correlationId`, and gets one reply with the same id: the acknowledgement, or `error` with a `code` and a `message`.
"""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runconsole.simulator.scenario import Event, Refusal
from runconsole.simulator.service import Delivery, Frame, Message, RunService, task_of, text_in
from runconsole.simulator.strict import check_channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from runconsole.simulator.player import LogEntry

__all__ = ["UNAUTHORIZED", "ChannelPeer"]

UNAUTHORIZED = 4001
"""The close code for a missing or wrong token."""


class ChannelPeer:
    """The server's side of one client's conversation.

    `delivery="push"` sends every event without a request, `"subscribe"` those of the client's subscribed channels; both
    from the run's beginning (`replay`) or from now on. A `strict` peer wants a time in every message, and has the
    channels only.

    Without the right token nothing is sent, and `closing` is set.
    """

    stray = '{"type":"error","correlationId":"another","payload":{"code":"FORBIDDEN","message":"not allowed"}}'

    def __init__(
        self, service: RunService, *, offered: str | None, replay: bool, delivery: Delivery, strict: bool = False
    ) -> None:
        self.closing: tuple[int, str] | None = None
        """Close code and reason, once the connection is to be closed."""
        self.admitted = service.is_open
        self._service = service
        self._strict = strict
        self._log = service.player.log
        self._replies: deque[Frame] = deque()
        self._backlog: deque[Frame] = deque()
        self._channels: set[str] = {"system"} if delivery == "push" else set()
        self._cursor = service.floor if replay else len(self._log)
        self._first = self._cursor
        self._handlers: dict[str, Callable[[Message], Message]] = {
            "auth": self._auth,
            "checkpoint.resolve": self._resolve,
            "ping": lambda _message: {"type": "pong"},
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }
        if offered is not None:
            self._check(offered)

    def receive(self, frame: str | bytes) -> None:
        """Read one frame; its effects show in `next_frame` and `closing`."""
        message = _read(frame)
        if message is None:
            self._reply(_error("INVALID_MESSAGE", "Expected one JSON object in each frame."), {})
            return
        try:
            reply = self._answer(message)
        except Refusal as refusal:
            reply = _error(refusal.code, refusal.message)
        self._reply(reply, message)

    def next_frame(self) -> Frame | None:
        """Return the next frame to send, replies first; None while there is none."""
        if self._replies:
            return self._replies.popleft()
        if not self.admitted:
            return None
        if self._backlog:
            return self._backlog.popleft()
        while self._cursor < len(self._log):
            entry = self._log[self._cursor]
            self._cursor += 1
            if _wants(entry, self._channels):
                return Frame(entry.text, entry)
        return None

    def reject(self) -> None:
        """Refuse a client that has not sent the token in time."""
        if not self.admitted:
            self.closing = (UNAUTHORIZED, "unauthorized")

    def finish(self, *, close: bool) -> None:
        """Note that the run is over and all its events have been sent."""
        if close and self._channels:  # else it has still to subscribe
            self.closing = (1000, "the run is over")

    def ask_reconnect(self) -> None:
        """Do nothing: the protocol has no such message."""

    def _answer(self, message: Message) -> Message:
        handler = self._handlers.get(str(message.get("type")))
        if self._strict and handler != self._auth and not isinstance(message.get("timestamp"), str):
            raise Refusal("INVALID_MESSAGE", "Expected a timestamp in every message.")
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            raise Refusal("UNKNOWN_TYPE", f"Unknown message type {message.get('type')!r}; known are {known}.")
        if not self.admitted and handler != self._auth:
            raise Refusal("UNAUTHORIZED", "Send the token first.")
        return handler(message)

    def _check(self, offered: object) -> None:
        self.admitted = self._service.accepts(offered)
        self.reject()

    def _reply(self, reply: Message, request: Message) -> None:
        stamp = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        matching = {"correlationId": request["correlationId"]} if "correlationId" in request else {}
        text = json.dumps({**reply, "timestamp": stamp, **matching}, ensure_ascii=False)
        self._replies.append(Frame(text, decides=request.get("type") == "checkpoint.resolve"))

    def _auth(self, message: Message) -> Message:
        payload = message.get("payload")
        self._check(message.get("token", payload.get("token") if isinstance(payload, dict) else None))
        if not self.admitted:
            raise Refusal("UNAUTHORIZED", "The token is wrong.")
        return {"type": "authenticated", "payload": {}}

    def _resolve(self, message: Message) -> Message:
        decision = self._service.resolve(message.get("payload"))
        reply = {"checkpointId": decision.checkpoint_id, "taskId": decision.task_id, "decision": decision.option}
        return {"type": "checkpoint.resolve.ack", "payload": reply}

    def _subscribe(self, message: Message) -> Message:
        payload = _payload(message)
        channel = _channel(payload)
        if self._strict:
            check_channel(channel)
        if channel not in self._channels:
            missed = self._log[self._first : self._cursor]
            new = [entry for entry in missed if _wants(entry, {channel}) and not _wants(entry, self._channels)]
            self._backlog += [Frame(entry.text, entry) for entry in new]
            self._channels.add(channel)
        return {"type": "subscribed", "payload": payload}

    def _unsubscribe(self, message: Message) -> Message:
        payload = _payload(message)
        self._channels.discard(_channel(payload))
        return {"type": "unsubscribed", "payload": payload}


def _wants(entry: LogEntry, channels: set[str]) -> bool:
    return not channels.isdisjoint(_channels_of(entry.event))


def _read(frame: str | bytes) -> Message | None:
    """Return the object in a frame; None for a frame without one that can be sent on (NaN, lone surrogates)."""
    try:
        message = json.loads(frame)
        json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _channels_of(event: Event) -> set[str]:
    """Return the channels of an event: `system` gets all events."""
    kind = str(event["type"])
    family, _, rest = kind.partition(".")
    channels = {"system"}
    if family in {"checkpoint", "worker"}:
        channels.add(family + "s")
    if kind == "task.hitl_required":
        channels.add("checkpoints")
    task_id = task_of(event)
    if task_id is not None:
        channels |= {f"task.{task_id}", f"task.{task_id}.{rest}"}
    return channels


def _channel(payload: Message) -> str:
    """Return the channel of a subscription: `task.progress` with a `taskId` is `task.<id>.progress`."""
    channel = text_in(payload, "channel")
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


def _error(code: str, message: str) -> Message:
    return {"type": "error", "payload": {"code": code, "message": message}}
