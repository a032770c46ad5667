"""`Console`: follows one run in the background, without a notebook or in one."""

from __future__ import annotations

import os
from typing import Unpack

from runconsole.api.run import RunAPI
from runconsole.engine.engine import Engine
from runconsole.options import ConsoleOptions, check, concealed, signature
from runconsole.protocols.local.source import Followable, Source

__all__ = ["Console"]


class Console(RunAPI):
    """Follows one run over its event stream; complete DataFrames at any time; decisions back to the server.

    Args:
        url: ``ws://``, ``wss://``, ``http(s)://`` (Socket.IO at the URL's path, else at ``/socket.io``; its main
            namespace is followed), the path of a recording, or a run in this process: a `Source`, or an `ActiveRun`.

    Options to follow:
        protocol: ``"json"``, ``"trpc"``, ``"socketio"``, ``"agui"``, ``"replay"``; None infers it from the URL.
        task: the one task to follow, with its parts; None follows every event of the server. Events that name another
            task are left out, live and in a recording; `links` counts them.
        execution: the one execution (or master plan, or run) to follow; events of others are left out in the same way.
            On Socket.IO its room is joined, and if that stays silent, the rooms of the session and master plan of that
            id.
        session: Socket.IO: the session whose room is joined (``join_discovery``).
        masterplan: Socket.IO: the master plan whose room is joined (``join_masterplan``).
        subscribe: the request after connecting, instead of the protocol's own. Plain JSON: one message or a list of
            messages, ``{"type": "subscribe", "payload": {"channel": "system"}}``. tRPC: the path of a subscription
            (with `task` as its input), or ``(path, input)``. Socket.IO: ``{event: data}``, say ``{"join_room": "r1"}``.
        input: what starts a run, where a console without it starts nothing. AG-UI: a message to the agent as a string,
            or a RunAgentInput as a dict. LangGraph: the input of the graph, with `assistant`; a string is a message.
        assistant: LangGraph: the graph's name, or the assistant's id, that `input` is for. The thread is made where
            there is none.
        transformer: tRPC's: ``"auto"``, ``"superjson"`` or ``"none"``.
        decide: how decisions are sent, if not in the protocol's usual way.
        transport: makes the connections instead of the protocol's own transport, for tests and unusual networks: an
            object whose `connect()` returns an async context manager of a connection with ``async receive()`` and
            ``async send(frame)`` (`runconsole.protocols.Transport`). `url` then only names the server.
            `runconsole.testing.FakeTransport` is one for tests.
        reconnect: the policy after a failure: a `Reconnect` with other numbers, or a function of a `LinkFailure` and
            its number in the series of failures (from 1). The function returns the seconds until the next attempt, or
            None to give up. It is called on a thread of the console, and must not block. None is ``Reconnect()``. A run
            whose stream the server repeatedly ends in good order is interrupted under every policy.
        speed: of a recording: seconds of the run per second. None (and 0) loads the whole recording before the console
            is returned; see `replay`.
        start: connect at once; else call `start`. A recording is loaded, or begins to play.

    Options to sign in:
        token: a secret for the server, without the white space around it. It appears in no repr, error, traceback, log,
            recording, data set or notebook, even if the server repeats it, in any spelling; only the payloads of
            `events` in memory are unchanged. A token shorter than eight characters, or a word like ``execution``, stays
            visible in the server's events: hiding it there would destroy the run. It is hidden under names like
            ``token``, behind ``Bearer``, in sent frames, and in sentences about the link.
        auth: where the token goes: ``"header"`` (Bearer; it takes the place of a user and password in the URL),
            ``"query"`` (``?token=``), ``"params"`` (tRPC's connection parameters), ``"message"`` (the first message; on
            Socket.IO the data of the joins) or ``"auth"`` (Socket.IO's auth object). None is the header; on Socket.IO
            it is the auth object, and the header if the server does not answer to that.
        headers: more headers for the handshake. Those that sign in (``Cookie``, ``X-Api-Key``, …) are secrets as well.
        ssl: an `ssl.SSLContext`, or the path of a CA file, for ``wss://``.

    Options to show:
        title: the run's title.
        token_budget: tokens the run may use, for the display.
        cost_limit: US dollars the run may cost, for the display.
        expected_artifacts: the expected number of artifacts, for the display.
        prices: what models cost: ``{"model-1": (3.0, 15.0)}``, US dollars per million tokens of input and of output. A
            third number is the price of input from a cache, a fourth that of reasoning; without them these cost what
            all input and all output costs. Or by name: ``{"model-1": {"input": 3.0, "output": 15.0, "cached": 0.3}}``,
            also ``"reasoning"``. They give the work of an agent its cost where the source gives none. None knows no
            price.

    Options to keep and to answer:
        memory_limit: bytes of the event log to hold in memory; the rest goes to a temporary directory, and is read from
            there on demand. None holds all of it.
        record: the file to append every frame to, with its time and direction, and every decision: JSON lines,
            compressed if the name ends in ``.gz`` or ``.zst``, flushed twice a second and with every decision. If the
            newest run of the file has not ended and has the same address (host, port, path and query, without secrets),
            protocol, `task` and `execution`, it is loaded first, and this console continues it. In any other recording
            a new run begins behind the earlier ones; the file then shows its newest run. Lines that cannot be written
            are kept until they can be. A deleted or emptied file is written again (an emptied one with the events, no
            longer the frames); trouble is shown in the panel. A relative path is resolved at once.
        on_checkpoint: answers in place of people: a function (or ``async def``) called once with each `Checkpoint`, in
            a thread of its own, several at once if several are open. It returns an option, ``(option, feedback)``, an
            `Answer`, a dict of its parts, or None to leave the question to people. Its exceptions are shown, and never
            end the run.

    Raises:
        InvalidArgument: an option is unknown or its value cannot be used (a ValueError and TypeError).
        RecordingError: a recording cannot be read or written.
    """

    __signature__ = signature(url="str | os.PathLike[str] | Source | ActiveRun")

    def __init__(self, url: str | os.PathLike[str] | Source | Followable, **options: Unpack[ConsoleOptions]) -> None:
        arguments = concealed({"url": url, **options})
        del url, options  # a traceback with locals shows the remaining variables
        start = arguments.pop("start", True)
        self._engine = Engine(check(arguments))
        if start:
            self._engine.start()

    def _repr_html_(self) -> str | None:
        if "_engine" not in self.__dict__:
            return None
        from runconsole.view.report import card

        return card(self._engine.state, self._engine.now, repr(self))

    def __repr__(self) -> str:
        if "_engine" not in self.__dict__:
            return f"{type(self).__name__}(not begun)"  # a traceback with locals may ask in the middle of `__init__`
        return f"{type(self).__name__}({self.address!r}, status={self.status!r})"
