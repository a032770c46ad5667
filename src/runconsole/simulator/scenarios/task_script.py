"""The parts of a task of the task family: jobs, their subtasks, their output, their questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Edit", "Job", "Line", "Option", "Part", "Question", "bar", "err", "out"]


@dataclass(frozen=True, slots=True)
class Line:
    """Text as the agent writes it: ANSI colors and carriage returns included, not always ending at a line's end."""

    text: str
    stream: Literal["stdout", "stderr"] = "stdout"


@dataclass(frozen=True, slots=True)
class Edit:
    """A file that the agent changes."""

    path: str
    action: Literal["create", "modify", "delete"]
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A subtask: `seconds` of work in a phase, with its output and its changed files."""

    phase: str
    name: str
    description: str
    seconds: float
    output: tuple[Line, ...] = ()
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A task as a person ordered it. `rate` is tokens a second of work."""

    number: int
    prompt: str
    kind: str
    provider: str
    access: Literal["subscription", "api"]
    rate: int
    spec_path: str
    changelog: str
    tests: int
    coverage: float

    @property
    def id(self) -> str:
        """The task's id on the wire."""
        return f"task-{self.number}"


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer; `action` is its meaning for the orchestrator."""

    id: str
    label: str
    description: str
    action: str


@dataclass(frozen=True, slots=True)
class Question:
    """A checkpoint as a person sees it. After `window_s` seconds without an answer `default` is taken."""

    key: str
    kind: str
    title: str
    description: str
    options: tuple[Option, ...]
    default: str
    window_s: float
    context: dict[str, Any]


def out(*lines: str) -> tuple[Line, ...]:
    """Return whole lines for stdout."""
    return tuple(Line(line + "\n") for line in lines)


def err(*lines: str) -> tuple[Line, ...]:
    """Return whole lines for stderr."""
    return tuple(Line(line + "\n", "stderr") for line in lines)


def bar(label: str, total: int, unit: str, *, steps: int = 8, width: int = 24) -> tuple[Line, ...]:
    """Return a progress bar that rewrites its own line with carriage returns, `steps` times, and then ends it."""
    pieces = [_bar_text(label, round(total * step / steps), total, unit, width) for step in range(steps + 1)]
    return _joined(pieces)


def _bar_text(label: str, done: int, total: int, unit: str, width: int) -> str:
    filled = round(width * done / total)
    drawn = f"\x1b[36m{'█' * filled}\x1b[0m{'░' * (width - filled)}"
    return f"{label} {drawn} {100 * done // total:3d}% {done}/{total} {unit}"


def _joined(pieces: Sequence[str]) -> tuple[Line, ...]:
    first, *rest = pieces
    return (Line(first), *(Line("\r" + piece) for piece in rest), Line("\n"))
