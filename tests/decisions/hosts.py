"""Real servers of every wire that ask, take decisions, log them, and misbehave on request: all by one interface."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from websockets.exceptions import ConnectionClosed

from runconsole import Console
from tests.servers.json_server import JsonServer, Message, Peer
from tests.servers.node import TrpcServer
from tests.servers.socketio_server import SocketIoServer

__all__ = [
    "HOSTS",
    "STRICT_HOSTS",
    "Arrived",
    "Host",
    "JsonHost",
    "SocketIoHost",
    "StrictChannelHost",
    "StrictTrpcHost",
    "TrpcHost",
]

OPTIONS = [{"id": "approve", "label": "Approve"}, {"id": "reject", "label": "Reject"}]
ROOM = "execution_e1"


class Arrived(NamedTuple):
    """A decision in the server's log."""

    checkpoint: str
    option: str
    outcome: str
    """``applied``, or the code of its refusal."""


class Host(ABC):
    """A server of one wire with one run.

    `trouble` names the fault of the next decision: ``unread`` (the link is cut before the server has read it),
    ``stall`` (taken only at `release`), ``lose`` (applied, and the link is cut before the reply), ``hold`` (applied,
    and answered at `release`).

    Args:
        announces: True if a decision that counts is sent to all clients as `checkpoint.resolved`.
        ahead_s: the seconds by which the server's clock is ahead.
    """

    wire: str
    can_ask = False
    """True if the wire has queries."""

    def __init__(self, *, announces: bool = True, ahead_s: float = 0.0) -> None:
        self.announces = announces
        self.ahead_s = ahead_s
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    # ---- commands of the tests ----------------------------------------------------------------------------------

    def console(self, **options: Any) -> Console:
        """Return a console that follows the run, live."""
        console = self.stack.enter_context(Console(self.url, **dict(self.options) | options))
        until(lambda: console.status == "live" and self.is_followed(), "a live console")
        return console

    def moment(self, seconds: float = 0.0) -> str:
        """Return the time in that many seconds, by the server's clock."""
        at = datetime.now(UTC) + timedelta(seconds=self.ahead_s + seconds)
        return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def event(self, kind: str, **payload: Any) -> Message:
        return {"type": kind, "payload": {"taskId": "t", **payload}, "timestamp": self.moment()}

    def send_event(self, kind: str, **payload: Any) -> None:
        """Send an event of the task ``t``."""
        self.emit(self.event(kind, **payload))

    def ask(self, checkpoint: str = "c", *, within: float | None = None, **payload: Any) -> None:
        """Ask a question, to be answered within that many seconds."""
        fields = {"checkpointId": checkpoint, "title": "Ship?", "options": OPTIONS, "defaultAction": "reject"}
        timeout = {} if within is None else {"timeout": self.moment(within)}
        self.send_event("task.hitl_required", **fields | timeout | payload)

    @property
    @abstractmethod
    def url(self) -> str: ...

    options: Mapping[str, Any] = MappingProxyType({})
    """The console's."""

    def is_followed(self) -> bool:
        """Return whether every console gets events from now on."""
        return True

    @abstractmethod
    def emit(self, event: Message) -> None:
        """Send an event to all clients."""

    @abstractmethod
    def arrived(self) -> list[Arrived]:
        """Return the decisions that came so far, in order."""

    @abstractmethod
    def trouble(self, what: str) -> None:
        """Let a fault happen to the next decision."""

    @abstractmethod
    def release(self) -> None:
        """Continue stalled or held work."""

    @abstractmethod
    def expire(self, checkpoint: str = "c") -> None:
        """Take the default action silently."""

    @abstractmethod
    def down(self) -> None:
        """Cut every connection and refuse new ones."""

    @abstractmethod
    def up(self) -> None:
        """Accept clients again."""


