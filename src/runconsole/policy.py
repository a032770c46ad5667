"""Answers by code for runs without a person: `on_checkpoint`."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from runconsole.clock import now_micros
from runconsole.deciding import Decider
from runconsole.errors import DecisionError, DecisionUnknown, InvalidArgument, NotConnected
from runconsole.events import Alert, Received
from runconsole.state import Checkpoint, RunState

__all__ = ["Answer", "Policy"]

Answer = str | tuple[str, str | None] | Mapping[str, Any] | None
"""An option; an option with feedback; a mapping with `option`, `feedback`, `modifications`; None: people decide."""

_MOST_AT_ONCE = 8
_LONGEST = 300


class Policy:
    """Asks `decide` about each checkpoint once, in a thread of its own: it may take its time.

    `decide` may be a function or an ``async def``, which runs on an event loop of its own. What it raises is an alert
    in the panel and never ends the run; the checkpoint stays open for people. Where a person is faster, its answer is
    a refused one among `decisions`. At most eight questions are being thought about at once.

    Args:
        decide: see above.
        state, decider: what is asked, and where the answers go.
        report: shows an alert.
        left: called, on any thread, when one more question is over or left to people.
    """

    def __init__(
        self,
        decide: Callable[[Checkpoint], Answer | Awaitable[Answer]],
        state: RunState,
        decider: Decider,
        report: Callable[[Received], None],
        left: Callable[[], object],
    ) -> None:
        self._decide = decide
        self._state = state
        self._decider = decider
        self._report = report
        self._on_left = left
        self._asked: set[tuple[str, int]] = set()
        self._done: set[tuple[str, int]] = set()
        self._questions: queue.SimpleQueue[Checkpoint | None] = queue.SimpleQueue()
        self._threads = 0
        self._is_closed = False

    def look(self) -> None:
        """Ask about what is newly open. On the I/O thread."""
        if self._is_closed:
            return
        for checkpoint in self._state.open_checkpoints:
            asking = checkpoint.checkpoint_id, checkpoint.asking
            if checkpoint.status == "pending" and asking not in self._asked:
                self._asked.add(asking)
                self._questions.put(checkpoint)
                self._employ()

    def thinks_about(self, checkpoint: Checkpoint) -> bool:
        """Whether an answer to this question may still be expected from `decide`."""
        asking = checkpoint.checkpoint_id, checkpoint.asking
        return not self._is_closed and asking not in self._done

    def _employ(self) -> None:
        """Start one more thread, as far as that is allowed. A daemon: a policy that hangs must not hold up the exit."""
        if self._threads < _MOST_AT_ONCE:
            self._threads += 1
            threading.Thread(target=self._work, name="runconsole-policy", daemon=True).start()

    def close(self) -> None:
        """Ask no more. A question being asked is not waited for, and its answer is not taken."""
        self._is_closed = True
        for _ in range(self._threads):
            self._questions.put(None)

    def _work(self) -> None:
        while (checkpoint := self._questions.get()) is not None:
            if not self._is_closed and self._is_open(checkpoint):
                self._ask(checkpoint)
            self._done.add((checkpoint.checkpoint_id, checkpoint.asking))
            self._on_left()

    def _is_open(self, checkpoint: Checkpoint) -> bool:
        """Whether the question still waits, and was not answered while it stood in the queue."""
        now = self._state.checkpoints[checkpoint.checkpoint_id]
        return now.status == "pending" and now.asking == checkpoint.asking

    def _ask(self, checkpoint: Checkpoint) -> None:
        name = repr(checkpoint.checkpoint_id)
        try:
            answer = _read(_made(self._decide(checkpoint)))
            if answer is None or self._is_closed:
                return
            option, feedback, modifications = answer
            outcome = self._decider.submit(checkpoint.checkpoint_id, option, feedback, modifications, by="policy")
            outcome.future.result()  # or until the console stops
        except DecisionError as error:
            # Where somebody was faster, `decisions` says so, and that is enough.
            if isinstance(error, DecisionUnknown) or self._is_open(checkpoint):
                self._say(f"the answer of on_checkpoint to {name} was not taken: {error}")
        except NotConnected as error:
            self._say(f"the answer of on_checkpoint to {name} was not sent: {error}")
        except BaseException as error:  # noqa: BLE001 - said in the panel: a policy never ends a run, not by SystemExit
            self._say(f"on_checkpoint failed for {name} ({type(error).__name__}: {error})")

    def _say(self, text: str) -> None:
        text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
        self._report(Received("on_checkpoint", Alert("error", text), "", now_micros()))


def _made(answer: Any) -> Any:
    """Return what a policy gave; what it is still to give is awaited here."""
    if not inspect.isawaitable(answer):
        return answer

    async def wait() -> Any:
        return await answer

    return asyncio.run(wait())


def _read(answer: Any) -> tuple[str, str | None, Any] | None:
    match answer:
        case None:
            return None
        case str():
            return answer, None, None
        case (str() as option, str() | None as feedback):
            return option, feedback, None
        case {"option": str() as option, **rest} if rest.keys() <= {"feedback", "modifications"}:
            words = rest.get("feedback")
            if words is None or isinstance(words, str):
                return option, words, rest.get("modifications")
    raise InvalidArgument(
        "expected on_checkpoint to return an option, (option, feedback), a dict of option, feedback and modifications,"
        f" or None, got {answer!r}"
    )
