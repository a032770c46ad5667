"""Internal: `Engine` follows one run in the background, live or replayed, and answers for it from any thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from runconsole.clock import now_micros
from runconsole.engine.deciding import Decider
from runconsole.engine.feed import Feed, Sender
from runconsole.engine.iothread import IOThread, lease
from runconsole.engine.watchers import Watchers
from runconsole.errors import InvalidArgument, NotConnected
from runconsole.events import DESCRIBED, Alert, LinkStatus, Micros, Received, RunDescribed
from runconsole.log import EventLog
from runconsole.options import Options
from runconsole.protocols.base import Request, TaskCommand
from runconsole.state import Checkpoint, Effect, RunState
from runconsole.store import RunStore
from runconsole.text.unicode import encodable_fact

if TYPE_CHECKING:
    from runconsole.engine.policy import CheckpointPolicy
    from runconsole.replay import Replay

__all__ = ["Engine"]

T = TypeVar("T")

_STOP_TIMEOUT = 5.0
_FORKED = (
    "this console lives in the process that this one was forked from, where it goes on: call it there, or make a"
    " Console here"
)


class Engine:
    """One run, live or replayed, on the I/O thread: its source, its thread, its decisions, its policy, its listeners.

    All that `Console` and `ConsoleWidget` offer goes through one of these; any thread may call it.
    """

    def __init__(self, options: Options) -> None:
        """Take the options; nothing is connected before `start`. Raises as `Console`."""
        self._options = options
        self._address = options.address  # which looks for a file; no adopted options change it
        self._feed = self._make_feed()
        self._kept: dict[RunStore, Any] = {}
        self._io: IOThread | None = None
        self._is_new, self._is_stopped = True, False
        self._task: asyncio.Task[None] | None = None
        self._watchers = Watchers(self.call_soon)
        self._decider = Decider(lambda: self._feed.runs, self._sender, self.call_soon, self._watchers)
        self._policy: CheckpointPolicy | None = None
        self._past_policies: list[CheckpointPolicy] = []
        self._observers: list[Callable[[tuple[Effect, ...]], None]] = []

    # ---- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect and follow, unless it already does. One that failed, was interrupted or was stopped begins again."""
        self._check_process()
        if self._task is not None and not self._task.done() and not self._has_given_up:
            return
        self._is_new = self._is_stopped = False
        self._release()
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._io = io = lease()
        try:
            io.call(self._begin, started)
            started.result()
        except BaseException:  # a KeyboardInterrupt, too: nobody else could ever stop what has begun
            ended: concurrent.futures.Future[None] = concurrent.futures.Future()
            io.call(self._end_begun, ended)
            try:
                with suppress(TimeoutError):
                    ended.result(_STOP_TIMEOUT)
            finally:
                self._release()
            raise
        if self._feed.rests:
            self._release()  # all is there: a recording that is only read leaves no thread behind

    @property
    def _has_given_up(self) -> bool:
        """True if the session has ended, or is about to, although the run has not."""
        return self.status == "failed" or self._state.interruption is not None

    def _begin(self, started: concurrent.futures.Future[None]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._follow(started), name="runconsole-session")
        self._task.add_done_callback(lambda _: None if started.done() else started.set_exception(_never_began()))

    def _end_begun(self, ended: concurrent.futures.Future[None]) -> None:
        """Cancel what `_begin` has begun, on the I/O thread; `ended` is set when it has ended."""
        if self._task is None or self._task.done():
            ended.set_result(None)
        else:
            self._cancel(self._task, ended)

    async def _follow(self, started: concurrent.futures.Future[None]) -> None:
        """Follow the run, after what is there of it has been loaded."""
        try:
            await self._feed.open()
        except Exception as error:  # noqa: BLE001 - carried to the caller's thread
            started.set_exception(error)
            return
        if self._policy is None:
            self._policy = self._make_policy()
        started.set_result(None)
        if not self._feed.rests:
            await self._feed.follow()

    def _make_policy(self) -> CheckpointPolicy | None:
        if self._options.on_checkpoint is None or not self._feed.is_live:
            return None
        from runconsole.engine.policy import CheckpointPolicy

        left = functools.partial(self.call_soon, self._watchers.look)
        return CheckpointPolicy(self._options.on_checkpoint, self._state, self._decider, self._report, left=left)

    def adopt(self, options: Options) -> None:
        """Go on with other arguments, of the same run over the same link: those of the cell that was run last.

        A new `on_checkpoint` is asked about every open question that has no answer yet; what the one before it still
        says is not taken.
        """
        self._feed.adopt(options)
        before, self._options = self._options, options
        self.call_soon(self._adopt_here, before)

    def _adopt_here(self, before: Options) -> None:
        """Carry out on the I/O thread what `adopt` asks for."""
        options = self._options
        described = _described(options)
        if described != _described(before):
            self._feed.apply(described)
        if options.on_checkpoint is not before.on_checkpoint:
            self._close_policies()
            self._policy = self._make_policy() if self._task is not None else None
        if self.is_started:
            self.changed(())

    def _report(self, event: Received) -> None:
        """Show something the policy did; from its thread."""
        if self._feed.is_live and self._task is not None:
            self.call_soon(self._feed.apply, event)

    def stop(self) -> None:
        """Close the connection and end the background work; the data stays. Does nothing the second time.

        The run itself goes on at the server. Returns when nothing is left behind, within about a second.
        """
        self._check_process()
        self._is_stopped = True  # before all else: commands for a replay may still be on their way to the I/O thread
        io = self._io
        self._feed.stopping()
        if io is None:
            return
        ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        if io.is_current:
            self._end_begun(ended)
        elif not io.loop.is_closed():
            io.call(self._end_begun, ended)  # after what was asked for before: a replay that is to go on has begun then
            with suppress(TimeoutError):
                ended.result(_STOP_TIMEOUT)
        self._release()

    @property
    def is_forked(self) -> bool:
        """True if the console followed its run when this process was forked: what is known then can be read."""
        return self._io is not None and self._io.is_lost

    def _check_process(self) -> None:
        """Raise NotConnected where the console lives in another process."""
        if self.is_forked:
            raise NotConnected(_FORKED)

    def _cancel(self, task: asyncio.Task[None], ended: concurrent.futures.Future[None]) -> None:
        task.add_done_callback(lambda _: ended.set_result(None))
        task.cancel()

    def _release(self) -> None:
        io, self._io = self._io, None
        self._close_policies()
        self._task = None
        if io is not None:
            io.release()

    def _close_policies(self) -> None:
        if self._policy is not None:
            self._past_policies.append(self._policy)
        self._policy, policies, self._past_policies = None, self._past_policies, []
        for policy in policies:
            policy.close()

    # ---- recordings ---------------------------------------------------------------------------------------------

    @property
    def replay(self) -> Replay | None:
        """The controls of a recording (`play`, `pause`, `seek`, `speed`, …); None where a live run is followed."""
        return self._feed.replay

    def save(self, path: Path) -> None:
        """Write the run as it is now to a recording. Raises as `RunAPI.save`."""
        if self.is_forked:
            self._feed.leave()
        self._feed.save(path, self._on_io)

    def _on_io(self, function: Callable[[], Any]) -> Any:
        """Run a function on the I/O thread, where there is one, and return its result."""
        io = self._io
        if io is None or io.is_current or io.is_lost or io.loop.is_closed():
            return function()

        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), io.loop).result()

    # ---- as the feed's host -------------------------------------------------------------------------------------

    def _make_feed(self) -> Feed:
        """Return the source of the runs. Raises as `Console` what cannot be used."""
        if self._options.inferred_protocol() == "replay":
            from runconsole.engine.replayed import ReplayFeed

            return ReplayFeed(self._options, self)
        from runconsole.engine.live import LiveFeed

        return LiveFeed(self._options, self)

    def changed(self, effects: tuple[Effect, ...]) -> None:
        """Tell whoever waits or shows, on the I/O thread."""
        policy = self._policy
        if policy is not None and policy.state is not self._state:  # the run before keeps its own, with its questions
            self._past_policies.append(policy)
            policy = self._policy = self._make_policy()
        if policy is not None:
            policy.look()
        self._watchers.look()
        for observer in self._observers:
            observer(effects)

    def replaced(self) -> None:
        """Forget what was made of runs that are no longer shown."""
        self._kept = {}

    def resume(self) -> None:
        """Follow again after the end, unless the console was stopped; from any thread."""
        is_running = self._task is not None and not self._task.done()
        if is_running or self._is_stopped:
            return
        if self._io is None:
            self._io = lease()
        self._io.call(self._go_on)

    def _go_on(self) -> None:
        """Begin again, once for all commands that came in meanwhile, unless the console was stopped since."""
        if self._io is not None and not self._is_stopped and (self._task is None or self._task.done()):
            self._begin(concurrent.futures.Future())

    # ---- to the server --------------------------------------------------------------------------------------------

    def _sender(self) -> Sender | None:
        """Return what takes answers, None while the console is stopped. Raises NotConnected on a recording."""
        sender = self._feed.sender
        self._check_process()
        return None if self._task is None else sender

    @property
    def task_commands(self) -> tuple[str, ...]:
        """The commands for tasks that the server takes now: of ``cancel``, ``pause``, ``resume`` and ``retry``."""
        if not self._feed.is_live or self._task is None or self.status != "live":
            return ()
        sender = self._feed.sender
        return () if sender is None else sender.task_commands

    def command(self, verb: str, task_id: str, **details: str | None) -> concurrent.futures.Future[Any]:
        """Give a command for a task, with `details` of it, without waiting for the answer. Raises as `cancel`."""
        io, sender = self._io, self._sender()
        if io is None or sender is None or verb not in self.task_commands:
            raise NotConnected(f"there is no live link that takes {verb!r} for a task: nothing was sent")
        request = encodable_fact(TaskCommand(verb, task_id, details))
        return asyncio.run_coroutine_threadsafe(sender.call(request), io.loop)

    def call(self, request: Request | TaskCommand, timeout: float | None = None) -> Any:
        """Make a call and return the server's answer. Raises as `RunAPI.cancel`."""
        io, sender = self._io, self._sender()
        if io is None or sender is None:
            raise NotConnected(f"the console is stopped: {request.name} was not sent")
        return asyncio.run_coroutine_threadsafe(sender.call(encodable_fact(request), timeout), io.loop).result()

    @property
    def _state(self) -> RunState:
        return self._feed.runs.newest.state

    @property
    def _log(self) -> EventLog:
        return self._feed.runs.newest.log

    # ---- what is known ------------------------------------------------------------------------------------------

    @property
    def status(self) -> LinkStatus:
        """The link, as `RunAPI.status`."""
        if self._state.finished:
            return "ended"
        links = self._state.links
        if self._is_new:
            return "idle"
        link = links[-1].state if links else None
        return self._feed.status(link)

    @property
    def pending(self) -> list[Checkpoint]:
        """The checkpoints that wait for a decision, oldest first."""
        return self._state.open_checkpoints

    @property
    def screen(self) -> str:
        """The run as a text screen."""
        from runconsole.view.screen import screen

        return screen(self._state, self.now, is_idle=self._is_new)

    @property
    def now(self) -> Micros:
        """The time as of which the run is shown: this machine's, of a recording its own."""
        return self._feed.now

    @property
    def reason(self) -> str | None:
        return next((link.reason for link in reversed(self._state.links) if link.reason), None)

    @property
    def was_started(self) -> bool:
        return self._task is not None or (self._feed.replay is not None and self._feed.replay.is_begun)

    @property
    def is_finished(self) -> bool:
        return self._state.finished

    @property
    def is_done(self) -> bool:
        return self._state.is_done

    @property
    def interruption(self) -> str | None:
        return self._state.interruption

    @property
    def left_to_people(self) -> list[Checkpoint]:
        policy = self._policy
        return [c for c in self.pending if policy is None or not policy.thinks_about(c)]

    def watch(self, look: Callable[[], bool]) -> None:
        if not self.is_forked:
            self._watchers.add(look)
        elif not look():
            raise NotConnected(_FORKED)

    # ---- for those who show it --------------------------------------------------------------------------------

    @property
    def is_started(self) -> bool:
        """True if `start` was called and `stop` was not, since."""
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
    def stores(self) -> tuple[RunStore, ...]:
        """The state and log of every run, oldest first: to read."""
        return self._feed.runs.all

    @property
    def log(self) -> EventLog:
        """The event log: to read."""
        return self._log

    @property
    def address(self) -> str:
        """The URL without secrets."""
        return self._address

    @property
    def protocol(self) -> str:
        """The protocol in use."""
        return self._feed.protocol

    @property
    def title(self) -> str:
        """The title of the run."""
        from runconsole.view.screen import title_of

        return title_of(self._state)

    def kept(self, store: RunStore, make: Callable[[RunStore], T]) -> T:
        """Return what `make` makes of a run, made once; it goes with the run."""
        found: T | None = self._kept.get(store)
        return self._kept.setdefault(store, make(store)) if found is None else found

    def alert(self, text: str) -> None:
        """Show one sentence about what went wrong on this side, while the console follows a run."""
        self._report(Received("runconsole", Alert("error", text), "", now_micros()))

    def attach(self, observer: Callable[[tuple[Effect, ...]], None]) -> None:
        """Call `observer` on the I/O thread after each event that asks for something."""
        self._observers.append(observer)

    def listen(self, listener: Callable[[Received], None]) -> None:
        """Call `listener` on the I/O thread with every event of the stream; set before `start`, it gets all of them."""
        self._feed.runs.listener = listener

    def flush(self) -> None:
        """Hand what was taken so far to the recording's file, on the I/O thread."""
        self._feed.flush()

    def detach(self, observer: Callable[[tuple[Effect, ...]], None]) -> None:
        """Call an observer no more."""
        self._observers = [other for other in self._observers if other != observer]

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the I/O thread soon; at once where there is none any more."""
        self._check_process()
        io = self._io
        if io is None or io.loop.is_closed():
            function(*args)
        else:
            io.call(function, *args)

    def read_on(self) -> bool:
        """Read at once what a server has sent (on the I/O thread); return whether that was put off."""
        return self._feed.read_on()

    async def session_over(self) -> None:
        """Return when the session's task has ended (on the I/O thread)."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def link_action(self, action: str) -> None:
        """Try to connect now (``"reconnect"``) or stop (``"stop"``), on the I/O thread. Raises InvalidArgument."""
        if action == "stop":
            if self._task is not None:
                self._cancel(self._task, concurrent.futures.Future())
        elif action == "reconnect":
            self._reconnect()
        else:
            raise InvalidArgument(f"expected 'reconnect' or 'stop', got {action!r}")

    def _reconnect(self) -> None:
        if not self._feed.is_live or (self._task is not None and not self._task.done() and not self._has_given_up):
            self._feed.reconnect()
        elif self._task is not None and not self._task.done():  # it has given up, and is about to end
            self._task.add_done_callback(lambda _: self._begin(concurrent.futures.Future()))
        elif self._io is not None:
            self._go_on()
        else:
            raise InvalidArgument("the console is stopped: call start() in a cell")


def _described(options: Options) -> RunDescribed:
    return RunDescribed(**{name: getattr(options, name) for name in DESCRIBED})


def _never_began() -> NotConnected:
    return NotConnected("the console was stopped before it had begun")
