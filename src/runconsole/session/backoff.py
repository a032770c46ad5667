"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Exponential back-off with jitter: 0.5 s doubled up to 30 s, each shortened by a random part of up to half.

    `attempts` counts failures in a row; only a first good message of the server is a reason to `reset`.
    """

    def __init__(
        self, *, first: float = 0.5, longest: float = 30.0, jitter: Callable[[], float] = random.random
    ) -> None:
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self.attempts = 0

    def next(self) -> float:
        """Count a failure and return the seconds to wait after it."""
        delay = min(self._longest, self._first * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return delay * (1 - self._jitter() / 2)

    def reset(self) -> None:
        """Begin afresh."""
        self.attempts = 0