class Docket:
    """A server's record of its questions: the first decision in time counts. Used by the servers in Python."""

    def __init__(self, now: Callable[[], str]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.questions: dict[str, Message] = {}
        self.log: list[Arrived] = []
        self.refusal: str | None = None
        """The code that refuses every decision."""

    def note(self, event: Message) -> None:
        payload = event["payload"]
        if event["type"] == "task.hitl_required":
            self.questions[payload["checkpointId"]] = {**payload, "status": "pending"}

    def decide(self, payload: Message) -> str | None:
        """Take a decision; return the code of its refusal, None if it counts."""
        with self._lock:
            name, option = payload["checkpointId"], payload["decision"]
            question = self.questions.get(name, {"status": "missing"})
            if question["status"] == "pending" and question.get("timeout", "9") <= self._now():
                question["status"] = "expired"
            codes = {
                "decided": "HITL_ALREADY_DECIDED",
                "expired": "CHECKPOINT_EXPIRED",
                "missing": "CHECKPOINT_NOT_FOUND",
            }
            code = self.refusal or codes.get(question["status"])
            self.log.append(Arrived(name, option, code or "applied"))
            question["status"] = question["status"] if code else "decided"
            return code


class DocketHost(Host):
    """A host whose decisions are kept here, in this process."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.docket = Docket(self.moment)
        self._trouble: str | None = None
        self._released = threading.Event()

    def arrived(self) -> list[Arrived]:
        return list(self.docket.log)

    def trouble(self, what: str) -> None:
        self._released.clear()
        self._trouble = what

    def release(self) -> None:
        self._released.set()

    def __exit__(self, *_: object) -> None:
        self.release()
        super().__exit__()

    def expire(self, checkpoint: str = "c") -> None:
        self.docket.questions[checkpoint]["status"] = "expired"


class JsonHost(DocketHost):
    """Plain JSON. With `replays`, a new connection gets all earlier events."""

    wire = "json"

    def __init__(self, *, replays: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.replays = replays
        self._history: list[Message] = []
        self._followed = 0
        self._server = self.stack.enter_context(JsonServer(self._serve))

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def peers(self) -> list[Peer]:
        """The open connections."""
        return [peer for peer in self._server.peers if not peer.closed.is_set()]

    def _serve(self, peer: Peer) -> None:
        taken = 0
        if self.replays and self.wire == JsonHost.wire:
            peer.send(*self._history)
        while not peer.closed.is_set():
            if len(peer.received) > taken:
                self._take(peer, json.loads(peer.received[taken]))
                taken += 1
            else:
                time.sleep(0.002)

    def _take(self, peer: Peer, message: Message) -> None:
        trouble, self._trouble = self._trouble, None
        payload = message["payload"]
        if trouble == "unread":
            peer.drop()
            return
        if trouble == "stall":
            self._released.wait(20)
        code = self.docket.decide(payload)
        if trouble == "lose":
            peer.drop()
        if code is None and self.announces:
            resolved = {"checkpointId": payload["checkpointId"], "decision": payload["decision"], "decidedBy": "user"}
            self.send_event("checkpoint.resolved", **resolved | {k: v for k, v in payload.items() if k == "feedback"})
        if trouble == "lose":
            return
        if trouble == "hold":
            self._released.wait(20)
        with suppress(ConnectionClosed):
            peer.send(reply_to(message, code))

    def is_followed(self) -> bool:
        return len(self.peers) > self._followed

    def console(self, **options: Any) -> Console:
        console = super().console(**options)
        self._followed += 1
        return console

    def emit(self, event: Message) -> None:
        self.docket.note(event)
        self._history.append(event)
        for peer in self.peers:
            with suppress(ConnectionClosed, OSError):
                peer.send(event)

    def down(self) -> None:
        self._server.is_down = True
        for peer in self.peers:
            peer.drop()

    def up(self) -> None:
        self._server.is_down = False


def reply_to(message: Message, code: str | None) -> Message:
    """Return the answer to a decision."""
    if code is None:
        return {"type": "checkpoint.ack", "payload": {}, "correlationId": message["correlationId"]}
    said = {"message": f"not taken: {code}", "code": code}
    return {"type": "error", "payload": said, "correlationId": message["correlationId"]}


class SocketIoHost(DocketHost):
    """python-socketio, with the catch-up of the execution family's backend."""

    wire = "socketio"
    options = MappingProxyType({"execution": "e1"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.server = self.stack.enter_context(SocketIoServer())
        self._joined = 0

    @property
    def url(self) -> str:
        return self.server.url

    def is_followed(self) -> bool:
        return len([name for name, _ in self.server.received if name == "request_catch_up"]) > self._joined

    def console(self, **options: Any) -> Console:
        console = super().console(**options)
        self._joined += 1
        return console

    async def _take(self, payload: Message) -> Any:
        trouble, self._trouble = self._trouble, None
        if trouble == "unread":
            self.server.cut()
            await asyncio.Event().wait()
        if trouble == "stall":
            await asyncio.to_thread(self._released.wait, 20)
        code = self.docket.decide(payload)
        if trouble == "lose":
            self.server.cut()
        if code is None and self.announces:
            resolved = {"checkpointId": payload["checkpointId"], "decision": payload["decision"], "decidedBy": "user"}
            event = self.event(
                "checkpoint.resolved", **resolved | {k: v for k, v in payload.items() if k == "feedback"}
            )
            self.server.history.setdefault("e1", []).append((event["type"], event))
            await self.server.sio.emit(event["type"], event, room=ROOM)
        if trouble == "lose":
            await asyncio.Event().wait()
        if trouble == "hold":
            await asyncio.to_thread(self._released.wait, 20)
        return {"status": "ok"} if code is None else {"error": f"not taken: {code}", "code": code}

    def emit(self, event: Message) -> None:
        self.docket.note(event)
        if event["type"] == "task.hitl_required":
            self.server.answers[event["payload"]["checkpointId"]] = self._take
        self.server.emit((event["type"], event), rooms=[ROOM], key="e1")

    def down(self) -> None:
        self.server.kill()

    def up(self) -> None:
        self.server.start()


class TrpcHost(Host):
    """@trpc/server on Node.js."""

    wire = "trpc"
    can_ask = True
    options = MappingProxyType({"protocol": "trpc"})

    def __init__(self, *, announces: bool = True, ahead_s: float = 0.0, **options: Any) -> None:
        super().__init__(announces=announces, ahead_s=ahead_s)
        given = {"superjson": True, "announces": announces, "clockMs": ahead_s * 1000} | options
        self.server = self.stack.enter_context(TrpcServer(**given))
        self._followed = 0

    @property
    def url(self) -> str:
        return self.server.url

    def is_followed(self) -> bool:
        return len(self.server.log()["subscriptions"]) > self._followed

    def console(self, **options: Any) -> Console:
        console = super().console(**options)
        self._followed += 1
        return console

    def emit(self, event: Message) -> None:
        self.server.emit(event)

    def arrived(self) -> list[Arrived]:
        entries = self.server.log()["decisions"]
        inputs = [(entry["input"], entry["outcome"]) for entry in entries]
        return [Arrived(given["checkpointId"], given["decision"], outcome) for given, outcome in inputs]

    def trouble(self, what: str) -> None:
        self.server.command("replies", mode=what)

    def release(self) -> None:
        self.server.command("release")

    def expire(self, checkpoint: str = "c") -> None:
        self.server.command("expire", checkpointId=checkpoint)

    def down(self) -> None:
        self.server.command("refuse", on=True)
        self.server.command("drop")

    def up(self) -> None:
        self.server.command("refuse", on=False)


class StrictTrpcHost(TrpcHost):
    """A tRPC server as the task family's backend has it: one task's stream, one procedure, checkpoints as stored."""

    wire = "strict-trpc"
    options = MappingProxyType({"protocol": "trpc", "task": "t"})

    def __init__(self, **options: Any) -> None:
        strict: dict[str, Any] = {"without": ["stream", "checkpoints.resolve"], "shapes": "stored", "tracked": False}
        super().__init__(**strict | options)

    def arrived(self) -> list[Arrived]:
        entries = self.server.log()["decisions"]
        inputs = [(entry["input"], entry["outcome"]) for entry in entries]
        return [Arrived(given["checkpointId"], given["selectedOption"], outcome) for given, outcome in inputs]


class StrictChannelHost(JsonHost):
    """Plain JSON that sends nothing before a subscription, and wants a time and a correlation in every message."""

    wire = "strict-json"
    options = MappingProxyType({"task": "t"})

    @property
    def peers(self) -> list[Peer]:
        """The open connections that have subscribed."""
        return [peer for peer in super().peers if peer in self._subscribed]

    def __init__(self, **options: Any) -> None:
        self._subscribed: set[Peer] = set()
        super().__init__(**options)

    def _take(self, peer: Peer, message: Message) -> None:
        if not isinstance(message.get("timestamp"), str) or not isinstance(message.get("correlationId"), str):
            peer.close(1003, "expected timestamp and correlationId")
        elif message["type"] == "subscribe":
            peer.send({**message, "type": "subscribed"})
            if self.replays:
                peer.send(*self._history)
            self._subscribed.add(peer)
        else:
            super()._take(peer, message)


STRICT_HOSTS: tuple[type[Host], ...] = (StrictTrpcHost, StrictChannelHost)
"""Hosts as strict as the backends."""
HOSTS: tuple[type[Host], ...] = (JsonHost, SocketIoHost, TrpcHost)


PATIENCE = 60
"""Seconds after which an expected change counts as missing."""


def until(condition: Callable[[], object], what: str = "the condition", *, patience: float = PATIENCE) -> None:
    """Return as soon as a condition holds; fail if it never does."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come about")
        time.sleep(0.01)


def await_events(host: Host, console: Console) -> None:
    """Wait until the console has all events of the server so far."""
    before = len(console.output)
    # More than once: a server without a greeting may note its client after the client thinks itself live.
    for number in range(PATIENCE):
        host.send_event("task.output", stream="stdout", data=f"mark {number}")
        with suppress(AssertionError):
            until(lambda: len(console.output) > before, "the last event", patience=1)
            return
    raise AssertionError("the last event did not come about")
