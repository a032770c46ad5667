"""`RunWriter`: the one writer of a stream's runs, whether they are followed, replayed or loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runconsole.events import Alert, DuplicateDropped, Fact, LinkChanged, Micros, Received, TaskOutput
from runconsole.log import Asides
from runconsole.redaction.pieces import Seams
from runconsole.redaction.secrets import NO_SECRETS, Redactor
from runconsole.state import Effect
from runconsole.store.dedup import DUPLICATE, Dedup
from runconsole.store.runs import TURNING, Runs, RunStore
from runconsole.store.scope import Scope
from runconsole.text.unicode import encodable_fact

if TYPE_CHECKING:
    from runconsole.recording import Recorder

__all__ = ["RunWriter"]

_DUPLICATE = DuplicateDropped()
_NOTHING: tuple[Effect, ...] = ()


class RunWriter:
    """Logs the events of a server, and folds in everything that happens. It returns effects and calls nobody.

    `take` finds out about a live event what it is to those before it. A recording knows that of each of its events, and
    holds the consequences as lines of their own: `take_recorded` and `apply_recorded` believe it.

    Args:
        runs: is written.
        dedup: knows which events came before; None for a recording that is only replayed.
        scope: knows which events are another run's; None is none.
        asides: keeps every fact that no event of the log reports.
    """

    def __init__(
        self, runs: Runs, *, dedup: Dedup | None = None, scope: Scope | None = None, asides: Asides | None = None
    ) -> None:
        self.runs = runs
        self.dedup = dedup
        self.scope = scope
        self.asides = Asides() if asides is None else asides
        self.recorder: Recorder | None = None
        self.redactor: Redactor = NO_SECRETS
        self._seams: Seams | None = None

    def begin(self, recorder: Recorder | None, redactor: Redactor) -> None:
        """Take live events from here on: record them to `recorder`, and hide these secrets in what is applied."""
        self.recorder, self.redactor = recorder, redactor
        self._seams = Seams(redactor) if redactor.is_needed and recorder is None else None  # a recorder has its own

    # ---- connections ------------------------------------------------------------------------------------------------

    def connected(self, back_at: Micros | None, *, assured: bool = False, replays: int = 0) -> None:
        """Note a new connection. Arguments as of `Dedup.connected`."""
        if self.recorder is not None:
            self.recorder.connected(back_at, assured=assured, replays=replays)
        if self.dedup is not None:
            self.dedup.connected(back_at, assured=assured, replays=replays)

    def caught_up(self, left: int = 0) -> None:
        """Note that the server has replayed its past; `left` more replays of it are to come."""
        if self.dedup is not None:
            self.dedup.caught_up(left)

    # ---- live -----------------------------------------------------------------------------------------------------

    def take(self, event: Received) -> tuple[Effect, ...]:
        """Log an event and fold it in, unless it came before or is another run's; return what it asks for."""
        recorder, dedup = self.recorder, self.dedup
        if self.scope is not None and self.scope.excludes(event):
            self._pass_over(event)
            return _NOTHING
        if dedup is not None and dedup.admit(event) is DUPLICATE:
            return self.drop(event)
        if recorder is not None:
            recorder.took(event)
        elif self._seams is not None and event.fact.__class__ is TaskOutput:
            event = self._seams.join_one(event)
        return self._fold(event, self.runs.take(event))

    def take_all(self, events: Sequence[Received]) -> Iterator[tuple[Effect, ...]]:
        """Take events as `take` does; yield what one of them asks for, if anything, before the next is taken."""
        dedup = self.dedup
        alone = self.scope is None and self.recorder is None and self._seams is None and self.runs.is_single
        if dedup is not None and alone and TURNING.isdisjoint([event.fact.__class__ for event in events]):
            yield from self._take_plain(events, dedup)
            return
        for event in events:
            effects = self.take(event)
            if effects:
                yield effects

    def _take_plain(self, events: Sequence[Received], dedup: Dedup) -> Iterator[tuple[Effect, ...]]:
        """As `take_all`, for events of the one run of a stream: the hot path, without the calls that others need."""
        store, admit = self.runs.newest, dedup.admit
        append, fold = store.log.append, store.state.fold
        for event in events:
            if admit(event) is DUPLICATE:
                effects = self.drop(event)
            else:
                append(event)
                try:
                    effects = fold(event)
                except Exception as error:  # noqa: BLE001 - said as an alert
                    effects = self._say_odd(event, error)
            if effects:
                yield effects

    def take_copy(self, event: Received) -> tuple[Effect, ...]:
        """Count a copy of an event, which came over another room."""
        if self.dedup is not None:
            self.dedup.note_copy(event)
        return self.drop(event)

    def drop(self, event: Received) -> tuple[Effect, ...]:
        """Count an event that is known to have come before."""
        if self.recorder is not None:
            self.recorder.dropped(event)
        return self._count_duplicate()

    def apply(self, fact: Fact | Received) -> tuple[Effect, ...]:
        """Fold in a fact that no event of the log reports, without secrets; return what it asks for."""
        fact = self.redactor.hide_fact(encodable_fact(fact))
        self._note(fact)
        return self._fold(fact)

    def _pass_over(self, event: Received) -> None:
        if self.recorder is not None:
            self.recorder.passed_over(event)
        if self.dedup is not None:
            self.dedup.pass_over(event)

    def _note(self, fact: Fact | Received) -> None:
        self.asides.note(len(self.runs.log), fact)
        if self.recorder is not None:
            self.recorder.fact(fact)

    def _fold(self, fact: Fact | Received, store: RunStore | None = None) -> tuple[Effect, ...]:
        try:
            return self.runs.fold(fact, store)
        except Exception as error:
            if not isinstance(fact, Received):
                raise
            return self._say_odd(fact, error, store)

    def _say_odd(self, event: Received, error: Exception, store: RunStore | None = None) -> tuple[Effect, ...]:
        """Fold in an alert about an event that could not be folded in."""
        text = f"an event of type {event.type!r} could not be understood ({type(error).__name__}); it is in `events`"
        alert = Received(event.type, Alert("error", text), "", event.received_at)
        self._note(alert)
        return self.runs.fold(alert, store)

    # ---- recorded -------------------------------------------------------------------------------------------------

    def take_recorded(self, event: Received, *, taken: bool, run: int | None = None) -> tuple[Effect, ...]:
        """As `take`, by the recording's word: whether it was `taken`, and the number of its `run` where reported."""
        if self.scope is not None and self.scope.excludes(event):
            return _NOTHING
        if not taken:
            return self._count_duplicate()
        if self.dedup is not None:
            self.dedup.note(event)
        return self._fold_recorded(event, self.runs.place(event, run))

    def apply_recorded(self, fact: Fact | Received) -> tuple[Effect, ...]:
        """As `apply`, for a fact of a recording, which holds no secrets."""
        if isinstance(fact, LinkChanged) and fact.recovered is not None and self.dedup is not None:
            self.dedup.gaps.report()
        self.asides.note(len(self.runs.log), fact)
        return self._fold_recorded(fact)

    def _fold_recorded(self, fact: Fact | Received, store: RunStore | None = None) -> tuple[Effect, ...]:
        try:
            return self.runs.fold(fact, store)
        except Exception:  # noqa: BLE001 - it broke then, too: what was said about it is a line of its own
            return _NOTHING

    def _count_duplicate(self) -> tuple[Effect, ...]:
        self.asides.note(len(self.runs.log), _DUPLICATE)
        return self.runs.fold(_DUPLICATE)
