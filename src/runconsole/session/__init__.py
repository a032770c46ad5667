"""Internal: one run's link, from the first connection to the last: connect, follow, retry, resume, decide."""

from __future__ import annotations

from runconsole.session.session import Session

__all__ = ["Session"]
