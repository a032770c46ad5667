"""The benchmarks' own arithmetic and streams: a wrong yardstick measures nothing."""

from __future__ import annotations

import itertools
import json

import pytest
from websockets.frames import Frame, Opcode

from benchmarks import _streams
from benchmarks._common import percentile, report
from benchmarks._results import page
from benchmarks.painted import latencies
from runconsole.decoding.envelope import read_events
from runconsole.events import ExecutionCompleted, ExecutionStarted, Fact, TaskOutput, TaskReported, TaskStatus


def facts(*frames: bytes) -> list[Fact]:
    return [event.fact for frame in frames for event in read_events(frame.decode(), 0)]


def test_a_percentile_is_the_least_value_not_exceeded() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, percent) for percent in (1, 50, 95, 100)] == [1, 50, 95, 100]
    assert percentile([3.0, 1.0, 2.0], 95) == 3
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 95)


def test_an_event_is_painted_with_the_first_frame_that_shows_it() -> None:
    sent = [(0, 10.0), (1, 11.0), (2, 12.0), (3, 13.0)]
    assert latencies(sent, [(1, 11.5), (2, 14.0)]) == [1.5, 0.5, 2.0, float("inf")]


@pytest.mark.parametrize("size", [5, 125, 126, 65_535, 65_536])
def test_a_frame_is_written_as_websockets_writes_it(size: int) -> None:
    text = b"x" * size
    assert _streams.wired(text) == Frame(Opcode.TEXT, text).serialize(mask=False)


def test_the_progress_stream_completes_every_task_at_its_end() -> None:
    start, *updates, end = facts(_streams.started(7), *_streams.progress(50, 7), _streams.completed(7, 50))
    assert isinstance(start, ExecutionStarted)
    assert isinstance(end, ExecutionCompleted)
    reports = [fact for fact in updates if isinstance(fact, TaskReported)]
    assert len(reports) == 50
    assert [fact.status for fact in reports[-8:]] == [TaskStatus.RUNNING] + [TaskStatus.COMPLETED] * 7
    assert len({fact.task_id for fact in reports[-7:]}) == 7
    assert reports[-1].completed_tasks == start.total_tasks == end.completed_tasks == 7


def test_no_frame_of_a_stream_repeats_another() -> None:
    for make in (_streams.progress, _streams.output, _streams.mixed):
        assert len(set(make(3000, 10))) == 3000


def test_the_mixed_stream_holds_progress_output_and_tools() -> None:
    kinds = [type(fact) for fact in facts(*_streams.mixed(10, 3))]
    assert (kinds.count(TaskReported), kinds.count(TaskOutput)) == (6, 2)


def test_a_run_under_way_runs_as_many_tasks_as_asked() -> None:
    running: set[str | None] = set()
    most = 0
    for fact in facts(*itertools.islice(_streams.steps(0, workers=4, per_task=5), 200)):
        assert isinstance(fact, TaskReported)
        if fact.status == TaskStatus.COMPLETED:
            running.discard(fact.task_id)
        else:
            running.add(fact.task_id)
        most = max(most, len(running))
    assert most == 4
    assert not running


def test_a_report_says_whether_its_bar_is_met(capsys: pytest.CaptureFixture[str]) -> None:
    assert report("a", value=0.6, unit="ratio", at_least=0.5)
    assert not report("b", value=151.0, unit="ms", at_most=150)
    assert report("c", value=1.0)
    met = [json.loads(line).get("met") for line in capsys.readouterr().out.splitlines()]
    assert met == [True, False, None]


def test_the_page_of_results_is_made_of_the_lines_alone() -> None:
    line = {
        "script": "ingest",
        "command": "python -m benchmarks.ingest",
        "benchmark": "ingest: 120 tasks",
        "value": 0.62,
        "unit": "of the bare loop's rate",
        "bar": {"at_least": 0.5},
        "met": True,
        "against": "recv | decode",
        "frames": 200_000,
        "at": "2026-11-22T18:32:22Z",
        "load": 0.4,
        "machine": {"cpu": "A CPU", "cores": 2, "memory_gb": 8.0, "system": "Linux x86_64"},
        "versions": {"python": "3.11.7"},
    }
    text = page([line, line | {"benchmark": "ingest: more", "value": 0.4, "met": False}])
    assert "| ingest: 120 tasks | 0.62 of the bare loop's rate | ≥ 0.5 | met | recv \\| decode |" in text
    assert "**missed**" in text
    assert "frames 200,000" in text
    assert "- ingest: A CPU, 2 cores, 8.0 GB, Linux x86_64; python 3.11.7" in text
