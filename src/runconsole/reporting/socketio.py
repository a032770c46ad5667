"""`attach_socketio`: runs on a Socket.IO server of the application, by its rooms (docs/protocols/socketio.md).

One set of handlers serves all runs of a server, and finds the run by its execution id. Handlers of the application for
the same events, registered before or after, get everything that concerns no run of ours. Its handlers of connections
stay as they are: we look one layer below, at Engine.IO, when a client comes.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from runconsole.errors import InvalidArgument, MissingPackage
from runconsole.events import Answer
from runconsole.reporting.asking import RunQuestions
from runconsole.reporting.conversation import resolved
from runconsole.reporting.feeding import MAIN, RoomFeed, loop_of
from runconsole.reporting.journal import Journal

__all__ = ["Attachment", "attach"]

_JOIN, _CATCH_UP, _RESOLVE = "join_execution", "request_catch_up", "checkpoint_resolve"
_KEY = "execution_id"
_STOP_WITHIN_S = 10.0
_FEW = 100


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """A run on a server."""

    hub: _Hub
    execution_id: str
    questions: RunQuestions
    feed: RoomFeed

    def answer(self, question_id: str, answer: Answer[Any]) -> None:
        """Take an answer of a client. Raises what refuses it."""
        self.questions.answer(question_id, answer, by="other")

    def stop(self) -> None:
        """End, when every client has all events so far, or after some seconds. On the server's own loop: soon."""
        loop = self.feed.loop
        if loop is not None:
            ending = asyncio.run_coroutine_threadsafe(self._close(), loop)
            if _is_current(loop):
                return
            with suppress(concurrent.futures.TimeoutError, concurrent.futures.CancelledError):  # the loop has ended
                ending.result(_STOP_WITHIN_S)
        self.hub.remove(self)

    async def _close(self) -> None:
        try:
            await self.feed.close()
        finally:
            self.hub.remove(self)


def _is_current(loop: asyncio.AbstractEventLoop) -> bool:
    with suppress(RuntimeError):
        return asyncio.get_running_loop() is loop
    return False


_hubs: dict[Any, _Hub] = {}
"""The hubs of the servers that have runs."""
_lock = threading.Lock()


def attach(sio: Any, room: str | None, execution_id: str, journal: Journal, questions: RunQuestions) -> Attachment:
    """Emit a run on a server; return what ends it. Raises InvalidArgument, MissingPackage."""
    _check(sio, room)
    with _lock:
        hub = _hubs.get(sio) or _Hub(sio)
        attachment = hub.add(room, execution_id, journal, questions)
        _hubs[sio] = hub
        return attachment


def _check(sio: Any, room: object) -> None:
    try:
        import socketio
    except ImportError:
        raise MissingPackage(
            'expected python-socketio, which is not installed: pip install "runconsole[socketio]"'
        ) from None
    if not isinstance(sio, socketio.AsyncServer):
        raise InvalidArgument(f"expected the application's socketio.AsyncServer, got a {type(sio).__name__}")
    if room is not None and (not isinstance(room, str) or not room):
        raise InvalidArgument(f"expected room= to be the name of a room, or None for every client, got {room!r}")


