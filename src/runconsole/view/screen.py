"""The state as text: the screen for `print` and ``text/plain``, and the same for a terminal by rich.

Text from the stream is cleaned: it holds no control character, and a visible mark in place of each direction override
or invisible character (`marks`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from runconsole.events import Micros, TaskStatus
from runconsole.state import Artifact, Checkpoint, ErrorRecord, Phase, Run, RunState, Task, Wave, span_s
from runconsole.text.marks import marked

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["clean", "duration", "money", "render_rich", "screen", "size"]

BAR_CELLS = 12
_NAME_LENGTH = 200
_SENTENCE_LENGTH = 500
_TASKS_SHOWN = 20
_PARTS_SHOWN = 40
_ARTIFACTS_SHOWN = 2
_NEWEST_SHOWN = 5
_OPTIONS_SHOWN = 20
_CONTROLS = dict.fromkeys([*range(0x20), 0x7F]) | dict.fromkeys(map(ord, "\n\r\t"), " ")

_MARKS: dict[str, str] = {
    TaskStatus.PENDING: "⏳",
    TaskStatus.RUNNING: "🔄",
    TaskStatus.PAUSED: "⏸ ",
    TaskStatus.COMPLETED: "✅",
    TaskStatus.FAILED: "❌",
    TaskStatus.CANCELLED: "🚫",
    TaskStatus.SKIPPED: "⏭ ",
}
"""Two cells wide each, so that what follows stands in one column."""
_VERBS: dict[str, str] = {
    TaskStatus.COMPLETED: "Completed",
    TaskStatus.FAILED: "Failed:",
    TaskStatus.CANCELLED: "Cancelled:",
    "partial": "Partly completed:",
    "interrupted": "Interrupted:",
}
_WAVE_WORDS: dict[str, str] = {TaskStatus.RUNNING: "Running...", TaskStatus.COMPLETED: "Complete"}


def screen(state: RunState, now: Micros, *, is_idle: bool = False) -> str:
    """Return the screen of the state at the time `now`, in microseconds by this machine's clock.

    `is_idle`: the run was never followed.
    """
    run = state.run()
    sections = (
        [f"Not started: {title_of(state)}. Call start() to follow it."] if is_idle else _header(state, run),
        _link(state, now),
        _checkpoints(state, now),
        _phases(state),
        _waves(state),
        _tasks(state),
        _artifacts(state, run),
        _errors(state),
        _decisions(state),
        _sums(state, run, now),
    )
    return "\n\n".join("\n".join(section) for section in map(list, sections) if section)


def render_rich(state: RunState, now: Micros) -> Text:
    """Return the screen as a rich renderable with styled headings and marks."""
    from rich.text import Text

    text = Text(marked(screen(state, now)))
    text.highlight_regex(r"(?m)^[A-Z][A-Za-z ]+(?=:)", "bold")
    text.highlight_regex(r"█+", "green")
    text.highlight_regex(r"░+", "dim")
    text.highlight_regex(r"❌.*", "red")
    text.highlight_regex(r"(?m)^(Interrupted:|Connection: ended:).*", "bold yellow")
    text.highlight_regex(r"(?m)^Needs your decision.*", "bold yellow")
    return text


def clean(text: object, length: int | None = None) -> str:
    """Return text from the stream as one harmless line, of at most `length` (200) characters."""
    most = length or _NAME_LENGTH
    line = marked(str(text)[: most + 1].translate(_CONTROLS))
    return line[:most] + "…" if len(line) > most else line


def duration(seconds: float) -> str:
    """Return seconds as ``23s``, ``10m 23s`` or ``1h 02m 03s``."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}h {minutes:02}m {rest:02}s"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"


def size(count: int) -> str:
    """Return bytes as ``512 B`` or ``2.1 KB`` (1024 to the next unit)."""
    if abs(count) < 1024:
        return f"{count} B"
    amount = float(count)
    for unit in ("KB", "MB", "GB", "TB"):
        amount /= 1024
        if abs(amount) < 1024 or unit == "TB":
            break
    return f"{amount:,.1f} {unit}"


def money(cost: float | None, limit: float | None = None) -> str:
    """Return US dollars as ``$0.42`` or ``$0.42 / $2.50 (16%)``, small ones with more digits; "" for None."""
    if cost is None:
        return ""
    shown = f"${cost:,.2f}" if cost >= 0.01 or cost == 0 else f"${cost:.6f}".rstrip("0")
    return f"{shown} / ${limit:,.2f} ({_share(cost, limit)}%)" if limit else shown


