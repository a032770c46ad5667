"""Recordings of each trial: their replay must equal the console's state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from runconsole.clock import now_micros
from runconsole.events import Fact, Received
from runconsole.log import Asides, StreamLog
from runconsole.options import Options
from runconsole.recording import FileWriter, Header, Reader, Recorder, decode_line
from runconsole.recording.saving import lines_of_log
from runconsole.redaction.secrets import Redactor, Secret
from runconsole.replay import Playback, header_of, wire_for
from tests.support.writers import recorded_writer

if TYPE_CHECKING:
    from tests.chaos.trial import Trial

__all__ = ["Recording"]

_TOLD = (
    *("tasks", "subtasks", "phases", "waves", "artifacts", "errors", "output", "checkpoints", "decisions", "links"),
    *("finished", "interruption", "started_at", "ended_at", "current_task"),
)
"""The rows of all frames, and the notes beside them."""

Row = tuple[object, ...]


class Recording:
    """Records a trial to a file and keeps the input of `save`."""

    def __init__(self, path: Path, url: str, protocol: str, *, rooms: int, trouble: Callable[[str], None]) -> None:
        self.asides = Asides()
        self._path = path
        self.header: Header = structs.replace(
            header_of(Options(Secret(url), protocol=protocol), now_micros()),
            protocol_options={"rooms": rooms} if rooms else {},
        )
        self.recorder = Recorder(FileWriter(path), self.header, now=now_micros, trouble=trouble, secrets=Redactor([]))

    def differences(self, trial: Trial) -> Iterator[str]:
        """Yield the differences between the recordings of a trial and the trial."""
        self.recorder.close()
        lines = list(Reader(self._path))
        yield from _differences("the recording", trial, lines)
        yield from _cut(trial, lines[: len(lines) * trial.schedule.seed // 24])
        saved = lines_of_log(
            self.header,
            StreamLog(trial.log),
            len(trial.log),
            self.asides.cut(),
            finished=trial.state.finished and trial.state.interruption is None,
        )
        yield from _differences("what is saved", trial, [line.rstrip(b"\n") for line in saved])


def _fold(lines: list[bytes]) -> tuple[Playback, list[Row]]:
    fold = Playback(recorded_writer(), wire_for)
    for line in lines:
        fold.apply(decode_line(line))
    return fold, [_row(event) for _, event in fold.log.read(0, 1_000_000)]


def _cut(trial: Trial, lines: list[bytes]) -> Iterator[str]:
    """Check that a recording that breaks off gives the run up to there."""
    fold, rows = _fold(lines)
    if fold.misread or rows != [_row(event) for event in trial.rows][: len(rows)]:
        yield f"the first {len(lines)} lines of the recording are not the beginning of the run"


def _differences(what: str, trial: Trial, lines: list[bytes]) -> Iterator[str]:
    fold, theirs = _fold(lines)
    if fold.misread:
        yield f"{fold.misread} lines of {what} do not say what they should"
    ours = [_row(event) for event in trial.rows]
    if ours != theirs:
        yield f"{what} gives {len(theirs)} events, the console has {len(ours)}; or they differ"
    for name in _TOLD:
        mine, other = (getattr(state, name) for state in (trial.state, fold.state))
        if name == "output":
            mine, other = list(mine), list(other)
        if mine != other:
            yield f"{name} of {what} is {other}, the console's is {mine}"


def _row(event: Received) -> Row:
    fact: type[Fact] = type(event.fact)
    return event.type, event.payload, event.received_at, event.timestamp, event.event_id, event.offset, fact
