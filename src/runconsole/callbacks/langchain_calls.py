"""The open calls of LangChain: which task each belongs to, and tasks that wait to go on. Without LangChain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from runconsole.reporting.blockless import BlocklessTask, report_trouble
from runconsole.reporting.cancelling import check_cancelled
from runconsole.reporting.current import task_around
from runconsole.reporting.run import ActiveRun
from runconsole.reporting.tasks import ActiveTask, ActiveTool

__all__ = ["CallTask", "CallTasks", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a call in a graph.

    Attributes:
        node: the name of the node in which the call is.
        key: names one step of a node: the same for every attempt, and for all calls inside. None outside of a graph.
        path: the names of the nodes around, outermost first.
        thread: the id of the graph's thread, if it has a checkpointer.
    """

    node: str | None = None
    key: str | None = None
    path: tuple[str, ...] = ()
    thread: str | None = None

    @classmethod
    def of(cls, metadata: dict[str, Any] | None) -> Place:
        """Return the place that the metadata of a call tell."""
        known = metadata or {}
        node, key, thread = (known.get(name) for name in ("langgraph_node", "langgraph_checkpoint_ns", "thread_id"))
        path = [part.partition(":")[0] for part in str(key or "").split("|") if ":" in part]
        return cls(
            None if node is None else str(node),
            None if key is None else str(key),
            tuple(path[:-1]),
            None if thread is None else str(thread),
        )


@dataclass(slots=True, eq=False)
class Stopped:
    """A task or a subtask that waits at an interrupt, or has failed: a call with its key goes on with it."""

    it: BlocklessTask | ActiveTool
    outermost: BlocklessTask | None
    """The task of the outermost call."""

    @property
    def task(self) -> BlocklessTask | None:
        """The task that it is, or to which it belongs."""
        task = self.it.task if isinstance(self.it, ActiveTool) else self.it
        return task if isinstance(task, BlocklessTask) else None

    @property
    def waits(self) -> bool:
        """True while it waits for an answer that may come."""
        return self.task is not None and self.task.is_paused and not self.task.run.is_finished


@dataclass(slots=True, eq=False)
class CallTask:
    """A call that has begun and not ended.

    Attributes:
        task: the task to which it belongs; None where nothing is reported.
        root: the outermost call.
        own: the task that begins and ends with it, if it has one.
        part: the subtask that begins and ends with it, if it has one.
        key: the same for a later call that goes on with its task or subtask.
        step: the key of the step of a node in which it is.
        earlier: what waited for its task when it began; it goes on in this call, or never.
    """

    task: ActiveTask | None
    root: CallTask | None = None
    own: BlocklessTask | None = None
    part: ActiveTool | None = None
    key: Hashable = None
    step: str | None = None
    earlier: tuple[Stopped, ...] = ()

    @property
    def outermost(self) -> CallTask:
        """The outermost call."""
        return self if self.root is None else self.root


FindRun = Callable[[], ActiveRun | None]


