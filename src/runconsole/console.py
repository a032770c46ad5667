"""`Console`: follows one run in the background, without a notebook or in one."""

from __future__ import annotations

import os
from typing import Unpack

from runconsole.api.run import RunAPI
from runconsole.engine.engine import Engine
from runconsole.options import ConsoleOptions, check, concealed, signature

__all__ = ["Console"]


class Console(RunAPI):
    """Follows one run over its event stream; complete DataFrames at any time; decisions back to the server.

    Args:
        url: ``ws://``, ``wss://``, ``http(s)://`` (Socket.IO; its path says where that is mounted, none is
            ``/socket.io``; the main namespace is followed), or the path of a recording.

    Options to follow:
        protocol: ``"json"``, ``"trpc"``, ``"socketio"``, ``"replay"``; None finds out from the URL.
        task: the one task to follow, with its parts; None follows all the server sends. Events that name another task
            are left out, whatever the server sends, and of a recording, too; `links` says how many.
        execution: the one execution to follow (or master plan, or run); others are left out in the same way. On
            Socket.IO its room is joined, and where that stays silent those of the session and master plan of that id.
        session: Socket.IO: the session whose room is joined (``join_discovery``).
        masterplan: Socket.IO: the master plan whose room is joined (``join_masterplan``).
        subscribe: what to ask for after connecting, instead of the protocol's own. Plain JSON: one message or a list of
            messages, ``{"type": "subscribe", "payload": {"channel": "system"}}``. tRPC: the path of a subscription
            (with `task` as its input), or ``(path, input)``. Socket.IO: ``{event: data}``, say ``{"join_room": "r1"}``.
        transformer: tRPC's: ``"auto"``, ``"superjson"`` or ``"none"``.
        decide: how decisions are sent, where it is not the protocol's usual way.
        transport: makes the connections instead of the protocol's own transport, for tests and odd networks: an object
            whose `connect()` returns an async context manager of a connection with ``async receive()`` and ``async
            send(frame)`` (`runconsole.protocols.Transport`). `url` then only names the server. For tests there is
            `runconsole.testing.FakeTransport`.
        reconnect: when to connect anew after a failure, and when to give up: a `Reconnect` with other numbers, or a
            function of a `LinkFailure` and its number in the row of failures (from 1) that returns the seconds until
            the next attempt, or None to give up. It is called on a thread of the console, and must not block. None is
            ``Reconnect()``. A run whose stream the server ends in good order again and again is interrupted whatever it
            returns.
        speed: of a recording: seconds of the run per second. None (and 0) loads all of it before the console is
            returned; see `replay`.
        start: connect at once; else call `start`. A recording is loaded, or begins to play.

    Options to sign in:
        token: a secret for the server, without the white space around it. It appears in no repr, error, traceback, log,
            recording, data set or notebook, also where the server says it back, in any spelling; only the payloads of
            `events` in memory are what came. One shorter than eight characters, or a word like ``execution``, is left
            where the server says it: to hide it there would destroy the run. It is hidden then under names like
            ``token``, behind ``Bearer``, in what is sent, and in what is said about the link.
        auth: where the token goes: ``"header"`` (Bearer; it takes the place of a user and password in the URL),
            ``"query"`` (``?token=``), ``"params"`` (tRPC's connection parameters), ``"message"`` (the first message; on
            Socket.IO the data of the joins) or ``"auth"`` (Socket.IO's auth object). None is the header; on Socket.IO
            it is the auth object, and the header where the server does not answer to that.
        headers: more headers for the handshake. Those that sign in (``Cookie``, ``X-Api-Key``, …) are secrets as well.
        ssl: an `ssl.SSLContext`, or the path of a CA file, for ``wss://``.

    Options to show:
        title: what to call the run.
        token_budget: tokens the run may use, for the display.
        cost_limit: US dollars the run may cost, for the display.
        expected_artifacts: how many artifacts are expected, for the display.

    Options to keep and to answer:
        memory_limit: bytes of the event log to hold in memory; what is more goes to a temporary directory, and is read
            from there when asked for. None holds all of it.
        record: the file to append every frame to, with its time and direction, and every decision: JSON lines,
            compressed where the name ends in ``.gz`` or ``.zst``, flushed twice a second and with every decision. A
            file whose newest run has not ended and is of the same address (host, port, path and query, without
            secrets), protocol, `task` and `execution` is loaded first, and this console goes on with it. In any other
            recording a new run begins behind what is there; the file then shows its newest run. What cannot be written
            is kept until it can be, and a file that is deleted or emptied is written again (an emptied one with the
            events, no longer the frames); trouble is shown in the panel. A relative path is that of the moment it is
            given.
        on_checkpoint: answers for people, where nobody sits by: a function (or ``async def``) called once with each
            `Checkpoint` in a thread of its own, several at once where several are open;
            returns an option, ``(option, feedback)``, an `Answer`, a dict of its parts, or None to leave it to people.
            What it raises is shown, and never ends the run.

    Raises:
        InvalidArgument: an option is unknown or its value cannot be used (a ValueError and TypeError).
        RecordingError: a recording cannot be read or written.
    """

    __signature__ = signature(url="str | os.PathLike[str]")

    def __init__(self, url: str | os.PathLike[str], **options: Unpack[ConsoleOptions]) -> None:
        arguments = concealed({"url": url, **options})
        del url, options  # a traceback with locals shows what is left
        start = arguments.pop("start", True)
        self._engine = Engine(check(arguments))
        if start:
            self._engine.start()

    def __repr__(self) -> str:
        if "_engine" not in self.__dict__:
            return f"{type(self).__name__}(not begun)"  # a traceback with locals asks in the middle of `__init__`
        return f"{type(self).__name__}({self.address!r}, status={self.status!r})"
