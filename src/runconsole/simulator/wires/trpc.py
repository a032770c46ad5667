"""tRPC 11 over WebSocket for one client, without I/O: the procedures of docs/protocols/trpc.md on a run."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runconsole.simulator.scenario import Refusal
from runconsole.simulator.service import Frame, RunService, task_of, text_in
from runconsole.simulator.strict import Dialect, decision_input
from runconsole.simulator.wires import trpc_frames as frames
from runconsole.simulator.wires.trpc_frames import ParseError

if TYPE_CHECKING:
    from runconsole.simulator.player import LogEntry

__all__ = ["Mark", "TrpcPeer", "number_of"]

Mark = Callable[["LogEntry"], str]
"""Makes the id of a tracked event."""
Wanted = Callable[["LogEntry"], bool]

_CODES = {
    "CHECKPOINT_NOT_FOUND": "NOT_FOUND",
    "CHECKPOINT_EXPIRED": "PRECONDITION_FAILED",
    "HITL_ALREADY_DECIDED": "CONFLICT",
    "INVALID_STATE": "PRECONDITION_FAILED",
    "NOT_FOUND": "NOT_FOUND",
    "TASK_NOT_FOUND": "NOT_FOUND",
}
"""tRPC's name for a refusal's code; all others are a BAD_REQUEST."""


def number_of(entry: LogEntry) -> str:
    """Return the event's number as its id."""
    return str(entry.number)


@dataclass(slots=True)
class _Subscription:
    """One subscription: its filter, and its position in the log."""

    number: int | str
    wanted: Wanted
    cursor: int
    mark: Mark | None
    end: int | None = None
    """Its end in the log, once it was stopped: events until then are still sent."""


