"""Marks on the clock of a run: its waves, and the questions that it asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from runconsole.events import Micros, TaskStatus
from runconsole.state import Checkpoint, Wave
from runconsole.timeline.segments import Span

__all__ = ["MOST", "QuestionMark", "WaveMark", "asked_span", "question_marks", "wave_marks"]

MOST = 40
"""The most marks of a kind; neighbors are joined beyond it."""


class WaveMark(NamedTuple):
    """The time of a wave, or of several neighboring ones."""

    first: int
    last: int
    start: Micros
    end: Micros | None
    status: TaskStatus


class QuestionMark(NamedTuple):
    """The time of a question; of several that were asked in a short time, from the first to the last."""

    checkpoint: Checkpoint
    start: Micros
    end: Micros | None
    questions: int


def wave_marks(waves: Iterable[Wave], spans: dict[int, Span], window: tuple[Micros, Micros]) -> list[WaveMark]:
    """Return the waves that overlap a window.

    Args:
        waves: the waves by number.
        spans: the time of the tasks of each wave.
        window: the first and the last moment.
    """
    marks = [mark for mark in (_wave_mark(wave, spans.get(wave.wave)) for wave in waves) if mark is not None]
    marks = [mark for mark in marks if _overlaps(mark.start, mark.end, window)]
    size = -(-len(marks) // MOST) or 1
    return [_joined(marks[place : place + size]) for place in range(0, len(marks), size)]


def _wave_mark(wave: Wave, span: Span | None) -> WaveMark | None:
    end = wave.completed_at
    start = None if span is None else span[0]
    if start is None and end is not None and wave.duration_s is not None:
        start = end - round(wave.duration_s * 1e6)
    if start is None:
        return None
    if end is None and span is not None and wave.status is not TaskStatus.RUNNING:
        end = span[1]
    return WaveMark(wave.wave, wave.wave, start, end if end is None else max(start, end), wave.status)


def _joined(marks: Sequence[WaveMark]) -> WaveMark:
    ends = [mark.end for mark in marks if mark.end is not None]
    end = max(ends) if len(ends) == len(marks) else None
    status = TaskStatus.COMPLETED if end is not None else TaskStatus.RUNNING
    if len(marks) == 1:
        status = marks[0].status
    return WaveMark(marks[0].first, marks[-1].last, min(mark.start for mark in marks), end, status)


def asked_span(checkpoint: Checkpoint) -> Span | None:
    """Return the time in which a question was open; None if its end is unknown."""
    start = checkpoint.requested_at
    if start is None:
        return None
    if checkpoint.is_open:
        return start, None
    end = checkpoint.closed_at if checkpoint.closed_at is not None else checkpoint.decided_at
    return None if end is None else (start, max(start, end))


def question_marks(checkpoints: Iterable[Checkpoint], window: tuple[Micros, Micros]) -> list[QuestionMark]:
    """Return the questions that were asked in a window; those of one `MOST`-th of it are one mark."""
    width = max(1, (window[1] - window[0]) // MOST)
    asked = [one for one in checkpoints if one.requested_at is not None and window[0] <= one.requested_at < window[1]]
    asked.sort(key=lambda one: one.requested_at or 0)
    if len(asked) <= MOST:
        return [_question_mark([one]) for one in asked]
    groups: dict[int, list[Checkpoint]] = {}
    for one in asked:
        groups.setdefault(((one.requested_at or 0) - window[0]) // width, []).append(one)
    return [_question_mark(group) for group in groups.values()]


def _question_mark(group: Sequence[Checkpoint]) -> QuestionMark:
    first = group[0]
    spans = [asked_span(one) or (one.requested_at or 0, one.requested_at) for one in group]
    ends = [end for _, end in spans if end is not None]
    return QuestionMark(first, first.requested_at or 0, max(ends) if len(ends) == len(group) else None, len(group))


def _overlaps(start: Micros, end: Micros | None, window: tuple[Micros, Micros]) -> bool:
    return start < window[1] and (end is None or end > window[0])
