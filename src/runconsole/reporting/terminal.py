"""A question at the terminal: its lines on stderr, a line of stdin as the answer."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from runconsole.errors import DecisionError, UnfitValues
from runconsole.events import CheckpointOption
from runconsole.forms.answers import takes_values
from runconsole.forms.filling import Filling
from runconsole.reporting import notebook
from runconsole.reporting.asking import RunQuestion
from runconsole.requests.review import Review, action_lines, is_offered
from runconsole.text.marks import marked

__all__ = ["ask", "can_ask"]

_LOOK_S = 0.2


def can_ask() -> bool:
    """Return whether the caller may ask at a terminal: the main thread of a program with one, outside a notebook."""
    if os.name != "posix" or notebook.kernel() is not None or threading.current_thread() is not threading.main_thread():
        return False
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # closed, or there is none
        return False


def ask(question: RunQuestion, decide: Callable[..., object], timeout: float | None) -> None:
    """Show a question and read lines until it is answered, here or elsewhere. Raises TimeoutError after `timeout`.

    `decide` takes the answer: the id of the question, that of an option, and `values`.
    """
    end = None if timeout is None else time.monotonic() + timeout
    sys.stderr.write("\n".join(lines(question)) + "\n")
    sys.stderr.flush()
    while not question.answered.done():
        if end is not None and time.monotonic() >= end:
            raise TimeoutError
        if not select.select([sys.stdin], [], [], _LOOK_S)[0]:
            continue
        line = sys.stdin.readline()
        if not line:  # the terminal has gone: the others may still answer
            return
        chosen = chosen_by(line.strip(), question)
        if chosen is None:
            sys.stderr.write(f"Answer 1 to {len(_offered(question))}, then Enter: ")
            sys.stderr.flush()
            continue
        try:
            answer(question, chosen, decide)
        except (DecisionError, UnfitValues) as error:
            sys.stderr.write(f"{error}\n")


def answer(question: RunQuestion, chosen: str, decide: Callable[..., object]) -> None:
    """Ask for what goes with an option, a line each, and decide; the end of stdin leaves the question open."""
    label = next(option["label"] for option in question.options if option["id"] == chosen)
    review = Review.of(question.requests, chosen)
    takes = not question.requests and takes_values(CheckpointOption(chosen, label))
    filling = review or (Filling.of(question.schema) if takes else None)
    while filling is not None and not filling.is_done and not question.answered.done():
        said = review.lines if review is not None else [] if filling.wrong is None else [f"! {filling.wrong}"]
        sys.stderr.write("".join(f"{marked(line)}\n" for line in said) + f"{marked(filling.asked)}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return
        filling.enter(line)
    if review is not None:
        if review.is_done:  # or else the question was answered elsewhere
            decide(question.id, None, decisions=review.decisions)
    else:
        decide(question.id, chosen, values=filling.values if isinstance(filling, Filling) else None)


def lines(question: RunQuestion) -> list[str]:
    """Return a question as lines for a person."""
    shown = [f"? {marked(question.title)}"]
    shown += [f"  {marked(line)}" for line in action_lines(question.requests)]
    for number, option in enumerate(_offered(question), 1):
        described = f": {marked(option['description'])}" if option.get("description") else ""
        default = " (default)" if option["id"] == question.default else ""
        shown.append(f"  [{number}] {marked(option['label'])}{described}{default}")
    return [*shown, f"Answer 1 to {len(_offered(question))}, then Enter:"]


def _offered(question: RunQuestion) -> list[dict[str, Any]]:
    """Return the options to choose from: what is approved is shown whole, or not offered."""
    return [option for option in question.options if is_offered(question.requests, option["id"])]


def chosen_by(text: str, question: RunQuestion) -> str | None:
    """Return the id of the option that a typed line means: its number, id or label; an empty line is the default."""
    offered = _offered(question)
    if not text:
        return next((question.default for option in offered if option["id"] == question.default), None)
    if text.isdecimal() and 0 < int(text) <= len(offered):
        return str(offered[int(text) - 1]["id"])
    found = [option["id"] for option in offered if text.lower() in {option["id"].lower(), option["label"].lower()}]
    return str(found[0]) if len(found) == 1 else None
