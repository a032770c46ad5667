"""The runs of one stream: which event is of which, and where another one begins."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from runconsole.decoding.names import names_of
from runconsole.events import (
    CheckpointOpened,
    ExecutionStarted,
    Fact,
    Micros,
    Names,
    Received,
    StageReported,
    TaskStatus,
)
from runconsole.log import EventLog, StreamLog
from runconsole.state import Decision, Effect, Finished, RunState, Urgent, leave, stand, successor
from runconsole.state.completion import is_complete
from runconsole.state.ordering import is_before

__all__ = ["TURNING", "RunStore", "Runs"]

_LOOKED_BACK = 200
"""The number of last events that are searched for the execution of a run without an id."""
TURNING = frozenset({ExecutionStarted, StageReported})
"""Facts with which another run may begin."""


class RunStore:
    """One run: its state, its log, and the names by which its events call it.

    Attributes:
        execution, plan: as of `Names`; None until its start has reported them.
        has_begun: True if its execution has started; before that it is being planned, or was joined late.
        began_at: the time of its start, by the server's clock.
    """

    def __init__(self, state: RunState, log: EventLog) -> None:
        self.state = state
        self.log = log
        self.execution: str | None = None
        self.plan: str | None = None
        self.has_begun = False
        self.began_at: Micros | None = None

    @property
    def name(self) -> str | None:
        """The server's name for the run."""
        return self.state.execution_id or self.execution or self.plan

    @property
    def is_over(self) -> bool:
        """True if the run has ended, or all its tasks have."""
        return self.state.finished or (self.state.is_execution and is_complete(self.state))

    def learn(self, names: Names, at: Micros | None) -> None:
        """Note what the start of the execution reports."""
        self.execution = self.execution or names.execution
        self.plan = self.plan or names.plan
        self.has_begun = True
        if self.began_at is None:
            self.began_at = at

    def is_named(self, names: Names) -> bool:
        """Return whether these are the names of this run."""
        if names.execution is not None and self.execution is not None:
            return names.execution == self.execution
        if names.plan is not None and self.plan is not None:
            return names.plan == self.plan
        return any(
            one is not None and one == other
            for one, other in ((names.execution, self.plan), (names.plan, self.execution))
        )


