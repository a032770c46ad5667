"""The question at a terminal: what it shows and what the keys mean. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runconsole.events import CheckpointOption, Micros
from runconsole.state import Checkpoint, span_s
from runconsole.text import clean, duration

__all__ = ["Answer", "Asking"]

_MOST_OPTIONS = 9
_CONTEXT_LINES = 8


class Answer(NamedTuple):
    """What a person answers to which question."""

    checkpoint_id: str
    option: str
    feedback: str | None


class Asking:
    """Goes through the open questions: one is shown, a digit chooses, Enter sends.

    Attributes:
        said: a sentence about the last answer, until the next key.
    """

    def __init__(self) -> None:
        self.said = ""
        self._shown: str | None = None
        self._chosen: str | None = None
        self._typed = ""

    def press(self, key: str, waiting: Sequence[Checkpoint]) -> Answer | None:
        """Take in one key; return the answer it completes, None for anything else."""
        checkpoint = self._current(waiting)
        if checkpoint is None:
            return None
        self.said = ""
        if self._chosen is None:
            self._choose(key, checkpoint, waiting)
            return None
        if key == "escape":
            self._leave()
        elif key == "enter":
            answer = Answer(checkpoint.checkpoint_id, self._chosen, self._typed.strip() or None)
            self._leave()
            return answer
        elif key == "backspace":
            self._typed = self._typed[:-1]
        elif len(key) == 1:
            self._typed += key
        return None

    def _choose(self, key: str, checkpoint: Checkpoint, waiting: Sequence[Checkpoint]) -> None:
        if key == "tab":
            ids = [other.checkpoint_id for other in waiting]
            self._shown = ids[(ids.index(checkpoint.checkpoint_id) + 1) % len(ids)]
        elif checkpoint.status != "sending" and key.isdecimal() and 0 < int(key) <= len(_offered(checkpoint)):
            self._shown = checkpoint.checkpoint_id
            self._chosen = _offered(checkpoint)[int(key) - 1].id

    def _leave(self) -> None:
        self._chosen, self._typed = None, ""

    def _current(self, waiting: Sequence[Checkpoint]) -> Checkpoint | None:
        """Return the question shown: the one begun with, else the oldest. What was typed for one is for no other."""
        found = next((checkpoint for checkpoint in waiting if checkpoint.checkpoint_id == self._shown), None)
        if found is None:
            if self._chosen is not None:
                self.said = "The question was closed before the answer was sent."
            self._leave()
            found = next(iter(waiting), None)
            self._shown = None if found is None else found.checkpoint_id
        return found

    def lines(self, waiting: Sequence[Checkpoint], server_now: Micros) -> list[str]:
        """Return what to show at the time `server_now`, by the server's clock; nothing where nothing is asked."""
        checkpoint = self._current(waiting)
        if checkpoint is None:
            return [self.said] if self.said else []
        number = next(place for place, other in enumerate(waiting, 1) if other is checkpoint)
        count = f" ({number} of {len(waiting)})" if len(waiting) > 1 else ""
        return [
            f"Needs your decision{count}: {clean(checkpoint.title or checkpoint.kind or checkpoint.checkpoint_id)}",
            *_matter(checkpoint),
            *_deadline(checkpoint, server_now),
            *self._answers(checkpoint, several=len(waiting) > 1),
            *([self.said] if self.said else []),
        ]

    def _answers(self, checkpoint: Checkpoint, *, several: bool) -> Iterator[str]:
        chosen = None if self._chosen is None else checkpoint.option(self._chosen)
        if chosen is not None:
            yield f"  Answer: {clean(chosen.label)}. Feedback, if any: {clean(self._typed)}▌"
            yield "  Enter sends it, Esc goes back"
            return
        offered = _offered(checkpoint)
        for number, option in enumerate(offered, 1):
            yield f"  [{number}] {clean(option.label)}{_about(option, checkpoint)}"
        if checkpoint.status == "sending":
            yield "  Your answer is on its way ..."
            return
        if checkpoint.status == "unknown":
            yield f"  {clean(checkpoint.error or 'Whether your last answer counts is not known')}: you may answer again"
        choose = f"Press 1 to {len(offered)}" if len(offered) > 1 else "Press 1"
        yield f"  {choose} to answer" + (", Tab for the next question" if several else "")


def _offered(checkpoint: Checkpoint) -> Sequence[CheckpointOption]:
    return checkpoint.options[:_MOST_OPTIONS]


def _about(option: CheckpointOption, checkpoint: Checkpoint) -> str:
    is_default = option.is_default or checkpoint.default_action in {option.id, option.action or option.id}
    described = f": {clean(option.description)}" if option.description else ""
    return described + (" (default)" if is_default else "")


def _matter(checkpoint: Checkpoint) -> Iterator[str]:
    """What it is about: the description, then what of the context fits on a few lines."""
    about = [checkpoint.description or ""]
    for name, value in (checkpoint.context or {}).items():
        if isinstance(value, str) and "\n" in value:
            about.append(f"{name}:\n{value}")
        elif isinstance(value, (str, int, float)):
            about.append(f"{name}: {value}")
        elif isinstance(value, list):
            about.append(f"{name}: {', '.join(map(str, value))}")
    lines = [line for text in about for line in text.splitlines() if line.strip()]
    yield from (f"  {clean(line)}" for line in lines[:_CONTEXT_LINES])
    if len(lines) > _CONTEXT_LINES:
        yield f"  ... and {len(lines) - _CONTEXT_LINES} more lines, in the notebook's card and in `checkpoints`"


def _deadline(checkpoint: Checkpoint, server_now: Micros) -> Iterator[str]:
    left = span_s(server_now, checkpoint.deadline)
    if left is not None:
        default = clean(checkpoint.default_action or "it expires")
        yield f"  Without an answer: {default} in {duration(left)}"
