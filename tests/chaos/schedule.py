"""The faults of one trial, drawn from a seed: the wire, the run, the faults, the answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from runconsole.simulator.faults import (
    AskReconnect,
    Crash,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    Garbage,
    HalfOpen,
    LoseReply,
    Refuse,
    Reorder,
    Slow,
    Stray,
)
from tests.chaos.clock import ClockStep
from tests.chaos.stream import Marks, Plan, Question

HEARTBEAT = 1.0
"""Seconds between two pings of the client; a server that is silent for longer than two of them is dead."""
_STEPS = (-86_400.0, -3600.0, -40.0, -0.5, 0.5, 40.0, 3600.0, 86_400.0)
"""Seconds by which a clock is set."""
_MOST_DENIALS = 5
"""Refusals of us in a row after which a client still tries a server that has served it."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to carry a run.

    Attributes:
        subscription: on tRPC, the path; `stream.taskEvents` takes an object, so it can be resumed.
        ids: on tRPC, the kind of the events' ids: none, opaque, or counting.
        rooms: on Socket.IO, the number of rooms that the client joins; over two, each event comes twice.
        timed: True if events have times of their own.
        slow: True if a catch-up takes longer than the client waits without a report of its end.
    """

    wire: Literal["json", "trpc", "socketio"]
    marks: Marks = "none"
    replay: bool = True
    subscription: str = "stream.systemEvents"
    ids: Literal["counting", "opaque", "none"] = "none"
    superjson: bool = False
    rooms: int = 0
    timed: bool = True
    slow: bool = False

    @property
    def follows_all(self) -> bool:
        """True if the client gets the events of every task."""
        return self.subscription == "stream.systemEvents" and not self.rooms


MODES: dict[str, Mode] = {
    "json with ids": Mode("json", "id"),
    "json with ids, live only": Mode("json", "id", replay=False),
    "json with numbers": Mode("json", "seq"),
    "json with numbers, live only": Mode("json", "seq", replay=False),
    "json with timestamps": Mode("json"),
    "json with timestamps, live only": Mode("json", replay=False),
    "trpc tracked": Mode("trpc", ids="counting", replay=False),
    "trpc tracked, object input, superjson": Mode(
        "trpc", ids="counting", replay=False, subscription="stream.taskEvents", superjson=True
    ),
    "trpc tracked with opaque ids": Mode("trpc", ids="opaque", replay=False),
    "trpc tracked, string input": Mode("trpc", ids="counting", replay=False, subscription="stream.taskProgress"),
    "trpc untracked": Mode("trpc", replay=False, superjson=True),
    "trpc untracked, replaying": Mode("trpc"),
    "trpc untracked with numbers": Mode("trpc", "seq", replay=False),
    "socketio": Mode("socketio"),
    "socketio, live only": Mode("socketio", replay=False),
    "socketio with numbers": Mode("socketio", "seq", replay=False),
    "socketio in a room, with catch-up": Mode("socketio", rooms=1),
    "socketio in two rooms": Mode("socketio", rooms=2),
    "socketio with slow catch-ups, without times": Mode("socketio", rooms=1, timed=False, slow=True),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A person's answer to a question: after `delay` seconds; `twice` presses again; `colleague` is faster."""

    option: str
    delay: float
    twice: bool = False
    colleague: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """One trial. Its `repr` is enough to play it again.

    Attributes:
        respells: True if the server spells its events differently on each connection.
        others: the number of events of other runs for each one of ours.
        steps: the settings of the clock of the client's machine meanwhile.
    """

    mode: str
    seed: int
    plan: Plan
    faults: tuple[Fault, ...]
    replies: dict[str, Reply]
    respells: bool = False
    others: float = 0.0
    steps: tuple[ClockStep, ...] = ()


