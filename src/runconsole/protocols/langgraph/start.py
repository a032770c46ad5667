"""The start of a run on a thread, once: the thread is made where there is none, then followed, then the run begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from runconsole.protocols.base import StreamRefused
from runconsole.transports.agentserver.calls import Call, CallResult

__all__ = ["Start", "problem_of_input"]

_STREAM_MODES = ["tasks", "custom", "updates"]
_NOT_NOW = frozenset({408, 425, 429, 503})
"""Statuses after which the server has done nothing, and may do it later."""
_MAYBE_DONE = frozenset({500, 502, 504})
_UNKNOWN = "no answer came to the request that starts the run: it may or may not have begun. It is not started again"


def problem_of_input(given: Any, assistant: str | None) -> str | None:
    """Return a sentence about an input that cannot start a run; None where it can."""
    if given is None:
        return None if assistant is None else "expected input= beside assistant=: nothing is started without it"
    if assistant is None:
        return "expected assistant= beside input=: the name of the graph, or the id of the assistant, that is to run"
    if isinstance(given, str):
        return None if given.strip() else "expected input= to be the input of the graph, got an empty text"
    return None if isinstance(given, Mapping) else f"expected input= to be a dict or a text, got {type(given).__name__}"


class Start:
    """One run to start.

    Args:
        path: of the thread, ``/threads/{id}``.
        given: the input of the graph; a text is a message of the user.
        assistant: the graph's name, or the assistant's id.
    """

    def __init__(self, path: str, given: Any, assistant: str) -> None:
        self._path = path
        messages = [{"role": "user", "content": given}]
        self._input = {"messages": messages} if isinstance(given, str) else given
        self._assistant = assistant
        self._state: Literal["due", "posted", "over"] = "due"

    @property
    def is_due(self) -> bool:
        """True until the request was sent."""
        return self._state == "due"

    def thread(self) -> Call:
        """Return the call that makes the thread where there is none."""
        body = {"thread_id": self._path.rpartition("/")[2], "if_exists": "do_nothing"}
        return Call("create", "POST", "/threads", body)

    def run(self) -> Call:
        """Return the call that starts the run; it is made once."""
        self._state = "posted"
        body = {
            "assistant_id": self._assistant,
            "input": self._input,
            "stream_mode": _STREAM_MODES,
            "stream_subgraphs": True,
            "stream_resumable": True,
        }
        return Call("start", "POST", f"{self._path}/runs", body)

    def was_sent(self) -> None:
        """Note that the request is in a recording."""
        self._state = "over"

    def lost(self) -> str | None:
        """Return what is to be said where the connection broke before the answer; None where it did not."""
        is_lost, self._state = self._state == "posted", "over" if self._state == "posted" else self._state
        return _UNKNOWN if is_lost else None

    def read(self, result: CallResult) -> StreamRefused | str | None:
        """Return why the run does not start, or what is to be said; None where all is well."""
        if result.id == "start":
            self._state = "over"
        if result.is_good or (result.id == "create" and result.status == 409):
            return None
        if result.id == "start" and (result.may_count or result.status in _MAYBE_DONE):
            return _UNKNOWN
        said = result.words or result.error or "the server did not say why"
        what = "start the run" if result.id == "start" else "make the thread"
        if not result.status or result.status in _NOT_NOW:
            self._state = "due"
            return StreamRefused(f"the server does not {what} now: {said}", str(result.status))
        advice = ": pass a valid token=" if result.status in {401, 403} else ""
        reason = f"the server does not {what} (HTTP {result.status}): {said}{advice}"
        return StreamRefused(reason, str(result.status), fatal=True)
