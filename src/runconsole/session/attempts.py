"""What failures in a row mean: connect anew, give up, or take the run for interrupted."""

from __future__ import annotations

from runconsole.errors import LinkLost
from runconsole.session.backoff import Backoff

__all__ = ["Attempts"]

_MOST_DOUBTS_FIRST = 4
"""Doubtful failures in a row of a server that has not served us yet."""
_MOST_DOUBTS_LATER = 6
"""Of one that has: with the usual back-off about 10 s, in which a gateway restarts."""
_MOST_CLOSES = 4
"""Closes in good order between which nothing was told: the first one and three connections in vain."""


class Attempts:
    """Counts the failures since the server last showed that it serves us.

    Attributes:
        backoff: the pauses between attempts.
        served: whether the server has ever accepted us.
        closes: how often in a row the server has closed in good order without having told anything new.
    """

    def __init__(self, backoff: Backoff) -> None:
        self.backoff = backoff
        self.served = False
        self.closes = 0
        self._doubts = 0
        self._told: int | None = None

    @property
    def in_a_row(self) -> int:
        """How many attempts have failed in a row."""
        return self.backoff.attempts

    def prove(self) -> None:
        """Note that the server serves us: the next trouble is a new one."""
        self.backoff.reset()
        self._doubts = 0

    def is_hopeless(self, lost: LinkLost, *, known: bool) -> bool:
        """Count a failure; return whether to give up. `known`: it comes from a server that was there before."""
        verdict = lost.policy.later if known else lost.policy.first
        self._doubts += verdict == "doubt"
        most = _MOST_DOUBTS_LATER if known else _MOST_DOUBTS_FIRST
        return verdict == "fatal" or self._doubts >= most

    def is_interrupted(self, told: int, *, steady: bool) -> bool:
        """Count a close in good order; return whether the run counts as interrupted.

        `told` changes with what is known of the run; `steady` says that the connection lasted: then the server serves
        us, and only has nothing to say.
        """
        is_fruitless = told == self._told and not steady
        self._told = told
        self.closes = self.closes + 1 if is_fruitless else 1
        return self.closes >= _MOST_CLOSES