def bar(percent: float) -> str:
    """Return a bar of `BAR_CELLS`; it is full at 100 percent only, and empty at 0 only."""
    filled = math.ceil(min(100.0, max(0.0, percent)) * BAR_CELLS / 100)
    if percent < 100:
        filled = min(filled, BAR_CELLS - 1)
    return f"[{'█' * filled}{'░' * (BAR_CELLS - filled)}]"


def title_of(state: RunState) -> str:
    """Return a name for the run: its title, else the followed task or execution, else ``run``."""
    if state.title:
        return clean(state.title)
    only = next(iter(state.tasks)) if len(state.tasks) == 1 and not state.is_execution else None
    followed = state.tasks.get(state.followed_task or only or "")
    if followed is not None and followed.name:
        return clean(followed.name)
    name = state.followed_task or state.execution_id
    return clean(name) if name else f"{len(state.tasks):,} tasks" if len(state.tasks) > 1 else "run"


def _tree(items: Iterable[str], total: int, shown: int = _PARTS_SHOWN) -> list[str]:
    """Return at most `shown` of the `total` lines as a tree; the others are not even made."""
    lines = list(islice(items, shown))
    if total > len(lines):
        lines.append(f"{total - len(lines):,} more...")
    return _branches(lines)


def _branches(lines: list[str]) -> list[str]:
    return [f"{'└──' if i == len(lines) - 1 else '├──'} {line}" for i, line in enumerate(lines)]


def _header(state: RunState, run: Run[Micros]) -> Iterator[str]:
    verb = _VERBS.get(run.status) if state.finished or state.left is not None else None
    yield f"{verb} {title_of(state)}" if verb else f"Running {title_of(state)}..."
    yield ""
    if run.percent is None:
        yield f"Progress: {bar(0)} unknown"
    else:
        yield f"Progress: {bar(run.percent)} {int(run.percent)}%"
    if run.current_task is not None:
        task = clean(run.current_task)
        yield (
            f"Current Task: {clean(run.current_task_name)} ({task})"
            if run.current_task_name
            else f"Current Task: {task}"
        )


def _link(state: RunState, now: Micros) -> Iterator[str]:
    link = state.links[-1] if state.links else None
    if state.interruption is not None:
        yield f"Connection: ended: {clean(state.interruption)}"
        return
    if state.left is not None and state.links:
        yield f"Connection: {clean(state.links[-1].reason or state.links[-1].state)}"
        return
    quiet = state.quiet
    if quiet is not None and link is not None and link.state == "live":
        yield f"Connection: {clean(quiet, _SENTENCE_LENGTH)}"
        return
    if link is None or state.finished or link.state in {"live", "ended"}:
        return
    wait = f" in {duration((link.retry_at - now) / 1e6)}" if link.retry_at and link.retry_at > now else ""
    why = f": {clean(link.reason)}" if link.reason else ""
    yield f"Connection: {link.state}{wait}{why}"


def _checkpoints(state: RunState, now: Micros) -> Iterator[str]:
    waiting = state.open_checkpoints
    if not waiting:
        return
    yield f"Needs your decision: {len(waiting)}"
    yield from _tree((_question(checkpoint, state, now) for checkpoint in waiting), len(waiting))


def _question(checkpoint: Checkpoint, state: RunState, now: Micros) -> str:
    options = ", ".join(clean(option.id) for option in checkpoint.options[:_OPTIONS_SHOWN])
    if len(checkpoint.options) > _OPTIONS_SHOWN:
        options += f" and {len(checkpoint.options) - _OPTIONS_SHOWN:,} more"
    options = options or _without_options(checkpoint)
    left = span_s(state.clock.at(now), state.due_at(checkpoint))
    default = f"; {clean(checkpoint.default_action)} in {duration(left)}" if checkpoint.default_action and left else ""
    name = clean(checkpoint.title or checkpoint.kind or "checkpoint")
    return f"{name} ({clean(checkpoint.checkpoint_id)}): {options}{default}"


def _without_options(checkpoint: Checkpoint) -> str:
    return "an answer in words" if checkpoint.offers == "text" else clean(checkpoint.options_note or "no options told")


def _phases(state: RunState) -> Iterator[str]:
    phases = list(state.phases.values())
    if phases:
        yield "Phase Progress:"
        yield from _tree(map(_phase, phases), len(phases))


def _phase(phase: Phase) -> str:
    percent = phase.progress
    name = f" ({clean(phase.name)})" if phase.name else ""
    done = phase.completed
    count = f"{done} tasks" if phase.tasks is None else f"{done}/{phase.tasks} tasks"
    shown = f"{bar(percent)} {int(percent)}% ({count})" if percent is not None else f"({count})"
    return f"Phase {phase.phase}{name}: {_MARKS[phase.status]} {shown}"


