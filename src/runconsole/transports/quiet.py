"""Keeps the libraries of the transports from logging requests and messages, which hold secrets."""

from __future__ import annotations

import logging
from typing import Any

__all__ = ["SILENT", "quiet"]

SILENT = logging.Logger("runconsole.silent", logging.CRITICAL + 1)  # noqa: LOG001 - out of everybody's reach
"""For a client that logs URLs and data at every level, and prints what ends a connection: we report that."""


class _WarningsOnly(logging.LoggerAdapter[logging.Logger]):
    """Passes warnings and errors on; what is below, headers and messages, is not even made."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        return level >= logging.WARNING and super().isEnabledFor(level)

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        # Without the traceback: its frames hold messages, and a handler may show locals.
        kwargs.pop("exc_info", None)
        super().log(level, msg, *args, **kwargs)


def quiet(name: str) -> logging.LoggerAdapter[logging.Logger]:
    """Return a logger for a library whose own logger has this name."""
    return _WarningsOnly(logging.getLogger(name), {})
