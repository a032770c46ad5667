"""Real servers that play runs, deterministic by seed: for demos, notebooks and tests.

    from runconsole.simulator import Simulator

    with Simulator("tasks") as sim:
        ...  # connect to sim.url

The brain (`steps`, `timeline`, `scenarios`) knows no clock and no socket; `player` gives it time, `desk` its protocol,
`server` its sockets, `simulator` its thread.
"""

from runconsole.simulator.options import FAMILIES
from runconsole.simulator.server import Received
from runconsole.simulator.simulator import Simulator
from runconsole.simulator.steps import Checkpoint, Decision, Refusal

__all__ = ["FAMILIES", "Checkpoint", "Decision", "Received", "Refusal", "Simulator"]
