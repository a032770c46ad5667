"""The plain-JSON wire: servers that just send events, and the channel protocol (subscribe, auth, ping, replies)."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import msgspec

from runconsole.decoding.envelope import MALFORMED, read_events, read_plain
from runconsole.decoding.payload import first, loads_encodable
from runconsole.decoding.times import write_time
from runconsole.decoding.words import words_of
from runconsole.errors import UnsupportedByWire
from runconsole.events import DecisionRequested, ErrorReported, Logged, Micros, Received, UnknownEvent
from runconsole.protocols.base import (
    Established,
    Outgoing,
    Ping,
    Reply,
    Request,
    Send,
    Signal,
    StreamRefused,
    TaskCommand,
    Wire,
)
from runconsole.protocols.commands import as_command
from runconsole.protocols.json.commands import command_message, offered_commands
from runconsole.protocols.json.subscriptions import Subscriptions
from runconsole.reconnect import is_rate_limit, is_refusal, meaning
from runconsole.redaction.secrets import Secret

__all__ = ["ChannelWire"]

_CALL = "call-"
"""The prefix of the correlation ids of calls."""
_KEEPALIVE = {"ping", "pong"}
_GREETINGS = {"subscribed", "unsubscribed", "authenticated", "auth.success", "connected", "welcome"}
_PROTOCOL = _KEEPALIVE | _GREETINGS | {"error"}
"""Types of messages that may belong to the protocol itself."""
_NOT_PLAIN = _PROTOCOL | {MALFORMED}


_ASKED_NOTHING = "nothing was subscribed to; the server may wait for a subscription"
_ELSEWHERE = 'serve its events at another path, or speak another protocol (protocol="trpc", or http:// for Socket.IO)'

_NOT_ALLOWED_STATUSES = frozenset({"401", "403"})


class _ErrorPayload(msgspec.Struct):
    message: str | None = None
    error: str | None = None
    code: str | int | None = None


class _Correlated(msgspec.Struct):
    correlationId: str | None = None  # noqa: N815 - the wire's name
    type: str | None = None


class _RemoteError(msgspec.Struct):
    id: str | int | None
    error: dict[str, Any]


_ERROR_IS_NEAR = 200
"""Characters at the start of a frame within which a remote error has its key."""
_read_remote_error = msgspec.json.Decoder(_RemoteError).decode


class ChannelWire(Wire):
    """Plain JSON over a WebSocket.

    Args:
        subscribe: messages to send after connecting (JSON values, or strings to send unchanged).
        channels: further subscriptions of the channel protocol: the payloads of `subscribe` messages.
        wider: more of them, to be tried when the server stays silent.
        token: sent as the first message ``{"type": "auth", "token": …}``; None sends none.
        decide: makes ``(type, payload)`` of a decision; None sends `checkpoint.resolve`, or the command that the
            question wants.
    """

    def __init__(
        self,
        subscribe: Sequence[Any] | Secret[list[Any]] = (),
        *,
        channels: Sequence[Mapping[str, Any]] = (),
        wider: Sequence[Mapping[str, Any]] = (),
        token: str | Secret[str] | None = None,
        decide: Callable[[DecisionRequested], tuple[str, Any]] | None = None,
    ) -> None:
        self._subscribe = Secret(subscribe)
        self._token = None if token is None else Secret(token)
        self.decides_by = decide
        self._pending: set[str] = set()
        self._answered: set[str] = set()
        self._established = False
        self._channels = channels
        self._wider = wider
        self._is_wide = False
        self._subscriptions = Subscriptions()

    @property
    def asked(self) -> str:
        """A sentence about the subscriptions and their alternatives."""
        own = [{"payload": payload} for payload in (*self._channels, *(self._wider if self._is_wide else ()))]
        named = ", ".join(sorted({_channel(message) for message in (*self._subscribe.reveal(), *own)}))
        refused = self._subscriptions.refused
        said = "" if refused is None else f" (the server said: {refused})"
        tried = f"subscribed to {named}{said}; the server may call it otherwise" if named else _ASKED_NOTHING
        also = " or task=" if self._is_wide or not named else ""
        return f"{tried} (subscribe={also}), {_ELSEWHERE}"

    def open(self, at: Micros = 0) -> list[str]:
        """Return the authentication and the subscriptions."""
        if self._is_wide and not self._subscriptions.is_granted:
            self._wider = ()  # tried in vain, and the server may even have closed because of it
        self.begin()
        first_frames = [] if self._token is None else [_encode({"type": "auth", "token": self._token.reveal()})]
        own = [m if isinstance(m, str) else _encode(m) for m in self._subscribe.reveal()]
        for frame in own:
            self._subscriptions.sent(_correlation(frame))
        wider = self._own(self._wider, at, guessed=True) if self._is_wide else []
        return first_frames + own + self._own(self._channels, at) + wider

    def widen(self, at: Micros = 0) -> list[str]:
        """Return subscriptions to the channels that a server of this protocol may have; once."""
        if self._is_wide:
            return []
        self._is_wide = True
        return self._own(self._wider, at, guessed=True)

    def _own(self, payloads: Sequence[Mapping[str, Any]], at: Micros, *, guessed: bool = False) -> list[str]:
        """Return `subscribe` messages of our own."""
        frames = []
        for payload in payloads:
            correlation = self._subscriptions.next_id()
            self._subscriptions.sent(correlation, guessed=guessed)
            message = {"type": "subscribe", "payload": payload, "timestamp": write_time(at)}
            frames.append(_encode(message | {"correlationId": correlation}))
        return frames

    def begin(self) -> None:
        """Forget that the server has accepted us."""
        self.is_foreign = False
        self._established = False
        self.task_commands = ()
        self._subscriptions.reset()

    def sent(self, frame: str, decisions: Container[str]) -> None:
        """Expect the reply to a decision or call that was sent according to a recording."""
        correlation = _correlation(frame)
        if correlation is not None and (correlation in decisions or correlation.startswith(_CALL)):
            self._pending.add(correlation)
        elif _type(frame) not in _KEEPALIVE | {"auth"}:
            self._subscriptions.sent(correlation)

    def receive(self, frame: str | bytes, at: Micros) -> Sequence[Signal]:
        """Read one frame: its events, and the replies among them."""
        events = read_events(frame, at)
        offered = offered_commands(frame)
        if offered is not None:
            self.task_commands = offered
        if events and events[0].type == MALFORMED:
            events = [self._known(event) for event in events]
        if not events:
            return _sign_of_life(frame)
        signals: list[Signal] = []
        for event in events:
            if event.correlation_id is None and event.type not in _PROTOCOL:
                self._subscriptions.is_granted |= (self._established and len(events) == 1) or _is_good(event)
                signals.append(event)
            else:
                self._read(event, signals)
        if not self._established and any(_is_good(signal) for signal in signals):
            self._established = True
            signals.insert(0, Established())
        return signals

    def receive_plain(self, frames: Sequence[str | bytes], at: Micros) -> list[Received]:
        """Read the first frames that are one event each, without a correlation id, once the server has accepted us."""
        events = read_plain(frames, at, _NOT_PLAIN) if self._established else []
        self._subscriptions.is_granted |= bool(events)
        return events

    def _known(self, event: Received) -> Received:
        """Return an event; another protocol's refusal of our messages becomes a logged error."""
        if event.type != MALFORMED or not _is_remote_error(event.payload):
            return event
        self.is_foreign = True
        return msgspec.structs.replace(event, type="error", fact=Logged())

    def _read(self, event: Received, signals: list[Signal]) -> None:
        kind, correlation = event.type, event.correlation_id
        if kind in _KEEPALIVE:
            signals.append(
                Send(_encode({"type": "pong", "timestamp": write_time(event.received_at)}))
                if kind == "ping"
                else Ping()
            )
        elif correlation is not None and correlation in self._pending:
            self._pending.discard(correlation)
            self._answered.add(correlation)
            signals.append(_reply(event, correlation))
            signals.append(event if _is_of_the_run(event) else _logged(event))
        elif correlation is not None and correlation in self._answered and not _is_of_the_run(event):
            signals.append(_logged(event))  # the same answer again
        elif kind == "error" and self._is_about_us(event, correlation) and _denies(event):
            signals.append(_logged(event))
            signals.append(StreamRefused(_message(event), code=_code(event), fatal=True))
        elif kind == "error" and _is_refusal(event) and self._subscriptions.is_refused(correlation, _code(event)):
            signals.append(_logged(event))
            if (words := _message(event)) and meaning(words) != "busy":
                signals.append(self._subscriptions.refuse(correlation, words, _code(event)))
        elif kind in _GREETINGS or (correlation is not None and _is_refusal(event)):
            signals.append(_logged(event))
            self._subscriptions.is_granted = self._subscriptions.is_granted or kind == "subscribed"
        else:
            self._subscriptions.is_granted = self._subscriptions.is_granted or _is_good(event)
            signals.append(event)

    def _is_about_us(self, event: Received, correlation: str | None) -> bool:
        """Return whether an error may refuse this connection: it answers our first frames, or is the first message."""
        if correlation is not None:
            return correlation in self._subscriptions.ids
        return not self._established and _is_refusal(event)

    def decide(self, decision: DecisionRequested, task_id: str | None) -> Outgoing:
        """Return the message that carries the decision; its correlation id is the decision's."""
        kind, payload = as_command(decision) or ("checkpoint.resolve", _resolution(decision, task_id))
        if self.decides_by is not None:
            kind, payload = self.decides_by(decision)
        self._pending.add(decision.decision_id)
        message = {
            "type": kind,
            "payload": payload,
            "timestamp": write_time(decision.at),
            "correlationId": decision.decision_id,
        }
        return Outgoing(decision.decision_id, _encode(message))

    def command(self, command: TaskCommand) -> Request:
        """Return the message of a command. Raises UnsupportedByWire for one that the server has not offered."""
        if command.verb not in self.task_commands:
            return super().command(command)
        return command_message(command)

    def call(self, request: Request) -> Outgoing:
        """Return a message (kind ``"call"``); its reply has the same correlation id.

        Raises UnsupportedByWire for another kind.
        """
        if request.kind != "call":
            raise UnsupportedByWire(f"expected a wire with such calls (tRPC) for {request.name!r}, got plain JSON")
        correlation = _CALL + request.request_id
        self._pending.add(correlation)
        message = {
            "type": request.name,
            "payload": {} if request.payload is None else request.payload,
            "timestamp": write_time(request.at),
            "correlationId": correlation,
        }
        return Outgoing(correlation, _encode(message))

    def lost(self) -> list[str]:
        """Return the decisions without a reply, once."""
        lost = list(self._pending)
        self._pending.clear()
        return lost


