"""Calls to the server by name, each sent once, each answer awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from runconsole.errors import CallRefused, CallUnanswered
from runconsole.protocols.base import Reply, Request
from runconsole.session.link import OpenLink

__all__ = ["Calls"]

_LOST = "the link broke before the answer: it may or may not have happened"


class Calls:
    """The calls that wait for an answer."""

    def __init__(self, *, patience: float) -> None:
        self._patience = patience
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    async def make(self, link: OpenLink, request: Request, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - passed on
        """Send a call and return its result; wait `timeout` seconds for it, None as long as for any answer.

        Raises UnsupportedByWire where the wire has no calls, CallRefused when the server says no, CallUnanswered when
        no answer came.
        """
        outgoing = link.wire.call(request)
        patience = self._patience if timeout is None else timeout
        answer = self._waiting[outgoing.request_id] = asyncio.get_running_loop().create_future()
        await link.send([outgoing.frame])
        try:
            return await asyncio.wait_for(answer, patience)
        except TimeoutError:
            raise CallUnanswered(f"no answer to {request.name} came within {patience:g} s") from None
        finally:
            del self._waiting[outgoing.request_id]

    @property
    def is_waiting(self) -> bool:
        """True if answers are still to come."""
        return bool(self._waiting)

    def answered(self, reply: Reply) -> bool:
        """Take in an answer; return whether it is one to a call."""
        answer = self._waiting.get(reply.request_id)
        if answer is None:
            return False
        if not answer.done():
            if reply.error is None:
                answer.set_result(reply.value)
            else:
                answer.set_exception(CallRefused(reply.error, reply.code))
        return True

    def lost(self, request_ids: Iterable[str]) -> None:
        """Note that nobody will answer these any more: their connection broke."""
        for request_id in request_ids:
            answer = self._waiting.get(request_id)
            if answer is not None and not answer.done():
                answer.set_exception(CallUnanswered(_LOST))
