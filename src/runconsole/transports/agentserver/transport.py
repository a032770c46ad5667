"""Connections to a thread: its WebSocket, or server-sent events where there is none, and HTTP calls beside both."""

from __future__ import annotations

import asyncio
import ssl as ssl_module
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from runconsole.errors import LinkLost
from runconsole.redaction.secrets import Secret, bare
from runconsole.transports.agentserver.calls import CALL, CallResult, read_call, write_result
from runconsole.transports.base import Connection, Transport
from runconsole.transports.sse.arrivals import Arrivals
from runconsole.transports.sse.loading import load_requests

if TYPE_CHECKING:
    from runconsole.transports.sse.requests import SseRequests

__all__ = ["AgentServerTransport"]

_SUBSCRIBE = "subscription.subscribe"
_PATIENCE = 20.0
"""Seconds for the response to a call."""
_TOO_EARLY = frozenset({408, 425, 429})
_WANTED = "a LangGraph Agent Server"


class AgentServerTransport:
    """Connects to one thread.

    Args:
        socket: connects to the WebSocket of the thread's events.
        base: the server's address of HTTP, without the path of the thread, secrets included.
        path: of the thread, ``/threads/{id}``.
        headers: sent with each request.
        ssl: a context for ``https://``; None uses the system's certificates.
        hide: hides secrets in what the server says.

    Frames are those of the WebSocket, and calls (`runconsole.transports.agentserver.calls`). Over server-sent events a
    subscription opens the stream, and any other command is a request. None is ever sent twice.
    """

    def __init__(
        self,
        socket: Transport,
        base: str | Secret[str],
        path: str,
        *,
        headers: Mapping[str, str] | Secret[Mapping[str, str]] | None = None,
        ssl: ssl_module.SSLContext | None = None,
        hide: Callable[[str], str] = str,
    ) -> None:
        self._socket = socket
        self._base = Secret(base)
        self._path = path
        self._headers: Secret[Mapping[str, str]] = Secret(dict(bare(headers) or {}))
        self._ssl = ssl
        self._hide = hide
        self._has_socket = True
        """False once the server was found to have no WebSocket."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[_Connection]:
        """Connect; leaving the context closes within about a second. Raises LinkLost."""
        requests = load_requests()(self._base, self._headers, ssl=self._ssl, hide=self._hide, wanted=_WANTED)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(requests.close)
            socket = await self._opened(stack) if self._has_socket else None
            connection = _Connection(requests, socket, self._base, self._path)
            stack.push_async_callback(connection.close)
            yield connection
            self._has_socket = self._has_socket and not connection.has_streamed

    async def _opened(self, stack: AsyncExitStack) -> Connection | None:
        """Return the WebSocket; None where the server answers with a page instead. Raises LinkLost."""
        try:
            return await stack.enter_async_context(self._socket.connect())
        except LinkLost as lost:
            if lost.code is None or not 400 <= lost.code < 500 or lost.code in _TOO_EARLY:
                raise
        return None


class _Connection:
    """One connection.

    Attributes:
        has_streamed: True if server-sent events have come.
    """

    def __init__(self, requests: SseRequests, socket: Connection | None, base: Secret[str], path: str) -> None:
        self._requests = requests
        self._socket = socket
        self._base = base
        self._path = path
        self._came = Arrivals()
        self.has_streamed = False
        if socket is not None:
            self._spawn(self._read(socket))

    async def receive(self) -> list[str | bytes]:
        """Return the frames that have come. Raises LinkLost where the connection has ended."""
        return await self._came.receive()

    async def send(self, frame: str) -> None:
        """Send a command over the stream, or make a call in the background."""
        if frame.startswith(CALL):
            self._spawn(self._call(frame))
        elif self._socket is not None:
            await self._socket.send(frame)
        else:
            command = msgspec.json.decode(frame)
            is_stream = command["method"] == _SUBSCRIBE
            self._spawn(self._stream(command) if is_stream else self._command(frame, command["id"]))

    async def close(self) -> None:
        """Break off all that goes on."""
        await self._came.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._came.spawn(work, "runconsole-thread")

    async def _read(self, socket: Connection) -> None:
        end: LinkLost | None = None
        while end is None:
            try:
                await self._came.put(list(await socket.receive()))
            except LinkLost as lost:
                end = lost
        await self._came.put(end)

    async def _call(self, frame: str) -> None:
        from runconsole.transports.sse.requests import Failed

        call = read_call(frame)
        if call.after_s:
            await asyncio.sleep(call.after_s)
        body = None if call.body is None else msgspec.json.encode(call.body).decode()
        try:
            status, text = await self._requests.fetch(call.method, self._url(call.path), body, patience=_PATIENCE)
            result = CallResult(call.id, status, _json(text))
        except Failed as failed:
            result = CallResult(call.id, error=str(failed.lost), may_count=failed.may_count)
        await self._came.put([write_result(result)])

    # ---- without a WebSocket ----------------------------------------------------------------------------------------

    async def _stream(self, command: dict[str, Any]) -> None:
        """Open the stream of events, and pass on what comes."""
        from runconsole.transports.sse.requests import Failed

        body = msgspec.json.encode(command["params"]).decode()
        try:
            url = self._url(f"{self._path}/stream/events")
            stream = await self._requests.open("POST", body, url=url, patience=_PATIENCE)
        except Failed as failed:
            await self._came.put(failed.lost)
            return
        self.has_streamed = True
        await self._came.put([msgspec.json.encode({"type": "success", "id": command["id"], "result": {}}).decode()])
        end = LinkLost(f"{self._requests.host} has ended the stream")
        try:
            async for events in stream.read():
                await self._came.put([event.data for event in events])
        except LinkLost as lost:
            end = lost
        await self._came.put(end)

    async def _command(self, frame: str, number: Any) -> None:
        """Make a request of a command; its response is the reply."""
        from runconsole.transports.sse.requests import Failed

        try:
            url = self._url(f"{self._path}/commands")
            status, text = await self._requests.fetch("POST", url, frame, patience=_PATIENCE)
        except Failed as failed:
            if failed.may_count:  # the end of the connection says that nothing is known of it
                await self._came.put(failed.lost)
                return
            status, text = 0, b""
            words = str(failed.lost)
        else:
            words = f"{self._requests.host} answered HTTP {status}"
        body = _json(text)
        is_reply = isinstance(body, dict) and body.get("type") in {"success", "error"}
        reply = body if is_reply else {"type": "error", "id": number, "error": f"http_{status}", "message": words}
        await self._came.put([msgspec.json.encode(reply).decode()])

    def _url(self, path: str) -> Secret[str]:
        return Secret(f"{self._base.reveal()}{path}")


def _json(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
