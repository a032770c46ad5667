"""Several runs at once: the set of their consoles, and a function to call with each question."""

from __future__ import annotations

from runconsole.fleet.calling import InboxQuestion
from runconsole.fleet.runset import RunPlace, RunSet

__all__ = ["InboxQuestion", "RunPlace", "RunSet"]
