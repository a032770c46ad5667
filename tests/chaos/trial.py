"""One trial: a real server with its faults, a session that follows it, people who answer, and a record of it all."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runconsole.clock import now_micros
from runconsole.errors import DecisionExpired
from runconsole.events import Answer, DecisionRequested, Received
from runconsole.log import EventLog
from runconsole.protocols.base import Wire
from runconsole.protocols.json.wire import ChannelWire
from runconsole.protocols.socketio.wire import SocketIoWire
from runconsole.protocols.trpc.wire import TrpcWire
from runconsole.reconnect import Reconnect
from runconsole.session import Session
from runconsole.session.pace import Pace
from runconsole.simulator.app import App, ServeOptions
from runconsole.simulator.player import LogEntry, Player
from runconsole.simulator.scenario import Refusal
from runconsole.simulator.wires.trpc import number_of
from runconsole.state import Effect, RunState
from runconsole.state.rows import IN_FLIGHT
from runconsole.store.dedup import Dedup
from runconsole.store.scope import Scope
from runconsole.transports.base import Transport
from runconsole.transports.socketio.transport import SocketIoTransport
from runconsole.transports.websocket import WebSocketTransport
from tests.chaos.clock import Setting, here
from tests.chaos.recorded import Recording
from tests.chaos.schedule import HEARTBEAT, MODES, Mode, Schedule
from tests.chaos.skew import Skew
from tests.chaos.stream import TASK, Stream, answer
from tests.support.writers import live_writer

PATIENCE = 40.0
"""Seconds after which an expected change counts as missing; generous, for a busy machine."""
SHORT_SILENCE = 10_000
"""Microseconds in which a catch-up brings something, unless it is slow."""
PACE = Pace(tick=0.03, linger=0.06, catching_up=0.1, steady=60.0, reply=1.5, parting=0.5, establish=2.0, drain=1.0)


@dataclass(slots=True)
class Trial:
    """The record of a trial. Positions count the rows of the event log.

    Attributes:
        rows: the event log.
        link_rows: the position at which each row of `links` was added.
        pressed: the requested decisions, with their checkpoints.
        pressing: True while a person is about to answer.
        recording: the recorder, if there is one.
        skew: the transport that changed the frames on their way.
        early: the questions that closed here as if their time were up, while the server still waited.
    """

    schedule: Schedule
    app: App
    state: RunState
    log: EventLog
    link_rows: list[int] = field(default_factory=list)
    pressed: dict[str, str] = field(default_factory=dict)
    pressing: bool = False
    recording: Recording | None = None
    skew: Skew | None = None
    early: set[str] = field(default_factory=set)

    @property
    def rows(self) -> list[Received]:
        return [event for _, event in self.log.read(0, 1_000_000)]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the run's events in the order they are in the log."""
        return [number for event in self.rows if (number := number_in(event)) is not None]

    @property
    def log_of_run(self) -> list[LogEntry]:
        return self.app.player.log


