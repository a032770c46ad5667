"""Internal: a run in a terminal: the live screen, and the keys that answer its questions."""

from __future__ import annotations

from runconsole.terminal.following import follow, show

__all__ = ["follow", "show"]
