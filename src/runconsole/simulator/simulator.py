"""The simulator for notebooks: a server in its own daemon thread, started and stopped by plain calls."""

from __future__ import annotations

import asyncio
import atexit
import json
import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from runconsole.simulator.app import App, ServeOptions, Wire, url_of
from runconsole.simulator.faults import Fault, check_faults
from runconsole.simulator.flat import flat as in_flat_form
from runconsole.simulator.options import (
    AGENT_WIRES,
    FAMILIES,
    WIRES,
    AnyDialect,
    Family,
    check_agent_wire,
    check_choice,
    check_wire,
    dialect_of,
    scenario_of,
    speed_of,
)
from runconsole.simulator.player import Player
from runconsole.simulator.scenario import Answer, Checkpoint, Decision, Event
from runconsole.simulator.strict import Dialect, StrictScenario
from runconsole.simulator.wires.server import Received
from runconsole.simulator.wires.trpc import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType

    from runconsole.simulator.service import Delivery

__all__ = ["Simulator"]

_STOP_WITHIN_S = 5.0
_RESUMABLE = ("tasks", "updates", "custom")
"""The stream modes of a run of LangGraph that others can follow."""
_T = TypeVar("_T")


class Simulator:
    """A real server that plays one run, the same for the same seed.

    The run begins with the first client (or at once: `autostart`), goes on without clients, and is the same for all of
    them; a late client gets the events so far first (`replay="all"`).

    Args:
        family: `"execution"` (120 tasks, about 10 simulated minutes) or `"tasks"` (four coding agents with three
            checkpoints, about 50 simulated seconds when they are answered at once).
        wire: `"json"` (the channel protocol), `"trpc"` (version 11), `"socketio"`, which needs
            `runconsole[simulator]`; `"agui"`, where each new thread of a client plays a run of its own; or
            `"langgraph"`, an Agent Server. The last two play the `"tasks"` family, whose questions then wait without an
            end unless `decision_timeout` is given.
        seed: the seed of the run and of the faults.
        speed: simulated seconds a second; 0 or infinity plays without waiting. None is 8 for `"execution"` and 1 for
            `"tasks"`, whose deadlines are then real.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        token: a secret that clients must send: as Bearer, as `?token=`, in a first message or tRPC's connection
            parameters; on Socket.IO in the auth object, on LangGraph as `x-api-key`. Others are refused in the manner
            of the wire.
        replay: `"all"` sends a late client the events so far, `"none"` does not.
        delivery: `"push"` sends all events without a request; `"subscribe"` sends those of the subscribed channels, on
            Socket.IO those of the joined rooms. tRPC always has subscriptions.
        autostart: begin the run at once instead of with the first client.
        close_when_done: close clients (1000; on tRPC, end their subscriptions) when the run is over; None does so for
            `"tasks"`.
        started_at: the time of the run's beginning in its events; None is its real beginning.
        failures: `"execution"` only: the number of tasks that fail for good.
        decision_timeout: `"tasks"` only: time to decide in simulated seconds, for every checkpoint.
        superjson: use tRPC's transformer; else plain JSON.
        tracked: on tRPC, give events ids, from which a client can resume.
        strict: behave as strictly as the real backends. Executions go to the rooms of a session or master plan alone,
            take no auth object and have no end; tasks want subscriptions and a time in every message, on tRPC have only
            `tasks.onTaskEvent` (superjson, untracked) and one decision procedure, and reveal the meaning of options
            only to a query.
        dialect: a strict tRPC server's decision procedure, `"decide"` or `"resolve"`; an AG-UI server's way to ask,
            `"outcome"` (as AG-UI 1.0 and pydantic-ai have it) or `"on_interrupt"` (as `ag-ui-langgraph` by default).
            the run that a LangGraph server has, `"rest"` (started with `stream_mode` and `stream_resumable`: tasks) or
            `"protocol"` (by `run.start`: messages and tools, no tasks). None is the first of the wire.
        flat: `"tasks"` only: send the events of the family's core: flat, in snake case (`task_progress`,
            `approval_requested`), without events that the core lacks.
        faults: faults between the run and its clients (`runconsole.simulator.faults`), each once.

    Raises ValueError for options that make no sense; `start` raises OSError when the port is unavailable, RuntimeError
    when a package of the wire is not installed.
    """

    def __init__(
        self,
        family: Family = "execution",
        *,
        wire: Wire = "json",
        seed: int = 1,
        speed: float | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        replay: Literal["all", "none"] = "all",
        delivery: Delivery = "push",
        autostart: bool = False,
        close_when_done: bool | None = None,
        started_at: datetime | None = None,
        failures: int | None = None,
        decision_timeout: float | None = None,
        superjson: bool = False,
        tracked: bool = True,
        strict: bool = False,
        dialect: AnyDialect | None = None,
        flat: bool = False,
        faults: Sequence[Fault] = (),
    ) -> None:
        check_choice("family", family, tuple(FAMILIES))
        check_choice("wire", wire, WIRES)
        check_choice("replay", replay, ("all", "none"))
        check_choice("delivery", delivery, ("push", "subscribe"))
        spoken = dialect_of(wire, dialect)
        unused = {"strict": strict, "flat": flat}
        if wire == "agui":
            unused |= {"autostart": autostart, "replay": replay == "none"}
        check_agent_wire(wire, family, unused)
        self.family = family
        self.seed = seed
        self.speed = speed_of(family, speed)
        self._make_scenario = scenario_of(family, seed, failures, decision_timeout, wire)
        if flat and family != "tasks":
            raise ValueError(f"flat is an option of the 'tasks' family, not of {family!r}.")
        self._strict, self._flat = strict, flat
        self._is_patient = decision_timeout is None
        self._make_scenario()  # options that make no sense fail here, not in the thread
        if superjson and wire != "trpc":
            raise ValueError(f"superjson is an option of the wire 'trpc', not of {wire!r}.")
        self.wire = wire
        self._serving = ServeOptions(
            wire=wire,
            host=host,
            port=port,
            token=token,
            replay=replay == "all",
            delivery=delivery,
            autostart=autostart,
            close_when_done=family == "tasks" if close_when_done is None else close_when_done,
            superjson=superjson or (strict and wire == "trpc"),
            mark=number_of if tracked and not strict else None,
            dialect=_decide_or_resolve(spoken) if strict else None,
            asking="on_interrupt" if spoken == "on_interrupt" else "outcome",
            modes=_RESUMABLE if spoken == "rest" else (),
            faults=tuple(check_faults(faults, wire)),
            seed=seed,
        )
        self._started_at = started_at
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None
        self._opened: Future[int] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._app: App | None = None

    # ---- life -------------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start serving and return self. Does nothing while running; after `stop`, starts a new run."""
        if self._thread is not None:
            return self
        check_wire(self.wire)
        self._finished.clear()
        self._opened = Future()
        self._thread = threading.Thread(target=self._serve, name="runconsole-simulator", daemon=True)
        self._thread.start()
        try:
            self._serving = replace(self._serving, port=self._opened.result())
        except BaseException:
            self._thread = None
            raise
        atexit.register(self.stop)  # a daemon thread must not outlive the interpreter's own machinery
        return self

    def stop(self) -> None:
        """Close all clients and end the thread. The record of the run stays readable."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        atexit.unregister(self.stop)
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join(_STOP_WITHIN_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def __repr__(self) -> str:
        where = self.url if self.running else "stopped"
        return f"<Simulator {self.family} wire={self.wire} seed={self.seed} speed={self.speed:g} {where}>"

    # ---- what there is to see ---------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """True while it serves."""
        return self._thread is not None

    @property
    def port(self) -> int:
        """The port (before the first `start`: the requested one)."""
        return self._serving.port

    @property
    def url(self) -> str:
        """The clients' URL; never holds the token."""
        return url_of(self._serving)

    @property
    def events(self) -> list[Event]:
        """Every event so far, in order, as it was sent."""
        return [json.loads(entry.text) for entry in list(self._app.player.log)] if self._app else []

    @property
    def delivered(self) -> list[list[Event]]:
        """The events of each connection so far, in order: those written to its socket and taken by the system.

        Events that were sent twice are in it twice.
        """
        links = list(self._app.injector.links) if self._app else []
        return [[json.loads(entry.text) for entry in list(link.delivered)] for link in links]

    @property
    def received(self) -> list[Received]:
        """Every frame that clients sent so far, in order."""
        return list(self._app.received) if self._app else []

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint asked so far, in order; `state` is the present state of each."""
        return self._app.player.checkpoints if self._app else []

    @property
    def decisions(self) -> list[Decision]:
        """The decisions so far, by people and by deadlines, in the order of the questions."""
        return [checkpoint.decision for checkpoint in self.checkpoints if checkpoint.decision is not None]

    @property
    def clients(self) -> int:
        """The number of clients connected now."""
        return self._app.injector.present if self._app else 0

    @property
    def connections(self) -> int:
        """The number of connections accepted so far."""
        return len(self._app.injector.links) if self._app else 0

    @property
    def attempts(self) -> int:
        """The number of attempts to connect so far, those included that a fault refused."""
        return self._app.injector.attempts if self._app else 0

    @property
    def finished(self) -> bool:
        """True if the run is over."""
        return self._finished.is_set()

    def wait_finished(self, timeout: float | None = None) -> bool:
        """Block until the run is over; return whether it is, after at most `timeout` seconds."""
        return self._finished.wait(timeout)

    def decide(
        self, checkpoint_id: str, option: str, *, feedback: str | None = None, by: str = "colleague"
    ) -> Decision:
        """Decide as another person would, on the server. Raises Refusal where it cannot count."""
        answer = Answer(checkpoint_id, option, feedback=feedback, by=by)
        return self._do(lambda app: app.player.decide(answer))

    def inject(self, fault: Fault) -> None:
        """Let a fault happen now; with `after`, that many events later. Raises ValueError as the constructor does."""
        [checked] = check_faults(fault, self.wire)
        self._do(lambda app: app.injector.inject(checked))

    def _do(self, work: Callable[[App], _T]) -> _T:
        """Run a function on the server's loop and return its result."""
        app = self._app
        if self._thread is None or self._loop is None or app is None:
            raise RuntimeError("The simulator is not running: call start() first.")

        async def do() -> _T:
            return work(app)

        return asyncio.run_coroutine_threadsafe(do(), self._loop).result()

    # ---- the thread -------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except OSError as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._app = App(
            self._make_player(), self._serving, on_finished=self._finished.set, another=self._another_player
        )
        async with self._app as app:
            self._opened.set_result(app.port)
            await self._stopping.wait()

    def _make_player(self) -> Player:
        scenario = self._make_scenario()
        return Player(
            StrictScenario(scenario) if self._strict else scenario,
            speed=self.speed,
            started_at=self._started_at,
            form=in_flat_form if self._flat else lambda event: event,
            patient=self.wire in AGENT_WIRES and self._is_patient,
        )

    def _another_player(self) -> Player:
        self._finished.clear()
        return self._make_player()


def _decide_or_resolve(dialect: AnyDialect | None) -> Dialect:
    return "resolve" if dialect == "resolve" else "decide"
