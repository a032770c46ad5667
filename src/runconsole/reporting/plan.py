"""The announced phases of a run, and the numbers of its phases and waves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runconsole.errors import InvalidArgument

__all__ = ["Plan"]


class Plan:
    """The phases of a run by name, numbered from 0 in order; a phase without an announcement takes the next number.

    Args:
        phases: names, or each name with its number of tasks. Raises InvalidArgument for anything else.
        total_tasks: the announced number of tasks.
    """

    def __init__(self, phases: object, total_tasks: int | None) -> None:
        planned = _planned(phases)
        self._numbers = {name: number for number, name in enumerate(planned)}
        self.phases: list[dict[str, Any]] = [
            {"number": number, "name": name} | ({} if tasks is None else {"tasks": tasks})
            for number, (name, tasks) in enumerate(planned.items())
        ]
        sums = [tasks for tasks in planned.values() if tasks is not None]
        of_phases = sum(sums) if planned and len(sums) == len(planned) else None
        self.total = of_phases if total_tasks is None else whole("total_tasks", total_tasks)
        self._last_wave = 0

    def phase(self, name: str | None) -> int | None:
        """Return the number of a phase. Under the emitter's lock."""
        if name is None:
            return None
        return self._numbers.setdefault(name, len(self._numbers))

    def wave(self, number: int | None) -> int:
        """Return the number of a wave; None is the next one. Under the emitter's lock."""
        number = self._last_wave + 1 if number is None else whole("number", number)
        self._last_wave = max(self._last_wave, number)
        return number


def _planned(phases: object) -> dict[str, int | None]:
    if phases is None:
        return {}
    planned: dict[str, int | None]
    if isinstance(phases, Mapping):
        planned = {name: whole(f"phases[{name!r}]", tasks) for name, tasks in phases.items()}
    elif isinstance(phases, Iterable) and not isinstance(phases, str):
        planned = dict.fromkeys(phases)
    else:
        raise InvalidArgument(f"expected phases= to be a list of names, or a dict of numbers of tasks, got {phases!r}")
    if not all(isinstance(name, str) for name in planned):
        raise InvalidArgument(f"expected the names of phases as texts, got {list(planned)!r}")
    return planned


def whole(name: str, value: object) -> int:
    """Return a whole number, 0 or more. Raises InvalidArgument."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidArgument(f"expected {name}= to be a whole number, 0 or more, got {value!r}")
    return value
