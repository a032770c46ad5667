"""The open questions of several runs in a terminal, answered one after the other."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec import structs

from runconsole.events import Micros
from runconsole.fleet.runset import RunSet
from runconsole.state import Checkpoint, span_s
from runconsole.terminal.keys import keyboard
from runconsole.terminal.process import terminal_of
from runconsole.terminal.prompt import Prompt, PromptAnswer
from runconsole.terminal.sending import AnswerSender
from runconsole.text.marks import marked
from runconsole.view.fleet import OpenQuestion, questions
from runconsole.view.fleet_text import run_lines
from runconsole.view.screen import clean, duration

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["answer_questions", "list_questions", "question_lines"]

_REFRESH_S = 0.2
_SETTLED_S = 1.5
"""Seconds after which a live stream has sent the questions that were open before."""
_LISTED = 8
_COMING = frozenset({"idle", "connecting", "retrying"})
_FOLLOWING = frozenset({"connecting", "live", "retrying"})


def answer_questions(runs: RunSet) -> None:
    """Show the questions, and send the answers that are typed, until every run is over."""
    from rich.console import Console as Terminal
    from rich.live import Live

    prompt, sender = Prompt(), AnswerSender()
    live = Live(
        console=Terminal(file=terminal_of(sys.stdout)),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,  # they are outputs that clean their text
        redirect_stderr=False,
    )
    with keyboard(on_suspend=live.stop, on_resume=live.start) as keys, ExitStack() as stack:
        stack.callback(live.stop)  # a signal may come while it starts
        live.start()
        while runs.has_servers or any(member.console.status in _FOLLOWING for member in runs.members):
            asked = {one.key: one for one in questions(runs.known())}
            waiting = [_named(one) for one in asked.values()]
            if keys is None:
                time.sleep(_REFRESH_S)
            else:
                for key in keys.read(_REFRESH_S):
                    answer = prompt.press(key, waiting)
                    if answer is not None:
                        _answer(runs, sender, asked[answer.checkpoint_id], answer)
            prompt.notice = sender.news() or prompt.notice
            live.update(_picture(runs, prompt), refresh=True)


def list_questions(runs: RunSet, wait: float) -> int:
    """Write the open questions to stdout, as soon as the streams have sent theirs; return their number.

    `wait`: the most seconds to wait for that.
    """
    end = time.monotonic() + wait
    live_since: dict[str, float] = {}
    while time.monotonic() < end:
        now = time.monotonic()
        for member in runs.members:
            if member.console.status == "live":
                live_since.setdefault(member.key, now)
        if runs.is_listing:
            time.sleep(_REFRESH_S / 2)
            continue
        statuses = [(member.key, member.console.status) for member in runs.members]
        if not any(
            status in _COMING or (status == "live" and now - live_since.get(key, now) < _SETTLED_S)
            for key, status in statuses
        ):
            break
        time.sleep(_REFRESH_S / 2)
    known = runs.known()
    asked = questions(known)
    for line in question_lines(asked):
        sys.stdout.write(f"{line}\n")
    for line in (*run_lines(known), *map(clean, runs.notices)):
        sys.stderr.write(f"{line}\n")
    return len(asked)


def question_lines(asked: Sequence[OpenQuestion]) -> Iterator[str]:
    """Yield a line for each question: its run, its title, its age, the rest of its time, and the possible answers."""
    for one in asked:
        checkpoint = one.checkpoint
        options = " | ".join(clean(option.label) for option in checkpoint.options)
        answers = options or ("an answer in words" if checkpoint.offers == "text" else "no known answers")
        yield f"{one.run_name}: {_title(checkpoint)} ({'; '.join(_times(one, one.run.now))}): {answers}"


def _title(checkpoint: Checkpoint) -> str:
    return clean(checkpoint.heading)


def _times(one: OpenQuestion, now: Micros) -> Iterator[str]:
    age, left = span_s(one.asked_at, now), span_s(now, one.due_at)
    if age is not None:
        yield f"asked {duration(age)} ago"
    if left is not None:
        yield f"{duration(left)} left"


def _named(one: OpenQuestion) -> Checkpoint:
    """Return the question under an id that is unique among all runs, for the prompt."""
    return structs.replace(one.checkpoint, checkpoint_id=one.key, title=_title(one.checkpoint))


def _picture(runs: RunSet, prompt: Prompt) -> RenderableType:
    """Return the prompt, the list of the questions, and the runs. The end of a long picture is cut off."""
    from rich.text import Text

    known = runs.known()
    asked = questions(known)
    by_key = {one.key: one for one in asked}
    now = max((run.now for run in known), default=0)
    lines = prompt.lines(
        [_named(one) for one in asked], now, lambda checkpoint: by_key[checkpoint.checkpoint_id].due_at
    )
    shown = by_key.get(prompt.shown or "")
    if shown is not None:
        lines.insert(1, f"  Run: {shown.run_name} · {' · '.join(_times(shown, now))}")
    if len(asked) > 1:
        lines += ["", "Questions:"]
        lines += [
            f" {'>' if one is shown else ' '} {one.run_name}: {_title(one.checkpoint)} · {' · '.join(_times(one, now))}"
            for one in asked[:_LISTED]
        ]
        lines += [f"   and {len(asked) - _LISTED:,} more"] if len(asked) > _LISTED else []
    if not asked:
        lines.append("No open questions.")
    lines += ["", f"Runs: {len(known):,}", *(f"  {line}" for line in run_lines(known)), *map(clean, runs.notices)]
    text = Text(marked("\n".join(lines)))
    text.highlight_regex(r"(?m)^Needs your decision.*", "bold yellow")
    text.highlight_regex(r"(?m)^  \[\d\]", "bold cyan")
    text.highlight_regex(r"(?m)^(Questions|Runs):", "bold")
    return text


def _answer(runs: RunSet, sender: AnswerSender, asked: OpenQuestion, reply: PromptAnswer) -> None:
    sender.send(runs.member(asked.run.key).console, asked.checkpoint.checkpoint_id, reply.answer, asked.run_name)
