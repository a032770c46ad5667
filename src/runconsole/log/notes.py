"""Facts of our own, in order, each with its place among the events of the log: the part of a run that a log lacks."""

from __future__ import annotations

from runconsole.events import DuplicateDropped, Fact, Micros, Received

__all__ = ["Asides", "moment"]


class Asides:
    """Appended by one thread; `cut` may be called from any."""

    def __init__(self) -> None:
        self._facts: list[tuple[int, Fact | Received]] = []

    def note(self, place: int, fact: Fact | Received) -> None:
        """Add a fact that was applied when the log held `place` events. Duplicates in a row are counted in one."""
        last = self._facts[-1] if self._facts else None
        if last is not None and isinstance(fact, DuplicateDropped) and isinstance(last[1], DuplicateDropped):
            self._facts[-1] = (last[0], DuplicateDropped(last[1].count + fact.count))
        else:
            self._facts.append((place, fact))

    def cut(self) -> list[tuple[int, Fact | Received]]:
        """Return all present facts."""
        return self._facts[:]


def moment(fact: Fact | Received) -> Micros | None:
    """Return the time of a fact, None for one without a time."""
    if isinstance(fact, Received):
        return fact.received_at
    at: Micros | None = getattr(fact, "at", None)
    return at