def _channel(message: object) -> str:
    """Return the subscription in a message of ours, for a person."""
    known = message if isinstance(message, dict) else {}
    payload = known.get("payload")
    inner = payload if isinstance(payload, dict) else {}
    return repr(first(inner.get("channel"), known.get("channel"), known.get("type"), "a message of yours"))


def _resolution(decision: DecisionRequested, task_id: str | None) -> dict[str, Any]:
    chosen = {"checkpointId": decision.checkpoint_id, "taskId": task_id, "decision": decision.sent_value}
    return chosen | decision.answer.details()


def _sign_of_life(frame: str | bytes) -> list[Signal]:
    """Return the signals of a heartbeat: a ping in words is answered in words."""
    if frame in ("ping", b"ping"):
        return [Send("pong")]
    return [Ping()]


def _is_good(signal: Signal) -> bool:
    """Return whether a signal proves that the server accepts us: any readable event that is no refusal."""
    return not isinstance(signal, StreamRefused) and not (
        isinstance(signal, Received) and signal.type in {"malformed", "error"}
    )


def _is_of_the_run(event: Received) -> bool:
    """Return whether a reply is also an event of the run: a change of a checkpoint."""
    return event.type.startswith("checkpoint.") and not isinstance(event.fact, UnknownEvent)


