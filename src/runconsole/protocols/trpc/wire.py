"""tRPC 10 and 11 over WebSocket: one subscription to follow, mutations and queries beside it.

The meaning of each frame was measured with the real servers; `tests/protocols/trpc` holds the transcripts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct

from runconsole.decoding.envelope import MALFORMED, read_events
from runconsole.decoding.payload import encodable
from runconsole.decoding.texts import is_heartbeat, trimmed
from runconsole.errors import NotConnected, UnsupportedByWire
from runconsole.events import DecisionRequested, MalformedFrame, Micros, Received
from runconsole.protocols.base import (
    Established,
    Outgoing,
    Ping,
    ReconnectAsked,
    Reply,
    Request,
    Resumable,
    Send,
    Signal,
    StreamEnded,
    StreamRefused,
    TaskCommand,
)
from runconsole.protocols.trpc.calls import TrpcQueries
from runconsole.protocols.trpc.calls import command as command_call
from runconsole.protocols.trpc.dialect import AnswerUnclear, Dialect, is_missing
from runconsole.protocols.trpc.errors import TrpcError, read_error
from runconsole.protocols.trpc.frames import (
    ABSENT,
    Result,
    ServerMessage,
    inner_data,
    looks_enveloped,
    read_messages,
    read_request,
    read_text,
    read_value,
    write_frame,
    write_input,
    write_params,
)
from runconsole.redaction.secrets import Secret, bare

__all__ = ["Decide", "Transformer", "TrpcWire"]

Transformer: TypeAlias = Literal["auto", "superjson", "none"]
Decide: TypeAlias = str | Callable[[DecisionRequested], tuple[str, Any]] | None

_PROBE = "runconsole.transformer"
"""A path that no server has. The form of its "not found" reveals the transformer, on every version and without
effect."""
_MOST_FAILED_RESUMES = 2
_SHORT = 40
"""Characters of a frame that may be a heartbeat in words."""
_SHORTEST_SECRET = 4


class _Stream(Struct):
    """One subscription of this connection."""

    number: int
    resumes: bool
    delivered: bool = False
    stopping: bool = False
    over: bool = False


class _Sent(Struct, frozen=True):
    """A frame that has no answer yet."""

    what: Literal["params", "probe", "stream", "request"]
    request_id: str = ""
    path: str = ""
    decision: DecisionRequested | None = None
    call: Request | None = None
    """A call that may still be a query, if there is no such mutation."""


class TrpcWire(Resumable):
    """The tRPC protocol for one console.

    Args:
        path: the subscription, ``stream.taskProgress``.
        input: its input; None is none.
        decide: the mutation of a decision: a path (one that ends in ``.decide`` takes ``{checkpointId, action,
            selectedOption}``, any other ``{checkpointId, decision}``), or a function that makes path and input; None
            chooses by the answer and by the server's procedures (`runconsole.protocols.trpc.dialect`).
        transformer: `auto` detects it by a query for a path that no server has, before anything else is sent; until the
            answer the subscription waits, and `decide` and `call` raise NotConnected.
        connection_params: the first frame; the address must then carry ``?connectionParams=1`` (tRPC 11 only).
        instead: paths to subscribe to with the same input if the server lacks `path`.
        advice: advice for a person if the server has none of them.
        resume: True if a new subscription asks for the events after the last tracked one.

    Raises ValueError for an unknown transformer, an input that cannot be sent, parameters that are no strings.

    Attributes:
        last_event_id: the id of the last tracked event that was returned; set it to None to subscribe afresh.
        resumes_from: the mark from which this connection's subscription asked to resume. None: no mark, because no
            tracked event came yet, because tRPC takes the mark only beside an input that is an object or absent, or
            because the server refused it. Then events in between may be missing, or may come again.
        resume_refused: the server's reason for refusing to resume from `last_event_id` on this connection, None if it
            did not refuse; the subscription was then made again without it.

    A reconnect at the server's request (`ReconnectAsked`) need lose nothing: see `runconsole.session.handover`.
    """

    confirms = True
    """The server says that it accepts us: the subscription starts."""
    queries = TrpcQueries()
    task_commands: tuple[str, ...] = ("cancel", "pause", "resume", "retry")
    resumes_from: str | None = None

    def __init__(
        self,
        path: str,
        input: Any = None,  # noqa: A002 - tRPC's word
        *,
        decide: Decide = None,
        transformer: Transformer = "auto",
        connection_params: Mapping[str, str] | Secret[Mapping[str, str]] | None = None,
        resume: bool = True,
        instead: Sequence[str] = (),
        advice: str | None = None,
    ) -> None:
        if transformer not in ("auto", "superjson", "none"):
            raise ValueError(f'expected transformer "auto", "superjson" or "none", got {transformer!r}')
        if not all(isinstance(value, str) for value in (bare(connection_params) or {}).values()):
            raise ValueError("expected connection parameters that are strings, got another type")
        write_input(bare(input), enveloped=transformer == "superjson")
        self._path = path
        self._input = Secret(input)
        self.decides_by = decide
        self._dialect = Dialect()
        self._transformer: Transformer = transformer
        self._params = None if connection_params is None else Secret(dict(bare(connection_params)))
        self._resume = resume
        self._instead = tuple(instead)
        self._advice = advice
        self._enveloped = None if transformer == "auto" else transformer == "superjson"
        self._numbers = itertools.count(1)
        self._failed_resumes = 0
        self._lost: list[str] = []
        self.last_event_id: str | None = None
        self._forget_connection()

    def _forget_connection(self) -> None:
        self._sent: dict[float | str, _Sent] = {}
        self._streams: dict[float | str, _Stream] = {}
        self._stream: _Stream | None = None
        self._established = False
        self.resumes_from = None
        self.resume_refused: str | None = None

    @property
    def asked(self) -> str:
        """A sentence about the subscription and its alternatives."""
        if isinstance(self._input.reveal(), str):
            return (
                f"subscribed to {self._path} of one task; check that task= names a task that runs, or name another"
                " stream with subscribe="
            )
        return (
            f"subscribed to {self._path}; the server may tell of single tasks only (task=), or by another path"
            " (subscribe=)"
        )

    # ---- what to send ----------------------------------------------------------------------------------------------

    def open(self, at: Micros = 0) -> list[str]:  # noqa: ARG002 - as Wire has it
        """Return the connection parameters and the subscription, or the query that must be answered before it.

        Unanswered requests of the connection before are returned by `lost`.
        """
        self.begin()
        frames: list[str] = []
        if self._params is not None:
            self._sent[0] = _Sent("params")
            frames.append(write_params(self._params.reveal()))
        frames.append(self._probe() if self._enveloped is None else self._subscribe(self.last_event_id))
        return frames

    def begin(self) -> None:
        """Forget the state of the last connection; `lost` still returns its unanswered requests."""
        self._lost += self._requests()
        self._forget_connection()

    def sent(self, frame: str, decisions: Container[str]) -> None:  # noqa: ARG002 - as Wire has it
        """Recognize a request that was sent according to a recording."""
        request = read_request(frame)
        if request is None:
            return
        number = request.id
        match request.method:
            case "connectionParams":
                self._sent[0] = _Sent("params")
            case "subscription":
                self._stream = _Stream(number, resumes=request.params.lastEventId is not None)
                self._streams = {number: self._stream}
                self._sent[number] = _Sent("stream")
            case "subscription.stop" if self._stream is not None:
                self._stream.stopping = True
            case "query" | "mutation":
                is_probe = request.params.path == _PROBE
                self._streams.pop(number, None)
                self._sent[number] = _Sent("probe") if is_probe else _Sent("request", f"trpc-{number}")

    def decide(self, decision: DecisionRequested, task_id: str | None) -> Outgoing:  # noqa: ARG002 - as Wire has it
        """Return the mutation; its request id is the decision's id. `task_id` is not needed.

        Raises NotConnected while the transformer is unknown, ValueError for modifications that cannot be sent,
        AnswerUnclear where the server has no procedure that could take the answer.
        """
        if callable(self.decides_by):
            path, payload = self.decides_by(decision)
            return self._request(decision.decision_id, "mutation", path, payload)
        return self._decision_request(decision)

    def _decision_request(self, decision: DecisionRequested) -> Outgoing:
        path, payload = self._dialect.choose(decision, None if callable(self.decides_by) else self.decides_by)
        return self._request(decision.decision_id, "mutation", path, payload, decision)

    def call(self, request: Request) -> Outgoing:
        """Return a mutation or a query (`runconsole.protocols.trpc.calls` has those of the backends).

        A ``"call"`` is sent as a mutation, and if the server has none of this name, as a query.

        Raises UnsupportedByWire for another kind, NotConnected while the transformer is unknown, ValueError for a
        payload that cannot be sent.
        """
        if request.kind == "call":
            outgoing = self._request(None, "mutation", request.name, request.payload)
            number = next(reversed(self._sent))
            self._sent[number] = msgspec.structs.replace(self._sent[number], call=request)
            return outgoing
        if request.kind not in {"mutation", "query"}:
            raise UnsupportedByWire(f"expected a tRPC mutation or query, got {request.kind!r}")
        return self._request(None, request.kind, request.name, request.payload)

    def command(self, command: TaskCommand) -> Request:
        """Return the mutation of a command for a task."""
        return command_call(command)

    def close(self) -> list[str]:
        """Return the stop of the subscription; its events are still read until `drained`."""
        stream = self._stream
        if stream is None or stream.over or stream.stopping:
            return []
        stream.stopping = True
        return [write_frame(stream.number, "subscription.stop")]

    @property
    def pending(self) -> list[str]:
        """The ids of the requests that have no reply yet."""
        return self._lost + self._requests()

    @property
    def drained(self) -> bool:
        """True if no more events can come: there is no subscription, or it is over."""
        return self._stream is None or self._stream.over

    def lost(self) -> list[str]:
        """Return the ids of the requests that will never be answered, once; call it when the connection is gone.

        They may have been carried out. Nothing is ever sent again automatically.
        """
        lost, self._lost = self.pending, []
        self._sent.clear()
        return lost

    def forget_mark(self) -> None:
        """Subscribe afresh the next time."""
        self.last_event_id = None

    def successor(self) -> TrpcWire:
        """Return a wire for another connection that continues this one, with request ids of its own."""
        wire = TrpcWire(
            self._path,
            self._input,
            decide=self.decides_by,
            transformer=self._transformer,
            connection_params=self._params,
            resume=self._resume,
            instead=self._instead,
            advice=self._advice,
        )
        wire._enveloped, wire._numbers, wire._dialect = self._enveloped, self._numbers, self._dialect
        wire.last_event_id = self.last_event_id
        return wire

    def _requests(self) -> list[str]:
        return [sent.request_id for sent in self._sent.values() if sent.what == "request"]

    def _probe(self) -> str:
        number = next(self._numbers)
        self._sent[number] = _Sent("probe")
        return write_frame(number, "query", path=_PROBE, input={})

    def _subscribe(self, last_event_id: str | None) -> str:
        enveloped = bool(self._enveloped)
        if not self._resume or not (self._input.reveal() is None or isinstance(self._input.reveal(), dict)):
            last_event_id = None
        self.resumes_from = last_event_id
        self._stream = _Stream(next(self._numbers), resumes=last_event_id is not None)
        self._streams[self._stream.number] = self._stream
        self._sent[self._stream.number] = _Sent("stream")
        return write_frame(
            self._stream.number,
            "subscription",
            path=self._path,
            input=write_input(self._input.reveal(), enveloped=enveloped),
            lastEventId=UNSET if last_event_id is None else last_event_id,
        )

    def _request(
        self, request_id: str | None, method: str, path: str, payload: Any, decision: DecisionRequested | None = None
    ) -> Outgoing:
        if self._enveloped is None:
            raise NotConnected("expected a server that said whether it uses superjson, got no answer yet; wait for it")
        number = next(self._numbers)
        frame = write_frame(number, method, path=path, input=write_input(payload, enveloped=self._enveloped))
        self._sent[number] = _Sent("request", request_id or f"trpc-{number}", path, decision)
        return Outgoing(self._sent[number].request_id, frame)

    # ---- what came -------------------------------------------------------------------------------------------------

    def receive(self, frame: str | bytes, at: Micros) -> list[Signal]:
        """Read one frame that arrived at `at`. Never raises: an unreadable frame is a malformed event."""
        text = frame if isinstance(frame, str) else frame.decode(errors="backslashreplace")
        if text == "PING":
            return [Send("PONG")]
        if text == "PONG" or (len(text) < _SHORT and is_heartbeat(trimmed(text))):
            return [Ping()]
        signals: list[Signal] = []
        for message, its_text in read_messages(text):
            read = None if message is None else self._read(message, at)
            signals += [_malformed(its_text, at, "not a tRPC message")] if read is None else read
        return signals

    def _read(self, message: ServerMessage, at: Micros) -> list[Signal] | None:
        """Return the signals of a message, None for an unknown one."""
        if message.method is not None:
            return [ReconnectAsked()] if message.method == "reconnect" else None
        failed = message.error not in (ABSENT, b"null")
        number = message.number
        if number is None:
            return self._unattributed(read_error(message.error)) if failed else None
        self._sent.pop(0, None)  # a server that answers a request has accepted the connection parameters
        if failed:
            return self._failed(number, read_error(message.error))
        if message.result is None:
            return None
        stream = self._streams.get(number)
        return (
            self._answered(number, message.result) if stream is None else self._read_stream(stream, message.result, at)
        )

    def _read_stream(self, stream: _Stream, result: Result, at: Micros) -> list[Signal] | None:
        """Read a message of the stream. In tRPC 10 data, end and error may come before `started`."""
        self._sent.pop(stream.number, None)
        kind = result.type or "data"
        if kind == "data":
            stream.delivered = True
            self._failed_resumes = 0
            return [*self._accepted(), *self._events(result, at)]
        if kind not in {"started", "stopped"}:
            return None
        if stream.over:
            return [Ping()]
        if kind == "started":
            return [*self._accepted()] or [Ping()]
        stream.over = True
        return [Ping()] if stream.stopping else [*self._accepted(), StreamEnded()]

    def _accepted(self) -> Iterable[Signal]:
        if not self._established:
            self._established = True
            yield Established()

    def _events(self, result: Result, at: Micros) -> list[Received]:
        try:
            text = read_text(result.data, enveloped=bool(self._enveloped))
        except ValueError as error:
            return [_malformed(str(result.data, "utf-8"), at, str(error))]
        if result.id is None:
            return read_events(text, at)
        self.last_event_id = str(result.id)
        return _marked(read_events(inner_data(text), at), self.last_event_id)

    def _answered(self, number: float | str, result: Result) -> list[Signal]:
        sent = self._sent.pop(number, None)
        if sent is None:
            return [Ping()]
        if sent.what == "probe":
            return self._set_transformer(enveloped=looks_enveloped(result.data))
        return [Reply(sent.request_id, value=read_value(result.data, enveloped=bool(self._enveloped)))]

    # ---- refusals --------------------------------------------------------------------------------------------------

    def _failed(self, number: float | str, error: TrpcError) -> list[Signal]:
        sent = self._sent.pop(number, None)
        stream = self._streams.get(number)
        if stream is not None:
            return self._stream_failed(stream, error)
        if sent is None:
            return [Ping()]
        if sent.what == "probe":
            return self._set_transformer(enveloped=error.enveloped)
        if sent.decision is not None and is_missing(error.code, error.message):
            return [self._retry_decision(sent.path, sent.decision, error)]
        if sent.call is not None and is_missing(error.code, error.message):
            return [Send(self._request(sent.request_id, "query", sent.call.name, sent.call.payload).frame)]
        return [self._refusal_reply(sent.request_id, error)]

    def _refusal_reply(self, request_id: str, error: TrpcError) -> Reply:
        """Return an error as the answer to a request."""
        is_unknown = is_missing(error.code, error.message)
        return Reply(request_id, error=self._redacted(error.message), code=error.code, is_unknown_call=is_unknown)

    def _retry_decision(self, path: str, decision: DecisionRequested, error: TrpcError) -> Signal:
        """Send the decision to the server's other procedure: it lacks this one, so nothing was done."""
        if not self._dialect.note_missing(path):
            return self._refusal_reply(decision.decision_id, error)
        try:
            return Send(self._decision_request(decision).frame)
        except AnswerUnclear as unclear:
            return Reply(decision.decision_id, error=str(unclear), code="UNCLEAR")

    def _stream_failed(self, stream: _Stream, error: TrpcError) -> list[Signal]:
        if stream.over or stream.stopping:
            stream.over = True
            return [Ping()]
        stream.over = True
        if self._transformer == "auto" and error.enveloped is not None and error.enveloped is not self._enveloped:
            return self._set_transformer(enveloped=error.enveloped)  # another server answers at this address now
        if stream.resumes and not stream.delivered and not error.denied:
            self._failed_resumes += 1
            if error.fatal or self._failed_resumes > _MOST_FAILED_RESUMES:
                frame = self._subscribe(None)
                self.resume_refused = self._redacted(error.message)
                return [Send(frame)]
        if is_missing(error.code, error.message) and self._instead:
            self._path, *rest = self._instead
            self._instead = tuple(rest)
            return [Send(self._subscribe(None))]
        return [self._refused(f"the server {'broke off' if stream.delivered else 'refused'} {self._path}", error)]

    def _unattributed(self, error: TrpcError) -> list[Signal] | None:
        """Read an error without an id: of the connection itself, or of a frame that the server could not parse."""
        if error.code != "PARSE_ERROR":
            return [self._refused("the server refused the connection", error)]
        if 0 in self._sent:  # they are read first, and refusing them is final
            return [self._refused("the server refused the connection parameters (tRPC 10 has none)", error)]
        if error.about_params:
            return [self._refused("the server waits for connection parameters", error)]
        return self._failed(next(reversed(self._sent)), error) if self._sent else None

    def _set_transformer(self, *, enveloped: bool | None) -> list[Signal]:
        if enveloped is None:
            return [
                StreamRefused("expected a tRPC server with superjson or without a transformer, got another", fatal=True)
            ]
        self._enveloped = enveloped
        return [Send(self._subscribe(self.last_event_id))]

    def _refused(self, what: str, error: TrpcError) -> StreamRefused:
        reason = f"{what}: {self._redacted(error.message)} ({error.code})"
        if error.enveloped is not None and self._enveloped is not None and error.enveloped is not self._enveloped:
            used = "superjson" if error.enveloped else "none"
            reason += f'; the server\'s transformer is {used}: pass transformer="{used}"'
        if self._advice is not None and is_missing(error.code, error.message):
            reason += f"; {self._advice}"
        return StreamRefused(reason, error.code, error.fatal or error.denied)

    def _redacted(self, message: str) -> str:
        for secret in ({} if self._params is None else self._params.reveal()).values():
            if len(secret) >= _SHORTEST_SECRET:
                message = message.replace(secret, "…")
        return message


def _marked(events: list[Received], offset: str) -> list[Received]:
    """Return events with the tracked id. Of several under one id, all but the last get a derived mark of their own."""
    last = len(events) - 1
    return [
        msgspec.structs.replace(event, offset=offset if place == last else f"{offset}#{place}")
        for place, event in enumerate(events)
    ]


def _malformed(text: str, at: Micros, why: str) -> Received:
    return Received(MALFORMED, MalformedFrame(why), encodable(text), at)
