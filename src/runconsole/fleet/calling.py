"""`on_question`: a user's function, called once with each open question, on threads of its own."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct

from runconsole.api.run import RunAPI
from runconsole.engine.deciding import answer_as_policy
from runconsole.events import CheckpointOption
from runconsole.state.dated import Checkpoint, Decision
from runconsole.text.length import shortened

__all__ = ["InboxQuestion", "QuestionCalls"]

AT_ONCE = 8
"""The most calls at a time: one that hangs holds up none of the first others."""
_LONGEST = 300


class InboxQuestion(Struct, frozen=True, kw_only=True):
    """An open question of one of several runs.

    Attributes:
        run: the name of the run.
        address: its URL without secrets.
        console: the console that follows it.
        checkpoint: the question, as `Console.pending` has it.
        due_at: the time at which the default is taken, by this machine's clock, in UTC; None for none.
    """

    run: str
    address: str
    console: RunAPI
    checkpoint: Checkpoint
    due_at: datetime | None = None

    @property
    def checkpoint_id(self) -> str:
        return self.checkpoint.checkpoint_id

    @property
    def title(self) -> str:
        """Its title, else its kind, else its id."""
        return self.checkpoint.heading

    @property
    def options(self) -> tuple[CheckpointOption, ...]:
        return self.checkpoint.options

    def decide(self, option: Any = None, **given: Any) -> Decision:
        """Answer it, as `Console.decide` does, with the same keyword arguments."""
        return self.console.decide(self.checkpoint.checkpoint_id, option, **given)

    def __str__(self) -> str:
        return f"{self.run}: {self.title}"


class QuestionCalls:
    """Calls `function` once with each question, in the order in which they came up.

    Args:
        function: the user's function, or a coroutine function. Its result is not used.
        say: takes one sentence about a call that failed, on the thread of the call.
    """

    def __init__(self, function: Callable[[InboxQuestion], Any], say: Callable[[str], None]) -> None:
        self._function = function
        self._say = say
        self._questions: queue.SimpleQueue[InboxQuestion | None] = queue.SimpleQueue()
        self._threads = 0
        self._idle = threading.Semaphore(0)
        self._is_closed = False

    def put(self, question: InboxQuestion) -> None:
        """Call the function with a question soon; returns at once."""
        self._questions.put(question)
        if not self._idle.acquire(blocking=False) and self._threads < AT_ONCE:
            self._threads += 1
            # A daemon: a function that hangs must not hold up the exit.
            threading.Thread(target=self._work, name="runconsole-question", daemon=True).start()

    def close(self) -> None:
        """Call the function no more; a call that has begun is not waited for."""
        self._is_closed = True
        for _ in range(self._threads):
            self._questions.put(None)

    def _work(self) -> None:
        answer_as_policy()
        while (question := self._questions.get()) is not None:
            if not self._is_closed:
                self._call(question)
            self._idle.release()

    def _call(self, question: InboxQuestion) -> None:
        try:
            result = self._function(question)
            if inspect.isawaitable(result):
                asyncio.run(_awaited(result))
        except BaseException as error:  # noqa: BLE001 - said, and never fatal, not even a SystemExit
            name = question.checkpoint.title or question.checkpoint.checkpoint_id
            self._say(shortened(f"on_question failed for {name!r} of {question.run} ({_described(error)})", _LONGEST))


async def _awaited(result: Any) -> None:
    await result


def _described(error: BaseException) -> str:
    """Return an error's type and words; one may raise where its words are asked for."""
    try:
        return f"{type(error).__name__}: {error}"
    except BaseException as other:  # noqa: BLE001 - a user's class
        return f"{type(error).__name__}, whose words raise {type(other).__name__}"
