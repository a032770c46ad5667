"""`Review`: the actions of a question decided at a terminal, one after the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self, cast

from runconsole.events import ActionDecision, ActionRequest, ActionVerb
from runconsole.forms.fields import Field
from runconsole.forms.filling import Filling
from runconsole.forms.schema import Form, form_of
from runconsole.requests.arguments import argument_fields
from runconsole.requests.options import AT_ONCE, DECIDE

__all__ = ["Review", "action_lines", "is_offered"]

_MOST_LINES = 40
"""Of an action that can be approved at a terminal: more of them would not be seen."""
_LONGER = "... and {more} more lines: approve it where all of it is shown, in a notebook or a browser"
_MOST_NAMES = 8
_APPROVING = frozenset({"approve", "edit"})
_WORDS = {"reject": "Reason (Enter for none)", "respond": "Response"}


def _lines(request: ActionRequest) -> list[str]:
    """Return an action as lines: its name, what is said about it, and all of its arguments."""
    args = request.args.items() if isinstance(request.args, dict) else [("arguments", request.args)]
    lines = [request.name, *(request.description or "").splitlines()]
    for name, value in args:
        text = value if isinstance(value, str) and "\n" in value else json.dumps(value, ensure_ascii=False, default=str)
        lines += f"{name}: {text}".splitlines()
    return [line for line in lines if line.strip()]


def _is_short(requests: Sequence[ActionRequest]) -> bool:
    """Return whether a terminal shows all of these actions at once."""
    return sum(len(_lines(request)) for request in requests) <= _MOST_LINES


def action_lines(requests: Sequence[ActionRequest]) -> list[str]:
    """Return the actions of a question as lines; where these are too many, the names alone."""
    if _is_short(requests):
        return [line for request in requests for line in _lines(request)]
    names = [request.name for request in requests[:_MOST_NAMES]]
    return [*names, *([f"and {len(requests) - len(names)} more"] if len(requests) > len(names) else [])]


def is_offered(requests: Sequence[ActionRequest], option: str) -> bool:
    """Return whether a terminal offers an option: what is approved was shown whole."""
    return option not in _APPROVING or _is_short(requests)


def _form_of(fields: Sequence[Field]) -> Form:
    """Return a form in which a number stays a number."""
    return Form({"properties": {field.path[0]: {"type": "number"} for field in fields if field.kind == "number"}})


class Review:
    """The decisions so far, and the one that is asked for. It is used as a `Filling` is.

    Args:
        requests: the actions of the question.
        verb: the decision on the first one, where that is known already.

    Attributes:
        wrong: the reason why the last text was not taken; None where it was.
    """

    def __init__(self, requests: Sequence[ActionRequest], verb: ActionVerb | None = None) -> None:
        self._requests = requests
        self._made: list[ActionDecision] = []
        self._verb: ActionVerb | None = None
        self._filling: Filling | None = None
        """The arguments, while they are edited."""
        self.wrong: str | None = None
        if verb is not None:
            self._begin(verb)

    @classmethod
    def of(cls, requests: Sequence[ActionRequest], option: str) -> Self | None:
        """Return the review that an option begins; None for one that decides all actions at once."""
        if not requests or option in AT_ONCE:
            return None
        return cls(requests, None if option == DECIDE else cast("ActionVerb", option))

    @property
    def is_done(self) -> bool:
        """True if every action is decided."""
        return len(self._made) == len(self._requests)

    @property
    def decisions(self) -> tuple[ActionDecision, ...]:
        """The decisions, in the order of the actions."""
        return tuple(self._made)

    @property
    def asked(self) -> str:
        """The words that ask for the next text."""
        if self._filling is not None:
            return self._filling.asked
        if self._verb is not None:
            return _WORDS.get(self._verb, "Arguments as JSON")
        return ", ".join(f"{number} {verb}" for number, verb in enumerate(self._offered, 1))

    @property
    def lines(self) -> list[str]:
        """The action that is asked about, and the reason why the last text was not taken."""
        if self.is_done:
            return [f"{request.name}: {made.type}" for request, made in zip(self._requests, self._made, strict=True)]
        shown = _lines(self._current)
        more = len(shown) - _MOST_LINES
        counted = f" ({len(self._made) + 1} of {len(self._requests)})" if len(self._requests) > 1 else ""
        cut = [_LONGER.format(more=more)] if more > 0 else []
        filled = [] if self._filling is None else self._filling.lines
        wrong = [] if self.wrong is None else [f"! {self.wrong}"]
        return [f"{shown[0]}{counted}", *shown[1:_MOST_LINES], *cut, *filled, *wrong]

    @property
    def _current(self) -> ActionRequest:
        return self._requests[len(self._made)]

    @property
    def _offered(self) -> tuple[ActionVerb, ...]:
        return tuple(verb for verb in self._current.allowed if is_offered([self._current], verb))

    def enter(self, text: str) -> None:
        """Take the text that is asked for; one that does not fit is asked for again."""
        text, self.wrong = text.strip(), None
        if self._filling is not None:
            self._filling.enter(text)
            if self._filling.is_done:
                self._decide(args=self._filling.values)
        elif self._verb is None:
            self._choose(text)
        elif self._verb == "edit":
            self._take_json(text)
        elif self._verb == "respond" and not text:
            self.wrong = "a response is needed"
        else:
            self._decide(message=text or None)

    def _choose(self, text: str) -> None:
        offered = self._offered
        number = int(text) if text.isdecimal() else 0
        verb = (
            offered[number - 1] if 0 < number <= len(offered) else next((v for v in offered if v == text.lower()), None)
        )
        if verb is None:
            self.wrong = f"expected 1 to {len(offered)}" if offered else "it cannot be decided here"
        else:
            self._begin(verb)

    def _begin(self, verb: ActionVerb) -> None:
        self._verb = verb
        if verb in {"approve", "ignore"}:
            self._decide()
        elif verb == "edit":
            fields = argument_fields(self._current)
            if len(fields[0].path) > 1:
                inside = tuple(replace(field, path=field.path[1:]) for field in fields)
                self._filling = Filling(form_of(self._current.schema) or _form_of(inside), inside)

    def _take_json(self, text: str) -> None:
        """Take all arguments as one text; an empty one leaves them as they are."""
        try:
            args = json.loads(text) if text else self._current.args
        except (ValueError, RecursionError):
            self.wrong = "this is not JSON"
            return
        self._decide(args=args)

    def _decide(self, *, args: Any = None, message: str | None = None) -> None:
        if self._verb is not None:
            self._made.append(ActionDecision(self._verb, args, message))
        self._verb = self._filling = None