class _Hub:
    """The runs of one server, and the handlers of their clients' events."""

    def __init__(self, sio: Any) -> None:
        self._sio = sio
        self._runs: dict[str, Attachment] = {}
        self._named: dict[str, set[str]] = {}
        """The executions that each client has named."""
        self._most_named = _FEW
        self._handlers: dict[str, Callable[..., Any]] = {
            _JOIN: self._join,
            _CATCH_UP: self._catch_up,
            _RESOLVE: self._resolve,
        }
        self._others: dict[str, Callable[..., Any]] = {}
        """The application's handlers of these events."""
        self._greet: Callable[..., Any] | None = None
        """The server's own handler of new Engine.IO clients."""

    # ---- runs -------------------------------------------------------------------------------------------------------

    def add(self, room: str | None, execution_id: str, journal: Journal, questions: RunQuestions) -> Attachment:
        """Add a run. Raises InvalidArgument if it is on this server in another way."""
        known = self._runs.get(execution_id)
        if known is not None:
            if known.questions is questions and known.feed.room == room:
                return known
            where = "every client" if known.feed.room is None else f"the room {known.feed.room!r}"
            raise InvalidArgument(
                f"the run {execution_id!r} is attached to this server for {where}: call its stop_serving() first"
            )
        feed = RoomFeed(self._sio, room, journal, lambda sid: self._wants(sid, execution_id), self._hook)
        loop = self._loop()
        attachment = self._runs[execution_id] = Attachment(self, execution_id, questions, feed)
        self._hook()
        if loop is not None:
            loop.call_soon_threadsafe(feed.start)
        return attachment

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the server's event loop; None while it has none: the first client shows it."""
        loop = loop_of(self._sio)
        if loop is not None and loop.is_running():
            return loop
        with suppress(RuntimeError):
            return asyncio.get_running_loop()
        if any(self._sio.manager.get_participants(MAIN, None)):
            raise InvalidArgument(
                "expected attach_socketio(...) to be called on the event loop of the Socket.IO server, which has"
                " clients already and does not show its loop"
            )
        return None

    def remove(self, attachment: Attachment) -> None:
        """Remove a run; with the last one, our handlers."""
        attachment.feed.is_over = True
        with _lock:
            if self._runs.get(attachment.execution_id) is attachment:
                del self._runs[attachment.execution_id]
            if not self._runs and _hubs.get(self._sio) is self:
                del _hubs[self._sio]
                self._unhook()

    # ---- handlers ---------------------------------------------------------------------------------------------------

    def _hook(self) -> None:
        """Put our handlers before those of the application, whenever it registered them."""
        present = self._sio.handlers.get(MAIN, {})
        for name, handler in self._handlers.items():
            other = present.get(name)
            if other != handler:
                if other is not None:
                    self._others[name] = other
                self._sio.on(name, handler, namespace=MAIN)
        greet = self._sio.eio.handlers.get("connect")
        if greet != self._came:
            self._greet = greet
            self._sio.eio.on("connect", self._came)

    def _unhook(self) -> None:
        present = self._sio.handlers.get(MAIN, {})
        for name, handler in self._handlers.items():
            if present.get(name) != handler:
                continue
            if name in self._others:
                present[name] = self._others[name]
            else:
                del present[name]
        if self._sio.eio.handlers.get("connect") == self._came and self._greet is not None:
            self._sio.eio.on("connect", self._greet)

    async def _pass_on(self, name: str, *data: Any) -> Any:
        """Call the handler that the application has for an event, as the server would without ours."""
        own, all_spaces = self._sio.handlers.get(MAIN, {}), self._sio.handlers.get("*", {})
        if name in self._others:
            result = self._others[name](*data)
        elif "*" in own:
            result = own["*"](name, *data)
        elif name in all_spaces:
            result = all_spaces[name](MAIN, *data)
        elif "*" in all_spaces:
            result = all_spaces["*"](name, MAIN, *data)
        elif MAIN in self._sio.namespace_handlers:
            result = self._sio.namespace_handlers[MAIN].trigger_event(name, *data)
        elif "*" in self._sio.namespace_handlers:
            result = self._sio.namespace_handlers["*"].trigger_event(name, MAIN, *data)
        else:
            return self._sio.not_handled
        return await result if inspect.isawaitable(result) else result

    def _begin(self) -> None:
        """Begin to emit, on the event loop that this client has shown."""
        for attachment in list(self._runs.values()):
            attachment.feed.start()

    async def _came(self, *data: Any) -> Any:
        self._hook()
        self._begin()
        result = None if self._greet is None else self._greet(*data)
        return await result if inspect.isawaitable(result) else result

    async def _join(self, sid: str, *data: Any) -> Any:
        self._begin()
        attachment = self._run_of(sid, data)
        if attachment is None:
            return await self._other_run(_JOIN, sid, *data)
        if attachment.feed.room is not None:
            with suppress(KeyError, ValueError):  # the client has gone
                await self._sio.enter_room(sid, attachment.feed.room, namespace=MAIN)
        return {"ok": True, _KEY: attachment.execution_id}

    async def _catch_up(self, sid: str, *data: Any) -> Any:
        self._begin()
        attachment = self._run_of(sid, data)
        if attachment is None:
            return await self._other_run(_CATCH_UP, sid, *data)
        if not await attachment.feed.catch_up(sid):
            return _refused("NOT_FOUND", f"the run {attachment.execution_id!r} is served here no longer")
        return {"ok": True, _KEY: attachment.execution_id}

    async def _other_run(self, name: str, sid: str, *data: Any) -> Any:
        result = await self._pass_on(name, sid, *data)
        execution = _field(data, _KEY)
        if result is self._sio.not_handled and execution is not None:
            return _refused("NOT_FOUND", f"no run {execution!r} is served here")
        return result

    async def _resolve(self, sid: str, *data: Any) -> Any:
        self._begin()
        question = _field(data, "checkpointId")
        followed = self._followed_by(sid, data)
        asking = [run for run in followed if question is not None and run.questions.asks(question)]
        if not asking:
            result = await self._pass_on(_RESOLVE, sid, *data)
            if result is not self._sio.not_handled:
                return result
        if len(asking or followed) != 1:
            why = "no run here asks" if not asking else "several runs here ask, so join_execution of one first:"
            return _refused("CHECKPOINT_REFUSED", f"{why} {question!r}")
        reply = resolved(data[0] if data else None, (asking or followed)[0].answer)
        message = reply if isinstance(reply, dict) else await reply
        return self._sio.not_handled if message is None else _acknowledgement(message)

    # ---- clients ----------------------------------------------------------------------------------------------------

    def _wants(self, sid: str, execution_id: str) -> bool:
        """Return whether a client may get a run: it has named none, or this one."""
        named = self._named.get(sid)
        return named is None or execution_id in named

    def _run_of(self, sid: str, data: tuple[Any, ...]) -> Attachment | None:
        """Return the run that a client names, and note it: from here on the client gets what it has named."""
        execution = _field(data, _KEY)
        if execution is None:
            return None
        if len(self._named) > self._most_named:
            connected = self._sio.manager.is_connected
            self._named = {sid: named for sid, named in self._named.items() if connected(sid, MAIN)}
            self._most_named = max(_FEW, 2 * len(self._named))
        self._named.setdefault(sid, set()).add(execution)
        return self._runs.get(execution)

    def _followed_by(self, sid: str, data: tuple[Any, ...]) -> list[Attachment]:
        """Return the runs that a client can mean: the one it says, else those it has named, else those it gets."""
        said = _field(data, "executionId") or _field(data, _KEY)
        named = self._named.get(sid) if said is None else {said}
        return [
            attachment
            for execution, attachment in self._runs.items()
            if (execution in named if named is not None else attachment.feed.has(sid))
        ]


def _field(data: tuple[Any, ...], name: str) -> str | None:
    """Return a text in a client's data."""
    value = data[0].get(name) if data and isinstance(data[0], dict) else None
    return value if isinstance(value, str) else None


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message}}


def _acknowledgement(reply: dict[str, Any]) -> dict[str, Any]:
    payload = reply["payload"]
    return {"ok": False, "error": payload} if reply["type"] == "error" else {"ok": True, **payload}
