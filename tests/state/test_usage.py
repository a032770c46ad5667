"""The growth of a run over time: totals at the ends of buckets, bounded, unknown where nothing is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.state import UsageSample
from runconsole.state.usage import MOST_SAMPLES
from tests.support.folding import START, Folded, execution, fold, frames_of, task

S = 1_000_000


def progress(task_id: str, at: float, **data: Any) -> str:
    return task("task.progress", at, taskId=task_id, **data)


def metrics(tokens: int | None = None, cost: float | None = None) -> dict[str, Any]:
    return {"metrics": {"tokensUsed": tokens, "cost": cost}}


def samples(folded: Folded) -> list[UsageSample]:
    return folded.state.usage_samples()


def tokens(folded: Folded) -> list[tuple[float, int | None]]:
    return [((sample.at - START) / S, sample.tokens_used) for sample in samples(folded)]


def test_a_run_without_events_has_no_samples() -> None:
    assert samples(Folded()) == []


def test_totals_are_taken_at_the_end_of_each_second() -> None:
    frames = [progress("t", at, **metrics(used)) for at, used in ((0, 10), (0.4, 20), (1.2, 30), (2.9, 40))]
    assert tokens(fold(frames, step=S)) == [(1, 20), (2, 30), (2.9, 40)]


def test_a_time_without_events_has_no_sample() -> None:
    frames = [progress("t", at, **metrics(used)) for at, used in ((0, 10), (10.5, 20))]
    assert [at for at, _ in tokens(fold(frames, step=11 * S))] == [1, 11]


def test_unknown_totals_are_unknown_and_not_zero() -> None:
    frames = [execution("execution_started", 0), execution("progress_update", 2, completed_tasks=1, total_tasks=9)]
    folded = fold(frames, step=S)
    first, last = samples(folded)
    assert first[2:] == (None, None, None)
    assert last[2:] == (1, None, None)


def test_a_later_report_leaves_the_past_unknown() -> None:
    frames = [progress("t", 0), progress("t", 2, **metrics(30, 0.5))]
    assert [(sample.tokens_used, sample.cost_usd) for sample in samples(fold(frames, step=S))] == [
        (None, None),
        (30, 0.5),
    ]


def test_late_and_repeated_events_count_once() -> None:
    frames = [progress("t", at, **metrics(used)) for at, used in ((0, 10), (2.2, 30), (1.1, 20), (2.2, 30))]
    assert tokens(fold(frames, step=S)) == [(1, 10), (3, 30)]


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=600))
def test_a_run_of_any_length_has_few_samples_in_order(gaps: list[int]) -> None:
    at, frames = 0, [progress("t", 0, **metrics(0))]
    folded = Folded(step=0)
    for number, gap in enumerate(gaps, 1):
        at += gap
        frames.append(progress("t", at, **metrics(number)))
    for frame, when in zip(frames, [0, *gaps], strict=True):
        folded.now += when * S
        folded.feed([frame])
    found = samples(folded)
    assert len(found) <= MOST_SAMPLES
    assert [sample.begin for sample in found] == sorted({sample.begin for sample in found})
    assert [sample.at for sample in found] == sorted(sample.at for sample in found)
    used = [sample.tokens_used or 0 for sample in found]
    assert used == sorted(used)
    assert used[-1] == len(gaps)
    assert all(sample.at >= sample.begin for sample in found)


def test_a_merged_sample_holds_the_totals_of_its_own_time() -> None:
    folded = Folded(step=S)
    folded.feed(progress("t", at, **metrics(at)) for at in range(1, 2_000))
    for sample in samples(folded)[:-1]:
        assert abs((sample.at - START) / S - (sample.tokens_used or 0)) <= 1


def test_one_wrong_time_in_the_future_does_not_end_the_history() -> None:
    frames = [progress("t", at, **metrics(at)) for at in range(10)]
    wrong = progress("t", 10_000_000, **metrics(10))
    folded = fold([*frames, wrong], step=S)
    folded.now += 200 * S
    folded.feed(progress("u", at, **metrics(at)) for at in range(211, 230))
    assert len(samples(folded)) > 15


def test_the_last_sample_is_the_present() -> None:
    folded = fold(frames_of("variants")[:66])
    run = folded.state.run()
    assert samples(folded)[-1][2:] == (run.completed_tasks, run.tokens_used, run.cost_usd)


def test_a_replay_of_the_same_frames_gives_the_same_samples() -> None:
    assert samples(fold(frames_of("seed-task"))) == samples(fold(frames_of("seed-task")))


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_the_end_is_a_sample(status: str) -> None:
    frames = [execution("execution_started", 0), execution("execution_completed", 7.5, status=status, total_tokens=70)]
    last = samples(fold(frames, step=8 * S))[-1]
    assert last.at == START + round(7.5 * S)
