"""The Socket.IO wire: joins of rooms, events by name, detection of replays and copies, acknowledged requests.

A frame is the JSON text of a small array. `transports.socketio.transport` makes them of the server's packets, and
packets of ours; the innermost array is byte for byte the travelling one:

    in   ["connected", {"sid": …}, recovered]    first on each connection; `recovered`: the server sends all missed
         ["event", [name, argument, …]]
         ["ack", id, [value, …]]
    out  ["call", id, [name, argument, …]]       the server is asked to acknowledge it

All our messages are calls: a python-socketio server acknowledges each that it has a handler for, when the handler has
run. So the acknowledgement of a join means that we are in the room, and that of `request_catch_up` that the replay is
over (`CaughtUp`). If a server acknowledges nothing, its `…_joined` event or any event of the run means the former, and
nothing means the latter.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from runconsole.decoding.envelope import MALFORMED, read_named
from runconsole.decoding.names import is_answer
from runconsole.decoding.payload import encodable, loads, pieces
from runconsole.decoding.words import words_of
from runconsole.errors import UnsupportedByWire
from runconsole.events import Alert, DecisionRequested, Logged, MalformedFrame, Micros, Received
from runconsole.protocols.base import (
    CaughtUp,
    Established,
    Outgoing,
    Ping,
    Repeated,
    Reply,
    Request,
    Signal,
    StreamRefused,
    Wire,
)
from runconsole.protocols.commands import as_command
from runconsole.protocols.socketio.repeats import Copies
from runconsole.protocols.trpc.calls import decision_call
from runconsole.reconnect import is_rate_limit, is_refusal
from runconsole.redaction.secrets import Secret, bare

__all__ = ["SocketIoWire"]

_RESOLVE = "checkpoint_resolve"
_CATCH_UP = "request_catch_up"
_CATCH_UP_KEYS = ("execution_id", "session_id", "masterplan_id")
_KEYS_OF_ANOTHER = frozenset(
    {"correlationId", "correlation_id", "requestId", "request_id", "task_id", "taskId", "data"}
)
"""Keys of an error that concerns another client's request, or a task."""
_CODES = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 410: "GONE"}
_OPENING = ("join-", "catch-up-")
_LONGEST_JOIN: Micros = 5_000_000
"""After this time every room is joined and the past is replayed, if the server never acknowledges it."""
_OWN_ROOM = frozenset({"join_discovery", "join_masterplan"})
"""Joins of rooms whose events every client's own room gets as well."""
_NO_REASON = "the server refused without a reason"


class _Connected(Struct, array_like=True, tag="connected", frozen=True):
    session: dict[str, Any]
    recovered: bool = False


class _Event(Struct, array_like=True, tag="event", frozen=True):
    packet: list[Raw]


class _Ack(Struct, array_like=True, tag="ack", frozen=True):
    request_id: str
    values: Raw


class _Refusal(NamedTuple):
    message: str
    code: str | None

    @property
    def denies(self) -> bool:
        """True if a new attempt cannot help: we are not allowed."""
        if is_rate_limit(self.message):
            return False
        return self.code in {"UNAUTHORIZED", "FORBIDDEN"} or is_refusal(self.code, self.message)


_decode = msgspec.json.Decoder(_Connected | _Event | _Ack).decode