class TrpcPeer:
    """The server's side of one client's conversation.

    Args:
        service: the run.
        offered: the token of the handshake.
        awaits_params: True if the address announces connection parameters.
        replay: True if a new subscription begins with the run, False if with the next event.
        superjson: the transformer.
        mark: makes the ids of tracked events; None sends them untracked, which cannot be resumed.
    """

    stray = '{"id":987654,"error":{"message":"not allowed","code":-32003,"data":{"code":"FORBIDDEN","httpStatus":403}}}'

    def __init__(
        self,
        service: RunService,
        *,
        offered: str | None,
        awaits_params: bool,
        replay: bool,
        superjson: bool,
        mark: Mark | None = number_of,
    ) -> None:
        self.closing: tuple[int, str] | None = None
        """Close code and reason, once the connection is to be closed."""
        self.admitted = False
        self._service = service
        self._log = service.player.log
        self._awaits_params = awaits_params
        self._replay = replay
        self._superjson = superjson
        self._mark = mark
        self._replies: deque[Frame] = deque()
        self._subscriptions: dict[int | str, _Subscription] = {}
        self._procedures: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("mutation", "checkpoints.resolve"): self._resolve,
            ("mutation", "checkpoints.decide"): self._decide,
            ("mutation", "tasks.cancel"): lambda given: service.command("cancel", given),
            ("mutation", "tasks.pause"): lambda given: service.command("pause", given),
            ("mutation", "tasks.resume"): lambda given: service.command("resume", _task_in(given)),
            ("mutation", "tasks.retry"): lambda given: service.command("retry", _task_in(given)),
            ("query", "checkpoints.get"): service.checkpoint,
            ("query", "checkpoints.getHITLPending"): lambda given: service.pending(_filter(given)),
            ("query", "checkpoints.listPending"): lambda given: service.pending(_filter(given)),
            ("query", "tasks.get"): service.task,
        }
        if service.dialect is not None:
            self._be_strict(service.dialect)
        if not awaits_params:
            self._check(offered)

    def _be_strict(self, dialect: Dialect) -> None:
        """Keep one decision procedure, with a strict input, and no listing but the one of open questions."""
        del self._procedures["mutation", "checkpoints.resolve"], self._procedures["mutation", "checkpoints.decide"]
        del self._procedures["query", "checkpoints.listPending"]
        self._procedures["mutation", f"checkpoints.{dialect}"] = lambda given: self._resolve(
            decision_input(dialect, given)
        )

    # ---- what comes -------------------------------------------------------------------------------------------------

    def receive(self, frame: str | bytes) -> None:
        """Read one frame; its effects show in `next_frame` and `closing`."""
        if frame == "PING":
            self._replies.append(Frame("PONG"))
        elif frame != "PONG":
            try:
                self._read(frame)
            except ParseError as error:
                self._enqueue(frames.error(None, "PARSE_ERROR", str(error), superjson=self._superjson))

    def _read(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            raise ParseError("Unsupported message type")
        try:
            message = json.loads(frame, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise ParseError("Invalid JSON") from None
        for request in message if isinstance(message, list) else [message]:
            if not isinstance(request, dict):
                raise ParseError("Invalid request")
            self._handle(request)

    def _handle(self, request: dict[str, Any]) -> None:
        number, method, params = request.get("id"), request.get("method"), request.get("params")
        if method == "connectionParams" and self._awaits_params:
            self._take_params(request.get("data"))
            return
        if not self.admitted:
            if self._awaits_params:
                raise ParseError("Expected connection params as the first message")
            return
        if isinstance(number, bool) or not isinstance(number, (int, str)):
            raise ParseError("Invalid request id")
        if method == "subscription.stop":
            if number in self._subscriptions:
                self._subscriptions[number].end = len(self._log)
            return
        if method not in {"subscription", "query", "mutation"} or not isinstance(params, dict):
            raise ParseError("Invalid request")
        self._call(number, method, str(params.get("path")), params)

    def _take_params(self, data: object) -> None:
        self._awaits_params = False
        if not isinstance(data, dict) or not all(isinstance(value, (str, type(None))) for value in data.values()):
            raise ParseError("Invalid connection params shape")
        self._check(data.get("token"))

    def _check(self, offered: object) -> None:
        self.admitted = self._service.accepts(offered)
        if not self.admitted:
            self._enqueue(frames.error(None, "UNAUTHORIZED", "Not authenticated", superjson=self._superjson))
            self.closing = (1000, "")

    def reject(self) -> None:
        """Refuse a client that has not sent the token in time."""
        if not self.admitted:
            self.closing = (1000, "")

    # ---- procedures -------------------------------------------------------------------------------------------------

    def _call(self, number: int | str, method: str, path: str, params: dict[str, Any]) -> None:
        given = frames.read_input(params, superjson=self._superjson)
        decides = (method, path.partition(".")[0]) == ("mutation", "checkpoints") and (method, path) in self._procedures
        try:
            if method == "subscription":
                self._subscribe(number, path, given, params.get("lastEventId"))
                return
            procedure = self._procedures.get((method, path))
            if procedure is None:
                raise _not_found(method, path)
            value = procedure(given)
            self._enqueue(frames.result(number, "data", value, superjson=self._superjson), decides=decides)
        except Refusal as refusal:
            code = _CODES.get(refusal.code, "BAD_REQUEST")
            own = refusal.code if refusal.code not in frames.CODES else None
            text = frames.error(number, code, refusal.message, superjson=self._superjson, path=path, reason=own)
            self._enqueue(text, decides=decides)

    def _subscribe(self, number: int | str, path: str, given: Any, last_event_id: object) -> None:
        if number in self._subscriptions:
            raise Refusal("BAD_REQUEST", f"Duplicate id {number}")
        if last_event_id is not None and not isinstance(last_event_id, str):
            raise ParseError("Invalid lastEventId")
        if self._service.dialect is not None and path != "tasks.onTaskEvent":
            raise _not_found("subscription", path)
        wanted = _stream(path, given)
        can_resume = given is None or isinstance(given, dict)  # tRPC drops the mark beside any other input
        cursor = self._begin(last_event_id if can_resume else None)
        mark = None if path == "tasks.onTaskEvent" else self._mark
        self._subscriptions[number] = _Subscription(number, wanted, cursor, mark)
        self._enqueue(frames.result(number, "started"))

    def _begin(self, last_event_id: object) -> int:
        """Return the number of events of the log before a new subscription."""
        floor = self._service.floor
        if last_event_id is None or self._mark is None:
            return floor if self._replay else len(self._log)
        mark = self._mark
        known = (entry.number for entry in reversed(self._log) if mark(entry) == last_event_id)
        return max(next(known, floor), floor)

    def _resolve(self, given: Any) -> Any:
        decision = self._service.resolve(given)
        return self._outcome(decision.checkpoint_id, decision.task_id)

    def _decide(self, given: Any) -> Any:
        if isinstance(given, dict):
            text_in(given, "action")
            text_in(given, "selectedOption")
        return self._resolve(given)

    def _outcome(self, checkpoint_id: str, task_id: str) -> dict[str, Any]:
        checkpoint = self._service.checkpoint(checkpoint_id)
        return {
            "checkpoint": checkpoint,
            "task": {"id": task_id, "status": "running"},
            "decision": checkpoint.get("decision", checkpoint.get("hitlDecision")),
        }

    # ---- what goes --------------------------------------------------------------------------------------------------

    def next_frame(self) -> Frame | None:
        """Return the next frame to send, replies first; None while there is none."""
        if self._replies:
            return self._replies.popleft()
        for subscription in list(self._subscriptions.values()):
            end = len(self._log) if subscription.end is None else subscription.end
            while subscription.cursor < end:
                entry = self._log[subscription.cursor]
                subscription.cursor += 1
                if subscription.wanted(entry):
                    return self._event(subscription, entry)
            if subscription.end is not None:
                del self._subscriptions[subscription.number]
                return Frame(frames.result(subscription.number, "stopped"))
        return None

    def _event(self, subscription: _Subscription, entry: LogEntry) -> Frame:
        mark = None if subscription.mark is None else subscription.mark(entry)
        return Frame(frames.event(subscription.number, entry, mark, superjson=self._superjson), entry)

    def finish(self, *, close: bool) -> None:
        """Note that the run is over and all its events have been sent: its subscriptions end."""
        for number in list(self._subscriptions) if close else []:
            del self._subscriptions[number]
            self._enqueue(frames.result(number, "stopped"))

    def ask_reconnect(self) -> None:
        """Ask the client to connect anew; its present subscriptions go on."""
        self._enqueue('{"id":null,"method":"reconnect"}')

    def _enqueue(self, text: str, *, decides: bool = False) -> None:
        self._replies.append(Frame(text, decides=decides))


def _stream(path: str, given: Any) -> Wanted:
    """Return the filter of a subscription. Raises Refusal."""
    match path.split("."):
        case ["stream", "systemEvents"]:
            return lambda _entry: True
        case ["stream", "checkpointNotifications"]:
            return lambda entry: _is_question(str(entry.event["type"]))
        case ["stream", "taskProgress" | "taskEvents" as name] | ["tasks", "onTaskEvent" as name]:
            task_id = _task_in(given) if name == "taskEvents" else _text(given)
            return lambda entry: task_of(entry.event) == task_id
        case ["stream", "taskOutput"]:
            task_id = _text(given)
            return lambda entry: task_of(entry.event) == task_id and entry.event["type"] == "task.output"
        case _:
            raise _not_found("subscription", path)


def _is_question(kind: str) -> bool:
    return kind.startswith("checkpoint.") or kind == "task.hitl_required"


def _not_found(method: str, path: str) -> Refusal:
    return Refusal("NOT_FOUND", f'No "{method}"-procedure on path "{path}"')


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise Refusal("BAD_REQUEST", "Expected string, received another type")
    return given


def _task_in(given: Any) -> str:
    return _text(given.get("taskId") if isinstance(given, dict) else None)


def _filter(given: Any) -> str | None:
    """Return the task of a listing; None for all. Raises Refusal."""
    if given is not None and not isinstance(given, dict):
        raise Refusal("BAD_REQUEST", "Expected object, received another type")
    task_id = (given or {}).get("taskId")
    return None if task_id is None else _text(task_id)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
