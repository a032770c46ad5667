"""Calls of the console beside the stream: cancelling a run, and what became of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runconsole.errors import UnsupportedByWire
from runconsole.protocols.base import Outgoing, Reply, Request, TaskCommand
from runconsole.protocols.langgraph.asking import Asking
from runconsole.protocols.langgraph.executions import ThreadExecutions
from runconsole.protocols.langgraph.questions import answers_in, runs_in
from runconsole.transports.agentserver.calls import Call, CallResult, write_call

__all__ = ["Beside", "QuestionReads"]

_CANCEL, _ASK = "cancel", "question"
_MOST_RUNS = 50


class QuestionReads:
    """The queries for what events may have left out. Open questions are asked for by the wire itself."""

    def open_checkpoints(self, task_id: str | None) -> Sequence[Request]:  # noqa: ARG002 - as `Queries` has it
        """Return none."""
        return ()

    def checkpoint(self, checkpoint_id: str) -> Request:
        """Return the request for what became of a question."""
        return Request("query", _ASK, checkpoint_id)

    def task(self, task_id: str) -> Request:
        """Return a request that no Agent Server has."""
        return Request("query", "task", task_id)


class Beside:
    """Makes the calls, and reads their results."""

    def __init__(self, path: str, asking: Asking, executions: ThreadExecutions) -> None:
        self._path = path
        self._asking = asking
        self._executions = executions
        self._pending: dict[str, Request] = {}

    def command(self, command: TaskCommand) -> Request:
        """Return the call of a command. Raises UnsupportedByWire for any but the cancelling of the run."""
        if command.verb != _CANCEL:
            raise UnsupportedByWire(f"LangGraph has no {command.verb!r} for a task: nothing was sent")
        if command.task_id:
            raise UnsupportedByWire("LangGraph cancels whole runs: call cancel() without a task; nothing was sent")
        return Request("call", _CANCEL)

    def call(self, request: Request) -> Outgoing:
        """Return the frame of a call. Raises UnsupportedByWire for one that an Agent Server does not have."""
        call_id = f"{request.name}:{request.request_id}"
        if request.name == _CANCEL and request.kind == "call" and request.payload is None:
            run_id = self._executions.active_run
            if run_id is None:
                raise UnsupportedByWire("no run of the thread is under way: nothing was sent")
            call = Call(call_id, "POST", f"{self._path}/runs/{run_id}/cancel?action=interrupt")
        elif request.name == _ASK and request.kind == "query":
            call = Call(call_id, "GET", f"{self._path}/runs?limit={_MOST_RUNS}")
        else:
            raise UnsupportedByWire(f"expected the cancelling of a run, got {request.name!r}: nothing was sent")
        self._pending[call_id] = request
        return Outgoing(request.request_id, write_call(call))

    def sent(self, call: Call) -> None:
        """Note a call of a recording."""
        name, _, request_id = call.id.partition(":")
        if request_id:
            self._pending[call.id] = Request("call", name, request_id=request_id)

    def lost(self) -> list[str]:
        """Return the ids of the requests without a result, once."""
        lost = [request.request_id for request in self._pending.values()]
        self._pending.clear()
        return lost

    def read(self, result: CallResult) -> Reply | None:
        """Return the reply in a result; None where it answers none of these calls, or there is no answer."""
        request = self._pending.pop(result.id, None)
        if request is None or result.may_count:
            return None
        if not result.is_good:
            said = result.words or result.error or f"HTTP {result.status}"
            return Reply(request.request_id, error=said, code=str(result.status or "UNSENT"))
        value = self._fate(request.payload, result.body) if request.name == _ASK else result.body
        return Reply(request.request_id, value)

    def _fate(self, checkpoint_id: Any, body: Any) -> dict[str, Any] | None:
        """Return what became of a question, in the words of the task family."""
        interrupt = self._asking.known.get(str(checkpoint_id))
        if interrupt is None:
            return None
        answers = list(answers_in(runs_in(body), interrupt))
        if not answers:
            return {"checkpointId": interrupt.id, "status": "pending" if interrupt.is_open else "decided"}
        option = interrupt.answered(answers[0]).option
        return {"checkpointId": interrupt.id, "status": "decided", "decision": {"selectedOption": option}}
