"""The one writer of the runs' states and logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from runconsole.events import Alert, DuplicateDropped, Fact, Micros, Received, TaskOutput
from runconsole.log import Asides
from runconsole.redaction.pieces import Seams
from runconsole.redaction.secrets import Redactor
from runconsole.state import Effect
from runconsole.store.dedup import DUPLICATE, Arrival
from runconsole.store.runs import Runs, RunStore
from runconsole.store.scope import Scope
from runconsole.text.unicode import encodable_fact

if TYPE_CHECKING:
    from runconsole.recording import Recorder

__all__ = ["RunWriter"]

_DUPLICATE = DuplicateDropped()


class _Admits(Protocol):
    def admit(self, event: Received) -> Arrival:
        """Return what an event is to those before it."""

    def drop(self, event: Received) -> None:
        """Note an event that the wire has recognized as one that came before."""

    def pass_over(self, event: Received) -> None:
        """Note an event that is left out."""


class RunWriter:
    """Logs what the server tells and folds in whatever happens.

    Args:
        runs: what it writes.
        dedup: knows what came before.
        scope: knows what is not of the run; None where all is.
        asides: keeps every fact that no event of the log tells.
        recorder: records those facts; None for no recording.
        redactor: hides secrets in their words.
        now: our clock.
        carry_out: does what an event asks for; called after each one that asks for something.
    """

    def __init__(
        self,
        runs: Runs,
        dedup: _Admits,
        *,
        asides: Asides,
        recorder: Recorder | None,
        redactor: Redactor,
        now: Callable[[], Micros],
        carry_out: Callable[[tuple[Effect, ...]], None],
        scope: Scope | None = None,
    ) -> None:
        self._scope = scope
        self._runs = runs
        self._dedup = dedup
        self._asides = asides
        self._recorder = recorder
        self._redactor = redactor
        self._seams = Seams(redactor) if redactor.is_needed and recorder is None else None  # a recorder has its own
        self._now = now
        self._carry_out = carry_out

    def take(self, event: Received) -> bool:
        """Log and fold in an event of the server, unless it came before or is of another run.

        Return whether it is new.
        """
        if self._scope is not None and self._scope.excludes(event):
            self._dedup.pass_over(event)
            return False
        arrival = self._dedup.admit(event)
        if arrival is DUPLICATE:
            self._count_duplicate()
            return False
        if self._seams is not None and event.fact.__class__ is TaskOutput:
            event = self._seams.join_one(event)
        self._fold(event, self._runs.take(event))
        return True

    def drop(self, event: Received) -> None:
        """Count an event that the wire itself has recognized as one that came before."""
        self._dedup.drop(event)
        self._count_duplicate()

    def _count_duplicate(self) -> None:
        self._asides.note(len(self._runs.log), _DUPLICATE)
        self._fold(_DUPLICATE)

    def apply(self, fact: Fact | Received) -> None:
        """Fold in a fact that no event of the log tells; its words may come from anywhere."""
        fact = self._redactor.hide_fact(encodable_fact(fact))
        self._note(fact)
        self._fold(fact)

    def _note(self, fact: Fact | Received) -> None:
        self._asides.note(len(self._runs.log), fact)
        if self._recorder is not None:
            self._recorder.fact(fact)

    def _fold(self, fact: Fact | Received, store: RunStore | None = None) -> None:
        try:
            effects = self._runs.fold(fact, store)
        except Exception as error:
            if not isinstance(fact, Received):
                raise
            text = f"an event of type {fact.type!r} could not be understood ({type(error).__name__}); it is in `events`"
            alert = Received(fact.type, Alert("error", text), "", self._now())
            self._note(alert)
            effects = self._runs.fold(alert, store)
        if effects:
            self._carry_out(effects)
