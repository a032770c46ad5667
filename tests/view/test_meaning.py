"""The meaning of an event in one line, for the events of every family and for odd ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.view.meaning import meaning


@pytest.mark.parametrize(
    ("kind", "payload", "task", "said"),
    [
        ("task.started", {"taskId": "task_072"}, "task_072", "task_072 started"),
        ("task.created", {"taskId": "t", "prompt": "Add login\nwith OAuth"}, "t", "t created: Add login with OAuth"),
        ("task.created", {"prompt": "Add login"}, "Add login", "Add login created"),
        ("task.progress", {"progress": 25.4, "currentStep": "Tests"}, "t", "t progress, 25%: Tests"),
        ("progress_update", {"status": "in_progress", "progress": 45}, "t", "t is running, 45%"),
        ("progress_update", {"status": "completed", "message": "done"}, "t", "t completed: done"),
        ("task.output", {"stream": "stderr", "data": "\x1b[31mbad\x1b[0m\n"}, "t", "t wrote to stderr: bad"),
        ("task.subtask.started", {"name": "Parser"}, "t", "t subtask started: Parser"),
        ("task.hitl_required", {"title": "Ship?", "options": []}, "t", "t asks: Ship?"),
        ("task.failed", {"error": {"code": 1, "message": "2 of 14 tests fail"}}, "t", "t failed: 2 of 14 tests fail"),
        ("task_completed", {}, "t", "t completed"),
        ("execution_started", {"execution_id": "e"}, None, "execution started"),
        ("phase_started", {"phase": 3, "name": "Build"}, None, "phase 3 started: Build"),
        ("wave_completed", {"wave": 7}, None, "wave 7 completed"),
        ("artifact_created", {"path": "src/a.py"}, "t", "t artifact created: src/a.py"),
        ("system.alert", {"level": "warning", "message": "disk"}, None, "system alert: disk"),
        ("provider.rate_limited", {"providerId": "p1"}, None, "p1 provider rate limited"),
        ("heartbeat", {}, None, "heartbeat"),
        ("wave_completed", {"wave_number": 8}, None, "wave 8 completed"),
        ("progress_update", {"status": "completed", "progress": 10}, "t", "t completed"),
        ("progress_update", {"status": "running", "progress": 4000}, "t", "t running"),
        ("", {}, None, "event"),
        ("odd", {"data": {"message": "inside"}}, None, "odd: inside"),
        ("malformed", ["no event"], None, 'malformed: ["no event"]'),
    ],
)
def test_an_event_is_told_in_one_line(kind: str, payload: Any, task: str | None, said: str) -> None:
    assert meaning(kind, json.dumps(payload), task) == said


@pytest.mark.parametrize("payload", ["", "{", "[1, 2]", "null", "[" * 5000, "5", '{"message": 5, "error": []}'])
def test_a_payload_that_cannot_be_read_leaves_the_type(payload: str) -> None:
    assert meaning("task.started", payload, "t") == "t started"


def test_long_texts_are_cut_and_long_payloads_are_not_read() -> None:
    assert meaning("log", json.dumps({"message": "x" * 5000}), None) == f"log: {'x' * 159}…"
    assert meaning("log", json.dumps({"message": "x" * 50_000}), None) == "log"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("status", "data", "progress")), inner),
    max_leaves=8,
)


@given(st.text(max_size=30), json_values, st.none() | st.text(max_size=9))
def test_any_event_has_one_line(kind: str, payload: Any, task: str | None) -> None:
    line = meaning(kind, json.dumps(payload), task)
    assert len(line) < 800


@pytest.mark.parametrize("stream", [{}, [], None, 5])
def test_a_stream_that_is_no_name_is_left_out(stream: object) -> None:
    assert meaning("task.output", json.dumps({"stream": stream, "text": "x"}), "t1").startswith("t1")
