"""A LangGraph Agent Server: threads with an event stream over a WebSocket or SSE, and REST beside it.

One thread has a run that somebody else has started when the first client comes; clients may make others. The stream
sends everything again to each connection, with the same ids and other numbers and times.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from runconsole.simulator.injector import ClientLink, FaultInjector
from runconsole.simulator.scenario import Event
from runconsole.simulator.service import Frame
from runconsole.simulator.wires.http import Exchange, HttpAcceptor, HttpServer, SocketExchange
from runconsole.simulator.wires.langgraph_api import THREAD_ID, Api, Threads, error_reply, is_uuid
from runconsole.simulator.wires.server import Received

if TYPE_CHECKING:
    from runconsole.simulator.service import RunService

__all__ = ["LangGraphAcceptor"]

BUFFER = 10_000
"""The newest events that a thread keeps, as `LSD_PROTOCOL_V2_BUFFER_SIZE` says."""
_CHANNELS: Final = frozenset(
    {"checkpoints", "custom", "input", "lifecycle", "messages", "tasks", "tools", "updates", "values"}
)
_REORDER_WITHIN_S: Final = 0.05
_STRAY: Final = '{"type":"error","id":987654,"error":"permission_denied","message":"not allowed"}'


class _Stream:
    """The events of a thread for one connection.

    Args:
        threads: all threads.
        thread_id: the one; it may come to be later.
        replay: whether the past is sent.
    """

    def __init__(self, threads: Threads, thread_id: str, *, replay: bool) -> None:
        self.channels: set[str] = set()
        self._threads = threads
        self._thread_id = thread_id
        self._cursor: int | None = None
        self._floor = 0 if replay else len(self._events())

    def _events(self) -> list[Any]:
        thread = self._threads.known.get(self._thread_id)
        return [] if thread is None else thread.log.events

    @property
    def number(self) -> int:
        """The number of the last event that was passed."""
        return self._cursor or 0

    def subscribe(self, channels: set[str], since: int = 0) -> None:
        """Take these channels, too; the past of the thread comes first."""
        self.channels |= channels
        if self._cursor is None:
            kept = len(self._events()) - BUFFER
            floor = self._threads.floor if self._thread_id == THREAD_ID else 0
            self._cursor = max(self._floor, floor, kept, since, 0)

    def next_event(self) -> tuple[int, str, str, Any] | None:
        """Return the number, the channel, the text and the entry of the next event; None while there is none."""
        events = self._events()
        while self._cursor is not None and self._cursor < len(events):
            event = events[self._cursor]
            self._cursor += 1
            channel = "input" if event.method == "input.requested" else event.method
            if channel in self.channels:
                return self._cursor, channel, event.frame(self._cursor, round(time.time() * 1000)), event.entry
        return None


class _Socket(SocketExchange):
    """A WebSocket, whose stray frame is a reply to another client."""

    async def write_stray(self) -> None:
        """Write the refusal of another client's command."""
        await self.write_raw(_STRAY)


