"""Internal: real servers that play runs, deterministic by seed: for demos, notebooks and tests.

    from runconsole.simulator import Simulator

    with Simulator("tasks") as sim:
        ...  # connect to sim.url

The logic (`scenario`, `timeline`, `scenarios`) knows no clock and no socket; `player` gives it time. `service` has the
clients' operations on a run; `wires.channel` and `wires.trpc` put these into frames, `wires.server` the frames on
WebSockets, `wires.socketio` does all of it for Socket.IO, `wires.agui` and `wires.langgraph` for agent servers, on
`wires.http`. `injector` applies `faults` between the run and the sockets. `app` puts these together, `simulator` gives
them a thread.
"""

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
from runconsole.simulator.options import FAMILIES, WIRES
from runconsole.simulator.scenario import Checkpoint, Decision, Refusal
from runconsole.simulator.simulator import Simulator
from runconsole.simulator.wires.server import Received

__all__ = [
    "FAMILIES",
    "WIRES",
    "AskReconnect",
    "Checkpoint",
    "Crash",
    "Decision",
    "Drop",
    "Duplicate",
    "Fault",
    "Freeze",
    "Garbage",
    "HalfOpen",
    "LoseReply",
    "Received",
    "Refusal",
    "Refuse",
    "Reorder",
    "Simulator",
    "Slow",
    "Stray",
]