def _waves(state: RunState) -> Iterator[str]:
    waves = list(state.waves.values())
    if waves:
        yield "Wave Status:"
        yield from _tree(map(_wave, waves), len(waves))


def _wave(wave: Wave) -> str:
    return f"Wave {wave.wave}: {_MARKS[wave.status]} {_WAVE_WORDS.get(wave.status, wave.status.capitalize())}"


def _tasks(state: RunState) -> Iterator[str]:
    """Yield the tasks themselves if nothing sums them up."""
    if state.is_execution or not state.tasks:
        return
    tasks = list(state.tasks.values())
    yield "Tasks:"
    yield from _tree(map(_task, tasks), len(tasks), _TASKS_SHOWN)


def _task(task: Task) -> str:
    percent = 100.0 if task.status is TaskStatus.COMPLETED else task.progress
    shown = f" {bar(percent)} {int(percent)}%" if percent is not None else ""
    step = f" {clean(task.step)}" if task.step and not task.finished else ""
    name = f"{clean(task.name)} ({clean(task.task_id)})" if task.name else clean(task.task_id)
    return f"{name}: {_MARKS[task.status]}{shown}{step}"


def _artifacts(state: RunState, run: Run[Micros]) -> Iterator[str]:
    rows = list(state.artifacts.values())
    if not rows and run.expected_artifacts is None:
        return
    expected = "" if run.expected_artifacts is None else f" / {run.expected_artifacts:,} expected"
    yield f"Artifacts Created: {run.artifacts:,}{expected}"
    yield from _tree(map(_artifact, rows), run.artifacts, _ARTIFACTS_SHOWN)


def _artifact(row: Artifact) -> str:
    shown = f" ({size(row.size)})" if row.size is not None else ""
    return f"{clean(row.path)}{shown} ✅"


def _errors(state: RunState) -> Iterator[str]:
    total = len(state.errors)
    if total:
        yield f"Errors: {total:,}"
        yield from _newest(map(_error, islice(reversed(state.errors.values()), _NEWEST_SHOWN)), total)


def _error(error: ErrorRecord) -> str:
    task = error.task_name or error.task_id
    parts = [clean(part) for part in (task, error.error_type, error.message) if part]
    if error.attempt is None:
        return ": ".join(parts)
    of = "" if error.max_retries is None else f" of {error.max_retries:,}"
    return f"{': '.join(parts)} (attempt {error.attempt:,}{of})"


def _decisions(state: RunState) -> Iterator[str]:
    answered = [checkpoint for checkpoint in state.checkpoints.values() if not checkpoint.is_open]
    if answered:
        answered.sort(key=lambda checkpoint: checkpoint.decided_at or checkpoint.requested_at or 0)
        yield f"Decisions: {len(answered):,}"
        yield from _newest(map(_answered, reversed(answered[-_NEWEST_SHOWN:])), len(answered))


_DECIDERS = {"you": "by you", "policy": "by your policy", "timeout": "by the time-out"}


def _answered(checkpoint: Checkpoint) -> str:
    name = clean(checkpoint.heading)
    if checkpoint.status != "decided" or checkpoint.decision is None:
        return f"{name}: {checkpoint.status}"
    option = checkpoint.option(checkpoint.decision)
    by = _DECIDERS.get(checkpoint.decided_by or "", "elsewhere")
    return f"{name}: {clean(option.label if option else checkpoint.decision)}, {by}"


def _newest(items: Iterable[str], total: int) -> list[str]:
    """Return the newest lines as a tree, the newest first."""
    lines = list(items)
    if total > len(lines):
        lines.append(f"{total - len(lines):,} earlier")
    return _branches(lines)


def _share(used: float, limit: float) -> int:
    """Return the used part of a limit in percent: of a tiny limit, a large number that is still finite."""
    return int(max(-1e9, min(1e9, 100 * used / limit)))


def _sums(state: RunState, run: Run[Micros], now: Micros) -> Iterator[str]:
    if run.tokens_used is not None:
        budget = run.token_budget
        share = f" / {budget:,} ({_share(run.tokens_used, budget)}%)" if budget else ""
        yield f"Tokens Used: {run.tokens_used:,}{share}"
    if run.cost_usd is not None:
        yield f"Cost: {money(run.cost_usd, run.cost_limit)}"
    seconds = run.duration_s
    if seconds is None:
        seconds = span_s(run.started_at, state.clock.at(now))
    if seconds is not None:
        yield f"Duration: {duration(seconds)}"
