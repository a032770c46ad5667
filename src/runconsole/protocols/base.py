"""The wire of a protocol: it turns frames into signals, and requests into frames. Without I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Container, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from runconsole.errors import UnsupportedByWire
from runconsole.events import DecisionRequested, Micros, Received

__all__ = [
    "CaughtUp",
    "Established",
    "EventsLost",
    "Outgoing",
    "Ping",
    "Queries",
    "ReconnectAsked",
    "Repeated",
    "Reply",
    "Request",
    "Resumable",
    "Send",
    "Signal",
    "StreamBroken",
    "StreamEnded",
    "StreamRefused",
    "SubscriptionRefused",
    "TaskCommand",
    "Wire",
]


class Established(Struct, frozen=True):
    """The server accepted us (subscription started, first good message); the back-off starts afresh."""


class Send(Struct, frozen=True):
    """A frame to send now (a PONG, a subscription without its resume mark)."""

    frame: str


class Reply(Struct, frozen=True):
    """The answer to a request of ours: `error` is None when it was granted.

    `is_unknown_call`: the server has no such call, so the error concerns the call and not its subject.
    """

    request_id: str
    value: Any = None
    error: str | None = None
    code: str | None = None
    is_unknown_call: bool = False


class StreamEnded(Struct, frozen=True):
    """The server ended the stream in good order."""

    reason: str | None = None


class StreamBroken(Struct, frozen=True):
    """The stream is over before the run has ended, and nothing can join the run again: its fate is unknown."""

    reason: str


class StreamRefused(Struct, frozen=True):
    """The server refused or broke the stream. `fatal`: a new attempt cannot help (not allowed, no such thing)."""

    reason: str
    code: str | None = None
    fatal: bool = False


class SubscriptionRefused(Struct, frozen=True):
    """The server refused a subscription, and the connection stands.

    `last`: no subscription of this connection is left.
    """

    reason: str
    last: bool


class EventsLost(Struct, frozen=True):
    """The server no longer has events that it once sent; `reason` says which, in a sentence for `links`."""

    reason: str


class ReconnectAsked(Struct, frozen=True):
    """The server asks for a new connection; the old one still serves."""


class Ping(Struct, frozen=True):
    """A sign of life without an event."""


class Repeated(Struct, frozen=True):
    """A copy of an event just before it, over another room: only counted, neither logged nor applied again."""

    event: Received


class CaughtUp(Struct, frozen=True):
    """The server has answered a request to replay its past; `left` requests of this connection are still open."""

    left: int = 0


Signal: TypeAlias = (
    Received
    | Established
    | Send
    | Reply
    | StreamEnded
    | StreamBroken
    | StreamRefused
    | SubscriptionRefused
    | EventsLost
    | ReconnectAsked
    | Ping
    | Repeated
    | CaughtUp
)


class Outgoing(Struct, frozen=True):
    """A request ready to be sent: its id (to match the `Reply`) and its frame.

    `patience` is the number of seconds to wait for the reply, where the usual time is too short for this server.
    """

    request_id: str
    frame: str
    patience: float | None = None


class Request(Struct, frozen=True):
    """A call by name.

    On tRPC `kind` is ``mutation`` or ``query`` and `name` a path; ``call`` is any wire's call by name.
    """

    kind: str
    name: str
    payload: Any = None
    at: Micros = 0
    """The time of sending."""
    request_id: str = ""
    """An id that identifies its answer, where the wire has no number of its own for that."""


class TaskCommand(Struct, frozen=True):
    """A command for a task, before a wire has made a `Request` of it.

    Attributes:
        verb: ``cancel``, ``pause``, ``resume``, ``retry`` or ``restore``.
        task_id: the task; empty is the whole run.
        details: further fields: ``feedback``, ``from_checkpoint``, ``checkpoint_id``, ``reason``.
    """

    verb: str
    task_id: str
    details: dict[str, str | None] = {}

    @property
    def name(self) -> str:
        """The verb, as the name of a request."""
        return self.verb


class Queries(Protocol):
    """Requests that query a server for facts that its events may have left out.

    Their answers are read tolerantly (`runconsole.session.catchup`); a refused one changes nothing.
    """

    def open_checkpoints(self, task_id: str | None) -> Sequence[Request]:
        """Return requests for the checkpoints that wait for a person, of one task or of all, the best one first."""

    def checkpoint(self, checkpoint_id: str) -> Request:
        """Return the request for one checkpoint and its decision."""

    def task(self, task_id: str) -> Request:
        """Return the request for one task's present state."""


