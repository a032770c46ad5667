"""HTML of static reports: escaped text, tables and bars, without style sheets, scripts or links.

Colors are the reader's own (`currentColor`), or in the middle between black and white: a report is read on any
background. Every text goes through `text`, which leaves no markup and no deceptive character.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NewType

from runconsole.events import TaskStatus
from runconsole.view.screen import clean

__all__ = ["Markup", "bar", "curve", "facts", "join", "paragraph", "status", "table", "text"]

Markup = NewType("Markup", str)
"""HTML that is safe to show."""

ROWS = 40
"""The most rows of a table."""

_BAR_WIDTH, _BAR_HEIGHT = 160, 10
_CURVE_WIDTH, _CURVE_HEIGHT = 160, 18
_CURVE_POINTS = 3
"""The least known points of a curve."""
_TONES: dict[str, str] = {
    TaskStatus.RUNNING: "#2f7fd6",
    TaskStatus.PAUSED: "#b07a1c",
    TaskStatus.COMPLETED: "#2e9150",
    TaskStatus.FAILED: "#d9534f",
    "partial": "#b07a1c",
    "interrupted": "#b07a1c",
}
_TABLE = "border-collapse:collapse;border:0"
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;border:0"
_HEAD = f"{_CELL};font-weight:600;opacity:.75"


def text(value: object, length: int | None = None) -> Markup:
    """Return a text of the stream as one harmless line, of at most `length` (200) characters."""
    return Markup(html.escape(clean(value, length)))


def join(parts: Iterable[Markup], between: str = "") -> Markup:
    """Return the parts one after the other."""
    return Markup(between.join(part for part in parts if part))


def paragraph(content: Markup, *, muted: bool = False) -> Markup:
    """Return a paragraph."""
    style = "margin:4px 0;opacity:.75" if muted else "margin:4px 0"
    return Markup(f'<p style="{style}">{content}</p>')


def bar(percent: float | None, name: str, tone: str = TaskStatus.RUNNING) -> Markup:
    """Return a bar as inline SVG; an empty one for an unknown percentage."""
    share = 0.0 if percent is None else min(100.0, max(0.0, percent))
    label = f"{clean(name)}: unknown" if percent is None else f"{clean(name)}: {int(share)} %"
    track = f'<rect width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" rx="3" fill="currentColor" fill-opacity="0.15"/>'
    filled = f'<rect width="{share * _BAR_WIDTH / 100:.4g}" height="{_BAR_HEIGHT}" rx="3" fill="{_tone(tone)}"/>'
    return Markup(
        f'<svg role="img" aria-label="{html.escape(label)}" width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" '
        f'viewBox="0 0 {_BAR_WIDTH} {_BAR_HEIGHT}" style="vertical-align:middle">{track}{filled if share else ""}</svg>'
    )


def curve(points: Sequence[tuple[int, float | None]], name: str) -> Markup:
    """Return a line through totals by time as inline SVG, with gaps for unknown ones; nothing for a few points."""
    known = [value for _, value in points if value is not None]
    if len(known) < _CURVE_POINTS or max(known) <= 0:
        return Markup("")
    first, length = points[0][0], max(1, points[-1][0] - points[0][0])
    path, command = "", "M"
    for at, value in points:
        if value is not None:
            across = (at - first) / length * _CURVE_WIDTH
            path += f"{command}{across:.1f} {(1 - max(0.0, value) / max(known)) * _CURVE_HEIGHT:.1f}"
        command = "M" if value is None else "L"
    return Markup(
        f' <svg role="img" aria-label="{html.escape(clean(name))}" width="{_CURVE_WIDTH}" height="{_CURVE_HEIGHT + 2}" '
        f'viewBox="0 -1 {_CURVE_WIDTH} {_CURVE_HEIGHT + 2}" style="vertical-align:middle">'
        f'<path d="{path}" fill="none" stroke="{_tone(TaskStatus.RUNNING)}" stroke-width="1.5"/></svg>'
    )


def status(word: str, shown: str | None = None) -> Markup:
    """Return the word of a status with a mark in its color."""
    mark = f'<span aria-hidden="true" style="color:{_tone(word)}">●</span>'
    return Markup(f"{mark} {text(shown or word)}")


def _tone(word: str) -> str:
    return _TONES.get(word, "currentColor")


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Markup]],
    total: int,
    *,
    most: int = ROWS,
    rest: str = "more",
) -> Markup:
    """Return a table of the first rows with a sentence about the others; nothing without rows.

    Columns that are empty in every row are left out. `rest` is the word for the rows that are not shown.
    """
    shown = list(islice(rows, most))
    if not shown:
        return Markup("")
    kept = [place for place in range(len(columns)) if any(row[place] for row in shown)]
    head = "".join(f'<th scope="col" style="{_HEAD}">{text(columns[place])}</th>' for place in kept)
    body = "".join(_row([row[place] for place in kept]) for row in shown)
    name = f'<caption style="text-align:left;font-weight:600;padding:6px 0 2px;caption-side:top">{text(caption)}'
    note = paragraph(text(f"{total - len(shown):,} {rest}"), muted=True) if total > len(shown) else ""
    return Markup(
        f'<table style="{_TABLE};margin:8px 0 0">{name} ({total:,})</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"
    )


def _row(cells: Iterable[Markup]) -> str:
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def facts(pairs: Iterable[tuple[str, Markup]]) -> Markup:
    """Return named facts as a table of two columns; facts without a value are left out."""
    rows = "".join(
        f'<tr><th scope="row" style="{_HEAD}">{text(name)}</th><td style="{_CELL}">{value}</td></tr>'
        for name, value in pairs
        if value
    )
    return Markup(f'<table style="{_TABLE};margin:4px 0 0"><tbody>{rows}</tbody></table>')
