"""The one writer of the runs of a stream: events taken together are events taken one after the other."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.decoding.envelope import read_events
from runconsole.events import Alert, Received, TaskReported
from runconsole.log import EventLog
from runconsole.state import Effect, RunState
from runconsole.state.state import HANDLERS
from runconsole.store import Runs, RunWriter
from runconsole.store.dedup import Dedup
from tests.support.folding import START, execution, task

FRAMES = [
    execution("execution_started", 0, execution_id="one", total_tasks=2),
    execution("execution_started", 3, execution_id="two", total_tasks=1),
    *(execution("progress_update", at, task_id="a", status="in_progress") for at in (1, 1, 4)),
    execution("progress_update", 2, task_id="b", status="failed", error="it broke"),
    execution("error", 2, task_id="a", message="no"),
    execution("execution_completed", 5, status="success"),
    task("task.hitl_required", 1, taskId="a", checkpointId="c", options=[{"id": "x"}]),
    task("task.completed", 3, taskId="a"),
    '{"type": "custom", "id": "e1"}',
    "garbage",
]


def followed(connections: list[list[str]], *, together: bool) -> tuple[Any, ...]:
    """Return all that a writer has made of the events of some connections."""
    runs = Runs(RunState(), EventLog())
    writer = RunWriter(runs, dedup=Dedup(runs.log))
    effects: list[tuple[int, tuple[Effect, ...]]] = []
    for number, frames in enumerate(connections):
        writer.connected(START if number else None)
        events = [event for frame in frames for event in read_events(frame, START)]
        if together:
            effects += [(len(runs.log), found) for found in writer.take_all(events)]
        else:
            effects += [(len(runs.log), found) for event in events if (found := writer.take(event))]
    rows = [
        (store.name, store.log.read(0, 100), msgspec.json.encode([store.state.tasks, store.state.checkpoints]))
        for store in runs.all
    ]
    return effects, rows, runs.log.read(0, 100), writer.asides.cut(), [store.state.run() for store in runs.all]


@given(st.lists(st.lists(st.sampled_from(FRAMES), max_size=8), min_size=1, max_size=3))
def test_events_taken_together_are_taken_one_by_one(connections: list[list[str]]) -> None:
    assert followed(connections, together=True) == followed(connections, together=False)


@pytest.mark.parametrize("together", [False, True])
def test_an_event_that_breaks_its_handler_is_logged_and_told(
    together: bool,  # noqa: FBT001 - a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(state: RunState, fact: TaskReported, event: Received) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(cast("dict[type, object]", HANDLERS), TaskReported, broken)
    effects, _, log, asides, _ = followed([FRAMES[2:5]], together=together)
    assert len(effects) == len(log) == 3
    ((place, alert), *_) = asides
    assert place == 1
    assert isinstance(alert, Received)
    assert isinstance(alert.fact, Alert)
    assert "(ZeroDivisionError)" in alert.fact.text
