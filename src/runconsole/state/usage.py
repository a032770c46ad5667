"""The growth of a run: its completed tasks, tokens and cost over time, at a constant size however long it lasts."""

from __future__ import annotations

from typing import NamedTuple

from runconsole.events import Micros
from runconsole.state.rows import Run

__all__ = ["MOST_SAMPLES", "UsageHistory", "UsageSample"]

MOST_SAMPLES = 120
_NARROWEST: Micros = 1_000_000


class UsageSample(NamedTuple):
    """The totals of a run at one time. None is unknown."""

    begin: Micros
    """The beginning of its bucket: unique among the samples of a run."""
    at: Micros
    """The time of these totals, by the server's clock where events have times."""
    completed_tasks: int | None
    tokens_used: int | None
    cost_usd: float | None


class UsageHistory:
    """The totals of a run at the end of each bucket of time in which events came.

    There are at most `MOST_SAMPLES` buckets, of one second at first: when they are full, pairs of them become one. A
    time without events has no bucket. Totals are those that the run had reached, so events that come late or twice
    count once.
    """

    def __init__(self) -> None:
        self.until: Micros = 0
        """The end of the open bucket: the first later event closes it."""
        self.version = 0
        """Grows with each closed bucket."""
        self._origin: Micros = 0
        self._width = _NARROWEST
        self._closed: list[UsageSample] = []
        self._begin: Micros | None = None
        """The beginning of the open bucket."""

    def advance(self, at: Micros, run: Run[Micros]) -> None:
        """Close the open bucket with the totals of the run, and open the one that this later time is in."""
        if self._begin is None:
            self._origin = at
        else:
            self._closed.append(_sample(self._begin, self.until, run))
        while at - self._origin >= MOST_SAMPLES * self._width:
            self._widen()
        self._begin = self._bucket(at)
        self.until = self._begin + self._width
        if self._closed and self._closed[-1].begin == self._begin:
            self._closed = self._closed[:-1]  # it is open again, as the first half of a wider one
        self.version += 1

    def samples(self, now: Micros | None, run: Run[Micros]) -> list[UsageSample]:
        """Return the samples, the last with the present totals of the run.

        Args:
            now: the time of the newest event, by the server's clock.
            run: the run as it is.
        """
        if self._begin is None:
            return []
        at = self.until if now is None else max(self._begin, min(now, self.until))
        return [*self._closed, _sample(self._begin, at, run)]

    def _bucket(self, at: Micros) -> Micros:
        return at - (at - self._origin) % self._width

    def _widen(self) -> None:
        self._width *= 2
        wide = {
            begin: sample._replace(begin=begin) for sample in self._closed for begin in [self._bucket(sample.begin)]
        }
        self._closed = list(wide.values())


def _sample(begin: Micros, at: Micros, run: Run[Micros]) -> UsageSample:
    completed = None if run.total_tasks is None else run.completed_tasks
    return UsageSample(begin, at, completed, run.tokens_used, run.cost_usd)