class CallTasks:
    """The open calls of one handler. Any thread may call the methods."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[UUID, CallTask] = {}
        self._stopped: dict[Hashable, Stopped] = {}
        """Nodes that wait at an interrupt or have failed, by the key of the call that would go on with each."""
        self._waiting: dict[str, BlocklessTask] = {}
        """Tasks of nodes at an interrupt, by its id."""

    def of(self, run_id: UUID) -> CallTask | None:
        """Return an open call."""
        with self._lock:
            return self._calls.get(run_id)

    def waiting_at(self, interrupt_id: str) -> BlocklessTask | None:
        """Return the task that waits at an interrupt; None for an unknown one."""
        with self._lock:
            return self._waiting.get(interrupt_id)

    # ---- begins -----------------------------------------------------------------------------------------------------

    def begin(self, run_id: UUID, parent_id: UUID | None, name: str, place: Place, find: FindRun) -> None:
        """Begin the call of a chain: a task if it is the outermost call, or a node."""
        parent = self._parent(parent_id)
        if parent is None:
            run = find()
            key = None if place.thread is None else ("thread", name, place.thread)
            call = CallTask(None) if run is None else self._begin_task(run, name, None, key, None)
        elif place.key not in {None, parent.step} and parent.task is not None and not parent.task.run.is_finished:
            phase = parent.task._record.phase_name  # noqa: SLF001 - of this distribution
            if place.path and (phase is None or phase == "/".join(place.path[:-1])):
                phase = "/".join(place.path)
            call = self._begin_task(parent.task.run, place.node or name, phase, place.key, parent.outermost)
        else:
            call = CallTask(parent.task, parent.outermost)
        call.step = place.key
        self._add(run_id, call)

    def begin_part(
        self,
        run_id: UUID,
        parent_id: UUID | None,
        name: str,
        key: Hashable,
        find: FindRun,
        *,
        arguments: Any = None,
    ) -> None:
        """Begin the call of a tool: a subtask, or a task if there is none around it."""
        call = self._parent(parent_id) or self._outside(find)
        if isinstance(call, ActiveRun):
            self._add(run_id, self._begin_task(call, name, None, None, None))
        elif call.task is None:
            self._add(run_id, CallTask(None, call.outermost))
        else:
            _check_cancelled(call)
            stopped = self._take_stopped(key)
            part = stopped if isinstance(stopped, ActiveTool) else call.task.tool(name, arguments)
            if part is not stopped:
                part.__enter__()
            self._add(run_id, CallTask(call.task, call.outermost, part=part, key=key, step=call.step))

    def begin_model(self, run_id: UUID, parent_id: UUID | None, name: str, find: FindRun) -> CallTask:
        """Begin the call of a model: it belongs to the task around it, or is one."""
        call = self._parent(parent_id) or self._outside(find)
        if isinstance(call, ActiveRun):
            return self._add(run_id, self._begin_task(call, name, None, None, None))
        _check_cancelled(call)
        return self._add(run_id, CallTask(call.task, call.outermost))

    def _parent(self, parent_id: UUID | None) -> CallTask | None:
        if parent_id is None:
            return None
        with self._lock:
            return self._calls.get(parent_id)

    def _outside(self, find: FindRun) -> CallTask | ActiveRun:
        """Return the place of an outermost call of a tool or a model: the task around it, or the run."""
        run = find()
        if run is None:
            return CallTask(None)
        task = task_around()
        return CallTask(task) if task is not None and task.run is run else run

    def _add(self, run_id: UUID, call: CallTask) -> CallTask:
        with self._lock:
            self._calls[run_id] = call
        return call

    def _begin_task(
        self, run: ActiveRun, name: str, phase: str | None, key: Hashable, root: CallTask | None
    ) -> CallTask:
        """Return a call with a task of its own: a new one, or one that waits to go on."""
        stopped = self._take_stopped(key)
        if isinstance(stopped, BlocklessTask) and stopped.run is run:
            with self._lock:
                earlier = tuple(
                    other for other in self._stopped.values() if root is None and other.outermost is stopped
                )
            stopped.begin_again()
            return CallTask(stopped, root, own=stopped, key=key, earlier=earlier)
        task = BlocklessTask(run, name, phase=phase)
        task.begin()
        return CallTask(task, root, own=task, key=key)

    def _take_stopped(self, key: Hashable) -> BlocklessTask | ActiveTool | None:
        if key is None:
            return None
        with self._lock:
            stopped = self._stopped.pop(key, None)
            if stopped is None:
                return None
            self._waiting = {at: task for at, task in self._waiting.items() if task is not stopped.it}
            return stopped.it

    # ---- ends -------------------------------------------------------------------------------------------------------

    def end(self, run_id: UUID, result: Any = None) -> None:
        """End a call, its task and its subtask, which has a result."""
        call = self._take(run_id)
        if call is None:
            return
        if call.part is not None:
            call.part.result(result)
            call.part.__exit__(None, None, None)
        if call.own is not None:
            if call.root is None and self._waits(call, call.own):
                self._stop(call, call.own)
                call.own.pause()
            else:
                call.own.end()
        self._forget(call)

    def fail(self, run_id: UUID, error: BaseException) -> None:
        """End a call by an exception."""
        call = self._take(run_id)
        if call is None:
            return
        if _is_control(error):
            self._divert(call, error)
        else:
            if call.part is not None:
                call.part.__exit__(type(error), error, None)
            if call.own is not None:
                call.own.end(error)
                self._stop(call, call.own)
            elif call.task is not None:
                report_trouble(call.task, error)
        self._forget(call)

    def _divert(self, call: CallTask, error: BaseException) -> None:
        """End a call by an exception with which LangGraph steers: an interrupt, or a command to a graph around."""
        interrupts = [at.id for at in _interrupts(error)]
        if call.own is None and call.part is None:
            return
        if not interrupts or call.key is None:
            self._pass(call)
            return
        if call.part is not None:
            self._stop(call, call.part)
        if call.own is not None:
            self._stop(call, call.own)
            call.own.pause()
            with self._lock:
                for interrupt_id in interrupts:
                    self._waiting.setdefault(interrupt_id, call.own)

    def _pass(self, call: CallTask) -> None:
        if call.part is not None:
            call.part.__exit__(None, None, None)
        if call.own is not None:
            call.own.end()

    def _take(self, run_id: UUID) -> CallTask | None:
        with self._lock:
            return self._calls.pop(run_id, None)

    def _stop(self, call: CallTask, stopped: BlocklessTask | ActiveTool) -> None:
        if call.key is not None:
            with self._lock:
                self._stopped[call.key] = Stopped(stopped, call.outermost.own)

    def _waits(self, call: CallTask, own: BlocklessTask) -> bool:
        """Return whether a node of an outermost call waits for an answer; cancel those that the call passed by."""
        with self._lock:
            found = [stopped for stopped in self._stopped.values() if stopped.outermost is own]
        passed = [stopped for stopped in found if stopped in call.earlier]
        for stopped in passed:
            if stopped.task is not None:
                stopped.task.cancel()
        return any(stopped.waits for stopped in found)

    def _forget(self, call: CallTask) -> None:
        """At the end of an outermost call, end what is left of it and keep only what waits for an answer."""
        if call.root is not None:
            return
        with self._lock:
            left = [run_id for run_id, other in self._calls.items() if other.root is call]
            open_calls = [self._calls.pop(run_id) for run_id in left]
            self._stopped = {key: stopped for key, stopped in self._stopped.items() if _is_kept(stopped, call.own)}
            self._waiting = {at: task for at, task in self._waiting.items() if task.is_paused}
        for other in open_calls:
            if other.own is not None:
                other.own.cancel()


def _check_cancelled(call: CallTask) -> None:
    """Raise TaskCancelled in a call whose task, or that of the call around all, was cancelled."""
    for task in (call.task, call.outermost.task):
        if task is not None:
            check_cancelled(task._record)  # noqa: SLF001 - of this distribution


def _is_kept(stopped: Stopped, own: BlocklessTask | None) -> bool:
    """Return whether a later call may go on with something, after the end of the outermost call with a task."""
    is_of_another = stopped.outermost is not own and stopped.task is not None and not stopped.task.run.is_finished
    return stopped.waits or is_of_another


def _is_control(error: BaseException) -> bool:
    """Return whether LangGraph steers with an exception: then it is no error. Known by name, without LangGraph."""
    return any(
        kind.__name__ == "GraphBubbleUp" and kind.__module__ == "langgraph.errors" for kind in type(error).__mro__
    )


def _interrupts(error: BaseException) -> Sequence[Any]:
    """Return the interrupts of an exception."""
    found = error.args[0] if error.args else ()
    return [at for at in found if isinstance(getattr(at, "id", None), str)] if isinstance(found, list | tuple) else []