def _is_remote_error(text: str) -> bool:
    """Return whether a text is the error of a remote call, as in tRPC and JSON-RPC: ``{id, error: {…}}``."""
    if '"error"' not in text[:_ERROR_IS_NEAR]:
        return False
    try:
        _read_remote_error(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return False
    return True


def _logged(event: Received) -> Received:
    """Return the event as a row of the log without further meaning."""
    return msgspec.structs.replace(event, fact=Logged())


def _is_refusal(event: Received) -> bool:
    """Return whether a message with a correlation id refuses a request, and is no error of a task."""
    return isinstance(event.fact, ErrorReported) and event.fact.task_id is None


def _error_payload(event: Received) -> _ErrorPayload:
    try:
        payload = msgspec.json.decode(event.payload, type=_ErrorPayload, strict=False)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return _ErrorPayload(message=event.payload[:200])
    return payload


def _message(event: Received) -> str:
    try:
        words = words_of(loads_encodable(event.payload))
    except ValueError:
        words = event.payload[:200]
    return words or _code(event) or "the server refused without a reason"


def _code(event: Received) -> str | None:
    code = _error_payload(event).code
    return None if code is None else str(code)


def _denies(event: Received) -> bool:
    """Return whether an error's code means that we are not allowed, and its words name no rate limit."""
    code = _code(event)
    if code is None or is_rate_limit(_message(event)):
        return False
    return code in _NOT_ALLOWED_STATUSES or is_refusal(code)


def _correlation(frame: str) -> str | None:
    """Return the correlation id of a message of ours."""
    return _envelope(frame).correlationId


def _type(frame: str) -> str | None:
    return _envelope(frame).type


def _envelope(frame: str) -> _Correlated:
    try:
        return msgspec.json.decode(frame, type=_Correlated)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return _Correlated()


def _reply(event: Received, request_id: str) -> Reply:
    if event.type == "error":
        return Reply(request_id, error=_message(event), code=_code(event))
    return Reply(request_id, value=_value(event))


def _value(event: Received) -> Any:
    try:
        return loads_encodable(event.payload)
    except ValueError:
        return event.payload


def _encode(message: Any) -> str:
    return msgspec.json.encode(message).decode()