async def run(schedule: Schedule, record: Path | None = None) -> Trial:
    """Play a schedule to its end, and record it to a file."""
    mode = MODES[schedule.mode]
    stream = Stream(schedule.plan)
    serving = ServeOptions(
        wire=mode.wire,
        replay=mode.replay,
        delivery="subscribe" if mode.rooms else "push",
        close_when_done=True,
        superjson=mode.superjson,
        mark={"counting": number_of, "opaque": _opaque, "none": None}[mode.ids],
        faults=schedule.faults,
        seed=schedule.seed,
    )
    async with App(Player(stream, speed=1.0), serving) as app:
        trial = Trial(schedule, app, RunState(), EventLog())
        setting = Setting(schedule.steps)
        session = _session(trial, mode, record, setting)
        following = asyncio.create_task(_follow(session, setting), name="chaos-session")
        person = asyncio.create_task(_answer(trial, session, setting), name="chaos-person")
        try:
            await _conclude(trial, stream, following)
        finally:
            for task in (person, following):
                task.cancel()
            results = await asyncio.gather(person, following, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return trial


async def _follow(session: Session, setting: Setting) -> None:
    here(setting)
    await session.run()


async def _conclude(trial: Trial, stream: Stream, following: asyncio.Task[None]) -> None:
    """Let the run end when every fault has happened and the client is connected again.

    A server that crashes now would forget the end; and a client may have this moment's event over a cut connection.
    """
    player, injector = trial.app.player, trial.app.injector
    await _until(lambda: stream.is_complete, "the whole run was sent")
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        assert not following.done(), f"the session ended in the middle of the run: {trial.state.links[-1]}"
        assert loop.time() < end, "the client never came back"
        is_over = injector.is_quiet and trial.app.is_up and not _is_asking(trial)
        last = len(player.log) + 1
        player.decide(answer(stream.next_answer, "more"))
        if await _comes(trial, last) and is_over and injector.present:
            break
    player.decide(answer(stream.next_answer, "end"))
    await asyncio.wait({following}, timeout=PATIENCE)
    assert following.done(), "the session never ended"


async def _comes(trial: Trial, number: int) -> bool:
    """Return whether the client gets this event soon."""
    try:
        await _until(lambda: _has(trial, number), f"event {number} came", within=0.3)
    except AssertionError:
        return False
    return True


def _has(trial: Trial, number: int) -> bool:
    """Return whether the client is connected and has this event."""
    recent = trial.log.read(max(0, len(trial.log) - 20), 20)
    is_live = trial.state.links[-1].state == "live"
    return is_live and any(number_in(event) == number for _, event in recent)


def number_in(event: Received) -> int | None:
    """Return the number of an event of the run, None for any other row of the log."""
    try:
        payload: Any = json.loads(event.payload)
    except ValueError:
        return None
    return payload.get("n") if isinstance(payload, dict) else None


def _is_asking(trial: Trial) -> bool:
    """Return whether a question is open, or an answer to one is being given."""
    is_open = any(checkpoint.state == "open" and checkpoint.task_id for checkpoint in trial.app.player.checkpoints)
    is_seen = any(item.checkpoint_id not in trial.pressed.values() for item in trial.state.open_checkpoints)
    return is_open or is_seen or trial.pressing or any(row.state in IN_FLIGHT for row in trial.state.decisions.values())


async def _until(condition: Callable[[], object], what: str, within: float = PATIENCE) -> None:
    end = asyncio.get_running_loop().time() + within
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"it never came about that {what}"
        await asyncio.sleep(0.01)


# ---- the client -----------------------------------------------------------------------------------------------------


def _session(trial: Trial, mode: Mode, record: Path | None, setting: Setting) -> Session:
    url = trial.app.url
    wire, transport = _client(url, mode)
    schedule = trial.schedule
    scope = Scope.of(execution=None, task=TASK if schedule.others else None)
    if schedule.respells or schedule.others or mode.slow:
        transport = trial.skew = Skew(
            transport,
            f"{schedule.mode}/{schedule.seed}",
            respells=schedule.respells,
            others=schedule.others,
            copies=max(mode.rooms, 1),
            slow=mode.slow,
        )
    if record is not None:
        trial.recording = Recording(record, url, mode.wire, rooms=mode.rooms, trouble=pytest.fail)

    def observe(_effects: tuple[Effect, ...]) -> None:
        while len(trial.link_rows) < len(trial.state.links):
            trial.link_rows.append(len(trial.log))
        setting.advance(len(trial.log), asked=bool(trial.state.open_checkpoints))
        waits = {item.id for item in trial.app.player.checkpoints if item.state == "open"}
        trial.early |= {item.name for item in schedule.plan.questions if item.window > PATIENCE / 2} & {
            name for name in waits if _is_expired(trial, name)
        }

    return Session(
        live_writer(
            trial.state,
            trial.log,
            dedup=Dedup(
                trial.log, filtered=scope is not None, longest_silence=SHORT_SILENCE if mode.slow else 5_000_000
            ),
            scope=scope,
            asides=None if trial.recording is None else trial.recording.asides,
            recorder=None if trial.recording is None else trial.recording.recorder,
        ),
        wire,
        transport,
        observe=observe,
        now=now_micros,
        reconnect=Reconnect(first=0.01, longest=0.05),
        pace=PACE,
    )


def _is_expired(trial: Trial, name: str) -> bool:
    row = trial.state.checkpoints.get(name)
    return row is not None and row.status == "expired"


def _client(url: str, mode: Mode) -> tuple[Wire, Transport]:
    match mode.wire:
        case "json":
            return ChannelWire(), WebSocketTransport(url, heartbeat=HEARTBEAT)
        case "trpc":
            given = {"stream.taskEvents": {"taskId": TASK}, "stream.taskProgress": TASK}.get(mode.subscription)
            return TrpcWire(mode.subscription, given), WebSocketTransport(url, heartbeat=HEARTBEAT)
        case "socketio":
            rooms = [("join_discovery", {"session_id": TASK}), ("join_masterplan", {"masterplan_id": TASK})]
            return SocketIoWire(rooms[: mode.rooms]), SocketIoTransport(url, heartbeat=HEARTBEAT)


def _opaque(entry: LogEntry) -> str:
    return hashlib.sha256(str(entry.number).encode()).hexdigest()[:12]


# ---- the people -----------------------------------------------------------------------------------------------------


async def _answer(trial: Trial, session: Session, setting: Setting) -> None:
    """Answer each question as it is seen, as planned."""
    here(setting)
    answered: set[str] = set()
    while True:
        for checkpoint in trial.state.open_checkpoints:
            name = checkpoint.checkpoint_id
            if name not in answered and name in trial.schedule.replies:
                answered.add(name)
                trial.pressing = True
                await _press(trial, session, name)
                trial.pressing = False
        unseen = [item for item in trial.app.player.checkpoints if item.state == "open" and item.task_id]
        if trial.app.injector.is_quiet:
            for item in unseen:  # nobody here has seen it, or its answer got lost: somebody else helps
                if _is_stuck(trial, item.id):
                    with suppress(Refusal):
                        trial.app.player.decide(answer(item.id, "approve"))
        await asyncio.sleep(0.01)


def _is_stuck(trial: Trial, name: str) -> bool:
    """Return whether no answer to this question is under way."""
    states = {trial.state.decisions[key].state for key, asked in trial.pressed.items() if asked == name}
    is_live = trial.state.links[-1].state == "live"
    return is_live and not states & {"queued", "sent"} and (name not in trial.state.checkpoints or bool(states))


async def _press(trial: Trial, session: Session, name: str) -> None:
    reply = trial.schedule.replies[name]
    await asyncio.sleep(reply.delay)
    if reply.colleague is not None:
        with suppress(Refusal):
            trial.app.player.decide(answer(name, reply.colleague))
    for number in range(1 + reply.twice):
        key = f"{name}-press-{number}"
        trial.pressed[key] = name
        try:
            session.decide(DecisionRequested(now_micros(), key, name, Answer(reply.option, feedback=key)))
        except DecisionExpired:  # the run ended while they thought about it, and they are told
            del trial.pressed[key]
