"""`asgi`: a run as an ASGI application, to be mounted in FastAPI, Starlette or any other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from runconsole.events import Answer
from runconsole.redaction.secrets import Secret
from runconsole.reporting.conversation import UNAUTHORIZED, TakesCommands, ViewerConversation, offered_token
from runconsole.reporting.journal import Journal
from runconsole.reporting.viewing import JournalView

__all__ = ["AsgiApp"]

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_TEXT = 'A run of runconsole: follow it with ConsoleWidget("ws://...") at this address.\n'


class AsgiApp:
    """Serves the events of a run on every path below its own, over WebSocket.

    Args:
        journal: the events.
        answer: takes an answer to a question by its id. Raises what refuses it.
        token: the secret of the viewers; None leaves it to the application around this to admit them.
        commands: takes commands for tasks; None for a run that takes none.
    """

    def __init__(
        self,
        journal: Journal,
        answer: Callable[[str, Answer[Any]], None],
        token: Secret[str] | None,
        commands: TakesCommands | None = None,
    ) -> None:
        self._commands = commands
        self._journal = journal
        self._answer = answer
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection, by the protocol of ASGI 3."""
        match scope["type"]:
            case "websocket":
                await self._serve(scope, receive, send)
            case "http":
                await _say(send)
            case "lifespan":
                await _live(receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
        query = scope.get("query_string", b"").decode("latin-1")
        offered = offered_token(query, headers.get("authorization"))
        conversation = ViewerConversation(self._answer, token=self._token, offered=offered, commands=self._commands)
        await receive()  # websocket.connect
        if conversation.is_denied or (self._token is None and _is_foreign(headers)):
            await send({"type": "websocket.close", "code": UNAUTHORIZED})
            return
        await send({"type": "websocket.accept"})

        async def post(frame: str) -> None:
            await send({"type": "websocket.send", "text": frame})

        frames = _Frames(receive)
        await JournalView(self._journal, conversation, post).run(frames)
        if not frames.is_over:
            code, reason = (1000, "") if conversation.admitted else (UNAUTHORIZED, "unauthorized")
            await send({"type": "websocket.close", "code": code, "reason": reason})


class _Frames(AsyncIterator["str | bytes"]):
    """The frames of a viewer, until it has gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_over = False

    async def __anext__(self) -> str | bytes:
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self.is_over = True
            raise StopAsyncIteration
        text: str | None = message.get("text")
        return message.get("bytes") or b"" if text is None else text


def _is_foreign(headers: dict[str, str]) -> bool:
    """Return whether a request comes from a page of another server than this one."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


async def _say(send: Send) -> None:
    """Answer a request that is no WebSocket."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"upgrade", b"websocket")]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": _TEXT.encode()})


async def _live(receive: Receive, send: Send) -> None:
    """Begin and end with the server, where this is the whole application."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