class SocketIoWire(Wire):
    """The Socket.IO protocol of run servers, for one console.

    Args:
        joins: the events that join rooms, with their data: ``[("join_execution", {"execution_id": …})]``. For each one
            that names an execution, session or master plan, the server is asked for its past events as well.
        wider: more of them, to be sent when those stay silent.
        decide: the event of a decision: a name, or a function that makes name and payload. None sends
            `checkpoint_resolve`, or the command that the question wants.
    """

    confirms = True
    assures = True

    def __init__(
        self,
        joins: Sequence[tuple[str, Any]] | Secret[list[tuple[str, Any]]] = (),
        *,
        wider: Sequence[tuple[str, Any]] | Secret[list[tuple[str, Any]]] = (),
        decide: str | Callable[[DecisionRequested], tuple[str, Any]] | None = None,
    ) -> None:
        self._joins = Secret(tuple(bare(joins)))
        self._wider = Secret(tuple(bare(wider)))
        self._is_wide = False
        self.decides_by = decide
        self._numbers = itertools.count(1)
        self._copies = Copies(self.rooms)
        self._connected_at: Micros = 0
        self._joining: set[str] = set()
        self._sent_joins: dict[str, str] = {}
        """The names of the joins of this connection, by their requests."""
        self._catching_up: set[str] = set()
        self._answers = False
        """True if the server has answered all of these requests over some connection: so its answers mark the end of
        replays."""
        self._pending: set[str] = set()
        self._established = False
        self._refused = False
        self._recovered: str | None = None

    @property
    def rooms(self) -> int:
        """The number of rooms that may bring each event, before others are tried."""
        return _copies([name for name, _ in self._joins.reveal()])

    @property
    def replays(self) -> int:
        """The number of replays that may come between new events: each requested one, or one unrequested."""
        return max(1, len(self._catching_up))

    @property
    def asked(self) -> str:
        """A sentence about the joined rooms and their alternatives."""
        more = "execution=, session=, masterplan= or subscribe={event: data}"
        if not self._sent_joins:
            return f"no room was joined; the server may send a run's events to a room only: {more}"
        unanswered = [name for request_id, name in self._sent_joins.items() if request_id in self._joining]
        said = f" (no answer to {', '.join(unanswered)})" if unanswered else ""
        return f"sent {', '.join(self._sent_joins.values())}{said}; a run's events may go to another room: {more}"

    def widen(self, at: Micros = 0) -> list[str]:  # noqa: ARG002 - as Wire has it
        """Return joins of further rooms for the run's events, when the joined ones stay silent; once."""
        if self._is_wide:
            return []
        self._is_wide = True
        self._join_anew()
        return self._join(self._wider.reveal())

    def _join_anew(self) -> None:
        """Forget the known number of copies: other rooms are joined."""
        self._copies.note_connection()
        self._answers = False

    # ---- what to send -----------------------------------------------------------------------------------------------

    def open(self, at: Micros = 0) -> list[str]:  # noqa: ARG002 - as Wire has it
        """Return the joins, and the requests to catch up."""
        self.begin()
        return self._join((*self._joins.reveal(), *(self._wider.reveal() if self._is_wide else ())))

    def _join(self, rooms: Sequence[tuple[str, Any]]) -> list[str]:
        joins = [self._call("join", name, data) for name, data in rooms]
        catch_ups = [self._call("catch-up", _CATCH_UP, data) for data in _catch_ups(rooms)]
        self._joining |= {outgoing.request_id for outgoing in joins}
        self._sent_joins |= {outgoing.request_id: room[0] for outgoing, room in zip(joins, rooms, strict=True)}
        self._copies.expect(_copies(list(self._sent_joins.values())))
        self._catching_up |= {outgoing.request_id for outgoing in catch_ups}
        return [outgoing.frame for outgoing in joins + catch_ups]

    def begin(self) -> None:
        """Forget the state of the last connection."""
        self._established = self._refused = False
        self._recovered = None
        self._joining = set()
        self._sent_joins = {}
        self._catching_up = set()

    def sent(self, frame: str, decisions: Container[str]) -> None:  # noqa: ARG002 - as Wire has it
        """Expect the acknowledgement of a call that was sent according to a recording."""
        try:
            _, request_id, packet = msgspec.json.decode(frame, type=tuple[str, str, list[Any]])
        except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
            return
        what = request_id.rpartition("-")[0]
        if what == "join" and self._sent_joins and not self._joining and not self._catching_up:
            self._join_anew()
        {"join": self._joining, "catch-up": self._catching_up}.get(what, self._pending).add(request_id)
        if what == "join" and packet:
            self._sent_joins[request_id] = str(packet[0])
            self._copies.expect(_copies(list(self._sent_joins.values())))

    def decide(self, decision: DecisionRequested, task_id: str | None) -> Outgoing:
        """Return the event that carries the decision; its acknowledgement is the reply."""
        name, payload = self._message(decision, task_id)
        frame = _write(decision.decision_id, name, payload)
        self._pending.add(decision.decision_id)
        return Outgoing(decision.decision_id, frame)

    def _message(self, decision: DecisionRequested, task_id: str | None) -> tuple[str, Any]:
        if callable(self.decides_by):
            name, payload = self.decides_by(decision)
            return name, payload
        command = as_command(decision) if self.decides_by is None else None
        if command is not None:
            return command
        name, payload = decision_call(self.decides_by or _RESOLVE, decision)
        return name, payload | {"taskId": task_id}

    def call(self, request: Request) -> Outgoing:
        """Return an event to be acknowledged (kind ``"call"``). Raises UnsupportedByWire for another kind."""
        if request.kind not in {"call", "event"}:
            raise UnsupportedByWire(f"expected a wire with calls (tRPC) for {request.name!r}, got Socket.IO")
        outgoing = self._call("call", request.name, request.payload)
        self._pending.add(outgoing.request_id)
        return outgoing

    def _call(self, what: str, name: str, data: Any) -> Outgoing:
        request_id = f"{what}-{next(self._numbers)}"
        return Outgoing(request_id, _write(request_id, name, data))

    def lost(self) -> list[str]:
        """Return the requests without a reply, once."""
        lost = list(self._pending)
        self._pending.clear()
        return lost

    @property
    def resumes_from(self) -> str | None:
        """The session that the server resumed and sends completely; None where it knows no earlier one."""
        return self._recovered

    # ---- what came --------------------------------------------------------------------------------------------------

    def receive(self, frame: str | bytes, at: Micros) -> list[Signal]:
        """Read one frame that arrived at `at`. Never raises: an unreadable frame is a malformed event."""
        text = frame if isinstance(frame, str) else frame.decode(errors="backslashreplace")
        match _read(text):
            case _Event(packet) if packet and (name := _name(packet[0])) is not None:
                return list(self._read_event(name, [str(raw, "utf-8") for raw in packet[1:]], at))
            case _Ack(request_id, values):
                return list(self._acknowledged(request_id, values))
            case _Connected() as connected:
                return list(self._connected(connected, at))
            case _:
                return [Received(MALFORMED, MalformedFrame("not a Socket.IO event"), encodable(_unwrapped(text)), at)]

    def _connected(self, frame: _Connected, at: Micros) -> Iterator[Signal]:
        if frame.recovered:
            self._recovered = str(frame.session.get("sid"))
        self._copies.note_connection()
        self._connected_at = at
        yield from self._accepted() if not self._joins.reveal() else [Ping()]

    def _accepted(self) -> Iterator[Signal]:
        if not self._established:
            self._established = True
            yield Established()

    def _read_event(self, name: str, arguments: list[str], at: Micros) -> Iterator[Signal]:
        text = _data(arguments)
        for event in read_named(name, text, at):
            if is_answer(name):
                yield from self._accepted() if name.endswith("_joined") else ()
                yield _logged(event)
            elif name == "error" and isinstance(event.fact, Alert) and not _concerns_another(text):
                yield from self._refusal_signals(event, _Refusal(event.fact.text, None))
            elif name == "error" and (refusal := _denial(text)) and not self._established:
                yield from self._refusal_signals(event, refusal)
            else:
                yield from self._accepted()
                if not self._answers and at >= self._connected_at + _LONGEST_JOIN:
                    self._copies.note_joined()
                is_copy = self._copies.is_copy(event, text, alone=name == "error")
                yield Repeated(event) if is_copy else event

    def _refusal_signals(self, event: Received, refusal: _Refusal) -> Iterator[Signal]:
        """Read the refusal of a request; before we are accepted it can only be a join's."""
        self._refused = True
        if refusal.denies and not self._established:
            yield _logged(event)
            yield StreamRefused(f"the server refused us: {refusal.message}", refusal.code, fatal=True)
        else:
            yield event

    def _acknowledged(self, request_id: str, raw: Raw) -> Iterator[Signal]:
        values = _values(raw)
        refusal = _refusal(values)
        if request_id in self._pending:
            self._pending.discard(request_id)
            yield _reply(request_id, values, refusal)
        elif request_id in self._joining:
            self._joining.discard(request_id)
            yield from self._joined(refusal)
        else:
            self._catching_up.discard(request_id)
            yield Ping()
        if request_id.startswith(_OPENING) and not self._joining:
            if not self._catching_up:
                self._note_ready()
            if request_id.startswith("catch-up") or not self._catching_up:
                yield CaughtUp(len(self._catching_up))

    def _note_ready(self) -> None:
        """Note that all requests are answered: from here on events are new."""
        if not self._answers:
            self._answers = True
            self._copies.forget()
        self._copies.note_joined()

    def _joined(self, refusal: _Refusal | None) -> Iterator[Signal]:
        """Read the answer to a join. A handler that sent a bare error before it returned has refused."""
        if refusal is not None:
            yield StreamRefused(f"the server refused us: {refusal.message}", refusal.code, refusal.denies)
        elif not self._refused:
            yield from self._accepted()


