"""One run's link, from the first connection to the last: connect, follow, retry, resume, dedupe, find gaps, decide."""

from __future__ import annotations

from runconsole.session.runs import Runs, RunStore
from runconsole.session.session import Session

__all__ = ["RunStore", "Runs", "Session"]
