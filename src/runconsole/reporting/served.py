"""A run for viewers elsewhere: on a WebSocket, in an ASGI application, on a Socket.IO server."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING

from runconsole.errors import InvalidArgument
from runconsole.reporting.parts import RunParts

if TYPE_CHECKING:
    from socketio import AsyncServer

    from runconsole.reporting.asgi import AsgiApp

__all__ = ["RunServes", "served"]

served: list[RunServes] = []
"""The runs that this process serves."""


class RunServes(RunParts):
    """The viewers of a run elsewhere."""

    def serve(self, port: int = 0, *, host: str = "127.0.0.1", token: str | None = None) -> str:
        """Serve the run on a WebSocket, and return its address: others follow with ``ConsoleWidget(url)``.

        Late viewers get all of it, and their answers count as those given here. It goes on after the end of the run,
        until `stop_serving` or the end of the interpreter; the last events reach every viewer before that. Called
        again with the same arguments it returns the same address.

        Args:
            port: the port; 0 is any free one.
            host: the address to listen at; another one than this machine's own needs a token.
            token: a secret that viewers have to send: ``ConsoleWidget(url, token=...)``. None lets in every program of
                this machine.

        Raises:
            InvalidArgument: an argument cannot be used, or the run is served in another way.
            OSError: the port is taken.
        """
        from runconsole.reporting.serving import RunServer, check_place

        secret = check_place(host, port, token)
        del token  # a traceback with locals shows the remaining variables
        if self._server is not None:
            if not self._server.is_at(host, port, secret):
                raise InvalidArgument(f"this run is served at {self._server.url}: call stop_serving() first")
            return self._server.url
        answer = functools.partial(self._questions.answer, by="other")
        self._server = RunServer(
            self._emitter.journal,
            answer,
            host=host,
            port=port,
            token=secret,
            is_over=lambda: self._emitter.is_finished,
            commands=self._source,
        )
        if self not in served:
            served.append(self)
        return self._server.url

    def asgi(self, *, token: str | None = None) -> AsgiApp:
        """Return an ASGI application that serves the run: ``app.mount("/runs", run.asgi())``.

        Viewers follow any path below the mount: ``ConsoleWidget("ws://host/runs/ws")``. None for `token` leaves it to
        the application around this to admit them.
        """
        from runconsole.reporting.asgi import AsgiApp
        from runconsole.reporting.serving import check_token

        secret = check_token(token)
        del token
        self._has_app = True
        answer = functools.partial(self._questions.answer, by="other")
        return AsgiApp(self._emitter.journal, answer, secret, self._source)

    def attach_socketio(self, sio: AsyncServer, room: str | None = None) -> None:
        """Emit the run on a python-socketio server of the application: ``run.attach_socketio(sio, room="runs")``.

        Clients in the room get the events as they come; those that send `join_execution` with the id of this run enter
        the room, and those that send `request_catch_up` get all of it. So does
        ``Console("http://...", execution=run.execution_id)``, and its answers count as those given here. Who may
        connect is for the application to decide. Its own handlers get everything that concerns no attached run. It goes
        on after the end of the run, until `stop_serving`.

        Args:
            sio: the server. Any thread may attach, before the server runs or while it does.
            room: the room; None is every client. A client that has named other executions gets those alone.

        Raises:
            InvalidArgument: it is no `AsyncServer`, or the run is attached to it for another room.
        """
        from runconsole.reporting.socketio import attach

        attachment = attach(sio, room, self.execution_id, self._emitter.journal, self._questions)
        if attachment not in self._attached:
            self._attached.append(attachment)
            if self not in served:
                served.append(self)

    def stop_serving(self) -> None:
        """End what `serve` and `attach_socketio` began, when every viewer has all events so far, or after some seconds.

        Called on the event loop of a Socket.IO server, it returns at once and the end comes soon.
        """
        server, self._server = self._server, None
        attached, self._attached = self._attached, []
        with suppress(ValueError):
            served.remove(self)
        if server is not None:
            server.stop()
        for attachment in attached:
            attachment.stop()
