"""Counting the failures in a row: connect anew, give up, or take the run for interrupted."""

from __future__ import annotations

from runconsole.errors import LinkLost
from runconsole.reconnect import LinkFailure, ReconnectPolicy

__all__ = ["Attempts"]

_MOST_CLOSES = 4
"""Closes in good order between which nothing was reported: the first one and three connections in vain."""


class Attempts:
    """Counts the failures since the server last showed that it serves us.

    Attributes:
        policy: makes pauses of failures; it may be replaced.
        in_a_row: the number of attempts that have failed in a row.
        served: True if the server has ever accepted this console.
        closes: the number of orderly closes in a row between which the server reported nothing new.
    """

    def __init__(self, policy: ReconnectPolicy) -> None:
        self.policy = policy
        self.in_a_row = 0
        self.served = False
        self.closes = 0
        self._doubts = 0
        self._known: int | None = None

    def prove(self) -> None:
        """Note that the server serves us: the next trouble is a new one."""
        self.in_a_row = 0
        self._doubts = 0

    def pause_after(self, lost: LinkLost, *, known: bool) -> float | None:
        """Count a failure; return the seconds until the next attempt, or None to give up.

        `known`: it comes from a server that was there before. Raises what the policy raises, and TypeError where it
        returns no such number.
        """
        verdict = lost.policy.later if known else lost.policy.first
        self._doubts += verdict == "doubt"
        failure = LinkFailure(str(lost), verdict, known, self._doubts, lost.code, lost.orderly)
        pause = self.policy(failure, self.in_a_row + 1)
        if pause is None:
            return None
        seconds = _seconds(pause)
        self.in_a_row += 1
        return seconds

    def is_interrupted(self, known: int, *, steady: bool) -> bool:
        """Count a close in good order; return whether the run counts as interrupted.

        `known` is a number that changes with the knowledge of the run. `steady`: the connection lasted, so the server
        serves this console and has nothing to report.
        """
        is_fruitless = known == self._known and not steady
        self._known = known
        self.closes = self.closes + 1 if is_fruitless else 1
        return self.closes >= _MOST_CLOSES


def _seconds(pause: object) -> float:
    """Return what a user's function returned, where it is a length of time. Raises TypeError."""
    if isinstance(pause, bool) or not isinstance(pause, (int, float)) or not 0 <= pause < float("inf"):
        raise TypeError(f"expected seconds until the next attempt, or None, got {pause!r}")
    return float(pause)
