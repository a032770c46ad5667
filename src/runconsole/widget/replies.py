"""Answers to what the pages ask for: one after the other, within the budget that they share with the patches."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from runconsole.errors import RunConsoleError
from runconsole.view import View, marked_sentence

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

Message = dict[str, Any]


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

    def __init__(self, budget: Budget, *, reply: Callable[[Message], Message], send: Callable[[Message], None]) -> None:
        self._budget = budget
        self._reply = reply
        self._send = send
        self._waiting: deque[Message] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self, request: Message) -> None:
        """Take a request; requests for the whole picture that wait are one."""
        if request["kind"] == "snapshot":
            before = next((known for known in self._waiting if known["kind"] == "snapshot"), None)
            if before is not None:
                before["have"] = before["have"] if before["have"] == request["have"] else -1
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

    def _answer(self, request: Message, now: float) -> None:
        message = self._reply(request)
        self._budget.spend(len(msgspec.json.encode(message)), now, PAUSE)
        self._send(message)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def named(request: Message) -> str | None:
    """Return the id of a request, as far as it is one."""
    name = request.get("id")
    return name if isinstance(name, str) and len(name) <= _LONGEST_ID else None


def refusal(request: Message, problem: Exception) -> Message:
    """Return the answer to a request that cannot be carried out."""
    text = str(problem) if isinstance(problem, RunConsoleError) else f"{type(problem).__name__}: {problem}"
    return {"kind": "answer", "id": named(request), "ok": False, "error": marked_sentence(text)}


def reply_to(view: View, request: Message) -> Message:
    """Return the answer to a page's request for rows, or to what was carried out already."""
    try:
        match request["kind"]:
            case "page":
                return _page(view, request)
            case "detail":
                return _detail(view, request)
            case _:
                answer: Message = request["answer"]
                return answer
    except Exception as problem:  # noqa: BLE001 - said in the panel: nobody reads a handler's traceback
        return refusal(request, problem)


def _page(view: View, request: Message) -> Message:
    table, offset = str(request["table"]), int(request.get("offset", 0))
    search = request.get("search")
    if table == "options":
        total, rows = view.options(str(request["of"]), offset, str(search or ""))
    else:
        limit = int(request.get("limit", 100))
        total, rows = view.page(table, offset, limit, status=request.get("status"), search=search)
    return {
        "kind": "page",
        "id": named(request),
        "table": table,
        "offset": offset,
        "total": total,
        "rows": rows,
    }


def _detail(view: View, request: Message) -> Message:
    table, key, part = str(request["table"]), str(request["key"]), int(request.get("part") or 0)
    text = view.detail_text(table, key)
    answer: Message = {"kind": "detail", "id": named(request), "table": table, "key": key, "row": None}
    if len(text) <= WHOLE:
        answer["row"] = msgspec.json.decode(text)
    else:
        parts = math.ceil(len(text) / PART)
        answer |= {"part": part, "parts": parts, "text": text[part * PART : (part + 1) * PART]}
    return answer
