"""The reading side of a run that is reported here: the frames of its own console, up to the last report."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runconsole.api.run import engine_of
from runconsole.console import Console
from runconsole.events import ActionDecision
from runconsole.reporting.parts import RunParts
from runconsole.state.dated import Checkpoint, Decision

if TYPE_CHECKING:
    import pandas as pd

    from runconsole.widget import ConsoleWidget

__all__ = ["LOOK_S", "RunReads"]

_WITHIN_S = 5.0
LOOK_S = 0.002


class RunReads(RunParts):
    """The frames and questions of a run, as of its `console`, with every report so far in them.

    Progress and output that wait for their turn, at most a second, are not.
    """

    @property
    def widget(self) -> ConsoleWidget:
        """The panel of the run: a `ConsoleWidget`. Displaying it shows another view."""
        if self._widget is None:
            from runconsole.widget import ConsoleWidget

            self._widget = ConsoleWidget(self.console, display=False)
        return self._widget

    def _show_panel(self) -> None:
        """Show the panel below the running cell."""
        from runconsole.widget import ConsoleWidget

        self._widget = ConsoleWidget(self.console)

    def _known(self) -> Console:
        """Return the console when it has taken in all that was reported so far."""
        target, end = self._emitter.count, time.monotonic() + _WITHIN_S
        while time.monotonic() < end and self._is_behind(target):
            time.sleep(LOOK_S)
        return self.console

    def _is_behind(self, target: int | None = None) -> bool:
        """Return whether the console follows the run and has not taken in an event by its number; None is the end."""
        engine = engine_of(self.console)
        if engine.status not in {"connecting", "live", "retrying"}:
            return False
        log = engine.log
        newest = log.read(len(log) - 1, 1) if target is not None and len(log) else ()
        return not newest or (newest[0][1].seq or 0) < (target or 0)

    @property
    def tasks(self) -> pd.DataFrame:
        """One row per task. As `Console.tasks`."""
        return self._known().tasks

    @property
    def subtasks(self) -> pd.DataFrame:
        """One row per subtask. As `Console.subtasks`."""
        return self._known().subtasks

    @property
    def agents(self) -> pd.DataFrame:
        """One row per agent. As `Console.agents`."""
        return self._known().agents

    @property
    def tool_calls(self) -> pd.DataFrame:
        """One row per call of a tool. As `Console.tool_calls`."""
        return self._known().tool_calls

    @property
    def phases(self) -> pd.DataFrame:
        """One row per phase. As `Console.phases`."""
        return self._known().phases

    @property
    def waves(self) -> pd.DataFrame:
        """One row per wave. As `Console.waves`."""
        return self._known().waves

    @property
    def events(self) -> pd.DataFrame:
        """One row per event. As `Console.events`."""
        return self._known().events

    @property
    def errors(self) -> pd.DataFrame:
        """One row per error. As `Console.errors`."""
        return self._known().errors

    @property
    def artifacts(self) -> pd.DataFrame:
        """One row per file. As `Console.artifacts`."""
        return self._known().artifacts

    @property
    def checkpoints(self) -> pd.DataFrame:
        """One row per question. As `Console.checkpoints`."""
        return self._known().checkpoints

    @property
    def decisions(self) -> pd.DataFrame:
        """One row per answer given here. As `Console.decisions`."""
        return self._known().decisions

    @property
    def summary(self) -> dict[str, Any]:
        """The run as a whole. As `Console.summary`."""
        return self._known().summary

    @property
    def pending(self) -> list[Checkpoint]:
        """The questions that wait for an answer. As `Console.pending`."""
        return self._known().pending

    def table(self, event_type: str) -> pd.DataFrame:
        """Return every event of one type, each field a column. As `Console.table`."""
        return self._known().table(event_type)

    def decide(
        self,
        checkpoint_id: str | Checkpoint,
        option: Any = None,
        *,
        feedback: str | None = None,
        values: Mapping[str, Any] | None = None,
        modifications: Any = None,
        decisions: Sequence[ActionDecision | Mapping[str, Any] | str] | None = None,
        timeout: float = 30.0,
    ) -> Decision:
        """Answer a question of this run. As `Console.decide`."""
        return self._known().decide(
            checkpoint_id,
            option,
            feedback=feedback,
            values=values,
            modifications=modifications,
            decisions=decisions,
            timeout=timeout,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run as it is now to a recording. As `Console.save`."""
        self._known().save(path)

    def __str__(self) -> str:
        return str(self._known())
