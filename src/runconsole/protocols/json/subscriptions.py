"""The subscriptions of one plain-JSON connection: sent, granted, refused."""

from __future__ import annotations

import itertools
import re

from runconsole.protocols.base import Ping, SubscriptionRefused

__all__ = ["Subscriptions"]

_OF_A_SUBSCRIPTION = re.compile("SUBSCRI", re.IGNORECASE)
"""Words in a code that can only be about a subscription."""
_NOT_SPOKEN = re.compile("UNKNOWN|UNSUPPORTED|UNEXPECTED|INVALID|NOT_IMPLEMENTED|BAD_REQUEST|PARSE", re.IGNORECASE)
"""Words in a code of a server that has no such message: it may send its events without a subscription."""


class Subscriptions:
    """The state of the subscriptions of one connection.

    Attributes:
        ids: the correlation ids that were sent.
        is_granted: True if any message came that a server sends to subscribers.
        refused: the server's words for the newest refusal, None for none.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        """Forget everything: another connection begins."""
        self.ids: set[str] = set()
        self.is_granted = False
        self.refused: str | None = None
        self._guessed: set[str] = set()
        self._open = 0

    def next_id(self) -> str:
        """Return a correlation id for one more subscription."""
        return f"subscribe-{next(self._numbers)}"

    def sent(self, correlation: str | None, *, guessed: bool = False) -> None:
        """Note that a subscription was sent; `guessed` if the user did not ask for it."""
        if correlation is not None:
            self.ids.add(correlation)
        if guessed and correlation is not None:
            self._guessed.add(correlation)
        else:
            self._open += 1

    def is_refused(self, correlation: str | None, code: str | None) -> bool:
        """Return whether an error concerns a subscription: by its id or code, or because it is the first message."""
        if correlation is not None:
            return correlation in self.ids
        is_named = code is not None and _OF_A_SUBSCRIPTION.search(code) is not None
        return is_named or (self._open > 0 and not self.is_granted)

    def refuse(self, correlation: str | None, words: str, code: str | None) -> SubscriptionRefused | Ping:
        """Note a refusal; return its signal.

        A refused guess gives none: the silence that follows is reported instead.
        """
        self.refused = words
        if correlation in self._guessed:
            return Ping()
        if code is not None and _NOT_SPOKEN.search(code) is not None:
            return SubscriptionRefused(words, last=False)
        self._open -= 1
        return SubscriptionRefused(words, last=self._open <= 0 and not self.is_granted)
