"""Several runs at once: a row for each, and the open questions of all, the nearest deadline first.

Both are computed from the states of the runs; nothing is added up from events.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from runconsole.events import LinkStatus, Micros, TaskStatus
from runconsole.state import Checkpoint, Run, RunState, span_s
from runconsole.view.checkpoints import checkpoint_row, question
from runconsole.view.fleet_contract import FleetRow, QuestionRow
from runconsole.view.rows import SENTENCE, Cutter, ms, number, short
from runconsole.view.screen import title_of

__all__ = ["KnownRun", "OpenQuestion", "closed_lately", "is_quiet", "question_row", "questions", "rows"]

_QUIET_GAPS = 8
"""A silence is odd after this many of the usual gaps between events."""
_LEAST_QUIET_S = 15.0
_LATELY: Micros = 20_000_000
"""Microseconds."""
_LATELY_MOST = 5
_OFFSET_STEP = 500


class KnownRun(NamedTuple):
    """The knowledge of one of several runs at one moment.

    `now` is the time by this machine's clock, of a recording its own. `left_to_people` are its open questions without
    those that a policy is about to answer.
    """

    key: str
    state: RunState
    link: LinkStatus
    now: Micros
    address: str
    replayed: bool
    left_to_people: tuple[Checkpoint, ...]


class OpenQuestion(NamedTuple):
    """An open question of one of several runs.

    `due_at` and `asked_at` are times by this machine's clock, so that they can be compared between servers.
    """

    run: KnownRun
    checkpoint: Checkpoint
    due_at: Micros | None
    asked_at: Micros | None

    @property
    def key(self) -> str:
        """Unique among all questions of the runs; a question that is asked again has another key."""
        return f"{self.run.key}/{self.checkpoint.checkpoint_id}/{self.checkpoint.round}"

    @property
    def run_name(self) -> str:
        """The name of its run."""
        return title_of(self.run.state)

    @property
    def title(self) -> str:
        """Its title, else its kind, else its id."""
        return self.checkpoint.heading


def rows(runs: Iterable[KnownRun]) -> tuple[FleetRow, ...]:
    """Return a row for each run, in their order."""
    return tuple(map(_row, runs))


def questions(runs: Iterable[KnownRun]) -> tuple[OpenQuestion, ...]:
    """Return the open questions of the runs: the nearest deadline first, then those without one, the oldest first.

    Those of recordings are left out: nobody can answer them.
    """
    found = (_open(run, checkpoint) for run in runs if not run.replayed for checkpoint in run.left_to_people)
    return tuple(sorted(found, key=_urgency))


def closed_lately(runs: Iterable[KnownRun]) -> tuple[OpenQuestion, ...]:
    """Return the questions that were closed in the last seconds, so that their outcome can be shown."""
    return tuple(
        _open(run, checkpoint)
        for run in runs
        if not run.replayed
        for name in run.state.questions.closed_last(_LATELY_MOST)
        if _is_recent(run, checkpoint := run.state.checkpoints[name])
    )


def question_row(asked: OpenQuestion) -> QuestionRow:
    """Return the row of a question for the browser."""
    row = checkpoint_row(question(asked.checkpoint, asked.run.state), cutter := Cutter())
    cutter.mark(row)
    return {"run": asked.run.key, "row": row}


def is_quiet(state: RunState, now: Micros) -> bool:
    """Return whether a running run has been silent for much longer than it usually is."""
    silence = span_s(state.last_event_at, now)
    return silence is not None and silence > max(_LEAST_QUIET_S, _QUIET_GAPS * (state.usual_gap_s or 0.0))


def _open(run: KnownRun, checkpoint: Checkpoint) -> OpenQuestion:
    offset = run.state.clock.offset
    due, asked = run.state.due_at(checkpoint), checkpoint.opened_at
    if asked is None and checkpoint.requested_at is not None:
        asked = checkpoint.requested_at - offset
    return OpenQuestion(run, checkpoint, None if due is None else due - offset, asked)


def _urgency(asked: OpenQuestion) -> tuple[float, float, str]:
    due = math.inf if asked.due_at is None else asked.due_at
    return due, math.inf if asked.asked_at is None else asked.asked_at, asked.key


def _is_recent(run: KnownRun, checkpoint: Checkpoint) -> bool:
    at = checkpoint.closed_at or checkpoint.decided_at
    return at is not None and abs(run.state.clock.at(run.now) - at) < _LATELY


def _row(known: KnownRun) -> FleetRow:
    state = known.state
    run = state.run()
    link = state.links[-1] if state.links else None
    reason = state.interruption or (link.reason if link else None)
    asked = 0 if known.replayed else len(known.left_to_people)
    row: FleetRow = {
        "key": known.key,
        "name": short(title_of(state) if state.last_event_at is not None else known.address),
        "address": short(known.address, SENTENCE),
        "status": run.status,
        "words": _words(known, run, asked),
        "link": known.link,
        "replayed": known.replayed,
        "percent": number(run.percent, 1),
        "completed_tasks": run.completed_tasks,
        "total_tasks": run.total_tasks,
        "failed_tasks": run.failed_tasks,
        "running_tasks": run.running_tasks,
        "cost_usd": number(run.cost_usd, 6),
        "questions": asked,
        "started_at": _here(state, run.started_at),
        "ended_at": _here(state, run.ended_at),
        "last_event_at": ms(state.last_event_at),
        "clock_offset": state.clock.offset // 1000 // _OFFSET_STEP * _OFFSET_STEP,
    }
    if reason:
        row["reason"] = short(reason, SENTENCE)
    return row


def _here(state: RunState, at: Micros | None) -> int | None:
    """Return a time of the server by this machine's clock."""
    return None if at is None else ms(at - state.clock.offset)


_LINKS = {
    "idle": "not started",
    "connecting": "connecting",
    "retrying": "connection lost, trying again",
    "failed": "connection failed",
    "stopped": "no longer followed",
}
"""The words for a run that is not over and whose link is not live."""
_NEVER_REACHED = {"retrying": "not reached, trying again", "failed": "could not connect"}


def _words(known: KnownRun, run: Run[Micros], asked: int) -> str:
    """Return the state of a run in words."""
    state = known.state
    if not state.finished and state.left is None and known.link in _LINKS:
        never = state.last_event_at is None and known.link in _NEVER_REACHED
        return _NEVER_REACHED[known.link] if never else _LINKS[known.link]
    if run.status == "partial":
        return "partly failed" if run.failed_tasks else "ended before all tasks"
    if run.status == TaskStatus.COMPLETED:
        counts = {"failed": run.failed_tasks, "cancelled": state.counts[TaskStatus.CANCELLED]}
        return ", ".join(["completed", *(f"{count:,} {name}" for name, count in counts.items() if count)])
    if run.status == TaskStatus.RUNNING and asked:
        return f"waiting for you · {asked:,}"
    return "quiet" if run.status == TaskStatus.RUNNING and is_quiet(state, known.now) else run.status
