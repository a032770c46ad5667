"""Answers by code for runs without a person: `on_checkpoint`."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from runconsole.clock import now_micros
from runconsole.engine.deciding import Decider, answer_as_policy
from runconsole.errors import DecisionError, DecisionUnknown, InvalidArgument, NotConnected
from runconsole.events import Alert, Answer, Received
from runconsole.state import Checkpoint, RunState
from runconsole.state.dated import dated_checkpoint
from runconsole.text.length import shortened

__all__ = ["CheckpointPolicy", "Returned"]

Returned = Answer[Any] | str | float | tuple[str | float, str | None] | Mapping[str, Any] | None
"""An answer; an option (id, value or label), also with feedback; a mapping of `decide`'s arguments; None for people."""

AT_ONCE = 32
"""Questions to ask about at a time, beside those that `decide` has not answered for long."""
PATIENCE = 10.0
"""Seconds until a question counts as not answered: one more may be asked about then, and the panel says so."""
_MOST_THREADS = 512
_LONGEST = 300

Asking = tuple[str, int]
"""A checkpoint's id, and how often it has been asked."""


class CheckpointPolicy:
    """Asks `decide` about each checkpoint once, in a thread of its own: it may take its time. Made on the I/O thread.

    `decide` may be a function or an ``async def``, which runs on an event loop of its own. What it raises is an alert
    in the panel and never ends the run; the checkpoint stays open for people. Where a person is faster, its answer is
    a refused one among `decisions`. Questions that it has not answered for long are said in the panel, and hold up no
    others.

    Args:
        decide: see above.
        state, decider: what is asked, and where the answers go.
        report: shows an alert.
        left: called, on any thread, when one more question is over or left to people.
    """

    def __init__(
        self,
        decide: Callable[[Checkpoint], Returned | Awaitable[Returned]],
        state: RunState,
        decider: Decider,
        report: Callable[[Received], None],
        left: Callable[[], object],
    ) -> None:
        self._decide = decide
        self.state = state
        self._decider = decider
        self._report = report
        self._on_left = left
        self._loop = asyncio.get_running_loop()
        self._asked: set[Asking] = set()
        self._done: set[Asking] = set()
        self._thinking: set[Asking] = set()
        self._overdue: set[Asking] = set()
        """The questions that `decide` thinks about, and those of them for long."""
        self._questions: queue.SimpleQueue[Checkpoint | None] = queue.SimpleQueue()
        self._threads = 0
        self._is_closed = False

    def look(self) -> None:
        """Ask about what is newly open. On the I/O thread."""
        if self._is_closed:
            return
        for checkpoint in self.state.open_checkpoints:
            asking = checkpoint.checkpoint_id, checkpoint.round
            if checkpoint.status == "pending" and asking not in self._asked:
                self._asked.add(asking)
                self._questions.put(checkpoint)
                self._start_thread()

    def thinks_about(self, checkpoint: Checkpoint) -> bool:
        """Return whether an answer to this question may still be expected from `decide`, and soon."""
        asking = checkpoint.checkpoint_id, checkpoint.round
        return not self._is_closed and asking not in self._done and asking not in self._overdue

    def _start_thread(self) -> None:
        """Start one more thread, as far as that is allowed. A daemon: a policy that hangs must not hold up the exit."""
        if self._threads < min(AT_ONCE + len(self._overdue), _MOST_THREADS):
            self._threads += 1
            threading.Thread(target=self._work, name="runconsole-policy", daemon=True).start()

    def close(self) -> None:
        """Ask no more. A question being asked is not waited for, and its answer is not taken."""
        self._is_closed = True
        for _ in range(self._threads):
            self._questions.put(None)

    def _work(self) -> None:
        answer_as_policy()
        while (checkpoint := self._questions.get()) is not None:
            asking = checkpoint.checkpoint_id, checkpoint.round
            try:
                if self._is_open(*asking):
                    self._ask(checkpoint, asking)
            finally:
                self._done.add(asking)
                self._on_left()

    def _is_open(self, checkpoint_id: str, asking: int) -> bool:
        """Return whether the question still waits for this policy, and was not answered while it stood in the queue."""
        now = self.state.checkpoints[checkpoint_id]
        return not self._is_closed and now.status == "pending" and now.round == asking

    def _ask(self, checkpoint: Checkpoint, asking: Asking) -> None:
        name = repr(checkpoint.checkpoint_id)
        try:
            answer = self._answer(checkpoint, asking)
            if answer is None or self._is_closed:
                return
            outcome = self._decider.submit(
                checkpoint.checkpoint_id,
                answer,
                is_wanted=lambda: not self._is_closed and self._decider.asks(self.state, checkpoint.checkpoint_id),
            )
            outcome.future.result()  # or until the console stops
        except DecisionError as error:
            # Where somebody was faster, `decisions` says so, and that is enough.
            if isinstance(error, DecisionUnknown) or self._is_open(*asking):
                self._say(f"the answer of on_checkpoint to {name} was not taken: {error}")
        except NotConnected as error:
            self._say(f"the answer of on_checkpoint to {name} was not sent: {error}")
        except BaseException as error:  # noqa: BLE001 - said in the panel: a policy never ends a run, not by SystemExit
            self._say(f"on_checkpoint failed for {name} ({_described(error)})")

    def _answer(self, checkpoint: Checkpoint, asking: Asking) -> Answer[Any] | None:
        self._thinking.add(asking)
        with suppress(RuntimeError):  # the loop is closed: nobody follows the run any more
            self._loop.call_soon_threadsafe(self._loop.call_later, PATIENCE, self._note_overdue, asking)
        try:
            return _read(_made(self._decide(dated_checkpoint(checkpoint))), checkpoint)
        finally:
            self._thinking.discard(asking)
            self._overdue.discard(asking)

    def _note_overdue(self, asking: Asking) -> None:
        """Say that a question has not been answered for long, and let another take its turn. On the I/O thread."""
        if self._is_closed or asking not in self._thinking:
            return
        self._overdue.add(asking)
        if self._is_open(*asking):
            self._say(
                f"on_checkpoint has not answered {asking[0]!r} for {PATIENCE:g} s: it may still, and so may you, here"
                " or by w.decide"
            )
        self._start_thread()
        self._on_left()

    def _say(self, text: str) -> None:
        if self._is_closed:
            return
        alert = Alert("error", shortened(text, _LONGEST))
        self._report(Received("on_checkpoint", alert, "", now_micros()))


