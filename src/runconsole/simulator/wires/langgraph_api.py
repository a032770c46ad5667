"""The REST of a LangGraph Agent Server, and the commands of its protocol, on the threads of a server. No I/O."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from runconsole.simulator.scenario import Event, Refusal
from runconsole.simulator.wires.langgraph_events import GRAPH
from runconsole.simulator.wires.langgraph_thread import ASSISTANT_ID, Run, Thread

if TYPE_CHECKING:
    from runconsole.simulator.player import Player

__all__ = ["THREAD_ID", "Api", "Threads", "error_reply", "is_uuid"]

THREAD_ID: Final = str(uuid.uuid5(uuid.NAMESPACE_OID, "runconsole simulator"))
"""The thread whose run somebody else has started."""
_STATUSES: Final = ("idle", "busy", "interrupted", "error")
_Answer: TypeAlias = tuple[int, Any]
"""A status of HTTP, and a value."""
_NOT_FOUND: Final[_Answer] = (404, {"detail": "Not Found"})


class Threads:
    """The threads of a server, which outlive its crashes.

    Args:
        begin: begins the play of a run.
        modes: the stream modes of the run that somebody else starts; none for one of the protocol.
    """

    def __init__(self, begin: Callable[[], Player], modes: tuple[str, ...]) -> None:
        self.known: dict[str, Thread] = {}
        self.floor = 0
        """The number of events of the first thread that a crash has forgotten."""
        self._begin = begin
        self._modes = modes
        self.woken: Callable[[], None] = lambda: None
        self.make(THREAD_ID)

    def make(self, thread_id: str) -> Thread:
        """Return the thread of an id, made where it is not known."""
        if thread_id not in self.known:
            self.known[thread_id] = Thread(thread_id, self._begin, self._wake)
        return self.known[thread_id]

    def visit(self, thread_id: str) -> None:
        """Note that a client follows a thread: the first run of the one that is there begins."""
        thread = self.known.get(thread_id)
        if thread is not None and thread_id == THREAD_ID and not thread.runs:
            thread.start({"messages": [{"role": "user", "content": "Work through the queue"}]}, self._modes)

    def forget(self) -> None:
        """Forget all events so far."""
        self.floor = len(self.known[THREAD_ID].log.events)

    def _wake(self) -> None:
        self.woken()


class Api:
    """The answers of a server.

    Args:
        threads: its threads.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        fixed: dict[str, Callable[[dict[str, Any]], _Answer]] = {
            "GET ok": lambda _body: (200, {"ok": True}),
            "GET info": lambda _body: (200, {"version": "0.16.7", "flags": {"assistants": True}}),
            "POST assistants/search": lambda _body: (200, [_ASSISTANT]),
            "POST threads": self._make,
            "POST threads/search": self._search,
        }
        self._fixed = fixed
        of_thread: dict[str, Callable[[Thread, dict[str, Any]], _Answer]] = {
            "GET": lambda thread, _body: (200, thread.view()),
            "GET state": lambda thread, _body: (200, thread.state()),
            "GET history": lambda thread, _body: (200, [thread.state()]),
            "POST history": lambda thread, _body: (200, [thread.state()]),
            "GET runs": lambda thread, _body: (200, [run.written() for run in reversed(thread.runs)]),
            "POST runs": _start,
        }
        self._of_thread = of_thread

    def answer(self, method: str, path: str, body: dict[str, Any]) -> _Answer:
        """Return the status and the value that answer a request."""
        place = path.strip("/")
        fixed = self._fixed.get(f"{method} {place}")
        if fixed is not None:
            return fixed(body)
        parts = place.split("/")
        if parts[0] != "threads" or len(parts) < 2:
            return _NOT_FOUND
        if not is_uuid(parts[1]):
            return 422, {"detail": "Invalid thread ID: must be a UUID"}
        if (method, parts[2:]) == ("POST", ["commands"]):
            return 200, self.command(parts[1], body)
        return self._on_thread(method, parts[1], parts[2:], body)

    def _on_thread(self, method: str, thread_id: str, rest: list[str], body: dict[str, Any]) -> _Answer:
        thread = self._threads.known.get(thread_id)
        if thread is None:
            is_run = (method, rest) == ("POST", ["runs"])
            words = "Thread or assistant not found." if is_run else f"Thread with ID {thread_id} not found"
            return 404, {"detail": words}
        match [method, *rest]:
            case ["GET", "runs", run_id]:
                run = next((each for each in thread.runs if each.run_id == run_id), None)
                return _NOT_FOUND if run is None else (200, run.written())
            case ["POST", "runs", run_id, "cancel"]:
                return (202, None) if thread.cancel(run_id) else (404, {"detail": "No runs found to cancel."})
        handler = self._of_thread.get(" ".join([method, *rest]))
        return _NOT_FOUND if handler is None else handler(thread, body)

    def _make(self, body: dict[str, Any]) -> _Answer:
        given = body.get("thread_id")
        made = given if isinstance(given, str) and is_uuid(given) else str(uuid.uuid4())
        return 200, self._threads.make(made).view()

    def _search(self, body: dict[str, Any]) -> _Answer:
        status, limit = body.get("status"), body.get("limit", 10)
        if status is not None and status not in _STATUSES:
            return 422, {"detail": f"{status!r} is not one of {', '.join(_STATUSES)}"}
        found = [thread.view() for thread in self._threads.known.values() if status in {None, thread.status}]
        return 200, found[: limit if isinstance(limit, int) else 10]

    # ---- commands ---------------------------------------------------------------------------------------------------

    def command(self, thread_id: str, command: Any) -> Event:
        """Carry out a command of the protocol that needs no stream; return the reply."""
        number = command.get("id") if isinstance(command, dict) else None
        method = command.get("method") if isinstance(command, dict) else None
        if not isinstance(number, int) or not isinstance(method, str):
            words = "Protocol commands must include an integer id and string method."
            return error_reply(None, "invalid_argument", words)
        params = command.get("params")
        try:
            result = self._carried_out(thread_id, method, params if isinstance(params, dict) else {})
        except Refusal as refusal:
            return error_reply(number, refusal.code, refusal.message)
        return {"type": "success", "id": number, "result": result, "meta": {"applied_through_seq": 0}}

    def _carried_out(self, thread_id: str, method: str, params: dict[str, Any]) -> Event:
        match method:
            case "run.start":
                try:
                    run = _started(self._threads.make(thread_id), params, is_rest=False)
                except Refusal as refusal:
                    code = 409 if refusal.code == "busy" else 422
                    raise Refusal("unknown_error", f"{code}: {refusal.message}") from None
                return {"run_id": run.run_id}
            case "input.respond":
                self._respond(thread_id, params)
                return {}
            case "agent.getTree":
                thread = self._threads.known.get(thread_id)
                status = "idle" if thread is None else thread.status
                return {"tree": {"namespace": [], "status": status, "graph_name": GRAPH}}
        raise Refusal("unknown_command", f"Unknown protocol command: {method}")

    def _respond(self, thread_id: str, params: dict[str, Any]) -> None:
        listed = params.get("responses") if "responses" in params else [params]
        given = listed if isinstance(listed, list) else []
        if not given or not all(isinstance(one, dict) and isinstance(one.get("interrupt_id"), str) for one in given):
            raise Refusal("invalid_argument", "input.respond requires an interrupt_id.")
        thread = self._threads.known.get(thread_id)
        responses = {one["interrupt_id"]: one.get("response") for one in given}
        if thread is None:
            raise Refusal("no_such_interrupt", f"Unknown or already-consumed interrupt: {next(iter(responses))}")
        places = {one["interrupt_id"]: one.get("namespace", []) for one in given}
        thread.answer(responses, (), places)


