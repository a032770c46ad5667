"""One Socket.IO connection: python-socketio's client, kept from everything it does by itself.

Needs python-socketio and aiohttp. The client would get these wrong, as measured: its reconnecting,
its signal handler, its polling, its second of patience for the namespace, a connection that breaks (or that the server
ends) while it still connects, WebSockets it opened and forgot, reasons it swallows, errors it prints.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import engineio.base_client
import msgspec
import socketio

from runconsole.errors import LinkLost
from runconsole.redaction.secrets import Secret
from runconsole.transports.internals import check_attributes, check_methods
from runconsole.transports.proxies import Proxy
from runconsole.transports.quiet import SILENT
from runconsole.transports.redirects import follow_redirect
from runconsole.transports.socketio.errors import explain, explain_end, explain_refusal
from runconsole.transports.socketio.packet import FRAME, GONE, Packet

__all__ = ["Client"]

MAX_SIZE = 64 * 2**20
CLOSE_TIMEOUT = 1.0
_READ_SIZE = 16 * 2**10
"""Bytes to read at once: what aiohttp makes of them it hands out without a turn for others, and a flood of pings of
the usual 256 KiB holds up the event loop for a second."""

_decode_call = msgspec.json.Decoder(tuple[str, str, list[Any]]).decode


class _Dialer:
    """Stands for aiohttp's session in the client, and keeps the WebSocket it opened, or why there is none."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.cookie_jar = session.cookie_jar
        self.socket: aiohttp.ClientWebSocketResponse | None = None
        self.error: Exception | None = None

    @property
    def closed(self) -> bool:
        return self._session.closed

    async def ws_connect(self, url: str, **options: Any) -> aiohttp.ClientWebSocketResponse:
        try:
            self.socket = await self._session.ws_connect(url, **options)
        except Exception as error:
            self.error = error
            raise
        response = getattr(self.socket, "_response", None)  # there is no public way to it
        transport: Any = getattr(getattr(response, "connection", None), "transport", None)
        if hasattr(transport, "max_size"):
            transport.max_size = _READ_SIZE
        return self.socket

    async def close(self) -> None:
        """Close both. Does nothing the second time."""
        try:
            if self.socket is not None:
                with suppress(Exception):  # it is gone, one way or the other
                    async with asyncio.timeout(CLOSE_TIMEOUT):  # the client's own limit begins anew with each message
                        await self.socket.close()
        finally:
            await self._session.close()


def _connector(proxy: Proxy | None) -> aiohttp.BaseConnector | None:
    """Return what connects by a SOCKS proxy, None where aiohttp's own does. Raises LinkLost."""
    if proxy is None or not proxy.is_socks:
        return None
    try:
        from aiohttp_socks import ProxyConnector
    except ImportError:
        raise LinkLost(
            f"the proxy {proxy.shown} speaks SOCKS, which needs aiohttp-socks for Socket.IO:"
            ' pip install "runconsole[socks]"',
            fatal=True,
        ) from None
    scheme, mark, place = proxy.url.reveal().partition("://")
    by_name = scheme in {"socks5h", "socks4a"}  # the proxy resolves the server's name
    connector: aiohttp.BaseConnector = ProxyConnector.from_url(f"{scheme[:6]}{mark}{place}", rdns=by_name)
    return connector


def _redirects() -> aiohttp.TraceConfig:
    """Return what keeps aiohttp from following a redirect to another origin."""

    async def look(_session: object, _context: object, redirect: aiohttp.TraceRequestRedirectParams) -> None:
        location = redirect.response.headers.get("Location")
        target = None if location is None else follow_redirect(str(redirect.url), location, redirect.response.status)
        if isinstance(target, LinkLost):
            raise target

    config = aiohttp.TraceConfig()
    config.on_request_redirect.append(look)
    return config


def _check_internals(client: socketio.AsyncClient) -> None:
    """Raise LinkLost where the libraries lack what is used here beside their public API."""
    check_methods("python-socketio", Packet.__base__ or Packet, ("decode", "add_attachment"))
    check_attributes("python-socketio", client, ("eio",))
    check_attributes("python-engineio", client.eio, ("read_loop_task", "write_loop_task"))
    check_attributes("python-engineio", engineio, ("base_client.connected_clients",))


