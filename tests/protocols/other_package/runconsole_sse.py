"""A protocol of another package: server-sent events, REST calls beside them, and runs that the console starts.

A frame is a JSON object:

    out  {"id": 1, "method": "POST", "path": "/runs", "body": …}     request it, and give the answer
         {"stream": "/runs/7/events"}                                follow it
    in   {"id": 1, "status": 200, "body": …}                         an answer
         {"event": …}                                                an event of the stream
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runconsole.protocols import (
    DecisionRequested,
    Established,
    LinkLost,
    LinkOptions,
    Micros,
    Outgoing,
    ProtocolSpec,
    Reply,
    Request,
    Secret,
    Send,
    Signal,
    StreamRefused,
    Wire,
    check_known,
    read_events,
    signed,
)

if TYPE_CHECKING:
    from urllib.parse import SplitResult


class SseProtocol(ProtocolSpec):
    """Starts a run of the graph that `execution` names, and follows it."""

    name = "sse"

    def infers(self, url: SplitResult) -> bool:
        return url.path.endswith("/sse")

    def wire(self, options: LinkOptions) -> SseWire:
        return SseWire(options.execution or "main")

    def transport(self, options: LinkOptions) -> SseTransport:
        return SseTransport(*signed(options))

    def header(self, options: LinkOptions) -> dict[str, Any]:
        return {"graph": options.execution or "main"}

    def reader(self, known: Mapping[str, Any]) -> SseWire:
        check_known(known, {"graph"})
        return SseWire(known["graph"])


class SseWire(Wire):
    """One run: started once, then followed, over however many connections."""

    confirms = True

    def __init__(self, graph: str) -> None:
        self.graph = graph
        self.run: int | None = None
        self._numbers = itertools.count(1)
        self._pending: dict[int, str] = {}

    @property
    def asked(self) -> str:
        return f"started {self.graph!r}"

    def open(self, at: Micros = 0) -> list[str]:  # noqa: ARG002 - as Wire has it
        self._pending.clear()
        if self.run is None:
            return [self._request("start", "POST", "/runs", {"graph": self.graph})]
        return [self._stream()]

    def _stream(self) -> str:
        return json.dumps({"stream": f"/runs/{self.run}/events"})

    def _request(self, what: str, method: str, path: str, body: Any) -> str:
        number = next(self._numbers)
        self._pending[number] = what
        return json.dumps({"id": number, "method": method, "path": path, "body": body})

    def sent(self, frame: str, decisions: Any) -> None:
        message = json.loads(frame)
        if message.get("path") == "/runs":
            self._pending[message["id"]] = "start"
        elif "id" in message:
            self._pending[message["id"]] = next((name for name in decisions if name in frame), "call")

    def receive(self, frame: str | bytes, at: Micros) -> Sequence[Signal]:
        message = json.loads(frame)
        if "event" in message:
            return read_events(json.dumps(message["event"]), at)
        what = self._pending.pop(message["id"], "call")
        if what == "start" and message["status"] != 200:
            return [StreamRefused(f"the server started no run of {self.graph!r}", fatal=True)]
        if what == "start":
            self.run = message["body"]["run"]
            return [Established(), Send(self._stream())]
        refusal = None if message["status"] == 200 else str(message["body"])
        return [Reply(what, value=message["body"], error=refusal)]

    def decide(self, decision: DecisionRequested, task_id: str | None) -> Outgoing:  # noqa: ARG002 - as Wire has it
        body = {"option": decision.option, "feedback": decision.feedback, "decision": decision.decision_id}
        path = f"/runs/{self.run}/checkpoints/{decision.checkpoint_id}"
        return Outgoing(decision.decision_id, self._request(decision.decision_id, "POST", path, body))

    def call(self, request: Request) -> Outgoing:
        return Outgoing(
            request.request_id, self._request(request.request_id, "POST", f"/{request.name}", request.payload)
        )


class SseTransport:
    """Requests over HTTP/1.1, a connection each."""

    def __init__(self, url: Secret[str], headers: Secret[Mapping[str, str]]) -> None:
        self._url = url
        self._headers = headers

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[SseConnection]:
        connection = SseConnection(self._url, self._headers)
        try:
            yield connection
        finally:
            await connection.close()


class SseConnection:
    """The requests under way, and what they have brought."""

    def __init__(self, url: Secret[str], headers: Secret[Mapping[str, str]]) -> None:
        self._url = url
        self._headers = headers
        self._came: asyncio.Queue[str | LinkLost] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self) -> list[str]:
        came = await self._came.get()
        if isinstance(came, LinkLost):
            raise came
        return [came]

    async def send(self, frame: str) -> None:
        task = asyncio.create_task(self._carry(json.loads(frame)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, message: dict[str, Any]) -> None:
        try:
            if "stream" in message:
                await self._follow(message["stream"])
            else:
                status, body = await self._request(message["method"], message["path"], message["body"])
                self._came.put_nowait(json.dumps({"id": message["id"], "status": status, "body": body}))
        except (OSError, EOFError) as error:
            self._came.put_nowait(LinkLost(f"the server does not answer ({type(error).__name__})"))

    async def _follow(self, path: str) -> None:
        reader, writer = await self._open("GET", path, b"")
        try:
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    self._came.put_nowait(json.dumps({"event": json.loads(line[6:])}))
            self._came.put_nowait(LinkLost("the server ended the stream", orderly=True))
        finally:
            writer.close()

    async def _request(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        reader, writer = await self._open(method, path, json.dumps(body).encode())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            return int(head.split()[1]), json.loads(await reader.read())
        finally:
            writer.close()

    async def _open(self, method: str, path: str, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._url.reveal())
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        headers = {"Host": parts.netloc, "Content-Length": str(len(body)), **self._headers.reveal()}
        lines = [f"{method} {parts.path}{path} HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        return reader, writer
