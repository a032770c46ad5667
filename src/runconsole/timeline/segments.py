"""The segments of one task's bar: the time it was queued, worked, was asked about, retried and was paused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from runconsole.events import Micros, TaskStatus
from runconsole.state import FINISHED

__all__ = ["Kind", "Segment", "Span", "segments_of"]

Kind = Literal["queued", "working", "asked", "retrying", "paused"]
Span: TypeAlias = "tuple[Micros, Micros | None]"
"""A time from its first to its last moment; None while it lasts."""


class Segment(NamedTuple):
    """A part of a task's time."""

    kind: Kind
    start: Micros
    end: Micros | None
    """None while it lasts."""


def segments_of(
    span: Span,
    turns: Iterable[tuple[Micros, TaskStatus]],
    *,
    asked: Iterable[Span] = (),
    failures: Iterable[Micros] = (),
) -> list[Segment]:
    """Return the segments of a task that has begun, in order and without a gap.

    Time after a failure is `retrying`: the wait for the next attempt, and the attempt. Time in which a question of the
    task was open is `asked`, whatever its status.

    Args:
        span: the time from the task's start to its end.
        turns: its changes of status.
        asked: the times in which questions of it were open.
        failures: the times at which an attempt failed, where the status does not show it.
    """
    start, end = span
    turns = sorted(turns, key=lambda turn: turn[0])
    queued = min((at for at, status in turns if status is TaskStatus.PENDING and at < start), default=None)
    parts = [] if queued is None else [Segment("queued", queued, start)]
    failed = [(at, None) for at in failures]
    changes = sorted([*((at, status) for at, status in turns), *failed], key=lambda change: change[0])
    parts += _base(span, [(at, status) for at, status in changes if start < at and (end is None or at < end)])
    for question in asked:
        parts = _overlaid(parts, question, start)
    return _merged(parts)


def _base(span: Span, changes: Sequence[tuple[Micros, TaskStatus | None]]) -> list[Segment]:
    """Return the segments by status; a change without a status is a failure."""
    start, end = span
    kind: Kind = "working"
    parts: list[Segment] = []
    has_failed = False
    for at, status in changes:
        parts.append(Segment(kind, start, at))
        has_failed = has_failed or status is None or status in FINISHED
        kind, start = _kind(kind, status, has_failed=has_failed), at
    return [*parts, Segment(kind, start, end)]


def _kind(before: Kind, status: TaskStatus | None, *, has_failed: bool) -> Kind:
    if status is None:
        return before if before == "paused" else "retrying"
    if status is TaskStatus.PAUSED:
        return "paused"
    if has_failed:
        return "retrying"
    return "queued" if status is TaskStatus.PENDING else "working"


def _overlaid(parts: list[Segment], question: Span, first: Micros) -> list[Segment]:
    """Return the segments with a question over them; nothing is asked before the first moment of work."""
    since, until = max(question[0], first), question[1]
    made: list[Segment] = []
    for part in parts:
        begin = max(part.start, since)
        stop = _sooner(part.end, until)
        if stop is not None and begin >= stop:
            made.append(part)
            continue
        if part.start < begin:
            made.append(Segment(part.kind, part.start, begin))
        made.append(Segment("asked", begin, stop))
        if stop != part.end:
            made.append(Segment(part.kind, stop, part.end))  # type: ignore[arg-type]  # it ends, since it differs
    return made


def _sooner(one: Micros | None, other: Micros | None) -> Micros | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _merged(parts: Iterable[Segment]) -> list[Segment]:
    """Return the segments without empty ones; neighbors of one kind are one segment."""
    made: list[Segment] = []
    for part in parts:
        if part.start == part.end and made:
            continue
        if made and made[-1].kind == part.kind:
            made[-1] = Segment(part.kind, made[-1].start, part.end)
        elif made and made[-1].start == made[-1].end:
            made[-1] = part
        else:
            made.append(part)
    return made
