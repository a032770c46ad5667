"""Writers of one run, as a live session and a recording need them."""

from __future__ import annotations

from runconsole.log import Asides, EventLog
from runconsole.recording import Recorder
from runconsole.redaction.secrets import NO_SECRETS, Redactor
from runconsole.state import RunState
from runconsole.store import Runs, RunWriter
from runconsole.store.dedup import Dedup
from runconsole.store.scope import Scope

__all__ = ["live_writer", "recorded_writer"]


def live_writer(
    state: RunState,
    log: EventLog,
    *,
    dedup: Dedup | None = None,
    scope: Scope | None = None,
    asides: Asides | None = None,
    recorder: Recorder | None = None,
    redactor: Redactor = NO_SECRETS,
) -> RunWriter:
    """Return a writer for a session that follows one run."""
    writer = RunWriter(Runs(state, log), dedup=dedup or Dedup(log), scope=scope, asides=asides)
    writer.begin(recorder, redactor)
    return writer


def recorded_writer() -> RunWriter:
    """Return a writer for a recording that is read."""
    return RunWriter(Runs(RunState(), EventLog()))
