"""`Feed`: where the runs of a console come from. `LiveFeed` follows a server, `ReplayFeed` plays a recording."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from runconsole.events import DESCRIBED, DecisionRequested, Fact, LinkStatus, Micros, Received
from runconsole.log import EventLog
from runconsole.log.storage import LogStorage
from runconsole.options import Options
from runconsole.protocols.base import Request, TaskCommand
from runconsole.state import Effect, RunState
from runconsole.store import Runs, RunWriter

if TYPE_CHECKING:
    from runconsole.recording import Header
    from runconsole.replay import Replay

__all__ = ["Feed", "FeedHost", "Sender", "new_runs"]


class Sender(Protocol):
    """Takes what people and code send to the server of a run. Used on the I/O thread."""

    @property
    def task_commands(self) -> tuple[str, ...]:
        """The commands for tasks that the server takes."""

    def decide(self, request: DecisionRequested) -> None:
        """Apply a decision and send it. Raises DecisionExpired when all is over."""

    def apply(self, fact: Fact | Received) -> None:
        """Fold in a fact that no event of the log reports."""

    async def call(self, request: Request | TaskCommand, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - passed
        """Make a call and return its result. Raises NotConnected, CallRefused, CallUnanswered."""


class FeedHost(Protocol):
    """The engine, as its feed sees it."""

    def changed(self, effects: tuple[Effect, ...]) -> None:
        """Take the effects of an event, on the I/O thread."""

    def replaced(self) -> None:
        """Note that the feed's `writer` is another one, on the I/O thread."""

    def call_soon(self, function: Callable[..., object]) -> None:
        """Run a function on the I/O thread soon; from any thread."""

    def resume(self) -> None:
        """Follow again after the end, unless the console was stopped; from any thread."""


class Feed(ABC):
    """Feeds the runs of one console, on the I/O thread.

    Attributes:
        is_live: True where there is a server that takes answers and can be connected to.
        writer: writes the runs that are shown.
        replay: the controls of a recording; None for a live run.
    """

    is_live: bool
    writer: RunWriter
    replay: Replay | None = None

    @property
    def runs(self) -> Runs:
        """The runs that are shown: to read."""
        return self.writer.runs

    @property
    @abstractmethod
    def protocol(self) -> str:
        """The protocol in use."""

    @property
    @abstractmethod
    def sender(self) -> Sender | None:
        """The receiver of answers and calls; None before `open`. Raises NotConnected if nothing can be sent."""

    @property
    @abstractmethod
    def rests(self) -> bool:
        """True where there is nothing to follow until somebody asks for something."""

    @property
    @abstractmethod
    def now(self) -> Micros:
        """The time as of which the runs are shown."""

    @abstractmethod
    def status(self, link: LinkStatus | None) -> LinkStatus:
        """Return the console's status, from the newest status of the link."""

    @abstractmethod
    async def open(self) -> None:
        """Load what there is. Raises what the caller of `Console.start` must see."""

    @abstractmethod
    async def follow(self) -> None:
        """Follow to the end. Cancelled when the console is stopped."""

    @abstractmethod
    def stopping(self) -> None:
        """Note that the console is being stopped; from any thread."""

    @abstractmethod
    def reconnect(self) -> None:
        """Try to connect now. Raises InvalidArgument where there is no server."""

    @abstractmethod
    def apply(self, fact: Fact | Received) -> None:
        """Fold in a fact that no event of the log reports."""

    @abstractmethod
    def adopt(self, options: Options) -> None:
        """Go on with other options of the same link; from any thread."""

    @abstractmethod
    def save(self, path: Path, on_io: Callable[[Callable[[], Any]], Any]) -> None:
        """Write the runs as they are now to a recording; from any thread.

        `on_io` runs a function on the I/O thread and returns its result. Raises InvalidArgument, RecordingError.
        """

    def read_on(self) -> bool:
        """Read at once what a server has sent; return whether that was put off. A recording has nothing of the kind."""
        return False

    def flush(self) -> None:  # noqa: B027 - a recording that is read is not written
        """Hand what was taken so far to the file of the recording, where there is one, on the I/O thread."""

    @abstractmethod
    def leave(self) -> None:
        """Leave files to the process that this one was forked from."""


def new_runs(options: Options, storage: LogStorage, header: Header | None = None) -> Runs:
    """Return empty runs. A recording's header fills in what the options leave open."""
    names = ("task", *DESCRIBED)
    recorded = {name: getattr(header, name, None) for name in names}
    chosen = options.shown(*names)
    known = recorded | {name: value for name, value in chosen.items() if value is not None}
    return Runs(RunState(**known), EventLog(storage), lambda: EventLog(storage))
