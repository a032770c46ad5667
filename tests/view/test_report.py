"""The static report of a run: every part of it, bounded, and no text of the stream that could be markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from runconsole.events import Answer, DecisionRequested, LinkChanged
from runconsole.state import RunState
from runconsole.view.headline import headline
from runconsole.view.markup import Markup, bar, table, text
from runconsole.view.report import report
from tests.support.folding import START, Folded, execution, fold, frames_of, task

SECOND = 1_000_000
HOSTILE = "</td></script><script>alert(1)</script>\u2028\u202e<img src=x onerror=alert(1)>&\x00\x1b[2J\"'"

ALLOWED = {
    *("caption", "div", "em", "p", "path", "rect", "span", "svg", "table", "tbody", "td", "th", "thead", "tr"),
}
"""The elements of a report: none loads, runs or sends anything."""


class Parts(HTMLParser):
    """The elements, attributes and cells of a report, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.captions: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "rect":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data}|"
        if self.open and self.open[-1] == "caption":
            self.captions.append(data)


def shown(folded: Folded, *, is_final: bool = False) -> Parts:
    return Parts(report(folded.state, folded.now, is_final=is_final))


@pytest.mark.parametrize("name", ["seed-execution", "seed-task", "variants", "garbage"])
def test_a_report_is_inert_markup_with_balanced_tags(name: str) -> None:
    parts = shown(fold(frames_of(name)))
    assert set(parts.elements) <= ALLOWED
    assert not any(attribute.startswith("on") or attribute in {"href", "src"} for attribute in parts.attributes)


def test_the_documents_execution_is_reported_with_all_its_parts() -> None:
    parts = shown(fold(frames_of("seed-execution"), title="auth", cost_limit=2.0), is_final=True)
    assert parts.captions == ["Phases (5)", "Waves (3)", "Errors (1)"]
    for part in ("recorded: the final state of this run, as of 2025-11-16 16:32:00 UTC", "$0.42 / $2.00 (21%)"):
        assert part in parts.text
    assert "120 of 120" in parts.text
    assert "AssertionError|Test assertion failed|1 of 4" in parts.text
    assert "svg" in parts.elements


def test_a_question_its_answer_and_the_tasks_of_a_run_without_phases() -> None:
    folded = fold(
        [
            task("task.started", title="Fix the bug"),
            task("task.hitl_required", checkpointId="c", title="Ship it?", options=["approve", "reject"]),
        ]
    )
    parts = shown(folded)
    assert parts.captions == ["Needs your decision (1)", "Tasks (1)"]
    assert "Ship it?|" in parts.text
    assert "the run was still going on at" in parts.text
    folded.apply(DecisionRequested(START + SECOND, "d", "c", Answer("approve", "well done"), "you"))
    parts = shown(folded)
    assert parts.captions == ["Needs your decision (1)", "Tasks (1)", "Decisions (1)"]
    assert "well done" in parts.text


def test_text_of_the_stream_stays_text() -> None:
    folded = fold(
        [
            execution("execution_started", phases=[{"number": 0, "name": HOSTILE, "tasks": 1}], execution_id=HOSTILE),
            execution("progress_update", task_id=HOSTILE, task_name=HOSTILE, phase=0, status="failed"),
            execution("error", task_id=HOSTILE, message=HOSTILE, error_type=HOSTILE),
            task("task.hitl_required", checkpointId="c", title=HOSTILE, description=HOSTILE, options=[HOSTILE]),
            task("checkpoint.resolved", checkpointId="c", decision=HOSTILE, feedback=HOSTILE),
        ],
        title=HOSTILE,
    )
    made = report(folded.state, folded.now, is_final=False)
    assert set(Parts(made).elements) <= ALLOWED
    assert re.search("[\u2028\u202e\x00\x1b]", made) is None
    assert "⟨U+202E⟩" in made
    first, _, rest = made.partition("\n")
    assert "<" not in first
    assert "\n" not in rest


def test_a_large_run_makes_a_small_report_that_counts_the_rest() -> None:
    folded = fold(
        [
            *(task("task.failed", taskId=f"t{n}", title="x" * 5000, error="y" * 5000) for n in range(400)),
            *(execution("error", task_id=f"t{n}", message="z" * 5000) for n in range(400)),
            *(execution("wave_completed", wave_number=n) for n in range(300)),
        ]
    )
    made = report(folded.state, folded.now, is_final=True)
    assert len(made) < 60_000
    assert "380 more" in made
    assert "288 earlier" in made
    assert "Wave 299" in made


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        ([], "○ pending · run"),
        (
            [
                execution("execution_started", execution_id="e", total_tasks=120),
                *(execution("progress_update", task_id=f"t{n}", status="in_progress") for n in range(3)),
                execution("progress_update", task_id="t9", status="completed", completed_tasks=25, total_tasks=125),
                task("task.hitl_required", taskId="t1", checkpointId="c", title="Ship?", options=["yes"]),
            ],
            "▶ 20 % · 25/125 · 3 running · needs you: 1 · A release",
        ),
        (
            [
                execution("execution_started", execution_id="e", total_tasks=2),
                execution(
                    "execution_completed", status="success", completed_tasks=2, total_tasks=2, duration_ms=61_000
                ),
            ],
            "✔ completed · 100 % · 2/2 · 1m 1s · A release",
        ),
    ],
    ids=["nothing", "running", "completed"],
)
def test_the_headline_says_how_the_run_stands(frames: list[str], line: str) -> None:
    folded = fold(frames, title="A release" if frames else None)
    assert headline(folded.state, folded.now) == line
    assert report(folded.state, folded.now, is_final=False).partition("\n")[0] == line


def test_a_final_report_has_the_time_of_the_end() -> None:
    state = RunState()
    state.apply(LinkChanged(START, "live"))
    state.apply(LinkChanged(START + 5 * SECOND, "failed", reason="refused"))
    assert "as of 2025-11-16 16:32:05 UTC" in report(state, START + 3600 * SECOND, is_final=True)


def test_columns_without_a_value_are_left_out() -> None:
    rows = [(text("a"), Markup(""), text("1")), (text("b"), Markup(""), Markup(""))]
    made = table("Things", ("Name", "Nothing", "Some"), rows, 2)
    assert "Nothing" not in made
    assert made.count("<td") == 4
    assert table("Things", ("Name",), [], 0) == ""


@pytest.mark.parametrize(("percent", "width"), [(None, None), (0, None), (50, "80"), (250, "160"), (-3, None)])
def test_a_bar_is_as_long_as_its_percentage(percent: float | None, width: str | None) -> None:
    made = bar(percent, "a <b>")
    assert (f'<rect width="{width}"' in made) is (width is not None)
    assert made.count("<rect") == (2 if width and width != "160" else 2 if width else 1)
    assert "a &lt;b&gt;: " in made


def test_the_growth_of_a_run_is_a_line_with_gaps() -> None:
    frames = [
        task("task.progress", at, taskId="t", metrics={"cost": cost} if cost else {})
        for at, cost in ((0, None), (2, 0.25), (4, 0.5), (6, 1.0))
    ]
    folded = fold(frames, step=SECOND)
    made = report(folded.state, folded.now, is_final=True)
    assert 'aria-label="Cost over time"' in made
    assert 'aria-label="Tokens over time"' not in made
    (path,) = re.findall(r'<path d="(M[^"]+)"', made)
    assert path.count("M") == 1
    assert path.count("L") == 2
    assert not path.startswith("M0.0 ")
