"""Lines of output as plain text: a piece at a time, to copy or to store."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from runconsole.search.matches import Matches
from runconsole.text.marks import marked

__all__ = ["text_piece"]

PIECE = 120_000
"""Characters from which on a piece is complete."""
_LINES = 2048
"""Lines that are read together."""
_COLORS = re.compile(r"\x1b\[[0-9;:]*m")


def text_piece(matches: Matches, first: int, *, stamped: bool) -> tuple[str, int]:
    """Return lines as text, from the match with this ordinal on, and the ordinal of the next piece.

    `stamped`: with the time, in UTC, and the task of each line.
    """
    parts: list[str] = []
    size = 0
    while first < len(matches) and size < PIECE:
        for _, line in matches.rows(first, _LINES):
            text = marked(_COLORS.sub("", line.text), controls=False)
            parts.append(f"{_stamp(line)}{text}\n" if stamped else f"{text}\n")
            size += len(parts[-1])
            first += 1
            if size >= PIECE:
                break
    return "".join(parts), first


def _stamp(line: Any) -> str:
    at = datetime.fromtimestamp(line.at / 1e6, UTC).isoformat(timespec="milliseconds")
    return f"{at.removesuffix('+00:00')}Z {marked(line.task_id or '-')} "
