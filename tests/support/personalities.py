"""Simulated servers of the task family, lenient and as strict as the backends, for tests that must hold on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runconsole import Console
from runconsole.simulator import Simulator

__all__ = ["KIND", "STRICT", "Personality", "named"]

_SYSTEM = {"type": "subscribe", "payload": {"channel": "system"}, "timestamp": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Personality:
    """One kind of server, and the options of a console that follows it.

    Attributes:
        name: the name in a test's id.
        server: options of the simulator.
        client: options of the console.
        questions: the number of a run's three questions that such a console gets.
        says_who: True if it distinguishes a deadline's decision from a person's.
        procedure: the pattern of the procedures that take a decision.
    """

    name: str
    server: Mapping[str, Any]
    client: Mapping[str, Any] = field(default_factory=dict)
    questions: int = 3
    says_who: bool = True
    procedure: str = "(resolve|decide)"

    def simulator(self, **options: Any) -> Simulator:
        return Simulator(**{"family": "tasks", **self.server, **options})

    def console(self, simulator: Simulator, **options: Any) -> Console:
        return Console(simulator.url, **{**self.client, **options})


KIND = tuple(Personality(wire, {"wire": wire}) for wire in ("json", "trpc", "socketio"))
_SUBSCRIBED = {"subscribe": _SYSTEM}
_ONE_TASK = {"task": "task-101"}
STRICT = (
    Personality("strict json", {"wire": "json", "strict": True}, _SUBSCRIBED),
    Personality(
        "strict json, flat events", {"wire": "json", "strict": True, "flat": True}, _SUBSCRIBED, says_who=False
    ),
    *(
        Personality(
            f"strict trpc, {procedure}{', flat' if flat else ''}",
            {"wire": "trpc", "strict": True, "dialect": procedure, "flat": flat},
            _ONE_TASK,
            questions=1,
            procedure=procedure,
        )
        for procedure, flat in (("resolve", False), ("decide", False), ("decide", True))
    ),
)


def named(personality: Personality) -> str:
    """Return the name, for pytest's `ids`."""
    return personality.name
