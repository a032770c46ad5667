"""A subscription that the server has refused, so that nothing else can come over the connection."""

from __future__ import annotations

from runconsole.errors import LinkLost
from runconsole.events import Micros
from runconsole.reconnect import DENIED, RETRY

__all__ = ["Denial"]


class Denial:
    """Remembers the refusal, until something comes all the same.

    Args:
        patience: seconds of silence after it, after which nothing comes any more.
    """

    def __init__(self, patience: float) -> None:
        self._patience: Micros = round(patience * 1e6)
        self._text: str | None = None
        self._at: Micros = 0
        self._events = 0

    def note(self, text: str, at: Micros, events: int) -> None:
        """Note the refusal; `events` came until then."""
        self._text, self._at, self._events = text, at, events

    def clear(self) -> None:
        """Forget it: another connection begins."""
        self._text = None

    def stands(self, events: int) -> bool:
        """Return whether nothing has come since."""
        if events != self._events:
            self._text = None
        return self._text is not None

    def is_final(self, now: Micros) -> bool:
        """Return whether it has stood for long enough."""
        return now - self._at >= self._patience

    def lost(self, *, has_run: bool) -> LinkLost | None:
        """Return the failure of the link; None without a refusal. A server that reported the run may restart."""
        return None if self._text is None else LinkLost(self._text, policy=RETRY if has_run else DENIED)
