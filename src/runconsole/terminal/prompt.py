"""The question at a terminal: its lines, and the meaning of the keys. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from runconsole.events import Answer, CheckpointOption, Micros
from runconsole.forms.answers import takes_values
from runconsole.forms.filling import Filling
from runconsole.requests.options import option_of
from runconsole.requests.review import Review, action_lines, is_offered
from runconsole.state import Checkpoint, span_s
from runconsole.view.screen import clean, duration

__all__ = ["Prompt", "PromptAnswer"]

_MOST_OPTIONS = 9
_CONTEXT_LINES = 8
_WORDS = ""
"""The chosen option of a question that takes free text. No option has an empty id."""


class PromptAnswer(NamedTuple):
    """An answer, and the checkpoint that it is for."""

    checkpoint_id: str
    answer: Answer[str]


class Prompt:
    """Shows one of the open questions: a digit chooses an option, Enter sends it.

    Attributes:
        notice: a sentence about the last answer, until the next key.
    """

    def __init__(self) -> None:
        self.notice = ""
        self._shown: str | None = None
        self._chosen: str | None = None
        self._typed = ""
        self._filling: Filling | Review | None = None
        """The form, or the actions, beside the chosen option, until they are filled in or decided."""

    @property
    def shown(self) -> str | None:
        """The id of the shown question, None for none."""
        return self._shown

    def press(self, key: str, waiting: Sequence[Checkpoint]) -> PromptAnswer | None:
        """Process one key; return the answer that it completes, else None."""
        checkpoint = self._current(waiting)
        if checkpoint is None:
            return None
        self.notice = ""
        if self._chosen is None:
            self._choose(key, checkpoint, waiting)
            return None
        if key == "escape":
            self._leave()
        elif key == "enter" and self._filling is not None and not self._filling.is_done:
            self._filling.enter(self._typed)
            self._typed = ""
        elif key == "enter":
            return self._answer(checkpoint)
        elif key == "backspace":
            self._typed = self._typed[:-1]
        elif len(key) == 1:
            self._typed += key
        return None

    def _answer(self, checkpoint: Checkpoint) -> PromptAnswer | None:
        """Return the answer to send: the chosen option, or the typed words; None without either."""
        words = self._typed.strip() or None
        option = words if self._chosen == _WORDS else self._chosen
        if option is None:
            return None
        filled = self._filling
        self._leave()
        if isinstance(filled, Review):
            decisions = filled.decisions
            return PromptAnswer(checkpoint.checkpoint_id, Answer(option_of(decisions), decisions=decisions))
        return PromptAnswer(checkpoint.checkpoint_id, Answer(option, words, None if filled is None else filled.values))

    def _choose(self, key: str, checkpoint: Checkpoint, waiting: Sequence[Checkpoint]) -> None:
        if key == "tab":
            ids = [other.checkpoint_id for other in waiting]
            self._shown = ids[(ids.index(checkpoint.checkpoint_id) + 1) % len(ids)]
        elif checkpoint.offers == "text" and checkpoint.status != "sending" and len(key) == 1:
            self._shown, self._chosen, self._typed = checkpoint.checkpoint_id, _WORDS, key
        elif checkpoint.status != "sending" and key.isdecimal() and 0 < int(key) <= len(_offered(checkpoint)):
            self._shown = checkpoint.checkpoint_id
            chosen = _offered(checkpoint)[int(key) - 1]
            self._chosen, self._filling = chosen.id, _beside(chosen, checkpoint)

    def _leave(self) -> None:
        self._chosen, self._typed, self._filling = None, "", None

    def _current(self, waiting: Sequence[Checkpoint]) -> Checkpoint | None:
        """Return the shown question: the begun one, else the oldest. Typed words are discarded with their question."""
        found = next((checkpoint for checkpoint in waiting if checkpoint.checkpoint_id == self._shown), None)
        if found is None:
            if self._chosen is not None:
                self.notice = "The question was closed before the answer was sent."
            self._leave()
            found = next(iter(waiting), None)
            self._shown = None if found is None else found.checkpoint_id
        return found

    def lines(
        self,
        waiting: Sequence[Checkpoint],
        server_now: Micros,
        due_at: Callable[[Checkpoint], Micros | None] = attrgetter("deadline"),
    ) -> list[str]:
        """Return the lines to show at the time `server_now`, by the server's clock; [] without a question.

        `due_at` returns a question's deadline, None for none to show.
        """
        checkpoint = self._current(waiting)
        if checkpoint is None:
            return [self.notice] if self.notice else []
        number = next(place for place, other in enumerate(waiting, 1) if other is checkpoint)
        count = f" ({number} of {len(waiting)})" if len(waiting) > 1 else ""
        return [
            f"Needs your decision{count}: {clean(checkpoint.heading)}",
            *self._actions(checkpoint),
            *_subject(checkpoint),
            *_deadline(checkpoint, span_s(server_now, due_at(checkpoint))),
            *self._answers(checkpoint, several=len(waiting) > 1),
            *([self.notice] if self.notice else []),
        ]

    def _actions(self, checkpoint: Checkpoint) -> Iterator[str]:
        """Yield the actions that a question asks about, until they are decided one by one."""
        if not isinstance(self._filling, Review):
            yield from (f"  {clean(line)}" for line in action_lines(checkpoint.requests))

    def _answers(self, checkpoint: Checkpoint, *, several: bool) -> Iterator[str]:
        if checkpoint.options_note is not None:
            yield f"  {clean(checkpoint.options_note)}"
        if self._chosen == _WORDS:
            yield f"  Answer: {clean(self._typed)}▌"
            yield "  Enter sends it, Esc goes back"
            return
        chosen = None if self._chosen is None else checkpoint.option(self._chosen)
        if chosen is not None and self._filling is not None and not self._filling.is_done:
            yield f"  Answer: {clean(chosen.label)}"
            yield from (f"  {clean(line)}" for line in self._filling.lines)
            yield f"  {clean(self._filling.asked)}: {clean(self._typed)}▌"
            yield "  Enter takes it, Esc goes back"
            return
        if isinstance(self._filling, Review):
            yield from (f"  {clean(line)}" for line in self._filling.lines)
            yield "  Enter sends it, Esc goes back"
            return
        if chosen is not None:
            yield f"  Answer: {clean(chosen.label)}. Feedback, if any: {clean(self._typed)}▌"
            yield "  Enter sends it, Esc goes back"
            return
        offered = _offered(checkpoint)
        labels = dict(zip((option.id for option in checkpoint.options), checkpoint.labels, strict=True))
        for number, option in enumerate(offered, 1):
            label = labels[option.id]
            yield f"  [{number}] {clean(label)}{_option_details(option, checkpoint)}"
        if checkpoint.status == "sending":
            yield f"  Your answer {clean(checkpoint.error) if checkpoint.error else 'is on its way'} ..."
            return
        if checkpoint.status == "unknown":
            yield f"  {clean(checkpoint.error or 'Whether your last answer counts is not known')}: you may answer again"
        yield f"  {_instruction(checkpoint, len(offered))}" + (", Tab for the next question" if several else "")


def _instruction(checkpoint: Checkpoint, offered: int) -> str:
    """Return the keys that answer, as the beginning of a sentence."""
    if checkpoint.offers == "text":
        return "Type your answer"
    if not offered:
        return "It cannot be answered from here"
    return f"Press 1 to {offered} to answer" if offered > 1 else "Press 1 to answer"


def _offered(checkpoint: Checkpoint) -> Sequence[CheckpointOption]:
    """Return the options to choose from: what is approved is shown whole, or not offered."""
    return [option for option in checkpoint.options if is_offered(checkpoint.requests, option.id)][:_MOST_OPTIONS]


def _beside(chosen: CheckpointOption, checkpoint: Checkpoint) -> Filling | Review | None:
    """Return what is to be filled in or decided beside an option; None for nothing."""
    if checkpoint.requests:
        return Review.of(checkpoint.requests, chosen.id)
    return Filling.of(checkpoint.schema) if takes_values(chosen) else None


def _option_details(option: CheckpointOption, checkpoint: Checkpoint) -> str:
    is_default = option.is_default or checkpoint.default_action in {option.id, option.action or option.id}
    described = f": {clean(option.description)}" if option.description else ""
    return described + (" (default)" if is_default else "")


def _subject(checkpoint: Checkpoint) -> Iterator[str]:
    """Yield the lines about the subject: the description, then as much of the context as fits on a few lines."""
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


def _deadline(checkpoint: Checkpoint, left: float | None) -> Iterator[str]:
    if left is not None:
        default = clean(checkpoint.default_action or "it expires")
        yield f"  Without an answer: {default} in {duration(left)}"
