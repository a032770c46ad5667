"""The families of runs, and the options of each."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any, Final, Literal

from runconsole.simulator.scenarios.execution import ExecutionScenario
from runconsole.simulator.scenarios.tasks import TasksScenario

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from runconsole.simulator.scenario import Scenario

__all__ = ["FAMILIES", "WIRES", "Family", "check_choice", "check_wire", "scenario_of", "speed_of"]

Family = Literal["execution", "tasks"]

FAMILIES: Final[Mapping[str, Callable[..., Scenario]]] = {"execution": ExecutionScenario, "tasks": TasksScenario}

WIRES: Final = ("json", "trpc", "socketio")

_SPEEDS = {"execution": 8.0, "tasks": 1.0}  # at which a run takes about a minute


def check_choice(name: str, value: object, known: Collection[str]) -> None:
    """Raise ValueError unless `value` is one of the known ones."""
    if value not in known:
        expected = " or ".join(repr(choice) for choice in known)
        raise ValueError(f"{name} must be {expected}, not {value!r}.")


def check_wire(wire: str) -> None:
    """Raise RuntimeError for a wire with a missing package."""
    if wire == "socketio" and not all(importlib.util.find_spec(name) for name in ("socketio", "uvicorn")):
        raise RuntimeError("The simulator's Socket.IO server is not installed: pip install 'runconsole[simulator]'")


def speed_of(family: str, speed: float | None) -> float:
    """Return simulated seconds a second: the family's own for None, infinite for 0. Raises ValueError."""
    if speed is None:
        return _SPEEDS[family]
    if not speed >= 0:  # also refuses NaN
        raise ValueError(f"speed must be 0 (without waiting) or more, not {speed!r}.")
    return speed or math.inf


def scenario_of(family: str, seed: int, failures: int | None, decision_timeout: float | None) -> Callable[[], Scenario]:
    """Return a factory of the family's scenario, with the options of that family alone."""
    own: dict[str, dict[str, Any]] = {
        "execution": {"failures": failures},
        "tasks": {"decision_timeout": decision_timeout},
    }
    for other, options in own.items():
        for name, value in options.items():
            if other != family and value is not None:
                raise ValueError(f"{name} is an option of the {other!r} family, not of {family!r}.")
    given: dict[str, Any] = {name: value for name, value in own[family].items() if value is not None}
    return lambda: FAMILIES[family](seed=seed, **given)
