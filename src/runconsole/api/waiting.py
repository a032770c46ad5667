"""Waiting for a run: for its end, or for its next question."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import queue
import sys
import time
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from runconsole import state
from runconsole.engine.engine import Engine
from runconsole.engine.watchers import on_loop
from runconsole.errors import ConsoleFailed, InvalidArgument, NotConnected, RunInterrupted
from runconsole.state.dated import Checkpoint, dated_checkpoint

__all__ = ["RunWaits", "Until", "check_until"]

Until: TypeAlias = Literal["done", "ended"]
"""The end to wait for: all announced tasks are done, or the server has reported the end of the run."""

_MOST_NAMED = 20
_POLL = 1.0
"""Seconds: who waits for less is asking again and again."""


class RunWaits:
    """The methods of a run that wait. Any thread or event loop may call them."""

    _named_last: list[str] | None = None

    _engine: Engine

    def wait(self, timeout: float | None = None, *, until: Until = "ended") -> bool:
        """Block until the run has finished; see `Raises` for the other ends. Of several `runs` that is the newest.

        Says on stderr which open checkpoints it waits for, when one opens and when it gives up; only then also those
        that `on_checkpoint` is answering.

        Args:
            timeout: seconds; None waits without limit.
            until: ``"ended"``: the server has said so. ``"done"``: or all that it announced is done, and it has been
                silent for some seconds; some servers never say that a run has ended.

        Returns:
            True when the run has finished; False after `timeout`, or when the console was stopped.

        Raises:
            RunInterrupted: the server ended the stream in good order before the run had ended, again and again (a
                ConsoleFailed).
            ConsoleFailed: the link failed for good.
            NotConnected: there is no `timeout`, and the console was not started: nothing would ever end.
        """
        check_until(until)
        self._check_started(timeout)
        if timeout is not None and timeout <= 0:  # a poll leaves nothing behind, however often
            outcome = self._outcome(until)
            return self._gave_up(timeout) if outcome is None else outcome
        news: queue.SimpleQueue[str] = queue.SimpleQueue()
        ended = self._ended(until, lambda: news.put("opened"))
        ended.add_done_callback(lambda _: news.put("ended"))
        end = None if timeout is None else time.monotonic() + timeout
        try:
            # Said from here: what another thread prints shows up under another cell.
            while news.get(timeout=None if end is None else max(0.0, end - time.monotonic())) == "opened":
                self._say_open("")
        except queue.Empty:
            if not ended.cancel():
                return ended.result()
            return self._gave_up(timeout or 0)
        finally:
            ended.cancel()
        return ended.result()

    async def finished(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the public contract
        *,
        until: Until = "ended",
    ) -> bool:
        """Wait, without blocking the event loop, until the run has finished. As `wait`."""
        check_until(until)
        self._check_started(timeout)
        loop = asyncio.get_running_loop()
        say = functools.partial(loop.call_soon_threadsafe, self._say_open, "", context=contextvars.copy_context())
        try:
            return await asyncio.wait_for(on_loop(self._ended(until, say, loop.is_closed)), timeout)
        except TimeoutError:
            return self._gave_up(timeout or 0)

    def _check_started(self, timeout: float | None) -> None:
        """Raise NotConnected where a wait would have no end."""
        if timeout is None and not self._engine.was_started:
            raise NotConnected(
                "this console was not started, so it would wait for ever: call start(), or pass timeout="
            )

    def _gave_up(self, timeout: float) -> Literal[False]:
        """Say what is open; of polls, only where it is something else than what was said last."""
        names = [c.checkpoint_id for c in self._engine.pending]
        if timeout >= _POLL or names != self._named_last:
            self._say_open(f"gave up waiting after {timeout:g} s; ")
        self._named_last = names
        return False

    def _outcome(self, until: Until) -> bool | None:
        """Return True when the run has finished, False when the console was stopped, else None. Raises as `wait`."""
        if self._engine.interruption is not None:
            raise RunInterrupted(self._engine.interruption)
        if self._engine.is_finished or (until == "done" and self._engine.is_done):
            return True
        if self._engine.status == "failed":
            raise ConsoleFailed(self._engine.reason or "the link failed")
        return False if self._engine.status == "stopped" else None

    def _ended(
        self, until: Until, announce: Callable[[], object], is_gone: Callable[[], bool] = lambda: False
    ) -> concurrent.futures.Future[bool]:
        """Return a future of how the run ends: True finished, False stopped, RunInterrupted, ConsoleFailed.

        `announce` is called on the I/O thread whenever a checkpoint opens; `is_gone` says that nobody waits any more.
        """
        future: concurrent.futures.Future[bool] = concurrent.futures.Future()
        announced: set[str] = set()

        def look() -> bool:
            if future.done() or is_gone():
                return True
            new = {c.checkpoint_id for c in self._engine.left_to_people} - announced
            if new:
                announced.update(new)
                announce()
            try:
                outcome = self._outcome(until)
            except ConsoleFailed as error:
                # Without the frames that lead here: they hold what the server said last.
                error.__context__ = None
                future.set_exception(error.with_traceback(None))
            else:
                if outcome is not None:
                    future.set_result(outcome)
            return future.done()

        self._engine.watch(look)
        return future

    def _say_open(self, before: str) -> None:
        """Say on stderr what waits for a person; with words `before`, when all is given up, what else is open, too."""
        people = self._engine.left_to_people
        texts = [f"the run waits for your decision on {_named(people)}: w.decide(id, option)"] if people else []
        known = {c.checkpoint_id for c in people}
        others = [c for c in self._engine.pending if c.checkpoint_id not in known] if before else []
        if others:
            texts.append(f"on_checkpoint has not answered {_named(others)} yet")
        if texts:
            text = f"runconsole: {before}{'; '.join(texts)}"
            sys.stderr.write("".join(c if c.isprintable() else " " for c in text) + "\n")

    async def next_checkpoint(self, timeout: float | None = None) -> Checkpoint | None:  # noqa: ASYNC109 - as `finished`
        """Return the oldest checkpoint that waits for an answer, as soon as there is one.

        None when the run has ended, or after `timeout` seconds.
        """
        future: concurrent.futures.Future[Checkpoint | None] = concurrent.futures.Future()

        def look() -> bool:
            waiting = next((c for c in self._engine.pending if c.status == "pending"), None)
            over = self._engine.is_finished or self._engine.status in {"failed", "stopped"}
            if not future.done() and (waiting is not None or over):
                future.set_result(None if waiting is None else dated_checkpoint(waiting))
            return future.done()

        self._engine.watch(look)
        try:
            return await asyncio.wait_for(on_loop(future), timeout)
        except TimeoutError:
            return None


def _named(checkpoints: list[state.Checkpoint]) -> str:
    named = [f"{c.title or c.kind or 'a decision'!r} ({c.checkpoint_id})" for c in checkpoints[:_MOST_NAMED]]
    more = len(checkpoints) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def check_until(until: object) -> None:
    """Raise InvalidArgument where this is nothing to wait for."""
    if until not in get_args(Until):
        raise InvalidArgument(f"expected until= to be 'done' or 'ended', got {until!r}")
