"""`serve`: a run on a WebSocket of this process, for viewers elsewhere."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import ipaddress
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from websockets.protocol import State

from runconsole.engine.iothread import IOThread, lease
from runconsole.errors import InvalidArgument
from runconsole.listening import stop_accepting
from runconsole.redaction.secrets import Secret
from runconsole.reporting.conversation import (
    UNAUTHORIZED,
    TakesAnswer,
    TakesCommands,
    ViewerConversation,
    offered_token,
)
from runconsole.reporting.fanout import Fanout
from runconsole.reporting.journal import Journal
from runconsole.reporting.viewing import JournalView

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

__all__ = ["RunServer", "check_place", "check_token"]

_PATH = "/ws"
_GRACE_S = 5.0
"""Seconds in which viewers get the last events when the server is stopped."""
_LOOK_S = 0.02


class RunServer:
    """Serves the events of a run, until it is stopped.

    Args:
        journal: the events.
        answer: takes an answer.
        token: the secret of the viewers; None for none.
        is_over: returns whether the run has ended.
        commands: takes commands for tasks; None for a run that takes none.

    Raises:
        OSError: the address cannot be had.
    """

    def __init__(
        self,
        journal: Journal,
        answer: TakesAnswer,
        *,
        host: str,
        port: int,
        token: Secret[str] | None,
        is_over: Callable[[], bool],
        commands: TakesCommands | None = None,
    ) -> None:
        self._journal = journal
        self._answer = answer
        self._token = token
        self._is_over = is_over
        self._commands = commands
        self._fanout = Fanout(journal)
        self._views: dict[ServerConnection, JournalView] = {}
        self._server: Server | None = None
        self._asked = (host, port)
        self.place = (host, port)
        self._io: IOThread = lease()
        try:
            self._on_io(self._open(host, port))
        except BaseException:
            self._io.release()
            raise

    @property
    def url(self) -> str:
        """The address of the run, without the token."""
        host, port = self.place
        return f"ws://[{host}]:{port}{_PATH}" if ":" in host else f"ws://{host}:{port}{_PATH}"

    def is_at(self, host: str, port: int, token: Secret[str] | None) -> bool:
        """Return whether these arguments are those of this server; port 0 is any port."""
        same_token = (None if token is None else token.reveal()) == (
            None if self._token is None else self._token.reveal()
        )
        return same_token and host == self._asked[0] and port in {0, self._asked[1], self.place[1]}

    def stop(self) -> None:
        """Stop, when every viewer has got all events so far, or after a few seconds."""
        if not self._io.is_lost and not self._io.loop.is_closed():
            with suppress(concurrent.futures.TimeoutError, RuntimeError):
                self._on_io(self._close())
        self._io.release()

    def _on_io(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._io.loop).result(2 * _GRACE_S)

    async def _open(self, host: str, port: int) -> None:
        from websockets.asyncio.server import serve

        self._server = await serve(
            self._welcome, host, port, process_request=self._look, compression=None, max_size=2**20, close_timeout=1
        )
        self.place = host, next(iter(self._server.sockets)).getsockname()[1]

    async def _close(self) -> None:
        server = self._server
        if server is None:
            return
        await stop_accepting(server)
        server.close(close_connections=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                while any(view.is_behind for view in self._views.values()):  # noqa: ASYNC110 - a view waits for nobody
                    await asyncio.sleep(_LOOK_S)
        code, reason = (1000, "the run has ended") if self._is_over() else (1001, "the run is served no longer")
        await asyncio.gather(*(viewer.close(code, reason) for viewer in list(self._views)), return_exceptions=True)
        self._fanout.close()
        await server.wait_closed()

    def _look(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse other paths, wrong tokens, and pages of other sites."""
        parts = urlsplit(request.path)
        if parts.path not in {"/", _PATH}:
            return connection.respond(HTTPStatus.NOT_FOUND, f"The run is served at {_PATH}.\n")
        if self._token is None and _is_foreign(request.headers.get("Origin"), request.headers.get("Host")):
            return connection.respond(HTTPStatus.FORBIDDEN, "A page of another site has to send a token.\n")
        if self._conversation(request).is_denied:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "The token is wrong.\n")
        return None

    def _conversation(self, request: Request | None) -> ViewerConversation:
        query, authorization = ("", None) if request is None else _offer(request)
        offered = offered_token(query, authorization)
        return ViewerConversation(self._answer, token=self._token, offered=offered, commands=self._commands)

    async def _welcome(self, connection: ServerConnection) -> None:
        conversation = self._conversation(connection.request)
        write = functools.partial(_write, connection)
        view = self._views[connection] = JournalView(self._journal, conversation, connection.send, self._fanout, write)
        try:
            await view.run(aiter(connection))
        finally:
            del self._views[connection]
        if not conversation.admitted:
            await connection.close(UNAUTHORIZED, "unauthorized")


def _write(connection: ServerConnection, frames: bytes) -> bool:
    """Write frames at once; return False where the viewer has not taken what was written before, or has gone."""
    transport = connection.transport
    if connection.state is not State.OPEN or transport.is_closing() or transport.get_write_buffer_size():
        return False
    transport.write(frames)
    return True


def _offer(request: Request) -> tuple[str, str | None]:
    return urlsplit(request.path).query, request.headers.get("Authorization")


def _is_foreign(origin: str | None, host: str | None) -> bool:
    """Return whether a request comes from a page of another server than this one."""
    return origin is not None and urlsplit(origin).netloc != host


def check_place(
    host: object, port: object, token: object, *, names: tuple[str, str, str] = ("host=", "port=", "token=")
) -> Secret[str] | None:
    """Return the token. Raises InvalidArgument for an unusable address or token, without showing a token.

    `names` are those of the arguments, for errors.
    """
    if not isinstance(host, str) or not host:
        raise InvalidArgument(f"expected {names[0]} to be a name or address, got {host!r}")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port < 65536:
        raise InvalidArgument(f"expected {names[1]} to be a port, 0 for any free one, got {port!r}")
    secret = check_token(token, name=names[2])
    if token is None and not _is_loopback(host):
        raise InvalidArgument(
            f"expected {names[2]} beside {names[0]}{host!r}: everybody who reaches this machine could follow and answer"
        )
    return secret


def check_token(token: object, *, name: str = "token=") -> Secret[str] | None:
    """Return the secret of the viewers. Raises InvalidArgument for an unusable one, without showing it."""
    if token is None:
        return None
    if not isinstance(token, str) or not token.strip() or not token.isprintable():
        raise InvalidArgument(f"expected {name} to be a text of one line, or None")
    return Secret(token.strip())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