class Runs:
    """Every run of a stream, oldest first; the last is the newest, which a console shows.

    Another run begins with an `execution_started` that names another execution than the one that is followed, or with
    the planning of the next one. Events that name an earlier execution, or that its server stamped before the newest
    one began, are the earlier one's; all others are the newest one's.

    Args:
        state, log: of the first run.
        fresh: makes the log of another one.
    """

    def __init__(self, state: RunState, log: EventLog, fresh: Callable[[], EventLog] = EventLog) -> None:
        self.newest = RunStore(state, log)
        self._stores = [self.newest]
        self.log = StreamLog(log)
        """All that came, of whatever run."""
        self._by_birth = [self.newest]
        self._by_name: dict[str | None, list[RunStore]] = {}
        self._fresh = fresh
        self._has_news = False
        self.listener: Callable[[Received], None] | None = None
        """Called with each event of the stream when it is in its log, and with what its server says when asked."""

    @property
    def state(self) -> RunState:
        """The newest run's."""
        return self.newest.state

    @property
    def all(self) -> tuple[RunStore, ...]:
        """The runs, oldest first; the last is the newest, which a console shows."""
        return tuple(self._stores)

    @property
    def is_single(self) -> bool:
        """True while each event is the one run's, and nobody else wants to see it."""
        return len(self._stores) == 1 and self.listener is None

    # ---- writing --------------------------------------------------------------------------------------------------

    def take(self, event: Received) -> RunStore:
        """Put an event into the log of its run; return that."""
        store = self.newest
        if len(self._stores) > 1 or event.fact.__class__ in TURNING:
            store = self._of(event)
            self.log.turn(store.log)
        store.log.append(event)
        if self.listener is not None:
            self.listener(event)
        return store

    def place(self, event: Received, number: int | None) -> RunStore:
        """As `take`, where it is known which run it is: its number in the order in which they began."""
        if number is None or not 0 <= number <= len(self._by_birth):
            return self.take(event)
        if number == len(self._by_birth):
            self._begin(event, _started_names(event))
        store = self._by_birth[number]
        if event.fact.__class__ is ExecutionStarted:
            self._learn(store, _started_names(event), event.timestamp)
        self.log.turn(store.log)
        store.log.append(event)
        if self.listener is not None:
            self.listener(event)
        return store

    def fold(self, fact: Fact | Received, store: RunStore | None = None) -> tuple[Effect, ...]:
        """Fold a fact into the state of its run; return what must be done about it.

        The end of an earlier run ends nothing else.
        """
        if store is None:
            store = self.newest if len(self._stores) == 1 else self.of(fact)
            if self.listener is not None and isinstance(fact, Received) and self._is_news(fact):
                self.listener(fact)
        effects = store.state.apply(fact)
        if store is not self.newest:
            effects = tuple(effect for effect in effects if not isinstance(effect, Finished))
            if isinstance(fact, Received):
                goes_on = not is_before(fact.timestamp, store.state.left_at)
                stand(store.state, goes_on=goes_on)
        if self._has_news:
            self._has_news = False
            effects = (Urgent(), *effects)
        return effects

    def _is_news(self, answer: Received) -> bool:
        """Return whether an answer of the server has data, and is no list of questions that are known."""
        fact = answer.fact
        return bool(answer.payload) and not (
            isinstance(fact, CheckpointOpened) and self.asking(fact.checkpoint_id) is not None
        )

    # ---- whose it is ------------------------------------------------------------------------------------------------

    def of(self, fact: Fact | Received) -> RunStore:
        """Return the run of a fact that is no event of the log."""
        if isinstance(fact, Received):
            return self._find(fact, names_of(fact)) if fact.payload else self.newest
        decision_id, checkpoint_id = getattr(fact, "decision_id", None), getattr(fact, "checkpoint_id", None)
        for store in reversed(self._stores):
            if decision_id in store.state.decisions:
                return store
        return self.asking(checkpoint_id) or self.newest

    def asking(self, checkpoint_id: str | None) -> RunStore | None:
        """Return the run that asks a question: the newest of several; None where none does."""
        if checkpoint_id is None:
            return None
        return next((store for store in reversed(self._stores) if checkpoint_id in store.state.checkpoints), None)

    def decision(self, decision_id: str) -> Decision | None:
        """Return a decision of any run."""
        found = (store.state.decisions.get(decision_id) for store in reversed(self._stores))
        return next((decision for decision in found if decision is not None), None)

    def _of(self, event: Received) -> RunStore:
        if self.state.followed_task is not None:
            return self.newest
        kind = event.fact.__class__
        names = _started_names(event)
        if kind is ExecutionStarted and (names.execution or names.plan):
            return self._started(event, names)
        if kind is StageReported and self._is_planned_anew(event.fact, names):  # type: ignore[arg-type]  # by its class
            return self._begin(event, Names())
        return self.newest if len(self._stores) == 1 else self._find(event, names)

    def _started(self, event: Received, names: Names) -> RunStore:
        """Return the run of an execution that starts: a known one, the one that is being planned, or another."""
        store = self._named(names)
        if store is None:
            store = self.newest if self._may_be_newest(event, names) else self._begin(event, names)
        self._learn(store, names, event.timestamp)
        return store

    def _learn(self, store: RunStore, names: Names, at: Micros | None) -> None:
        store.learn(names, at)
        for name in {store.execution, store.plan} - {None}:
            known = self._by_name.setdefault(name, [])
            if store not in known:
                known.append(store)

    def _named(self, names: Names) -> RunStore | None:
        """Return the newest run with these names; None for none."""
        found = [
            store
            for name in {names.execution, names.plan} - {None}
            for store in self._by_name.get(name, ())
            if store.is_named(names)
        ]
        if len(found) < 2:
            return found[0] if found else None
        return next(store for store in reversed(self._stores) if store in found)

    def _may_be_newest(self, event: Received, names: Names) -> bool:
        """Return whether this is the start of the newest run, which has reported none of these names."""
        store = self.newest
        if store.execution is not None or store.plan is not None:
            of_one_kind = (names.execution and store.execution) or (names.plan and store.plan)
            return not of_one_kind and not store.is_over
        if store.is_over and not is_before(event.timestamp, store.state.ended_at or store.state.counters_at):
            return False
        recent = [names_of(known) for _, known in store.log.read(len(store.log) - _LOOKED_BACK, _LOOKED_BACK)]
        executions = {known.execution for known in recent} - {None}
        return names.execution is None or not executions or names.execution in executions

    def _is_planned_anew(self, fact: StageReported, names: Names) -> bool:
        """Return whether a stage of planning is of a run that has not begun yet."""
        store = self.newest
        known = store.state.tasks.get(fact.stage)
        if known is not None and not known.finished:
            return False
        is_end = fact.status is not None and fact.status is not TaskStatus.RUNNING
        return store.has_begun and not is_end and not (names.plan is not None and store.is_named(names))

    def _find(self, event: Received, names: Names) -> RunStore:
        """Return the run of an event among several: by its names, else by its checkpoint, else by its time."""
        if names.execution is not None or names.plan is not None:
            named = self._named(names)
            if named is not None:
                return named
        newest = self.newest
        fact = event.fact
        asking = self.asking(names.checkpoint)
        if asking is not None and (not isinstance(fact, CheckpointOpened) or fact.listed):
            return asking
        if not newest.has_begun and not isinstance(fact, StageReported):
            before = self._stores[-2]
            return newest if before.is_over else before
        if is_before(event.timestamp, newest.began_at):
            before_it = islice(reversed(self._stores), 1, None)
            earlier = (store for store in before_it if not is_before(event.timestamp, store.began_at))
            return next(earlier, self._stores[0])
        return newest

    def _begin(self, event: Received, names: Names) -> RunStore:
        """Begin another run; one that began before the newest takes its place among the earlier ones."""
        before, name = self.newest, names.execution or names.plan
        at = event.received_at if event.timestamp is None else event.timestamp
        store = RunStore(successor(before.state, name, event.received_at), self._fresh())
        self._by_birth.append(store)
        self._has_news = True
        if is_before(event.timestamp, before.began_at):
            leave(store.state, before.name, before.began_at or at)
            self._stores.insert(-1, store)
            return store
        leave(before.state, name, at)
        self._stores.append(store)
        self.newest = store
        return store


def _started_names(event: Received) -> Names:
    """Return an event's names; the id in its start is its execution's unless it is its plan's."""
    names = names_of(event)
    execution = event.fact.execution_id if isinstance(event.fact, ExecutionStarted) else None
    if execution is None or names.execution is not None or execution == names.plan:
        return names
    return names._replace(execution=execution)
