"""`RunAPI`: everything that a console of a run offers, in a notebook or without one."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from runconsole.api.commands import RunCommands
from runconsole.api.frames import RunFrames
from runconsole.api.runs import RunView, RunViews
from runconsole.api.summary import Summary
from runconsole.api.waiting import RunWaits
from runconsole.engine.engine import Engine
from runconsole.state import Run
from runconsole.state.dated import Checkpoint, dated, dated_checkpoint, moment

if TYPE_CHECKING:
    # jedi, which completes in a notebook, trips over a property whose type is a `Literal` that it can look up.
    from runconsole.events import LinkStatus
    from runconsole.replay import Replay

__all__ = ["RunAPI", "engine_of"]


class RunAPI(RunFrames, RunWaits, RunCommands):
    """The public methods of a run, live or replayed. `Console` and `ConsoleWidget` have them all."""

    # ---- life ---------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Connect and follow, unless it already does. One that failed, was interrupted or was stopped begins again."""
        self._engine.start()
        return self

    def stop(self) -> None:
        """Close the connection and end the background work; the data stays. Does nothing the second time.

        The run itself goes on at the server. Returns when nothing is left behind, within about a second.
        """
        self._engine.stop()

    def __enter__(self) -> Self:
        """Start, unless that was done: what has ended or failed since then is not begun again."""
        return self if self._engine.was_started else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- what is known ------------------------------------------------------------------------------------------

    @property
    def status(self) -> LinkStatus:
        """The link: idle, connecting, live, retrying, ended, failed or stopped; `idle` before the first `start`.

        Of a recording: what the link was at that moment; at its end `ended` or `failed`, or `stopped` where the
        recording ends before the run does.
        """
        return self._engine.status

    @property
    def is_started(self) -> bool:
        """True from `start` to `stop`."""
        return self._engine.is_started

    @property
    def address(self) -> str:
        """The URL without secrets, or the path of the recording."""
        return self._engine.address

    @property
    def protocol(self) -> str:
        """The protocol in use: ``"json"``, ``"trpc"``, ``"socketio"``, ``"replay"``, or another package's."""
        return self._engine.protocol

    @property
    def run(self) -> Run[datetime]:
        """The run as a whole, as known now: an immutable snapshot. Times are datetimes in UTC."""
        return dated(self._engine.state.run())

    @property
    def summary(self) -> dict[str, Any]:
        """`run` as a dict, with the link's status and the counts of the log; a notebook shows it as a table."""
        view = RunView(self._engine, self._shown())
        return Summary(view.summary | {"link": self.status})

    @property
    def pending(self) -> list[Checkpoint]:
        """The checkpoints that wait for a decision, oldest first."""
        return [dated_checkpoint(checkpoint) for checkpoint in self._engine.pending]

    @property
    def runs(self) -> RunViews:
        """Every run that this console has followed, oldest first, each with its frames; the last is what it shows.

        There is more than one where a server begins another execution over the same stream: everything else here is
        then about the newest.
        """
        return RunViews(tuple(RunView(self._engine, store) for store in self._engine.stores))

    @property
    def now(self) -> datetime:
        """The time as of which the run is shown, in UTC: this machine's, of a recording its own."""
        return moment(self._engine.now)

    def __str__(self) -> str:
        return self._engine.screen

    # ---- recordings ---------------------------------------------------------------------------------------------

    @property
    def replay(self) -> Replay | None:
        """The controls of a recording (`play`, `pause`, `seek`, `speed`, …); None where a live run is followed."""
        return self._engine.replay

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run as it is now to a recording, compressed where the name ends in ``.gz`` or ``.zst``.

        ``Console(path)`` and ``ConsoleWidget(path)`` show it again, with the same frames. A recording of that name is
        replaced in one step; but this console's own, to which it records, is only brought up to date.

        Raises:
            InvalidArgument: the file is there and is no recording.
            RecordingError: it cannot be written, or another console records to it.
        """
        self._engine.save(Path(path))

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write the run as it is now, with its panel, to one HTML file: for a browser, without a network or a server.

        The file has every moment of the run: its scrubber goes back to the beginning. Of very long runs it holds the
        newest output and events, and says so. Another file of that name is replaced in one step.

        Raises:
            InvalidArgument: the file cannot be written.
            RecordingError: the run cannot be read again.
        """
        from runconsole.onefile import write_file

        write_file(self._engine, path)

    def _to_parquet(self, directory: str | os.PathLike[str], execution: str | None, storage_options: Any) -> str:
        for earlier in self.runs[:-1]:
            earlier.to_parquet(directory, storage_options=storage_options)
        return super()._to_parquet(directory, execution, storage_options)


def engine_of(run: RunAPI) -> Engine:
    """Return the engine of a console, for those who show it."""
    return run._engine  # noqa: SLF001 - of this module
