"""Counts of the tasks of a run, and of one of its waves."""

from __future__ import annotations

from collections import Counter

__all__ = ["ENDED", "Tally"]

ENDED = frozenset({"completed", "failed", "cancelled", "skipped"})
"""The statuses of a task that has ended, in the words of the execution family."""


class Tally:
    """Counts, set by the one emitter of a run.

    Attributes:
        declared: the total of tasks that the caller has announced; None for none.
        announced: the tasks known so far, begun or not.
        counts: the ended tasks by status.
        tokens: the used tokens; None where none were reported.
        cost_usd: their cost; None where none was reported.
        artifacts: the number of files.
    """

    def __init__(self, declared: int | None = None) -> None:
        self.declared = declared
        self.announced = 0
        self.counts: Counter[str] = Counter()
        self.tokens: int | None = None
        self.cost_usd: float | None = None
        self.artifacts = 0
        self._shares = 0.0

    @property
    def completed(self) -> int:
        """Completed tasks."""
        return self.counts["completed"]

    @property
    def ended(self) -> int:
        """Tasks that have ended, well or not."""
        return sum(self.counts[status] for status in ENDED)

    @property
    def total(self) -> int | None:
        """All tasks, as far as they were announced; None where nobody has."""
        return None if self.declared is None else max(self.declared, self.announced)

    @property
    def percent(self) -> float:
        """Completed tasks of all tasks; without a total the mean progress of the known ones."""
        total = self.total
        if total is None:
            return round(self._shares / self.announced, 2) if self.announced else 0.0
        return round(100.0 * self.completed / total, 2) if total else 100.0

    def moved(self, share: float) -> None:
        """Add to the sum of the progress of all tasks, each 0 to 100."""
        self._shares += share

    def used(self, tokens: int | None, cost_usd: float | None) -> None:
        """Add tokens and their cost."""
        if tokens is not None:
            self.tokens = (self.tokens or 0) + tokens
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost_usd
