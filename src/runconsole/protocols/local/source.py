"""`Source`: a run in this process, for `Console(source)`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, runtime_checkable

from runconsole.errors import UnsupportedByWire
from runconsole.events import Answer

__all__ = ["Followable", "Source", "source_of"]


class Source(ABC):
    """A run in this process: ``Console(source)`` and ``ConsoleWidget(source)`` follow it without a server.

        class Countdown(Source):
            async def events(self):
                yield {"type": "task.started", "payload": {"taskId": "t", "name": "Count down"}}
                for left in range(10, 0, -1):
                    yield {"type": "task.progress", "payload": {"taskId": "t", "currentStep": f"{left} to go"}}
                    await asyncio.sleep(1)
                yield {"type": "task.completed", "payload": {"taskId": "t"}}

        ConsoleWidget(Countdown())

    Its methods run on the I/O thread of runconsole, which all consoles share: they must not block. Work that blocks
    belongs in ``asyncio.to_thread`` or in a thread of its own. Several consoles may follow one source: each calls
    `events`.

    Attributes:
        name: the address that consoles show, after ``local://``; the name of the class where it is empty.
        task_commands: the commands for tasks that `command` takes: of ``"cancel"``, ``"pause"``, ``"resume"`` and
            ``"retry"``.
    """

    name: str = ""
    task_commands: tuple[str, ...] = ()

    @abstractmethod
    def events(self) -> AsyncIterator[Mapping[str, Any] | str]:
        """Yield the events of the run from its beginning: an async generator, in most cases.

        An event is the content of one message of plain JSON: an object with a ``type`` and its data, or its JSON text.
        Each console calls this once, and once more after each `start` that follows an end: events with an ``id``, or
        with the same times as before, are then recognized.

        A console shows a run as interrupted if the events end before the run does, and as failed if this raises.
        """

    async def decide(self, checkpoint_id: str, answer: Answer[Any]) -> None:
        """Take an answer to a question; `answer.option` is the option's id, or its value if the event gave one.

        The decision is acknowledged when this returns. It is refused if this raises, with the words of the error, which
        may be a `DecisionRefused` or a `DecisionExpired`.
        """
        raise UnsupportedByWire(
            f"{self.title} takes no answers ({answer.option!r} to {checkpoint_id!r}): give it a method decide"
        )

    async def command(self, verb: str, task_id: str, **details: str | None) -> Any:
        """Carry out a command for a task, one of `task_commands`; return the result of `Console.cancel` and its kind.

        An exception is the refusal. `details` are the further arguments of the command.
        """
        raise UnsupportedByWire(f"{self.title} takes no commands for tasks: {verb} was not done ({task_id}, {details})")

    @property
    def title(self) -> str:
        """`name`, or the name of the class."""
        return self.name or type(self).__name__


@runtime_checkable
class Followable(Protocol):
    """An object that stands for a run of this process, and has its `Source`."""

    @property
    def __runconsole_source__(self) -> Source:
        """The source of the run."""


def source_of(place: object) -> Source | None:
    """Return the source that a value in the place of a URL stands for; None for none."""
    if isinstance(place, Source):
        return place
    return place.__runconsole_source__ if isinstance(place, Followable) else None
