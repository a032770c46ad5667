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

__all__ = [
    "AGENT_WIRES",
    "DIALECTS",
    "FAMILIES",
    "WIRES",
    "AnyDialect",
    "Family",
    "check_agent_wire",
    "check_choice",
    "check_wire",
    "dialect_of",
    "scenario_of",
    "speed_of",
]

Family = Literal["execution", "tasks"]

FAMILIES: Final[Mapping[str, Callable[..., Scenario]]] = {"execution": ExecutionScenario, "tasks": TasksScenario}

WIRES: Final = ("json", "trpc", "socketio", "agui", "langgraph")

AGENT_WIRES: Final = ("agui", "langgraph")
"""The wires of agent servers, which play the task family, and whose questions wait without an end."""
_NO_DEADLINE_S: Final = 1e9

AnyDialect = Literal["resolve", "decide", "outcome", "on_interrupt", "rest", "protocol"]
DIALECTS: Final[Mapping[str, tuple[AnyDialect, ...]]] = {
    "trpc": ("decide", "resolve"),
    "agui": ("outcome", "on_interrupt"),
    "langgraph": ("rest", "protocol"),
}
"""The dialects of a wire, the usual one first."""

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


def scenario_of(
    family: str, seed: int, failures: int | None, decision_timeout: float | None, wire: str = "json"
) -> Callable[[], Scenario]:
    """Return a factory of the family's scenario, with the options of that family alone."""
    if wire in AGENT_WIRES and decision_timeout is None:
        decision_timeout = _NO_DEADLINE_S
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


def dialect_of(wire: str, dialect: AnyDialect | None) -> AnyDialect | None:
    """Return the dialect of a wire: the usual one for None. Raises ValueError for one that the wire lacks."""
    if dialect is None:
        return next(iter(DIALECTS.get(wire, ())), None)
    check_choice("dialect", dialect, [name for names in DIALECTS.values() for name in names])
    if wire in AGENT_WIRES and dialect not in DIALECTS.get(wire, ()):
        check_choice(f"dialect of the wire {wire!r}", dialect, DIALECTS[wire])
    return dialect


def check_agent_wire(wire: str, family: str, unused: Mapping[str, bool]) -> None:
    """Raise ValueError for the options of an agent server that make no sense; `unused` holds those it has not."""
    if wire not in AGENT_WIRES:
        return
    if family != "tasks":
        raise ValueError(f"the wire {wire!r} plays the 'tasks' family, not {family!r}.")
    for name, is_given in unused.items():
        if is_given:
            raise ValueError(f"{name} is no option of the wire {wire!r}: such a server is always the same.")
