"""`RunSource`: the events of a run reported here, for any number of consoles; it takes their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from runconsole.events import Answer
from runconsole.protocols.local.source import Source
from runconsole.reporting.journal import Journal

__all__ = ["RunSource"]


class RunSource(Source):
    """A run reported in this process.

    Args:
        name: the id of the run.
        journal: its events.
        answer: takes an answer to a question by its id. Raises what refuses it.
        cancel: cancels a task by its id, and returns how. Raises what refuses it.
    """

    task_commands = ("cancel",)

    def __init__(
        self,
        name: str,
        journal: Journal,
        answer: Callable[[str, Answer[Any]], None],
        cancel: Callable[[str], str],
    ) -> None:
        self.name = name
        self._journal = journal
        self._answer = answer
        self._cancel = cancel

    async def events(self) -> AsyncIterator[str]:
        """Yield every event from the first on. The last one ends the run, and not this."""
        async with aclosing(self._journal.follow()) as chunks:
            async for frames in chunks:
                for frame in frames:
                    yield frame

    async def decide(self, checkpoint_id: str, answer: Answer[Any]) -> None:
        """Answer a question. Raises DecisionRefused, DecisionExpired."""
        self._answer(checkpoint_id, answer)

    async def command(self, verb: str, task_id: str, **details: str | None) -> str:  # noqa: ARG002 - as Source has it
        """Cancel a task; return how that comes about. Raises InvalidArgument."""
        return self._cancel(task_id)