_ASSISTANT: Final = {"assistant_id": ASSISTANT_ID, "graph_id": GRAPH, "name": GRAPH, "version": 1}


def _start(thread: Thread, body: dict[str, Any]) -> _Answer:
    try:
        return 200, _started(thread, body, is_rest=True).written()
    except Refusal as refusal:
        return 409 if refusal.code == "busy" else 422, {"detail": refusal.message}


def _started(thread: Thread, body: dict[str, Any], *, is_rest: bool) -> Run:
    """Start a run, or answer interrupts by its command. Raises Refusal."""
    assistant = body.get("assistant_id")
    if assistant is None:
        raise Refusal("invalid_argument", '"assistant_id" is a required property')
    if assistant not in {GRAPH, ASSISTANT_ID}:
        words = "Must be either:\n- A valid assistant UUID, or\n- One of the registered graphs: "
        raise Refusal("invalid_argument", f"Invalid assistant: {assistant!r}. {words}{GRAPH}")
    modes = body.get("stream_mode")
    listed = [modes] if isinstance(modes, str) else modes if isinstance(modes, list) else []
    given_modes = tuple(str(mode) for mode in listed) if is_rest and body.get("stream_resumable") else ()
    command = body.get("command")
    resume = command.get("resume") if isinstance(command, dict) else None
    if resume is None:
        rejects = body.get("multitask_strategy", body.get("multitaskStrategy")) == "reject"
        return thread.start(body.get("input"), given_modes, rejects=rejects)
    known = thread.asked
    by_id = resume if isinstance(resume, dict) and set(resume) & set(known) else dict.fromkeys(known[:1], resume)
    return thread.answer(by_id, given_modes)


def error_reply(number: int | None, code: str, message: str) -> Event:
    """Return the reply to a command that is refused."""
    return {"type": "error", "id": number, "error": code, "message": message}


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID in the usual form."""
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(text)) == text.lower()
    return False
