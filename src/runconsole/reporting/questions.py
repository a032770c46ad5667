"""`ask`: a question of the run, and the wait for its answer."""

from __future__ import annotations

import asyncio
import concurrent.futures
import concurrent.futures.thread
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from types import FrameType
from typing import Any

from runconsole.engine.watchers import on_loop
from runconsole.errors import InvalidArgument, NoOneToAsk
from runconsole.events import ActionRequest, CheckpointOption
from runconsole.reporting import notebook, terminal
from runconsole.reporting.asking import RunQuestion, TakenAnswer, read_options, read_schema
from runconsole.reporting.reading import RunReads
from runconsole.requests.fields import checked_requests
from runconsole.requests.options import options_of
from runconsole.values import plain_argument

__all__ = ["RunAsks"]

_SILENT_S = 5.0
"""Seconds in which a page takes up with the kernel."""
_TO_DO = "pass timeout= and default=, or start_run(on_checkpoint=...), or let others answer by run.serve()"


class RunAsks(RunReads):
    """The questions of a run."""

    def ask(
        self,
        title: str,
        *,
        options: Sequence[str | Mapping[str, str] | CheckpointOption] | None = None,
        description: str = "",
        context: Mapping[str, Any] | None = None,
        default: str | None = None,
        timeout: float | None = None,
        schema: Mapping[str, Any] | None = None,
        requests: Sequence[ActionRequest] | None = None,
        type: str = "hitl",  # noqa: A002 - the column's name
    ) -> TakenAnswer:
        """Ask a question and wait for the answer; one answer counts, whoever is first.

        A panel, `decide`, `on_checkpoint` and the terminal can answer. `KeyboardInterrupt` withdraws the question.

        Args:
            title: the question.
            options: the answers to choose from: texts, or dicts of ``id``, ``label`` and ``description``.
            description: more words about it.
            context: what the decision is about: ``spec``, ``changes``, ``cost``, ``risk``, or anything else that JSON
                can carry.
            default: the id of the option that is taken when the time is up.
            timeout: seconds to wait; None waits without limit.
            schema: a JSON Schema of values to be filled in; the panel shows a form. They come as `modifications` of the
                answer. An option that rejects, defers or skips needs none.
            requests: actions, mostly calls of tools, that need a decision each, in place of `options` and `schema`: the
                panel shows every one whole. `decisions` of the answer has an `ActionDecision` for each.
            type: the kind of the question, in the column ``type`` of `checkpoints`.

        Returns:
            The answer: its `option`, `feedback`, `modifications`, `decided_by`, `timed_out`.

        Raises:
            InvalidArgument: an argument cannot be used, or the run has ended.
            NoOneToAsk: no answer can ever come here, or the run ended first.
        """
        self._check_answerable(timeout)
        question = self._ask(title, options, description, context, default, timeout, schema, requests, type)
        try:
            if terminal.can_ask():
                with nullcontext() if self._display is None else self._display.paused():
                    terminal.ask(question, self.decide, timeout)
            if timeout is None and notebook.kernel() is not None:
                self._warn_of_silent_page(question)
            return question.answered.result(timeout)
        except TimeoutError:
            self._questions.time_out(question)
            return question.answered.result()
        finally:
            self._questions.withdraw(question)

    def _warn_of_silent_page(self, question: RunQuestion) -> None:
        """Wait a moment; say it if no page takes presses while this cell runs, as in front ends without subshells."""
        is_main = threading.current_thread() is threading.main_thread()
        concurrent.futures.wait([question.answered], _SILENT_S)
        is_bound = self._widget is not None and self._widget._is_bound  # noqa: SLF001 - of the panel
        if is_main and not is_bound and not question.answered.done():
            sys.stderr.write(
                f"runconsole: {question.id} waits for an answer, but no page takes presses while this cell runs;"
                " interrupt the cell to withdraw it, or ask from a thread\n"
            )

    async def ask_async(
        self,
        title: str,
        *,
        options: Sequence[str | Mapping[str, str] | CheckpointOption] | None = None,
        description: str = "",
        context: Mapping[str, Any] | None = None,
        default: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the same signature as `ask`
        schema: Mapping[str, Any] | None = None,
        requests: Sequence[ActionRequest] | None = None,
        type: str = "hitl",  # noqa: A002 - the column's name
    ) -> TakenAnswer:
        """Ask a question without blocking the event loop. As `ask`."""
        self._check_answerable(timeout, is_async=True)
        question = self._ask(title, options, description, context, default, timeout, schema, requests, type)
        try:
            return await asyncio.wait_for(asyncio.shield(on_loop(question.answered)), timeout)
        except TimeoutError:
            self._questions.time_out(question)
            return question.answered.result()
        finally:
            self._questions.withdraw(question)

    def _ask(  # noqa: PLR0917 - the parts of a question
        self,
        title: str,
        options: object,
        description: str,
        context: Mapping[str, Any] | None,
        default: str | None,
        timeout: float | None,
        schema: Mapping[str, Any] | None,
        requests: object,
        kind: str,
    ) -> RunQuestion:
        self._check_open()
        for name, value in (("title", title), ("description", description), ("type", kind)):
            if not isinstance(value, str):
                raise InvalidArgument(f"expected {name}= to be a text, got a {value.__class__.__name__}")
        if context is not None and not isinstance(context, Mapping):
            raise InvalidArgument(f"expected context= to be a dict, got a {context.__class__.__name__}")
        asked = () if requests is None else checked_requests(requests)
        if asked and not (options is None and schema is None):
            raise InvalidArgument("expected requests= or options= with schema=, got both: the requests have their own")
        return self._questions.open(
            title,
            read_options(options_of(asked) if asked else options),
            requests=asked,
            record=self._own_record(),
            default=default,
            timeout=timeout,
            schema=read_schema(schema),
            checkpointType=kind,
            description=description or None,
            context=plain_argument("context", context),
        )

    def _check_answerable(self, timeout: float | None, *, is_async: bool = False) -> None:
        """Raise NoOneToAsk where a question would wait without an end and nobody can answer it."""
        others = self._emitter.journal.readers > 1 or self._is_served
        if timeout is not None or self._asks_policy or others:
            return
        kernel = notebook.kernel()
        is_main = threading.current_thread() is threading.main_thread()
        why = None
        if kernel is not None:
            why = self._unanswered_in(kernel) if is_main else None
        elif is_main and not is_async and not terminal.can_ask() and not _others():
            why = "there is no panel, no terminal and no other thread that could answer"
        if why is not None:
            raise NoOneToAsk(f"no answer can ever come: {why}; {_TO_DO}")

    def _unanswered_in(self, kernel: Any) -> str | None:
        """Return why nobody can answer in a cell of this kernel; None where somebody can."""
        if not notebook.has_reader(kernel):
            return "a program executes this notebook"
        if self._widget is None:
            return "no panel shows this run (run.widget is one)"
        if not notebook.cell_takes_presses(kernel):
            return "in this kernel (ipykernel 6) a press arrives only when the cell has ended; a thread may ask"
        return None


def _others() -> bool:
    """Return whether there are other threads of the program, which may answer."""
    own = ("runconsole", "name-resolver")
    frames = sys._current_frames()  # noqa: SLF001 - documented
    return any(
        thread is not threading.main_thread()
        and not thread.name.startswith(own)
        and not _is_idle(frames.get(thread.ident or 0))
        for thread in threading.enumerate()
    )


def _is_idle(frame: FrameType | None) -> bool:
    """Return whether a thread, by what it runs now, is one of a pool that waits for work."""
    code = None if frame is None else frame.f_code
    return code is not None and (code.co_name, code.co_filename) == ("_worker", concurrent.futures.thread.__file__)