class Wire(ABC):
    """One protocol's logic, for one connection at a time: frames in, signals out; requests in, frames out.

    A wire outlives connections: `open` is called after each connect and returns the first frames to send, with the mark
    to resume from. A wire never sleeps, reads a clock or touches a socket. Every method but `receive` has a default,
    that of a server that only sends events.
    """

    confirms: bool = False
    """True if the server says that it accepts us (`Established`); else a connection counts as live at once."""
    queries: Queries | None = None
    """The queries of the server beside its stream, for `call`; None for none."""
    task_commands: tuple[str, ...] = ()
    """The commands for tasks that it has: of ``cancel``, ``pause``, ``resume`` and ``retry``."""
    goes_on: bool = False
    """True if later runs come over the same stream: the end of a run then does not end the link."""
    cancels_runs: bool = False
    """True if the command ``cancel`` without a task cancels the whole run."""
    is_foreign: bool = False
    """True once the server has replied, over this connection, in the manner of another protocol."""
    assures: bool = False
    """True if `resumes_from` is the server's promise to send everything missed, and not only our request for it."""
    decides_by: Any = None
    """The name of the call that carries a decision, or a function that makes name and payload. It may be replaced."""

    @property
    def replays(self) -> int:
        """The number of replays of its past that a server may mix with new events, until `CaughtUp`.

        0 where it replays before the new events, or not at all.
        """
        return 0

    @property
    def asked(self) -> str:
        """A sentence about the subscriptions or rooms and their alternatives, for a person whose link stays silent."""
        return "nothing was subscribed to"

    @property
    def resumes_from(self) -> str | None:
        """The mark from which this connection asked to resume; None for none: events may be missing or repeated."""
        return None

    def open(self, at: Micros = 0) -> Sequence[str]:  # noqa: ARG002 - for those that note the time
        """Return the frames to send right after connecting, at `at`: authentication, subscriptions, resume."""
        self.begin()
        return ()

    def begin(self) -> None:  # noqa: B027 - nothing by default
        """Forget the state of the last connection: another one begins. `open` does it by itself."""

    def sent(self, frame: str, decisions: Container[str]) -> None:  # noqa: B027 - nothing by default
        """Note a frame that was sent according to a recording, so that its answer is read as it was then.

        `decisions` are the ids of the decisions made so far.
        """

    @abstractmethod
    def receive(self, frame: str | bytes, at: Micros) -> Sequence[Signal]:
        """Read one frame that arrived at `at`. Never raises: an unreadable frame is a malformed event."""

    def receive_plain(self, frames: Sequence[str | bytes], at: Micros) -> Sequence[Received]:  # noqa: ARG002 - as above
        """Read the first frames that are one event each and nothing else to this wire; none where it does not know.

        Their events are those of `receive`.
        """
        return ()

    def decide(self, decision: DecisionRequested, task_id: str | None) -> Outgoing:  # noqa: ARG002 - as above
        """Return the frame that carries the decision; its `Reply` has the same request id.

        Raises UnsupportedByWire where the wire takes no decisions.
        """
        raise UnsupportedByWire("expected a protocol that takes decisions, got one that only sends events")

    def together(self, checkpoint_id: str) -> Collection[str]:  # noqa: ARG002 - for those that have such questions
        """Return the ids of the questions whose answers go out in one request with that to this one; empty for none.

        The question itself may be among them.
        """
        return ()

    def decide_all(self, decisions: Sequence[DecisionRequested]) -> Outgoing:
        """Return the frame that carries the answers to questions that belong `together`, one each.

        Each decision has a `Reply` of its own, with its id. Raises UnsupportedByWire as `decide`.
        """
        raise UnsupportedByWire(f"expected a protocol that takes {len(decisions)} decisions at once, got another")

    def call(self, request: Request) -> Outgoing:
        """Return the frame of a call. Raises UnsupportedByWire where the wire has none."""
        raise UnsupportedByWire(f"expected a protocol with calls for {request.name!r}, got one that only sends events")

    def command(self, command: TaskCommand) -> Request:
        """Return the call of a command for a task. Raises UnsupportedByWire where the wire has none."""
        raise UnsupportedByWire(
            f"expected a protocol with commands for tasks (tRPC) for {command.verb!r} of {command.task_id!r}, got"
            " another: nothing was sent"
        )

    def close(self) -> Sequence[str]:
        """Return the frames to send before closing (subscription stops)."""
        return ()

    def widen(self, at: Micros = 0) -> Sequence[str]:  # noqa: ARG002 - as above
        """Return frames that subscribe to further sources of the run, when the first ones stay silent; once."""
        return ()

    def lost(self) -> Sequence[str]:
        """Return the ids of the requests without a reply, once: their connection is gone. None is ever sent again."""
        return ()

    def forget_mark(self) -> None:  # noqa: B027 - nothing by default
        """Do not resume from the last mark the next time: the events after it cannot be received."""


class Resumable(Wire):
    """A wire that can have a successor on another connection while it still serves (see `handover`)."""

    @property
    @abstractmethod
    def drained(self) -> bool:
        """True if no more events can come over this wire."""

    @property
    @abstractmethod
    def pending(self) -> Sequence[str]:
        """The ids of the requests that have no reply yet."""

    @abstractmethod
    def successor(self) -> Resumable:
        """Return a wire for another connection that continues this one."""