def draw(mode: str, seed: int) -> Schedule:
    """Draw a trial."""
    rng = Random(f"{mode}/{seed}")  # noqa: S311 - dice, not a secret
    events = rng.randint(20, 80)
    counted = MODES[mode].follows_all and rng.random() < 0.3
    names = [] if counted else [f"q{number}" for number in range(rng.choice([0, 1, 1, 2]))]
    pause = rng.choice([0.002, 0.004, 0.008])
    length = events * pause
    questions = tuple(Question(name, rng.uniform(0, length), rng.choice([0.15, 30.0, 30.0])) for name in names)
    faults = _believable([_fault(rng, events, MODES[mode], bool(names)) for _ in range(rng.randint(1, 5))])
    if MODES[mode].slow:  # the server has shown that it answers, before it takes its time
        faults = tuple(replace(fault, after=fault.after + 10) for fault in faults)
    forgets = [fault.after for fault in faults if isinstance(fault, Crash) and fault.forget]
    marks = MODES[mode].marks
    afresh = min(forgets) if forgets and marks != "none" and rng.random() < 0.5 else None
    replies = {
        name: Reply(
            rng.choice(["approve", "reject"]),
            rng.choice([0.0, 0.02, 0.1, 0.2]),
            twice=rng.random() < 0.2,
            colleague=rng.choice([None, None, None, "approve", "reject"]),
        )
        for name in names
    }
    respells = rng.random() < 0.4 and _may_respell(MODES[mode], faults)
    others = 0.0 if counted else rng.choice([0.0, 0.0, 0.3])
    plan = Plan(events, pause, marks, questions, afresh, counted, timed=MODES[mode].timed)
    steps = tuple(
        ClockStep(0 if names and rng.random() < 0.5 else rng.randint(1, events), rng.choice(_STEPS))
        for _ in range(rng.choice([0, 0, 1, 2]))
    )
    return Schedule(mode, seed, plan, faults, replies, respells, others, steps)


def _believable(faults: list[Fault]) -> tuple[Fault, ...]:
    """Return the faults without a series of refusals that is too long to be an accident."""
    left = _MOST_DENIALS
    kept: list[Fault] = []
    for fault in faults:
        if isinstance(fault, Refuse) and fault.status in {401, 403}:
            if fault.times > left:
                continue
            left -= fault.times
        kept.append(fault)
    return tuple(kept)


def _may_respell(mode: Mode, faults: tuple[Fault, ...]) -> bool:
    """Return whether a mark or a time tells equal events apart; on one connection only a mark counts."""
    if mode.rooms > 1 or not mode.timed:
        return False
    return mode.marks != "none" or mode.ids != "none" or not any(isinstance(fault, AskReconnect) for fault in faults)


def _fault(rng: Random, events: int, mode: Mode, asks: bool) -> Fault:  # noqa: FBT001 - a draw among faults
    after = rng.randint(1, events)
    codes = [None, None, 1000, 1000, 1001, 1011, 1012] if mode.wire != "socketio" else [None, 1000]
    faults: list[Fault] = [
        Drop(after, rng.choice(codes)),
        Drop(after),
        Stray(after),
        Crash(after, rng.choice([0.01, 0.1, 0.3])),
        Crash(after, rng.choice([0.01, 0.1, 0.3]), forget=True),
        Duplicate(after, rng.randint(1, 10)),
        Reorder(after, rng.randint(2, 6)),
        Garbage(after),
        Slow(after, rng.uniform(0.05, 0.2), 0.01),
        Freeze(after, rng.choice([0.05, 0.2, 0.2, 2.5])),
        Refuse(rng.randint(1, 3), rng.choice([0, after])),
        Refuse(rng.randint(1, 3), after, rng.choice([400, 401, 403, 404, 405, 410, 426])),
    ]
    if rng.random() < 0.15:
        faults.append(HalfOpen(after))
    if mode.wire == "trpc":
        faults += [AskReconnect(after)] * 3
    if asks:
        faults += [LoseReply(1, rng.choice([0, after]), cut=rng.random() < 0.7)] * 2
    return rng.choice(faults)
