"""The filter for the events of the followed run: other executions and tasks are left out."""

from __future__ import annotations

from runconsole.decoding.names import names_of
from runconsole.events import ExecutionStarted, Names, Received

__all__ = ["Scope"]

_MOST_KNOWN = 200_000


class _Known:
    """Ids that were seen with the run followed, or with others only."""

    def __init__(self) -> None:
        self._ours: set[str] = set()
        self._others: set[str] = set()

    def learn(self, name: str | None, *, ours: bool) -> None:
        if name is None or len(self._ours) + len(self._others) >= _MOST_KNOWN:
            return
        if ours:
            self._ours.add(name)
            self._others.discard(name)
        elif name not in self._ours:
            self._others.add(name)

    def ours(self, name: str | None) -> bool:
        return name in self._ours

    def others(self, name: str | None) -> bool:
        return name in self._others


class Scope:
    """Tells the events of one execution, one task, or both, from those of others that the same server sends.

    An event that names another execution or another task is left out, and so is one that names only a task or a
    checkpoint of which that is known. One that names nothing is ours; but where the server names an execution only when
    it starts, those behind the start of another one are that one's.

    Args:
        execution, task: what is followed; None is all of them.
    """

    def __init__(self, *, execution: str | None, task: str | None) -> None:
        self._execution = execution
        self._task = task
        self._tasks = _Known()
        self._plans = _Known()
        self._checkpoints = _Known()
        self._parts: set[str] = set()
        """Tasks below the one followed."""
        self._is_plan = False
        """True if what is followed is a master plan, or a run by another name."""
        self._names_each = False
        """True if events name their execution, and not its start alone."""
        self._is_others_turn = False
        """True if the last execution that started is another's."""
        self.left_out = 0
        """The number of events that were left out."""
        self._said = 0

    @classmethod
    def of(cls, *, execution: str | None, task: str | None) -> Scope | None:
        """Return a scope, None where everything is followed."""
        return None if execution is None and task is None else cls(execution=execution, task=task)

    def excludes(self, event: Received) -> bool:
        """Return whether an event is another run's; it is counted then."""
        names = names_of(event)
        is_ours = self._is_ours(names)
        if is_ours is not None:
            self._checkpoints.learn(names.checkpoint, ours=is_ours)
        elif self._checkpoints.others(names.checkpoint):
            is_ours = False
        if self._execution is not None:
            is_ours = self._by_turn(event, names, is_ours=is_ours)
        self.left_out += is_ours is False
        return is_ours is False

    def _by_turn(self, event: Received, names: Names, *, is_ours: bool | None) -> bool | None:
        """Return what is known of an event by the executions that started before it, too."""
        if isinstance(event.fact, ExecutionStarted):
            if is_ours is not None:
                self._is_others_turn = not is_ours
        elif names.execution is not None or names.plan is not None:
            self._names_each = True
        elif is_ours is None and self._is_others_turn and not self._names_each:
            return None if self._checkpoints.ours(names.checkpoint) else False
        return is_ours

    def report(self, *, is_over: bool) -> str | None:
        """Return what was left out, in words, where that is news: the first time, and when all `is_over`."""
        if self.left_out == self._said or (self._said and not is_over):
            return None
        self._said = self.left_out
        whose = "executions" if self._task is None else "tasks" if self._execution is None else "executions or tasks"
        return f"{self.left_out:,} events of other {whose} were left out"

    def _is_ours(self, names: Names) -> bool | None:
        """Return whether an event is ours; None where it does not say."""
        of_execution = None if self._execution is None else self._is_of_execution(self._execution, names)
        if of_execution is False:
            return False
        of_task = None if self._task is None else self._is_of_task(self._task, names)
        return of_execution if of_task is None else of_task

    def _is_of_execution(self, followed: str, names: Names) -> bool | None:
        is_ours: bool | None = None
        self._is_plan = self._is_plan or names.plan == followed
        if names.execution is not None or names.plan == followed:
            is_ours = followed in (names.execution, names.plan)
            self._plans.learn(names.plan, ours=is_ours)
        elif names.plan is not None and (self._is_plan or self._plans.others(names.plan)):
            is_ours = False
        if is_ours is not None:
            self._tasks.learn(names.task, ours=is_ours)
        elif self._tasks.others(names.task):
            is_ours = False
        return is_ours

    def _is_of_task(self, followed: str, names: Names) -> bool | None:
        if names.task is None:
            return None
        if names.task == followed or names.task in self._parts:
            return True
        if names.parent is not None and (names.parent == followed or names.parent in self._parts):
            self._parts.add(names.task)
            return True
        return False
