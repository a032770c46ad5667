"""Answers to the pages' requests: one after the other, within the budget that they share with the patches."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from itertools import takewhile
from typing import cast

import msgspec

from runconsole.errors import RunConsoleError, UnfitValues
from runconsole.view import View, marked_sentence
from runconsole.view.contract import Row, TaskRow
from runconsole.widget.messages import (
    AskDetail,
    AskPage,
    AskSnapshot,
    AskTask,
    Detail,
    FromKernel,
    Page,
    RequestAnswer,
    TaskAnswer,
)

__all__ = ["Budget", "Replies", "RowRequest", "named", "refusal", "reply_to"]

PAUSE = 1 / 9
"""The least seconds between two answers."""
WAITING = 100
"""The most waiting requests. Beyond it the oldest get no answer: a page repeats a request that it still needs."""
AT_ONCE = 8.0
"""Without a thread that could wait: seconds of budget that are spent in advance; then requests get no answer."""

WHOLE = 150_000
"""Characters of a row that fits in one answer; a longer one is requested part by part."""
PART = 25_000
_LONGEST_ID = 200

RowRequest = AskPage | AskDetail | AskTask
"""A request for rows."""
PageRequest = AskSnapshot | RowRequest | FromKernel
"""A request of a page, or the answer to one that was carried out already."""


class Budget:
    """A budget of bytes a second. Times are seconds of a monotonic clock."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._paid = -math.inf

    def spend(self, size: int, now: float, pause: float) -> None:
        """Note that a message of this size was sent; the next one comes no sooner than after the pause."""
        self._paid = max(self._paid, now) + max(size / self._rate, pause)

    def delay(self, now: float) -> float:
        """Return the seconds to wait until the sent messages are paid for."""
        return max(0.0, self._paid - now)


class Replies:
    """Requests of the pages in their order. Runs on the I/O thread; without one, on the thread of the request.

    Args:
        budget: the byte budget.
        reply: makes the answer to a request.
        send: sends a message.
        pause: the least seconds between two answers.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        reply: Callable[[PageRequest], FromKernel],
        send: Callable[[FromKernel], None],
        pause: float = PAUSE,
    ) -> None:
        self._pause = pause
        self._budget = budget
        self._reply = reply
        self._send = send
        self._waiting: deque[PageRequest] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self, request: PageRequest) -> None:
        """Take a request; waiting requests for the whole picture are merged."""
        if isinstance(request, AskSnapshot):
            for place, known in enumerate(self._waiting):
                if isinstance(known, AskSnapshot):
                    self._waiting[place] = known if known.have == request.have else AskSnapshot()
                    return
        loop = _running_loop()
        if loop is None:
            if self._budget.delay(time.monotonic()) <= AT_ONCE:
                self._answer(request, time.monotonic())
            return
        if loop is not self._loop:
            self._loop, self._timer = loop, None
        self._waiting.append(request)
        if len(self._waiting) > WAITING:
            self._waiting.popleft()
        if self._timer is None:
            self._next()

    def _next(self) -> None:
        """Answer the waiting requests, as soon as the budget allows."""
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            delay = self._budget.delay(loop.time())
            if delay > 0:
                self._timer = loop.call_later(delay, self._next)
                return
            self._answer(self._waiting.popleft(), loop.time())

    def _answer(self, request: PageRequest, now: float) -> None:
        message = self._reply(request)
        self._budget.spend(len(msgspec.json.encode(message)), now, self._pause)
        self._send(message)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def named(name: object) -> str | None:
    """Return the id of a request, None for an invalid one."""
    return name if isinstance(name, str) and len(name) <= _LONGEST_ID else None


def _form_key(field: str) -> str:
    """Return the key of the form's field: an item of a list belongs to the field of the list.

    A number at the beginning is that of an action.
    """
    first, *others = field.split(".")
    return ".".join([first, *takewhile(lambda name: not name.isdecimal(), others)])


def refusal(name: object, problem: Exception) -> RequestAnswer:
    """Return the answer to a request, by its id, that cannot be carried out."""
    text = str(problem) if isinstance(problem, RunConsoleError) else f"{type(problem).__name__}: {problem}"
    answer: RequestAnswer = {"kind": "answer", "id": named(name), "ok": False, "error": marked_sentence(text)}
    if isinstance(problem, UnfitValues):
        answer["fields"] = {_form_key(field): marked_sentence(reason) for field, reason in problem.fields.items()}
    return answer


def reply_to(view: View, request: RowRequest) -> Page | Detail | TaskAnswer | RequestAnswer:
    """Return the answer to a page's request for rows."""
    try:
        match request:
            case AskPage():
                return _page(view, request)
            case AskTask():
                return _task(view, request)
            case _:
                return _detail(view, request)
    except Exception as problem:  # noqa: BLE001 - said in the panel: nobody reads a handler's traceback
        return refusal(request.id, problem)


def _page(view: View, request: AskPage) -> Page:
    offset, search = request.offset, request.search
    rows: object
    if request.table == "options":
        total, rows = view.options(request.of, offset, search or "")
    else:
        total, rows = view.page(
            request.table,
            offset,
            request.limit,
            status=request.status,
            search=search,
            sort=request.sort,
            descending=request.descending,
            of=request.of,
        )
    return {
        "kind": "page",
        "id": named(request.id),
        "table": request.table,
        "offset": offset,
        "total": total,
        "rows": cast("list[Row]", rows),
    }


def _task(view: View, request: AskTask) -> TaskAnswer:
    row, history = view.task(request.task) or (None, None)
    return {"kind": "task", "id": named(request.id), "row": cast("TaskRow | None", row), "history": history}


def _detail(view: View, request: AskDetail) -> Detail:
    text = view.detail_text(request.table, request.key)
    answer: Detail = {
        "kind": "detail",
        "id": named(request.id),
        "table": request.table,
        "key": request.key,
        "row": None,
    }
    if len(text) <= WHOLE:
        answer["row"] = msgspec.json.decode(text)
    else:
        answer["part"] = request.part
        answer["parts"] = math.ceil(len(text) / PART)
        answer["text"] = text[request.part * PART : (request.part + 1) * PART]
    return answer