class LangGraphAcceptor(HttpAcceptor):
    """Accepts requests.

    Args:
        service: the admission of clients.
        injector: the faults.
        received: gets every command, and the body of every request.
        threads: the threads.
        replay: whether a late client gets the past.
    """

    def __init__(
        self,
        service: RunService,
        injector: FaultInjector,
        *,
        received: list[Received],
        threads: Threads,
        replay: bool,
    ) -> None:
        self._service = service
        self._injector = injector
        self._received = received
        self._threads = threads
        self._api = Api(threads)
        self._replay = replay
        super().__init__(HttpServer(self._handle, socket=_Socket))
        threads.woken = self.wake

    # ---- requests ---------------------------------------------------------------------------------------------------

    async def _handle(self, exchange: Exchange) -> None:
        request = exchange.request
        status = self._injector.refuses() if request.path.endswith("/stream/events") else None
        if status is not None:
            await exchange.respond(status, {"detail": "Not now"})
            return
        if not self._service.accepts(request.headers.get("x-api-key")):
            await exchange.respond(403, {"detail": "Missing or wrong x-api-key"})
            return
        match request.path.strip("/").split("/"):
            case ["threads", thread_id, "stream", "events"] if is_uuid(thread_id):
                await self._follow(exchange, thread_id)
            case _:
                status, value = self._answer(exchange)
                await exchange.respond(status, value)

    def _answer(self, exchange: Exchange) -> tuple[int, Any]:
        """Return the status and the value that answer a request."""
        request = exchange.request
        try:
            body = request.json() if request.body else {}
        except ValueError:
            return 422, {"detail": "Invalid JSON in request body"}
        if request.body:
            self._received.append(Received(datetime.now(UTC), 0, request.body.decode(errors="replace")))
        return self._api.answer(request.method, request.path, body if isinstance(body, dict) else {})

    # ---- streams ----------------------------------------------------------------------------------------------------

    async def _follow(self, exchange: Exchange, thread_id: str) -> None:
        if isinstance(exchange, SocketExchange):
            if await exchange.accept():
                await self._with_link(exchange, lambda link: self._talk(exchange, link, thread_id))
            return
        try:
            body = exchange.request.json()
        except ValueError:
            body = None
        channels = _channels_in(body if isinstance(body, dict) else {})
        if exchange.request.method != "POST" or isinstance(channels, str):
            words = channels if isinstance(channels, str) else "Method Not Allowed"
            await exchange.respond(400 if exchange.request.method == "POST" else 405, {"detail": words})
            return
        since = body.get("since")
        self._received.append(Received(datetime.now(UTC), 0, exchange.request.body.decode(errors="replace")))
        stream = _Stream(self._threads, thread_id, replay=self._replay)
        self._threads.visit(thread_id)
        stream.subscribe(channels, since if isinstance(since, int) else 0)
        await exchange.open()
        await self._with_link(exchange, lambda link: self._pour(exchange, link, stream))

    async def _with_link(self, exchange: Exchange, serve: Callable[[ClientLink], Any]) -> None:
        link = self._injector.enter(exchange)
        try:
            await serve(link)
        finally:
            self._injector.leave(link)

    async def _pour(self, exchange: Exchange, link: ClientLink, stream: _Stream) -> None:
        """Send the events of a thread as server-sent events, until the client goes."""

        def next_frame() -> Frame | None:
            found = stream.next_event()
            if found is None:
                return None
            number, channel, text, entry = found
            return Frame(f"event: {channel}\r\ndata: {text}\r\nid: {number}\r\n\r\n", entry)

        writing = asyncio.ensure_future(self._write(link, next_frame, asyncio.Event()))
        gone = asyncio.ensure_future(exchange.gone())
        await _first_of(writing, gone)

    async def _talk(self, exchange: SocketExchange, link: ClientLink, thread_id: str) -> None:
        """Read commands, and send replies and events, until the client goes."""
        replies: deque[Frame] = deque()
        stream = _Stream(self._threads, thread_id, replay=self._replay)
        woken = asyncio.Event()

        def next_frame() -> Frame | None:
            if replies:
                return replies.popleft()
            found = stream.next_event()
            return None if found is None else Frame(found[2], found[3])

        async def read() -> None:
            while (text := await exchange.receive()) is not None:
                self._received.append(Received(datetime.now(UTC), link.number, text))
                self._receive(text, thread_id, stream, replies)
                woken.set()

        writing = asyncio.ensure_future(self._write(link, next_frame, woken))
        await _first_of(asyncio.ensure_future(read()), writing)

    def _receive(self, text: str, thread_id: str, stream: _Stream, replies: deque[Frame]) -> None:
        """Carry out a command, and enqueue the reply; the past of a subscription comes before its reply."""
        try:
            command = json.loads(text)
        except (ValueError, RecursionError):
            replies.append(_reply(error_reply(None, "invalid_argument", "Protocol commands must be valid JSON.")))
            return
        method = command.get("method") if isinstance(command, dict) else None
        if method != "subscription.subscribe" or not isinstance(command.get("id"), int):
            replies.append(_reply(self._api.command(thread_id, command), decides=method == "input.respond"))
            return
        params = command.get("params")
        channels = _channels_in(params if isinstance(params, dict) else {})
        if isinstance(channels, str):
            words = "requires a non-empty channels array" if "required" in channels else channels
            words = f"subscription.subscribe {words}."
            replies.append(_reply(error_reply(command["id"], "invalid_argument", words)))
            return
        self._threads.visit(thread_id)
        stream.subscribe(channels)
        replayed = 0
        while (found := stream.next_event()) is not None:
            replies.append(Frame(found[2], found[3]))
            replayed += 1
        result = {"subscription_id": str(uuid.uuid4()), "replayed_events": replayed}
        meta = {"applied_through_seq": 0}
        replies.append(_reply({"type": "success", "id": command["id"], "result": result, "meta": meta}))

    async def _write(self, link: ClientLink, next_frame: Callable[[], Frame | None], woken: asyncio.Event) -> None:
        self._sleeping.add(woken)
        try:
            while True:
                woken.clear()
                while (frame := next_frame()) is not None:
                    await link.send(frame)
                await link.catch_up()
                await _news(link, woken)
        finally:
            self._sleeping.discard(woken)


async def _news(link: ClientLink, woken: asyncio.Event) -> None:
    """Wait until there may be something to send."""
    if not link.holds:
        await woken.wait()
        return
    try:
        async with asyncio.timeout(_REORDER_WITHIN_S):
            await woken.wait()
    except TimeoutError:
        await link.release_held()


async def _first_of(*tasks: asyncio.Future[None]) -> None:
    """Return when the first of these has ended; end the others."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _channels_in(params: dict[str, Any]) -> set[str] | str:
    """Return the channels of a subscription; the words of a refusal where they are none."""
    channels = params.get("channels")
    if not isinstance(channels, list) or not channels:
        return "channels is required and must be a non-empty array"
    if not all(isinstance(name, str) and name.partition(":")[0] in _CHANNELS for name in channels):
        return "received an unsupported channel"
    return set(channels)


def _reply(reply: Event, *, decides: bool = False) -> Frame:
    return Frame(json.dumps(reply, ensure_ascii=False), decides=decides)
