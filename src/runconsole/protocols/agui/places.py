"""The tasks of an AG-UI run, which are its steps and the agent itself, and the task in which each event happens."""

from __future__ import annotations

from runconsole.protocols.agui.frames import Event

__all__ = ["Places"]


class Places:
    """Follows the open steps, and where tool calls, sub-agents and activities belong.

    Steps and events of a sub-agent name it where the server tells them apart. Of a server that names no step's
    sub-agent, the newest open step may be anybody's.

    Attributes:
        done: the number of completed tasks.
    """

    def __init__(self) -> None:
        self.done = 0
        self._agent_task: str | None = None
        self._steps: dict[tuple[str | None, str], list[str]] = {}
        """The open tasks of each step, by its sub-agent and its name, oldest first."""
        self._open: dict[str, str | None] = {}
        """The open tasks, oldest first, with the sub-agent whose step they are."""
        self._counts: dict[str, int] = {}
        self._newest_step: str | None = None
        """The step that ended last."""
        self._known: dict[str, str] = {}
        """The task of each subtask: of a tool call, a sub-agent, an activity."""
        self._names_owners = False
        """True if a step has named its sub-agent."""

    def __contains__(self, subtask_id: str | None) -> bool:
        return subtask_id in self._known

    def __getitem__(self, subtask_id: str) -> str:
        return self._known[subtask_id]

    def __setitem__(self, subtask_id: str, task_id: str) -> None:
        self._known[subtask_id] = task_id

    def get(self, subtask_id: str | None) -> str | None:
        """Return the task of a subtask; None for an unknown one."""
        return self._known.get(subtask_id or "")

    # ---- steps ------------------------------------------------------------------------------------------------------

    def begin(self, name: str, agent_id: str | None, agent: str | None) -> tuple[str, str]:
        """Open the task of a step; return its id and its name, which begins with the sub-agent's."""
        shown = f"{agent or agent_id}: {name}" if agent_id else name
        self._counts[shown] = number = self._counts.get(shown, 0) + 1
        task_id = shown if number == 1 else f"{shown} #{number}"
        self._steps.setdefault((agent_id, name), []).append(task_id)
        self._open[task_id] = agent_id
        self._names_owners = self._names_owners or agent_id is not None
        return task_id, shown

    def end(self, name: str, agent_id: str | None) -> str | None:
        """Complete the oldest open task of a step; return its id, None where none is open."""
        key = (agent_id, name)
        if key not in self._steps:
            key = next((other for other in self._steps if other[1] == name), key)
        opened = self._steps.get(key)
        if opened is None:
            return None
        task_id = self._newest_step = opened.pop(0)
        if not opened:
            del self._steps[key]
        self._open.pop(task_id, None)
        self.done += 1
        return task_id

    def begin_agent(self, run_id: str) -> str:
        """Open the task of the agent itself; return its id, which is that of the run in which it began."""
        if self._agent_task is None:
            self._agent_task = run_id
        self._open[self._agent_task] = None
        return self._agent_task

    def close(self, *, completed: bool) -> list[str]:
        """Close all open tasks; return their ids."""
        tasks, self._open = list(self._open), {}
        self._steps.clear()
        self.done += len(tasks) if completed else 0
        return tasks

    # ---- where ------------------------------------------------------------------------------------------------------

    def of(self, event: Event) -> str | None:
        """Return the task in which an event happens; None for the agent itself, which has none open.

        It is that of the tool call, else the newest open step of the sub-agent, else that in which the sub-agent began.
        """
        if event.tool_call_id in self:
            return self._known[event.tool_call_id or ""]
        for agent_id in (event.subagent_run_id, event.parent_subagent_run_id):
            found = self.of_agent(agent_id) if agent_id is not None else None
            if found is not None:
                return found
        return self._own(None)

    def of_agent(self, agent_id: str) -> str | None:
        """Return the task in which a sub-agent works; None for an unknown one."""
        began = self._known.get(agent_id)
        own = self._own(agent_id)
        if own is not None or began is None or began in self._open or self._names_owners:
            return own or began
        return self.newest or began  # its step has ended, and the next one names nobody

    def of_past(self, agent_id: str | None) -> str | None:
        """Return the task of what is told late: as `of`, else the step that ended last where none is open."""
        found = None if agent_id is None else self.of_agent(agent_id)
        return found or (self._newest_step if not self._open else self._own(None))

    @property
    def newest(self) -> str | None:
        """The newest open task."""
        return next(reversed(self._open), None)

    def _own(self, agent_id: str | None) -> str | None:
        return next((task_id for task_id, owner in reversed(self._open.items()) if owner == agent_id), None)
