"""`Console`: the public engine. Follows a run in the background and answers for it from any thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from runconsole.clock import now_micros
from runconsole.deciding import Decider
from runconsole.endpoint import resolve
from runconsole.errors import (
    ConsoleFailed,
    InvalidArgument,
    NotConnected,
)
from runconsole.events import LinkStatus, Received
from runconsole.frames import RunFrames
from runconsole.iothread import IOThread, lease
from runconsole.log import EventLog
from runconsole.options import Options, check
from runconsole.policy import Policy
from runconsole.session import Session
from runconsole.state import Checkpoint, Decision, Effect, Run, RunState
from runconsole.watchers import Watchers
from runconsole.wire import trpc_calls
from runconsole.wire.signals import Request

if TYPE_CHECKING:
    from runconsole.tables import Tables

__all__ = ["Console"]

_STOP_TIMEOUT = 5.0


class Console(RunFrames):
    """Follows one run over its event stream; complete DataFrames at any time; decisions back to the server.

    Args:
        url: ``ws://``, ``wss://``, ``http(s)://`` (Socket.IO), or the path of a recording.
        protocol: ``"json"``, ``"trpc"``, ``"socketio"``, ``"replay"``; None finds out from the URL.
        task: the one task to follow; None follows all the server sends.
        execution: the one execution to follow.
        subscribe: what to send after connecting instead of the protocol's own subscription: one message or a list.
        token: a secret for the server. It appears in no repr, error text, log or notebook.
        auth: where the token goes: ``"header"`` (Bearer), ``"query"``, ``"params"`` or ``"message"``.
        headers: more headers for the handshake.
        ssl: an `ssl.SSLContext`, or the path of a CA file, for ``wss://``.
        transformer: tRPC's: ``"auto"``, ``"superjson"`` or ``"none"``.
        decide: how decisions are sent, where it is not the protocol's usual way.
        title: what to call the run.
        token_budget: tokens the run may use, for the display.
        cost_limit: US dollars the run may cost, for the display.
        expected_artifacts: how many artifacts are expected, for the display.
        on_checkpoint: answers for people, where nobody sits by: called with each `Checkpoint` in a thread of its own;
            returns an option, ``(option, feedback)``, a dict of `decide`'s arguments, or None to leave it to people.
            What it raises is shown, and never ends the run.
        record: the file to append every received frame to.
        start: connect at once; else call `start`.

    Raises:
        InvalidArgument: an option is unknown or its value cannot be used (a ValueError and TypeError).
    """

    def __init__(
        self,
        url: Any,
        *,
        protocol: str | None = None,
        task: str | None = None,
        execution: str | None = None,
        subscribe: Any = None,
        token: str | None = None,
        auth: str = "header",
        headers: Any = None,
        ssl: Any = None,
        transformer: str = "auto",
        decide: Any = None,
        title: str | None = None,
        token_budget: int | None = None,
        cost_limit: float | None = None,
        expected_artifacts: int | None = None,
        on_checkpoint: Any = None,
        record: Any = None,
        start: bool = True,
        **unknown: Any,
    ) -> None:
        arguments = {name: value for name, value in locals().items() if name in Options.__struct_fields__}
        self._options: Options = check(arguments | unknown)
        options = self._options
        resolve(options)  # says at once what cannot be used
        self._state = RunState(
            task=options.task,
            title=options.title,
            token_budget=options.token_budget,
            cost_limit=options.cost_limit,
            expected_artifacts=options.expected_artifacts,
        )
        self._log = EventLog()
        self._tables: Tables | None = None
        self._io: IOThread | None = None
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._watchers = Watchers(self.call_soon)
        self._decider = Decider(self._state, lambda: self._session, self.call_soon, self._watchers)
        self._policy: Policy | None = None
        self._observers: list[Callable[[tuple[Effect, ...]], None]] = []
        if start:
            self.start()

    # ---- life ---------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Connect and follow, unless it already does. A console that failed or was stopped begins again."""
        if self._task is not None and not self._task.done() and self.status != "failed":
            return self
        self._release()
        self._io = lease()
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._io.call(self._begin, started)
        started.result()
        return self

    def _begin(self, started: concurrent.futures.Future[None]) -> None:
        try:
            self._create_session()
        except Exception as error:  # noqa: BLE001 - carried to the caller's thread
            started.set_exception(error)
        else:
            started.set_result(None)

    def _create_session(self) -> None:
        endpoint = resolve(self._options)
        self._session = Session(
            self._state,
            self._log,
            endpoint.wire,
            endpoint.transport,
            observe=self._observe,
            redact=self._options.redact,
        )
        if self._options.on_checkpoint is not None and self._policy is None:
            self._policy = Policy(self._options.on_checkpoint, self._state, self._decider, self._report)
        self._task = asyncio.get_running_loop().create_task(self._live(self._session), name="runconsole-session")

    async def _live(self, session: Session) -> None:
        try:
            await session.run()
        except Exception as error:  # noqa: BLE001 - a task has an owner: what trips it is shown, not lost
            session.link("failed", reason=f"runconsole itself failed ({error!r}): please report it")

    def _report(self, event: Received) -> None:
        """Show something the policy did; from its thread."""
        session = self._session
        if session is not None:
            self.call_soon(session.apply, event)

    def stop(self) -> None:
        """Close the connection and end the background work; the data stays. Does nothing the second time.

        The run itself goes on at the server. Returns when nothing is left behind, within about a second.
        """
        io, task, session = self._io, self._task, self._session
        if io is None or task is None or session is None:
            return
        if not task.done() and not io.loop.is_closed():
            ended: concurrent.futures.Future[None] = concurrent.futures.Future()
            io.call(self._cancel, task, session, ended)
            if not io.is_current:
                with suppress(TimeoutError):
                    ended.result(_STOP_TIMEOUT)
        self._release()

    def _cancel(
        self, task: asyncio.Task[None], session: Session | None, ended: concurrent.futures.Future[None]
    ) -> None:
        def close(_: object) -> None:
            if not self._state.finished and session is not None and self.status != "failed":
                session.link("stopped")
            ended.set_result(None)

        task.add_done_callback(close)
        task.cancel()

    def _release(self) -> None:
        io, self._io = self._io, None
        policy, self._policy = self._policy, None
        if policy is not None:
            policy.close()
        self._task = self._session = None
        if io is not None:
            io.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- waiting ------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the run has finished.

        Says on stderr which open checkpoints it waits for, when one opens and when it gives up.

        Args:
            timeout: seconds; None waits without limit.

        Returns:
            True when the run has finished; False after `timeout`, or when the console was stopped.

        Raises:
            ConsoleFailed: the link failed for good.
        """
        settled = self._settled(announce=True)
        try:
            return settled.result(timeout)
        except TimeoutError:
            if settled.done():
                raise
            settled.cancel()
            self._say_open(f"gave up waiting after {timeout:g} s; ")
            return False

    async def finished(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - the public contract
        """Wait, without blocking the event loop, until the run has finished. As `wait`."""
        settled = asyncio.wrap_future(self._settled(announce=False))
        try:
            return await asyncio.wait_for(settled, timeout)
        except TimeoutError:
            self._say_open(f"gave up waiting after {timeout:g} s; ")
            return False

    def _settled(self, *, announce: bool) -> concurrent.futures.Future[bool]:
        """Return a future of how the run ends: True finished, False stopped, ConsoleFailed."""
        future: concurrent.futures.Future[bool] = concurrent.futures.Future()
        announced: set[str] = set()

        def look() -> bool:
            if future.done():
                return True
            if announce and {c.checkpoint_id for c in self.pending} - announced:
                announced.update(c.checkpoint_id for c in self.pending)
                self._say_open("")
            status = self.status
            if self._state.finished:
                future.set_result(True)
            elif status == "failed":
                future.set_exception(ConsoleFailed(self._reason() or "the link failed"))
            elif status == "stopped":
                future.set_result(False)
            return future.done()

        self._watchers.add(look)
        return future

    def _say_open(self, before: str) -> None:
        waiting = [f"{c.title or c.kind or 'a decision'!r} ({c.checkpoint_id})" for c in self.pending]
        if waiting:
            text = f"runconsole: {before}the run waits for your decision on {', '.join(waiting)}: w.decide(id, option)"
            sys.stderr.write("".join(c if c.isprintable() else " " for c in text) + "\n")

    # ---- decisions ----------------------------------------------------------------------------------------------

    def decide(
        self,
        checkpoint_id: str,
        option: str,
        *,
        feedback: str | None = None,
        modifications: Any = None,
        timeout: float = 30.0,
    ) -> Decision:
        """Answer a checkpoint: the same as pressing the button. Returns when the server has acknowledged it.

        Args:
            checkpoint_id: one of `pending`.
            option: the id (or label) of one of its options.
            feedback: free words for the run.
            modifications: what to change, any JSON value, where the option takes it.
            timeout: seconds to wait for a link and an answer.

        Raises:
            InvalidArgument: no such checkpoint or option (a ValueError).
            DecisionRefused: the server said no, or somebody has already decided.
            DecisionExpired: the deadline has passed.
            DecisionUnknown: it was sent, and no answer came: it may or may not count.
            NotConnected: there was no link in time; nothing was sent, and nothing will be.
        """
        return self._decider.result(self._decider.submit(checkpoint_id, option, feedback, modifications), timeout)

    async def decide_async(
        self,
        checkpoint_id: str,
        option: str,
        *,
        feedback: str | None = None,
        modifications: Any = None,
        timeout: float = 30.0,  # noqa: ASYNC109 - the same signature as `decide`
    ) -> Decision:
        """Answer a checkpoint without blocking the event loop. As `decide`."""
        outcome = self._decider.submit(checkpoint_id, option, feedback, modifications)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(outcome.future)), timeout)
        except TimeoutError:
            return await asyncio.to_thread(self._decider.give_up, outcome, timeout)

    async def next_checkpoint(self, timeout: float | None = None) -> Checkpoint | None:  # noqa: ASYNC109 - as `finished`
        """Return the oldest checkpoint that waits for an answer, as soon as there is one.

        None when the run has ended, or after `timeout` seconds.
        """
        future: concurrent.futures.Future[Checkpoint | None] = concurrent.futures.Future()

        def look() -> bool:
            waiting = next((c for c in self.pending if c.status == "pending"), None)
            over = self._state.finished or self.status in {"failed", "stopped"}
            if not future.done() and (waiting is not None or over):
                future.set_result(waiting)
            return future.done()

        self._watchers.add(look)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        except TimeoutError:
            return None

    # ---- calls --------------------------------------------------------------------------------------------------

    def cancel(self, task_id: str) -> Any:
        """Ask the server to cancel a task; return its answer.

        Raises:
            UnsupportedByWire: the wire has no calls (only tRPC has).
            CallRefused: the server said no.
            CallUnanswered: no answer came: it may or may not have happened. It is never sent again by itself.
            NotConnected: there is no live link.
        """
        return self._call(trpc_calls.cancel(task_id))

    def pause(self, task_id: str) -> Any:
        """Ask the server to pause a task. As `cancel`."""
        return self._call(trpc_calls.pause(task_id))

    def resume(self, task_id: str, feedback: str | None = None) -> Any:
        """Ask the server to let a paused task go on, with a word to it. As `cancel`."""
        return self._call(trpc_calls.resume(task_id, feedback))

    def retry(self, task_id: str, from_checkpoint: str | None = None) -> Any:
        """Ask the server to run a failed task again, from a checkpoint if one is named. As `cancel`."""
        return self._call(trpc_calls.retry(task_id, from_checkpoint))

    def _call(self, request: Request) -> Any:
        io, session = self._io, self._session
        if io is None or session is None:
            raise NotConnected(f"the console is stopped: {request.name} was not sent")
        return asyncio.run_coroutine_threadsafe(session.call(request), io.loop).result()

    # ---- what is known ------------------------------------------------------------------------------------------

    @property
    def status(self) -> LinkStatus:
        """The link: connecting, live, retrying, ended, failed or stopped."""
        if self._state.finished:
            return "ended"
        links = self._state.links
        return links[-1].state if links else "connecting"

    @property
    def run(self) -> Run:
        """The run as a whole, as known now: an immutable snapshot. Times in microseconds since 1970 UTC."""
        return self._state.run()

    @property
    def summary(self) -> dict[str, Any]:
        """`run` as a dict, with the link's status and the counts of the log."""
        run = self._state.run()
        return {name: getattr(run, name) for name in run.__struct_fields__} | {
            "link": self.status,
            "events": len(self._log),
            "malformed": self._log.malformed,
            "unknown": self._log.unknown,
        }

    @property
    def pending(self) -> list[Checkpoint]:
        """The checkpoints that wait for a decision, oldest first."""
        return self._state.open_checkpoints

    @property
    def _frames(self) -> Tables:
        if self._tables is None:
            from runconsole.tables import Tables

            self._tables = Tables(self._state, self._log)
        return self._tables

    def __str__(self) -> str:
        from runconsole.text import screen

        return screen(self._state, now_micros())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._options.address!r}, status={self.status!r})"

    def _reason(self) -> str | None:
        return next((link.reason for link in reversed(self._state.links) if link.reason), None)

    # ---- for the widget and the terminal ------------------------------------------------------------------------

    @property
    def is_started(self) -> bool:
        """Whether `start` was called and `stop` was not, since."""
        return self._io is not None

    @property
    def decider(self) -> Decider:
        """The door for decisions."""
        return self._decider

    @property
    def options(self) -> Options:
        """The arguments of this console."""
        return self._options

    @property
    def state(self) -> RunState:
        """The state: to read, never to write."""
        return self._state

    @property
    def log(self) -> EventLog:
        """The event log: to read."""
        return self._log

    @property
    def address(self) -> str:
        """The URL without secrets."""
        return self._options.address

    @property
    def protocol(self) -> str:
        """The protocol in use."""
        return self._options.inferred_protocol()

    @property
    def title(self) -> str:
        """What the run is called."""
        from runconsole.text import title_of

        return title_of(self._state)

    def attach(self, observer: Callable[[tuple[Effect, ...]], None]) -> None:
        """Call `observer` on the I/O thread after each event that asks for something."""
        self._observers.append(observer)

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the I/O thread soon; at once where there is none any more."""
        io = self._io
        if io is None or io.loop.is_closed():
            function(*args)
        else:
            io.call(function, *args)

    async def session_over(self) -> None:
        """Return when the session's task has ended (on the I/O thread)."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def link_action(self, action: str) -> None:
        """Try to connect now (``"reconnect"``) or stop (``"stop"``), on the I/O thread. Raises InvalidArgument."""
        if action == "stop":
            if self._task is not None:
                self._cancel(self._task, self._session, concurrent.futures.Future())
        elif action == "reconnect":
            if self._session is not None and self._task is not None and not self._task.done():
                self._session.reconnect()
            elif self._io is not None:
                self._begin(concurrent.futures.Future())
            else:
                raise InvalidArgument("the console is stopped: call start() in a cell")
        else:
            raise InvalidArgument(f"expected 'reconnect' or 'stop', got {action!r}")

    def _observe(self, effects: tuple[Effect, ...]) -> None:
        """Tell whoever waits or shows, on the I/O thread."""
        if self._policy is not None:
            self._policy.look()
        self._watchers.look()
        for observer in self._observers:
            observer(effects)
