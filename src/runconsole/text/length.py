"""Texts of limited length."""

from __future__ import annotations

__all__ = ["shortened"]


def shortened(text: str, most: int) -> str:
    """Return at most `most` characters of a text, the last of them an ellipsis where it is longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