def _described(error: BaseException) -> str:
    """Return an error's type and words; one may have none, and raise where they are asked for."""
    try:
        words = str(error)
    except BaseException as other:  # noqa: BLE001 - a user's class
        words = f"its words raise {type(other).__name__}"
    return f"{type(error).__name__}: {words}"


def _made(answer: Any) -> Any:
    """Return what a policy gave; what it is still to give is awaited here."""
    if not inspect.isawaitable(answer):
        return answer

    async def wait() -> Any:
        return await answer

    return asyncio.run(wait())


_WITH_VALUES = {"option", "feedback", "values"}


def _read(answer: Any, checkpoint: Checkpoint) -> Answer[Any] | None:
    """Return the answer that a policy gave. Raises InvalidArgument."""

    def is_option(value: Any) -> bool:
        return isinstance(value, str) or checkpoint.option(value) is not None

    match answer:
        case None | Answer():
            return answer
        case option if is_option(option):
            return Answer(option)
        case (option, str() | None as feedback) if is_option(option):
            return Answer(option, feedback)
        case {"option": option, "feedback": feedback} if not isinstance(feedback, str | None):
            pass
        case {"option": option, "values": values} if is_option(option) and answer.keys() <= _WITH_VALUES:
            return Answer(option, answer.get("feedback"), values)
        case {"decisions": decisions} if answer.keys() == {"decisions"}:
            return Answer(None, decisions=decisions)
        case {"option": option} if is_option(option) and answer.keys() <= set(Answer.__struct_fields__):
            return Answer(**answer)
    raise InvalidArgument(
        "expected on_checkpoint to return an option, (option, feedback), a dict of option, feedback and values or"
        f" modifications, a dict of decisions, or None, got {answer!r}"
    )
