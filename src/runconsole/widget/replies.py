"""Answers to what the pages ask for: one after the other, within the budget that they share with the patches."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import msgspec

from runconsole.errors import RunConsoleError
from runconsole.view import View, marked_sentence
from runconsole.view.contract import Row
from runconsole.widget.messages import AskDetail, AskPage, AskSnapshot, Detail, FromKernel, Page, Taken

__all__ = ["Budget", "Replies", "named", "refusal", "reply_to"]

PAUSE = 1 / 9
"""Seconds between two answers at least."""
WAITING = 100
"""Requests that wait at most. Of more, the oldest get no answer: a page asks again for what it still wants."""
AT_ONCE = 8.0
"""Where no thread is left that could wait: so many seconds' budget is spent in advance; then requests get no answer."""

WHOLE = 150_000
"""Characters of a row that is told in one answer; of a longer one the page asks for part after part."""
PART = 25_000
_LONGEST_ID = 200

Request = AskSnapshot | AskPage | AskDetail | Taken
"""A request of a page, or the answer to one that was carried out already."""


class Budget:
    """How much may be sent: so many bytes a second. Times are seconds of a monotonic clock."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._paid = -math.inf

    def spend(self, size: int, now: float, pause: float) -> None:
        """Note that a message of this size was sent; the next one comes no sooner than after the pause."""
        self._paid = max(self._paid, now) + max(size / self._rate, pause)

    def delay(self, now: float) -> float:
        """Return how many seconds to wait until what was sent is paid for."""
        return max(0.0, self._paid - now)


class Replies:
    """Requests of the pages in their order. Runs on the I/O thread, or where there is none, wherever a request comes.

    Args:
        budget: what may be sent.
        reply: makes the answer to a request.
        send: sends a message.
    """

    def __init__(
        self, budget: Budget, *, reply: Callable[[Request], FromKernel], send: Callable[[FromKernel], None]
    ) -> None:
        self._budget = budget
        self._reply = reply
        self._send = send
        self._waiting: deque[Request] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self, request: Request) -> None:
        """Take a request; requests for the whole picture that wait are one."""
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
        """Answer what waits, as soon as the budget allows."""
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            delay = self._budget.delay(loop.time())
            if delay > 0:
                self._timer = loop.call_later(delay, self._next)
                return
            self._answer(self._waiting.popleft(), loop.time())

    def _answer(self, request: Request, now: float) -> None:
        message = self._reply(request)
        self._budget.spend(len(msgspec.json.encode(message)), now, PAUSE)
        self._send(message)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def named(name: object) -> str | None:
    """Return the id of a request, as far as it is one."""
    return name if isinstance(name, str) and len(name) <= _LONGEST_ID else None


def refusal(name: object, problem: Exception) -> Taken:
    """Return the answer to a request, by its id, that cannot be carried out."""
    text = str(problem) if isinstance(problem, RunConsoleError) else f"{type(problem).__name__}: {problem}"
    return {"kind": "answer", "id": named(name), "ok": False, "error": marked_sentence(text)}


def reply_to(view: View, request: AskPage | AskDetail) -> Page | Detail | Taken:
    """Return the answer to a page's request for rows."""
    try:
        return _page(view, request) if isinstance(request, AskPage) else _detail(view, request)
    except Exception as problem:  # noqa: BLE001 - said in the panel: nobody reads a handler's traceback
        return refusal(request.id, problem)


def _page(view: View, request: AskPage) -> Page:
    offset, search = request.offset, request.search
    rows: object
    if request.table == "options":
        total, rows = view.options(request.of, offset, search or "")
    else:
        total, rows = view.page(request.table, offset, request.limit, status=request.status, search=search)
    return {
        "kind": "page",
        "id": named(request.id),
        "table": request.table,
        "offset": offset,
        "total": total,
        "rows": cast("list[Row]", rows),
    }


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
