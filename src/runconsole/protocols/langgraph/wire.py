"""The wire of a LangGraph Agent Server: follows the runs of one thread, and answers their interrupts.

Frames are those of the thread's WebSocket, and HTTP calls with their results. A connection brings the whole past of the
thread again, as far as the server still has it; an event is known by its id.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress

import msgspec

from runconsole.decoding.times import read_time
from runconsole.errors import UnsupportedByWire
from runconsole.events import (
    Alert,
    DecisionRequested,
    Logged,
    MalformedFrame,
    Micros,
    Received,
)
from runconsole.protocols.base import (
    Established,
    Outgoing,
    Repeated,
    Reply,
    Request,
    Send,
    Signal,
    StreamRefused,
    TaskCommand,
    Wire,
)
from runconsole.protocols.langgraph.asking import Asking
from runconsole.protocols.langgraph.beside import Beside, QuestionReads
from runconsole.protocols.langgraph.executions import Step, ThreadExecutions
from runconsole.protocols.langgraph.frames import (
    StreamFrame,
    StreamParams,
    read_frame,
    respond,
    run_id_of,
    subscribe,
    time_of,
)
from runconsole.protocols.langgraph.history import ThreadHistory
from runconsole.protocols.langgraph.rows import ThreadRows
from runconsole.protocols.langgraph.start import Start
from runconsole.transports.agentserver.calls import CALL, RESULT, Call, CallResult, read_call, read_result, write_call

__all__ = ["LangGraphWire"]

_REPLAY: Micros = 5_000_000
"""Microseconds of a connection in which events may be of the past."""
_SOON: Micros = 1_000_000
"""Microseconds within which a server sends an event that has just happened."""
_MOST_SEEN = 100_000
"""Ids of events by which one that comes again is known, of each of two generations."""
_NO_INTERRUPT = "no_such_interrupt"
_FATAL = frozenset({"permission_denied", "invalid_argument", "not_supported", "unknown_command"})


class LangGraphWire(Wire):
    """Follows the executions of a thread: its runs, and those that answer the questions of one.

    Args:
        path: of the thread, ``/threads/{id}``.
        start: the run to start; None starts nothing.
    """

    confirms = True
    goes_on = True
    cancels_runs = True
    queries = QuestionReads()

    def __init__(self, path: str, start: Start | None = None) -> None:
        self._path = path
        self._start = start
        self._numbers = itertools.count(1)
        self._sent: dict[int, str] = {}
        """The commands without a reply: the decision of each, or ``""`` for the subscription."""
        self._lost: list[str] = []
        self._asking = Asking(path)
        self._executions = ThreadExecutions(self._asking, path.rpartition("/")[2])
        self._history = ThreadHistory(path, self._executions)
        self._beside = Beside(path, self._asking, self._executions)
        self._seen: set[str] = set()
        self._seen_before: set[str] = set()
        self._opened_at: Micros = 0
        self._newest: Micros | None = None
        """The time of the newest event of the present run."""
        self._missing: set[str] = set()
        """The parts of the beginning of this connection that the server has not confirmed."""
        self._is_live = False
        """True once an event has come over this connection soon after it happened."""
        self._derived = itertools.count(1)

    @property
    def asked(self) -> str:
        """A sentence about the thread whose events have not come."""
        return f"subscribed to the runs of {self._path}; it has none yet, or the server no longer has their events"

    # ---- connections ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Forget the last connection; `lost` still returns its decisions without a reply."""
        self._lost += [*filter(None, self._sent.values()), *self._beside.lost()]
        self._sent.clear()
        self._asking.disconnected()
        self._history.disconnected()

    def open(self, at: Micros = 0) -> Sequence[str]:
        """Return the subscription to the thread, and the call that asks for its questions."""
        self.begin()
        self._opened_at, self._is_live = at, False
        self._missing = {"subscription", "thread"}
        if self._start is not None and self._start.is_due:
            return [write_call(self._start.thread())]
        return [*self._greeting()]

    def _greeting(self) -> Iterator[str]:
        """Yield the frames that follow the thread."""
        number = next(self._numbers)
        self._sent[number] = ""
        yield write_call(self._asking.check())
        yield subscribe(number)
        yield write_call(self._history.look())

    def sent(self, frame: str, decisions: Container[str]) -> None:  # noqa: ARG002 - as the base has it
        """Note a command or a call of a recording."""
        if frame.startswith(CALL):
            with suppress(msgspec.MsgspecError):
                self._sent_call(read_call(frame))
            return
        command = read_frame(frame)
        if command is not None and isinstance(command.id, int):
            self._numbers = itertools.count(command.id + 1)
            self._sent[command.id] = ""
            if command.method == "input.respond" and command.params is not None:
                self._sent[command.id] = f"recorded-{command.id}"
                self._asking.sent_before(self._sent[command.id], command.params)

    def _sent_call(self, call: Call) -> None:
        if call.id == "start" and self._start is not None:
            self._start.was_sent()
        self._asking.sent(call)
        self._beside.sent(call)
        self._history.sent(call)

    def lost(self) -> Sequence[str]:
        """Return the decisions and calls whose fate nobody will tell, once."""
        lost = [*self._lost, *filter(None, self._sent.values()), *self._beside.lost()]
        self._lost = []
        self._sent.clear()
        return lost

    # ---- what comes -------------------------------------------------------------------------------------------------

    def receive(self, frame: str | bytes, at: Micros) -> Sequence[Signal]:
        """Read an event, the reply to a command, or the result of a call."""
        text = frame if isinstance(frame, str) else frame.decode(errors="backslashreplace")
        if text.startswith(RESULT):
            return self._on_result(text, at)
        read = read_frame(text)
        if read is not None and read.type == "event" and read.params is not None:
            return self._on_event(read, read.params, text, at)
        if read is not None and read.type in {"success", "error"}:
            return self._on_reply(read, text, at)
        return [Received("malformed", MalformedFrame("no frame of an Agent Server"), text, at)]

    def _on_event(self, frame: StreamFrame, params: StreamParams, text: str, at: Micros) -> Sequence[Signal]:
        kind = _kind(frame, params)
        time = time_of(frame)
        if frame.event_id is not None:
            if frame.event_id in self._seen or frame.event_id in self._seen_before:
                return [Repeated(Received(kind, Logged(), text, at, time, frame.event_id))]
            self._note(frame.event_id)
        if time is None:
            time = self._newest if self._is_past(frame, at) else None
        else:
            self._newest = max(time, self._newest or time)
            self._is_live = self._is_live or (frame.method != "messages" and _delay_of(frame, time) < _SOON)
        rows = ThreadRows(frame.event_id or f"derived-{next(self._derived)}", kind, text, at, time)
        return [*_signals(self._read(frame, params, rows)), *_signals(self._history.check())]

    def _read(self, frame: StreamFrame, params: StreamParams, rows: ThreadRows) -> Step:
        if isinstance(params.data, dict):
            if frame.method == "lifecycle" and not params.namespace:
                return self._executions.lived(params.data, run_id_of(frame), rows)
            if frame.method == "input.requested":
                return self._executions.asked(params, run_id_of(frame), rows)
        return self._executions.read(frame.method, params, rows)

    def _is_past(self, frame: StreamFrame, at: Micros) -> bool:
        """Return whether an event without a time of its own happened soon after the one before it, some time ago."""
        if self._is_live or self._newest is None or at - self._opened_at > _REPLAY:
            return False
        return _delay_of(frame, self._newest) >= _SOON

    def _note(self, event_id: str) -> None:
        self._seen.add(event_id)
        if len(self._seen) >= _MOST_SEEN:
            self._seen_before, self._seen = self._seen, set()

    # ---- questions --------------------------------------------------------------------------------------------------

    def _on_result(self, text: str, at: Micros) -> list[Signal]:
        try:
            result = read_result(text)
        except msgspec.MsgspecError:
            return [Received("malformed", MalformedFrame("no result of a call"), text, at)]
        return self._read_result(result, at)

    def _read_result(self, result: CallResult, at: Micros) -> list[Signal]:
        reply = self._beside.read(result)
        if reply is not None:
            return [reply]
        if result.id in {"create", "start"} and self._start is not None:
            return self._on_start(self._start.read(result), result.id, at)
        rows = ThreadRows(f"call-{next(self._derived)}", result.id, "{}", at, None)
        past = self._history.read(result, rows, self._asking.status)
        if past is not None:
            step, lost = past
            return [*([] if lost is None else [lost]), *_signals(step)]
        if not self._asking.is_awaited(result):
            return []
        refused = self._refusal(result)
        if refused is not None:
            return [refused]
        ready = self._check_ready(result.id, at)
        return [*ready, *_signals(self._executions.found(self._asking.read(result), rows))]

    def _on_start(self, said: StreamRefused | str | None, step: str, at: Micros) -> list[Signal]:
        if isinstance(said, StreamRefused):
            return [said]
        if step == "create":
            return [Send(frame) for frame in self._greeting()]
        return [Established(), *([] if said is None else [self._warning(said, at)])]

    def _warning(self, text: str, at: Micros) -> Received:
        payload = msgspec.json.encode({"message": text}).decode()
        return Received("runconsole", Alert("warning", text), payload, at)

    def _check_ready(self, part: str, at: Micros) -> list[Signal]:
        """Go on when the server has confirmed both the subscription and the thread."""
        if part not in self._missing:
            return []
        self._missing.discard(part)
        if self._missing:
            return []
        if self._start is None:
            return [Established()]
        if self._start.is_due:
            return [Send(write_call(self._start.run()))]  # the server accepts us when it has started the run
        lost = self._start.lost()
        return [Established(), *([] if lost is None else [self._warning(lost, at)])]

    def _refusal(self, result: CallResult) -> StreamRefused | None:
        """Return why the thread cannot be followed; None where it can."""
        if result.id != "thread" or result.is_good or result.status not in {401, 403, 404, 422}:
            return None
        said = "" if result.words is None else f" ({result.words})"
        thread = self._path.rpartition("/")[2]
        if result.status in {401, 403}:
            reason = f"the server refused us with HTTP {result.status}{said}: pass a valid token="
        else:
            reason = (
                f"expected a LangGraph Agent Server with the thread {thread}, got HTTP {result.status} for it{said}"
            )
            reason += ": check the id, and the address of the server"
        return StreamRefused(reason, str(result.status), fatal=True)

    # ---- calls ------------------------------------------------------------------------------------------------------

    def command(self, command: TaskCommand) -> Request:
        """Return the call that cancels the run. Raises UnsupportedByWire for another command."""
        return self._beside.command(command)

    def call(self, request: Request) -> Outgoing:
        """Return the frame of a call. Raises UnsupportedByWire for one that an Agent Server does not have."""
        return self._beside.call(request)

    # ---- answers ----------------------------------------------------------------------------------------------------

    def decide(self, decision: DecisionRequested, task_id: str | None) -> Outgoing:  # noqa: ARG002 - as the base has it
        """Return the command that answers an interrupt. Raises UnsupportedByWire where it is unknown."""
        interrupt = self._asking.known.get(decision.checkpoint_id)
        if interrupt is None or interrupt.question is None:
            raise UnsupportedByWire(f"the thread asks no {decision.checkpoint_id!r}: nothing was sent")
        answer = interrupt.question.answer(decision)
        number = next(self._numbers)
        self._sent[number] = decision.decision_id
        self._asking.send(decision, interrupt, answer)
        return Outgoing(decision.decision_id, respond(number, interrupt.namespace, interrupt.id, answer))

    def _on_reply(self, frame: StreamFrame, text: str, at: Micros) -> list[Signal]:
        number = frame.id if isinstance(frame.id, int) else None
        decision_id = None if number is None else self._sent.pop(number, None)
        if decision_id is None:
            return [Received(f"reply.{frame.type}", Logged(), text, at)]
        words = frame.message or frame.error or "the server did not say why"
        if not decision_id:
            if frame.type == "success":
                return self._check_ready("subscription", at)
            return [StreamRefused(f"the server refused the subscription: {words}", frame.error, frame.error in _FATAL)]
        self._asking.replied(decision_id, is_taken=frame.type == "success")
        if frame.type == "success":
            return [Reply(decision_id)]
        if frame.error != _NO_INTERRUPT or "namespace" in words:
            return [Reply(decision_id, error=words, code=frame.error)]
        said = f"the question has been answered already, or is gone ({words})"
        return [Reply(decision_id, error=said, code="ALREADY_DECIDED"), *_signals(self._asking.calls())]


def _kind(frame: StreamFrame, params: StreamParams) -> str:
    """Return the type of an event: its channel, with the word of those that have several."""
    event = params.data.get("event") if isinstance(params.data, dict) and frame.method != "custom" else None
    return f"{frame.method}.{event}" if isinstance(event, str) and event else frame.method or "event"


def _delay_of(frame: StreamFrame, time: Micros) -> Micros:
    """Return how long after this time a server has sent an event."""
    sent_at = None if frame.params is None else read_time(frame.params.timestamp)
    return 0 if sent_at is None else sent_at - time


def _signals(step: Iterable[Received | Call]) -> list[Signal]:
    """Return rows as signals, and calls as frames to send."""
    return [Send(write_call(part)) if isinstance(part, Call) else part for part in step]
