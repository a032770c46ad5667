"""Searches in the logs for the pages: on a thread of their own, so that neither the network nor the panel waits."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple, cast

from runconsole.engine.engine import Engine
from runconsole.search import (
    Cancelled,
    EventPart,
    LogQuery,
    LogSearches,
    Matches,
    Snapshot,
    event_parts,
    labels_of,
    output_parts,
    tasks_like,
    text_piece,
)
from runconsole.view import View
from runconsole.view.contract import Row
from runconsole.view.rows import short
from runconsole.view.view import PAGE
from runconsole.widget.messages import AskMatch, AskPage, AskText, FromKernel, MatchFound, Page, TextPiece
from runconsole.widget.replies import named, refusal
from runconsole.widget.showing import Showing

__all__ = ["LogRequest", "Searching"]

_WRITERS = 50
LogRequest = AskPage | AskMatch | AskText


@cache
def _searcher() -> ThreadPoolExecutor:
    """Return the process's one thread that searches."""
    return ThreadPoolExecutor(1, "log-search")


if hasattr(os, "register_at_fork"):  # a forked process lacks the thread: another one is started on demand
    os.register_at_fork(after_in_child=_searcher.cache_clear)


class _Job(NamedTuple):
    """A request with everything that its answer is made of."""

    request: LogRequest
    view: View
    searches: LogSearches
    log: Snapshot


class Searching:
    """Answers the requests that search the logs of the shown run. Used by the thread that writes the state.

    Args:
        engine: the engine of the console.
        showing: the shown run.
        answer: sends an answer; called on that thread, too.
    """

    def __init__(self, engine: Engine, showing: Showing, answer: Callable[[FromKernel], None]) -> None:
        self._engine = engine
        self._showing = showing
        self._answer = answer
        self._of: tuple[View, LogSearches] = (showing.view, LogSearches())
        self._wanted: set[str] = set()
        """The ids of the requests that wait for their answers."""

    def ask(self, request: LogRequest) -> None:
        """Answer a request as soon as it is found."""
        view = self._showing.view
        if self._of[0] is not view:
            self._of = (view, LogSearches())
        self._wanted.discard(getattr(request, "instead", ""))
        self._wanted.add(request.id)
        job = _Job(request, *self._of, self._snapshot(request))
        _searcher().submit(self._run, job)

    def close(self) -> None:
        """End all searches."""
        self._wanted.clear()

    def _snapshot(self, request: LogRequest) -> Snapshot:
        def is_cancelled() -> bool:
            return request.id not in self._wanted

        tasks = list(self._showing.store.state.tasks.values())
        names = {task.task_id: task.name for task in tasks} if _names_task(request) else {}
        if isinstance(request, AskPage) and request.table == "events":
            parts = event_parts(self._showing.store.log, self._showing.reader())
            return Snapshot("events", parts, [], {}, is_cancelled)
        output = self._showing.view.output()
        return Snapshot("output", output_parts(output.lines), list(output.tasks), names, is_cancelled)

    def _run(self, job: _Job) -> None:
        """Find the answer, on the searching thread."""
        if job.log.is_cancelled():
            return
        try:
            answer = _answer_to(job)
        except Cancelled:
            return
        except Exception as problem:  # noqa: BLE001 - said in the panel: nobody reads a thread's traceback
            answer = self._engine.options.redactor.hide_in(refusal(job.request.id, problem))
        self._engine.call_soon(self._send, job, answer)

    def _send(self, job: _Job, answer: FromKernel) -> None:
        if job.request.id in self._wanted:
            self._wanted.discard(job.request.id)
            self._answer(answer)


def _names_task(request: LogRequest) -> bool:
    if isinstance(request, AskPage):
        return request.table == "writers" or bool(request.query and request.query.task)
    return bool((request.shown if isinstance(request, AskMatch) else request.query).task)


def _answer_to(job: _Job) -> FromKernel:
    request = job.request
    match request:
        case AskMatch():
            return _match(request, job)
        case AskText():
            matches = job.searches.matches(job.log, request.query)
            return _text(request, matches)
        case AskPage(table="writers"):
            return _writers(request, job.log)
    matches = job.searches.matches(job.log, request.query or LogQuery())
    answer = _page(request, matches.rows(max(0, request.offset), min(request.limit, PAGE)), len(matches), job.view)
    if request.table == "events":
        answer["types"] = job.searches.counts(cast("list[EventPart]", job.log.parts))
    return answer


def _match(request: AskMatch, job: _Job) -> MatchFound:
    wanted = request.shown.and_text(request.text, regex=request.regex, errors=request.errors)
    found = job.searches.match(job.log, request.shown, wanted, request.near, request.step)
    return {
        "kind": "match",
        "id": named(request.id),
        "line": found.number,
        "place": found.place,
        "ordinal": found.ordinal,
        "matches": found.matches,
        "shown": found.shown,
    }


def _text(request: AskText, matches: Matches) -> TextPiece:
    text, following = text_piece(matches, max(0, request.offset), stamped=request.stamped)
    return {"kind": "text", "id": named(request.id), "text": text, "next": following, "total": len(matches)}


def _page(request: AskPage, rows: Any, total: int, view: View) -> Page:
    return {
        "kind": "page",
        "id": named(request.id),
        "table": request.table,
        "offset": request.offset,
        "total": total,
        "rows": [cast("Row", view.numbered_row(request.table, number, item)) for number, item in rows],
    }


def _writers(request: AskPage, log: Snapshot) -> Page:
    labels = labels_of(log.tasks, log.names)
    found = tasks_like(request.search or "", labels)
    chosen = found[request.offset :][: min(request.limit, _WRITERS)]
    return {
        "kind": "page",
        "id": named(request.id),
        "table": "writers",
        "offset": request.offset,
        "total": len(found),
        "rows": [cast("Row", {"key": task, "label": short(labels[task])}) for task in chosen],
    }