def _catch_ups(joins: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    if any(name == _CATCH_UP for name, _ in joins):
        return
    for _, data in joins:
        if isinstance(data, Mapping):
            yield from ({key: data[key]} for key in _CATCH_UP_KEYS if key in data)


def _copies(names: Sequence[str]) -> int:
    """Return the number of copies of each event that may come over the rooms of these joins."""
    return max(len(names), 2) if not _OWN_ROOM.isdisjoint(names) else len(names)


def _write(request_id: str, name: str, data: Any) -> str:
    packet = [name] if data is None else [name, data]
    return msgspec.json.encode(["call", request_id, packet]).decode()


# ---- frames ---------------------------------------------------------------------------------------------------------


def _read(text: str) -> _Connected | _Event | _Ack | None:
    """Return the frame, None for an unreadable text."""
    try:
        frame: _Connected | _Event | _Ack = _decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        try:
            return _read_odd(encodable(text))
        except (ValueError, RecursionError, IndexError, TypeError):
            return None
    return frame


def _read_odd(text: str) -> _Connected | _Event | _Ack | None:
    """Read text of Python's encoder that is no JSON: NaN, Infinity, lone surrogates."""
    kind, *parts = loads(text)
    texts = [part for _, part in pieces(text)][1:]
    if kind == "event" and isinstance(parts[0], list):
        return _Event([Raw(item.encode()) for _, item in pieces(texts[0])])
    if kind == "ack" and isinstance(parts[0], str):
        return _Ack(parts[0], Raw(texts[1].encode()))
    return None


def _unwrapped(text: str) -> str:
    """Return the server's part of an unreadable frame."""
    return text.removeprefix('["event",').removesuffix("]") if text.startswith('["event",') else text


def _name(raw: Raw) -> str | None:
    name = loads(str(raw, "utf-8"))
    return encodable(name) if isinstance(name, str) else None


def _data(arguments: list[str]) -> str:
    """Return an event's data: its one argument, or an array of all.

    A Node server with connection state recovery adds a mark to the arguments of each event, a string at their end.
    """
    with_mark = len(arguments) == 2 and arguments[0][:1] in "{[" and arguments[1][:1] == '"'
    if len(arguments) == 1 or with_mark:
        return arguments[0]
    return f"[{','.join(arguments)}]" if arguments else "null"


def _logged(event: Received) -> Received:
    """Return the event as a row of the log without further meaning."""
    return msgspec.structs.replace(event, fact=Logged())


# ---- answers --------------------------------------------------------------------------------------------------------


def _values(raw: Raw) -> list[Any]:
    try:
        values = loads(str(raw, "utf-8"))
    except ValueError:
        return []
    return values if isinstance(values, list) else [values]


def _reply(request_id: str, values: list[Any], refusal: _Refusal | None) -> Reply:
    if refusal is not None:
        return Reply(request_id, error=refusal.message, code=refusal.code)
    return Reply(request_id, value=values[0] if len(values) == 1 else values or None)


def _refusal(values: list[Any]) -> _Refusal | None:
    """Return the refusal in an acknowledgement: an `error`, `ok` or `success` false, `status` error."""
    for value in values:
        if not isinstance(value, dict):
            continue
        failed = value.get("ok") is False or value.get("success") is False or value.get("status") == "error"
        if value.get("error") or failed:
            return _refusal_from(value)
    return None


def _denial(text: str) -> _Refusal | None:
    """Return the refusal in an `error` that concerns no task and denies us access."""
    data = _object(text)
    if data is None or _KEYS_OF_ANOTHER & data.keys():
        return None
    refusal = _refusal_from(data)
    return refusal if refusal.denies else None


def _concerns_another(text: str) -> bool:
    """Return whether an `error` concerns another client's request, or a task."""
    return bool(_KEYS_OF_ANOTHER & (_object(text) or {}).keys())


def _object(text: str) -> dict[str, Any] | None:
    try:
        data = loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _refusal_from(value: dict[str, Any]) -> _Refusal:
    inner = value.get("error")
    details = inner if isinstance(inner, dict) else value
    code = details.get("code", value.get("code"))
    texts = (details.get("message"), words_of(inner), words_of(value), code)
    message = next((text for text in texts if isinstance(text, str) and text), _NO_REASON)
    return _Refusal(encodable(message), _code(code))


def _code(code: object) -> str | None:
    """Return the code's name; of the HTTP statuses only those that decide something."""
    return _CODES.get(code, str(code)) if isinstance(code, int) else code if isinstance(code, str) else None