class Client:
    """One connection: `open`, then `receive` and `send`, and `close` in any case.

    Args:
        host: the server's name, for messages.
        options: for aiohttp's `ws_connect`: heartbeat, proxy, ssl.
        mark: the point at which the connection before left off.
        hide: hides secrets in what the server says.
        proxy: on the way to the server.
    """

    def __init__(
        self,
        host: str,
        options: Mapping[str, Any],
        mark: Mapping[str, str],
        *,
        hide: Callable[[str], str],
        proxy: Proxy | None = None,
    ) -> None:
        self._host = host
        self._hide = hide
        self._resumes = dict(mark)
        self.mark = dict(mark)
        """The mark to resume from after this connection: its session and last event, if the server keeps such marks."""
        self._frames: deque[str] = deque()
        self._lost: LinkLost | None = None
        self._news = asyncio.Event()
        self._connected = False
        self._proxy = proxy
        self._dialer = _Dialer(aiohttp.ClientSession(connector=_connector(proxy), trace_configs=[_redirects()]))
        self._packets: type[Packet] = type("Packet", (Packet,), {})
        self._sio = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            logger=SILENT,
            engineio_logger=SILENT,
            serializer=self._packets,
            http_session=self._dialer,
            websocket_extra_options={
                **options,
                "max_msg_size": MAX_SIZE,
                "timeout": aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
            },
        )
        self._heartbeat: float = options["heartbeat"]
        self._sio.on("connect", self._on_connect)
        self._sio.on("connect_error", self._on_refused)
        self._sio.on(FRAME, self._on_frame)
        self._sio.on(GONE, self._on_gone)

    @property
    def way(self) -> str:
        """The proxy by which the server is reached, for messages."""
        return "" if self._proxy is None else f" by the proxy {self._proxy.shown}"

    # ---- life -------------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """True if there is a WebSocket, whatever the server's Socket.IO says of us."""
        return self._dialer.socket is not None

    async def open(
        self, url: Secret[str], path: str, auth: Secret[dict[str, str]], headers: Secret[dict[str, str]]
    ) -> None:
        """Connect; return when the server has let us in. Raises LinkLost."""
        lost: LinkLost | None = None
        _check_internals(self._sio)
        try:
            await self._sio.connect(
                url.reveal(),
                headers=dict(headers.reveal()),
                auth={**self._resumes, **auth.reveal()},
                transports=["websocket"],
                namespaces=["/"],
                socketio_path=path,
                wait=False,
            )
        except Exception as error:  # noqa: BLE001 - a server that is none makes the client raise all kinds
            lost = explain(self._dialer.error or error, self._host, path, self._proxy)
        if lost is not None:  # outside of the handler: the frames of the error hold what signs in
            raise lost
        self._sio.eio.read_loop_task.add_done_callback(self._on_end)
        while not self._connected:
            await self._hear()

    async def close(self) -> None:
        """Say goodbye and leave nothing behind, within about a second."""
        with suppress(ValueError, AttributeError):  # first of all: what comes below may be cancelled, more than once
            engineio.base_client.connected_clients.remove(self._sio.eio)
        try:
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._sio.disconnect()
        finally:
            try:
                await self._end_tasks()
            finally:
                await self._dialer.close()

    async def _end_tasks(self) -> None:
        client = getattr(self._sio, "eio", None)
        known = (getattr(client, name, None) for name in ("read_loop_task", "write_loop_task"))
        tasks = [task for task in known if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- both ways --------------------------------------------------------------------------------------------------

    async def receive(self) -> list[str]:
        """Return the frames that have come. Raises LinkLost when the connection has ended and all were returned."""
        while not self._frames:
            await self._hear()
        frames = list(self._frames)
        self._frames.clear()
        return frames

    async def _hear(self) -> None:
        """Wait for news. Raises LinkLost."""
        if self._lost is not None:
            raise self._lost
        self._news.clear()
        await self._news.wait()

    async def send(self, frame: str) -> None:
        """Send a call. Raises LinkLost where the connection has ended."""
        _, request_id, packet = _decode_call(frame)
        number = msgspec.json.encode(request_id).decode()

        def acknowledged(values: str) -> None:
            self._deliver(f'["ack",{number},{values}]')

        try:
            await self._sio.emit(packet[0], tuple(packet[1:]), callback=acknowledged)
        except socketio.exceptions.SocketIOError:
            raise self._lost or LinkLost(f"the connection to {self._host} has ended") from None

    # ---- what the client tells; all of it on its loop, in the order it came ------------------------------------------

    def _deliver(self, frame: str) -> None:
        self._frames.append(frame)
        self._news.set()

    def _on_connect(self) -> None:
        session = self._packets.session
        pid = session.get("pid")
        recovered = pid is not None and pid == self._resumes.get("pid")
        if not recovered:
            self.mark = {"pid": pid} if isinstance(pid, str) else {}
        greeting = ["connected", {"sid": session.get("sid")}, recovered]
        # Ahead of the events that a server sends before it has let us in, or while it takes up the session again.
        self._frames.appendleft(msgspec.json.encode(greeting).decode())
        self._connected = True
        self._news.set()

    def _on_frame(self, frame: str) -> None:
        if self.mark:
            self._note_mark(frame)
        self._deliver(frame)

    def _note_mark(self, frame: str) -> None:
        """Remember the string at the end of an event's arguments: what came after it can be had again."""
        with suppress(msgspec.MsgspecError, IndexError):
            _, arguments = msgspec.json.decode(frame, type=tuple[str, list[msgspec.Raw]])
            self.mark["offset"] = msgspec.json.decode(arguments[1:][-1], type=str)

    def _on_refused(self, details: object = None) -> None:
        if self._sio.eio.read_loop_task is not None:  # else `connect` raises
            self._end(explain_refusal(details, self._host, self._hide))

    def _on_gone(self, details: object = None) -> None:
        reason = explain_refusal(details, self._host, self._hide) if details else None
        self._end(reason or LinkLost(f"{self._host} ended the connection", orderly=True))

    def _on_end(self, _: object) -> None:
        lost = explain_end(self._dialer.socket, self._host, self._heartbeat)
        if lost.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            self.mark = {}  # going on from there would bring the same message again
        self._end(lost)

    def _end(self, lost: LinkLost) -> None:
        self._lost = self._lost or lost
        self._news.set()
