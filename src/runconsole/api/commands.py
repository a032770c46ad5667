"""Commands to the server: answers to its questions, and cancel, pause, resume and retry for tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from runconsole.engine.engine import Engine
from runconsole.engine.watchers import on_loop
from runconsole.errors import InvalidArgument
from runconsole.events import ActionDecision, Answer
from runconsole.protocols.base import Request, TaskCommand
from runconsole.state.dated import Checkpoint, Decision, dated_decision

__all__ = ["RunCommands"]


def _whole(option: Any, feedback: str | None, values: Any, modifications: Any, decisions: Any) -> Answer[Any]:
    """Return an answer of its parts; an answer given for the option is one by itself."""
    if values is not None and modifications is not None:
        raise InvalidArgument("expected values= or modifications=, which are sent in the same place, got both")
    if decisions is not None and not all(part is None for part in (option, feedback, values, modifications)):
        raise InvalidArgument("expected decisions= alone, which say all of the answer, got other parts beside it")
    if decisions is not None:
        return Answer(None, decisions=decisions)
    if isinstance(option, Answer):
        return option
    return Answer(option, feedback, modifications if values is None else values)


class RunCommands:
    """The methods of a run that send something to its server. Any thread may call them."""

    _engine: Engine

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
        """Answer a checkpoint: the same as pressing the button. Returns when the server has acknowledged it.

        An answer that goes out together with others (AG-UI) is returned as it waits for them: in the state ``queued``,
        with an `error` that says so.

        Args:
            checkpoint_id: one of `pending`, or its id.
            option: one of its options: its id, its value as the server reported it, or its label where no other has the
                same. To a question without options, the answer in words; None takes `feedback`. Or an
                `Answer`, which holds all three.
            feedback: free words for the run.
            values: the values of the question's form (`Checkpoint.schema`), checked before anything is sent; the
                defaults of those that are left out are added. They travel as modifications.
            modifications: the changes, any value that JSON can carry (NumPy's and pandas' too), where the option
                takes it.
            decisions: for a question about actions (`Checkpoint.requests`), one decision for each, in their order: an
                `ActionDecision`, a dict with its fields, or its type alone: ``["approve", {"type": "edit", "args":
                {...}}, {"type": "reject", "message": "..."}]``. An option decides all of them alike.
            timeout: seconds to wait for a link and an answer.

        Raises:
            InvalidArgument: no such checkpoint or option (a ValueError).
            UnfitValues: the values do not fit the question's form, or a decision is not allowed; `fields` has the
                reasons.
            DecisionRefused: the server said no, or somebody has already decided.
            DecisionExpired: the deadline has passed.
            DecisionUnknown: it was sent, and no answer came: it may or may not count.
            NotConnected: there was no link in time; nothing was sent, and nothing will be.
        """
        answer = _whole(option, feedback, values, modifications, decisions)
        decider = self._engine.decider
        return dated_decision(decider.result(decider.submit(checkpoint_id, answer), timeout))

    async def decide_async(
        self,
        checkpoint_id: str | Checkpoint,
        option: Any = None,
        *,
        feedback: str | None = None,
        values: Mapping[str, Any] | None = None,
        modifications: Any = None,
        decisions: Sequence[ActionDecision | Mapping[str, Any] | str] | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109 - the same signature as `decide`
    ) -> Decision:
        """Answer a checkpoint without blocking the event loop. As `decide`."""
        answer = _whole(option, feedback, values, modifications, decisions)
        outcome = self._engine.decider.submit(checkpoint_id, answer)
        try:
            return dated_decision(await asyncio.wait_for(asyncio.shield(on_loop(outcome.future)), timeout))
        except TimeoutError:
            return dated_decision(await asyncio.to_thread(self._engine.decider.give_up, outcome, timeout))

    def call(self, name: str, data: Any = None, *, timeout: float = 30.0) -> Any:
        """Call the server by name; return its answer. It is sent once, and never again by itself.

        Args:
            name: on tRPC the path of a mutation or query; on Socket.IO an event, answered by its acknowledgement; on
                plain JSON the type of a message, answered by one with the same ``correlationId``.
            data: its input; None is none.
            timeout: seconds to wait for the answer.

        Raises:
            CallRefused: the server said no, or has no such call.
            CallUnanswered: no answer came: it may or may not have happened.
            NotConnected: there is no live link; nothing was sent.
        """
        return self._engine.call(Request("call", name, data), timeout)

    def restore(self, task_id: str, checkpoint_id: str, *, reason: str | None = None) -> Any:
        """Ask the server to put a task back to one of its `restore_points`. As `cancel`."""
        return self._engine.call(TaskCommand("restore", task_id, {"checkpoint_id": checkpoint_id, "reason": reason}))

    def cancel(self, task_id: str | None = None) -> Any:
        """Ask the server to cancel a task, or the whole run; return its answer.

        Args:
            task_id: the task; None is the run, which LangGraph can cancel.

        Raises:
            UnsupportedByWire: the server has no such command. tRPC has it for tasks; runs of this process, and servers
                that offer it beside their events, as `serve` and a relay do.
            CallRefused: the server said no.
            CallUnanswered: no answer came: it may or may not have happened. It is never sent again by itself.
            NotConnected: there is no live link.
        """
        return self._engine.call(TaskCommand("cancel", task_id or ""))

    def pause(self, task_id: str) -> Any:
        """Ask the server to pause a task. As `cancel`."""
        return self._engine.call(TaskCommand("pause", task_id))

    def resume(self, task_id: str, feedback: str | None = None) -> Any:
        """Ask the server to let a paused task go on, with a word to it. As `cancel`."""
        return self._engine.call(TaskCommand("resume", task_id, {"feedback": feedback}))

    def retry(self, task_id: str, from_checkpoint: str | None = None) -> Any:
        """Ask the server to run a failed task again, from a checkpoint if one is named. As `cancel`."""
        return self._engine.call(TaskCommand("retry", task_id, {"from_checkpoint": from_checkpoint}))
