"""Following a console in a terminal until its link has ended."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from runconsole.api.run import engine_of
from runconsole.console import Console
from runconsole.terminal.keys import keyboard
from runconsole.terminal.process import terminal_of
from runconsole.terminal.prompt import Prompt
from runconsole.terminal.sending import AnswerSender
from runconsole.text.marks import marked
from runconsole.view.screen import clean, render_rich

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["follow", "show"]

_REFRESH_S = 0.2
_FOLLOWING = frozenset({"connecting", "live", "retrying"})


def follow(console: Console) -> None:
    """Show the console until its link has ended; with a keyboard, questions can be answered."""
    if sys.stdout.isatty():
        _follow_live(console)
    else:
        _follow_quietly(console)


def show(console: Console) -> None:
    """Write the last screen, if anything came."""
    if not len(engine_of(console).log):
        return
    if not sys.stdout.isatty():
        sys.stdout.write(f"{console}\n")  # never wrapped
        return
    from rich.console import Console as Terminal

    terminal = Terminal(file=terminal_of(sys.stdout))
    terminal.print(render_rich(engine_of(console).state, engine_of(console).now), soft_wrap=True)


def _follow_live(console: Console) -> None:
    from rich.console import Console as Terminal
    from rich.live import Live

    prompt, sender = Prompt(), AnswerSender()
    live = Live(
        _picture(console, prompt),
        console=Terminal(file=terminal_of(sys.stdout)),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,  # they are outputs that clean their text
        redirect_stderr=False,
    )
    with keyboard(on_suspend=live.stop, on_resume=live.start) as keys, ExitStack() as stack:
        stack.callback(live.stop)  # a signal may come while it starts
        live.start(refresh=True)
        while console.status in _FOLLOWING:
            if keys is None:
                time.sleep(_REFRESH_S)
            else:
                for key in keys.read(_REFRESH_S):
                    answer = prompt.press(key, engine_of(console).pending)
                    if answer is not None:
                        sender.send(console, answer.checkpoint_id, answer.answer)
            prompt.notice = sender.news() or prompt.notice
            live.update(_picture(console, prompt), refresh=True)


def _picture(console: Console, prompt: Prompt) -> RenderableType:
    """Return the prompt and the screen. The prompt comes first: the terminal cuts off the end of a long picture."""
    from rich.console import Group
    from rich.text import Text

    now = engine_of(console).now
    screen = render_rich(engine_of(console).state, now)
    lines = prompt.lines(
        engine_of(console).pending, engine_of(console).state.clock.at(now), engine_of(console).state.due_at
    )
    if not lines:
        return screen
    question = Text(marked("\n".join(lines) + "\n"))
    question.highlight_regex(r"(?m)^Needs your decision.*", "bold yellow")
    question.highlight_regex(r"(?m)^  \[\d\]", "bold cyan")
    return Group(question, screen)


def _follow_quietly(console: Console) -> None:
    last = ""
    while console.status in _FOLLOWING:
        now = _progress_line(console)
        if now != last:
            sys.stderr.write(f"{now}\n")
            sys.stderr.flush()
            last = now
        time.sleep(_REFRESH_S)


def _progress_line(console: Console) -> str:
    """Return the link's status, and the progress in steps of ten percent or the reason why there is none."""
    status = console.status
    if status == "retrying":
        return f"{status}: {clean(engine_of(console).state.links[-1].reason or 'no reason known')}"
    if engine_of(console).state.quiet is not None:
        return f"{status}: {clean(engine_of(console).state.quiet, 500)}"
    percent = console.run.percent
    progress = "" if percent is None else f" {int(percent) // 10 * 10}%"
    waiting = f", {len(engine_of(console).pending)} waiting for a decision" if engine_of(console).pending else ""
    return f"{status}{progress}{waiting}"
