"""A run as a small static report in HTML: for readers without a kernel, a server or a script.

The first line is one sentence of plain text: JupyterLab shows that of a collapsed output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from runconsole.events import Micros, TaskStatus
from runconsole.state import Checkpoint, ErrorRecord, Phase, Run, RunState, Task, Wave, span_s
from runconsole.view import markup
from runconsole.view.decisions import DecisionHistory, HistoryEntry, decision_row
from runconsole.view.headline import headline
from runconsole.view.markup import Markup, text
from runconsole.view.moments import instant, seconds
from runconsole.view.rows import Cutter
from runconsole.view.screen import money

__all__ = ["card", "report"]

_SENTENCE, _HEADLINE = 300, 500
_TASKS, _NEWEST, _QUESTIONS, _WAVES = 20, 12, 10, 12
_ENDED_BADLY = (TaskStatus.FAILED, TaskStatus.CANCELLED)


def report(state: RunState, now: Micros, *, is_final: bool) -> str:
    """Return the report of a run as of `now`, this machine's time in microseconds: one line of text, then HTML.

    `is_final`: nothing more is to come.
    """
    at = state.links[-1].at if is_final and state.links else now
    kind = "recorded: the final state of this run, as of" if is_final else "the run was still going on at"
    note = markup.paragraph(Markup(f"<em>{kind} {instant(at)}</em>"), muted=True)
    return f"{text(headline(state, at), _HEADLINE)}\n<div>{note}{_sections(state, at)}</div>"


def card(state: RunState, now: Micros, about: str) -> str:
    """Return a run for the output of a cell: its sentence, the line of code `about`, and the parts of the report."""
    sentence = Markup(f"<strong>{text(headline(state, now), _HEADLINE)}</strong>")
    code = Markup(f"<code>{text(about)}</code>")
    return f"<div>{markup.paragraph(sentence)}{markup.paragraph(code, muted=True)}{_sections(state, now)}</div>"


def _sections(state: RunState, now: Micros) -> Markup:
    """Return the parts of the report: bar, facts, questions, phases, waves, tasks, errors and decisions."""
    run = state.run()
    return markup.join(
        (
            _progress(run),
            markup.facts(_facts(state, run, now)),
            _questions(state),
            _phases(state),
            _waves(state),
            _tasks(state),
            _errors(state),
            _decisions(state),
        )
    )


def _count(value: int | None, of: int | None = None) -> Markup:
    if value is None:
        return Markup("")
    return text(f"{value:,}" if of is None else f"{value:,} of {of:,}")


def _progress(run: Run[Micros]) -> Markup:
    shown = "unknown" if run.percent is None else f"{int(run.percent)} %"
    return markup.paragraph(Markup(f"{markup.bar(run.percent, 'Overall progress', run.status)} {shown}"))


def _facts(state: RunState, run: Run[Micros], now: Micros) -> Iterator[tuple[str, Markup]]:
    length = run.duration_s if run.duration_s is not None else span_s(run.started_at, state.clock.at(now))
    none = Markup("")
    samples = state.usage_samples()

    def over_time(name: str, field: str) -> Markup:
        return markup.curve([(sample.at, getattr(sample, field)) for sample in samples], f"{name} over time")

    yield "Status", markup.status(run.status)
    yield "Why", text(state.interruption or state.quiet or "", _SENTENCE)
    yield "Tasks", markup.join((_count(run.completed_tasks, run.total_tasks), over_time("Tasks", "completed_tasks")))
    yield "Failed", _count(run.failed_tasks or None)
    yield "Started", instant(run.started_at)
    yield "Ended", instant(run.ended_at)
    yield "Duration", seconds(length)
    yield "Tokens", markup.join((_count(run.tokens_used, run.token_budget), over_time("Tokens", "tokens_used")))
    yield "Cost", markup.join((text(money(run.cost_usd, run.cost_limit)), over_time("Cost", "cost_usd")))
    yield (
        "Artifacts",
        _count(run.artifacts, run.expected_artifacts) if run.artifacts or run.expected_artifacts else none,
    )
    yield "Errors", _count(run.errors or None)


def _questions(state: RunState) -> Markup:
    def row(question: Checkpoint) -> tuple[Markup, ...]:
        options = ", ".join(option.label for option in islice(question.options, 10))
        return (
            text(question.heading),
            text(question.description or ""),
            text(options),
            instant(question.deadline),
            text(question.default_action or ""),
        )

    columns = ("Question", "Description", "Options", "Due", "Otherwise")
    waiting = state.open_checkpoints
    return markup.table("Needs your decision", columns, map(row, waiting), len(waiting), most=_QUESTIONS)


def _phases(state: RunState) -> Markup:
    def row(phase: Phase) -> tuple[Markup, ...]:
        name = phase.name or f"Phase {phase.phase}"
        failed = phase.count(TaskStatus.FAILED)
        return (
            text(name),
            markup.status(phase.status),
            Markup("") if phase.progress is None else markup.bar(phase.progress, name, phase.status),
            _count(phase.completed, phase.tasks),
            _count(failed or None),
            seconds(phase.duration_s),
        )

    phases = list(state.phases.values())
    return markup.table(
        "Phases", ("Phase", "Status", "Progress", "Tasks", "Failed", "Duration"), map(row, phases), len(phases)
    )


def _waves(state: RunState) -> Markup:
    def row(wave: Wave) -> tuple[Markup, ...]:
        rate = "" if wave.success_rate is None else f"{100 * wave.success_rate:.4g} %"
        return (
            text(f"Wave {wave.wave}"),
            markup.status(wave.status),
            _count(wave.atoms_completed, wave.atoms),
            text(rate),
            seconds(wave.duration_s),
        )

    waves = list(state.waves.values())
    newest = map(row, waves[-_WAVES:])
    columns = ("Wave", "Status", "Atoms", "Success", "Duration")
    return markup.table("Waves", columns, newest, len(waves), rest="earlier")


def _tasks(state: RunState) -> Markup:
    """Return the tasks that ended badly, and in a run without phases the others too."""

    def row(task: Task) -> tuple[Markup, ...]:
        length = task.duration_s if task.duration_s is not None else span_s(task.started_at, task.ended_at)
        return (
            text(task.name or task.task_id),
            markup.status(task.status),
            seconds(length),
            text(money(task.cost_usd)),
            text(task.error or task.step or "", _SENTENCE),
        )

    bad = [task for task in state.tasks.values() if task.status in _ENDED_BADLY] if _any_bad(state) else []
    others = [] if state.phases else [task for task in state.tasks.values() if task.status not in _ENDED_BADLY]
    shown = bad + others
    name = "Tasks" if others or not state.phases else "Failed and cancelled tasks"
    columns = ("Task", "Status", "Duration", "Cost", "What happened")
    return markup.table(name, columns, map(row, shown), len(shown), most=_TASKS)


def _any_bad(state: RunState) -> bool:
    return any(state.counts[status] for status in _ENDED_BADLY)


def _errors(state: RunState) -> Markup:
    def row(error: ErrorRecord) -> tuple[Markup, ...]:
        tries = "" if error.attempt is None else f"{error.attempt}"
        if tries and error.max_retries is not None:
            tries = f"{tries} of {error.max_retries}"
        return (
            instant(error.at),
            text(error.task_name or error.task_id or ""),
            text(error.error_type or ""),
            text(error.message, _SENTENCE),
            text(tries),
        )

    newest = _newest(state.errors.values(), len(state.errors))
    columns = ("Time", "Task", "Kind", "Message", "Attempt")
    return markup.table("Errors", columns, map(row, newest), len(state.errors), rest="earlier")


def _decisions(state: RunState) -> Markup:
    def row(entry: HistoryEntry) -> tuple[Markup, ...]:
        made = decision_row(0, entry, Cutter())
        at = None if made["at"] is None else made["at"] * 1000
        return (
            instant(at),
            text(made["title"] or made["checkpoint"]),
            text(made["option"] or ""),
            text(made["by"] or ""),
            text(made["state"]),
            seconds(made["took_s"]),
            text(made["feedback"] or made["error"] or "", _SENTENCE),
        )

    history = DecisionHistory()
    history.feed(state)
    newest = history.rows(state, max(0, len(history) - _NEWEST))
    columns = ("Time", "Question", "Answer", "By", "Outcome", "Took", "Words")
    return markup.table("Decisions", columns, map(row, newest), len(history), rest="earlier")


def _newest(items: Iterable[ErrorRecord], total: int) -> Iterator[ErrorRecord]:
    return islice(items, max(0, total - _NEWEST), None)
