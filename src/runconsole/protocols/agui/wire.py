"""The wire of AG-UI: it posts the input of a run, reads the stream of its events, and posts the answers to questions.

A frame that comes in is the JSON of an event, or what `SseTransport` says about a response. A frame that goes out is
a RunAgentInput. There is no way to join a run that goes on: a stream that breaks leaves its fate unknown.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Sequence
from typing import Any, Literal

import msgspec

from runconsole.decoding.times import read_time
from runconsole.errors import LinkLost, UnsupportedByWire
from runconsole.events import (
    DecisionRequested,
    ErrorReported,
    ExecutionCompleted,
    ExecutionStarted,
    Fact,
    Logged,
    MalformedFrame,
    Micros,
    Received,
    TaskStatus,
)
from runconsole.protocols.agui.conversation import Conversation
from runconsole.protocols.agui.facts import AgentRun, derived, error_of
from runconsole.protocols.agui.frames import Event, LanggraphEvent, read_frame, read_langgraph
from runconsole.protocols.agui.questions import (
    AgentQuestion,
    custom_question,
    payload_text,
    standard_question,
    written_for_langgraph,
)
from runconsole.protocols.agui.run_input import first_input, next_input, title_of
from runconsole.protocols.agui.usage import agents_that_used, goes_on
from runconsole.protocols.base import Established, Outgoing, Reply, Signal, StreamBroken, Wire
from runconsole.transports.sse.transport import BROKEN, ENDED, OPENED, REFUSED

__all__ = ["AguiWire"]

_PATIENCE = 900.0
"""Seconds for the first event after an answer: a tool that was approved may work as long before it says anything."""
_UNKNOWN = "What became of the run is unknown. It is not started again by itself"
_NO_INPUT = (
    'expected input="…" (a message to the agent) or input={…} (a RunAgentInput): an AG-UI endpoint has no run to'
    " follow, it starts one for each request; nothing was sent"
)


class AguiWire(Wire):
    """Follows one execution: the run that the input starts, and the runs that answer its questions.

    Args:
        given: the input, a message or a RunAgentInput; None starts nothing.
    """

    @property
    def confirms(self) -> bool:  # type: ignore[override]  # it depends on what was sent
        """True until the server has taken the first request: only a response shows that it accepts us."""
        return self._life in {"new", "posted"}

    def __init__(self, given: Any = None) -> None:
        self._request: dict[str, Any] | None = None if given is None else first_input(given)
        self._life: Literal["new", "posted", "running", "asking", "over"] = "new"
        self._is_restored = False
        """True if a recording holds the request, and nothing is known of its response after the recording's end."""
        self._is_open = False
        """True while the newest response goes on. The transport ends it before it sends the next request."""
        self._conversation, self._run = Conversation([], None), AgentRun(Conversation([], None))
        self._run_id = self._newest_run = ""
        self._has_used = False
        """True if the agent is known by its tokens."""
        self._questions: dict[str, AgentQuestion] = {}
        self._custom: list[LanggraphEvent] = []
        """Questions of `on_interrupt` in the present run."""
        self._in_flight: tuple[str, ...] = ()
        """The decisions in the newest request, until the server has shown that it takes them."""
        if self._request is not None:
            self._begin_thread(self._request)

    @property
    def asked(self) -> str:
        """A sentence about the request whose events have not come."""
        return "the request was sent, and the agent has not said anything yet"

    # ---- connections ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Forget the response of the last connection."""
        self._is_open = False

    def open(self, at: Micros = 0) -> Sequence[str]:  # noqa: ARG002 - as the base has it
        """Return the request that starts the run; nothing once the server has taken it. Raises LinkLost."""
        self.begin()
        if self._life == "running" or (self._life == "posted" and self._is_restored):
            raise _unknown("the run was under way when its recording ended, and AG-UI has no way to join it")
        if self._life == "over":
            raise _unknown("the stream of this run is over; a new console, with another recording, starts another run")
        if self._life == "asking":
            return ()
        if self._request is None:
            raise LinkLost(_NO_INPUT, fatal=True)
        self._life = "posted"
        return [_written(self._request)]

    def sent(self, frame: str, decisions: Container[str]) -> None:  # noqa: ARG002 - as the base has it
        """Note a request of a recording."""
        try:
            request = json.loads(frame)
        except ValueError:
            return
        if not isinstance(request, dict):
            return
        if self._life == "new":
            self._begin_thread(request)
        self._request = request
        self._life, self._is_restored = "posted", True
        self._questions.clear()

    def lost(self) -> Sequence[str]:
        """Return the decisions whose fate nobody will tell, once."""
        lost, self._in_flight = self._in_flight, ()
        return lost

    def _begin_thread(self, request: dict[str, Any]) -> None:
        self._conversation = Conversation(request.get("messages") or [], request.get("state"))
        self._run = AgentRun(self._conversation)

    # ---- what comes -------------------------------------------------------------------------------------------------

    def receive(self, frame: str | bytes, at: Micros) -> Sequence[Signal]:
        """Read an event, or what is said about a response."""
        text = frame if isinstance(frame, str) else frame.decode(errors="backslashreplace")
        if text.startswith(":"):
            return self._on_response(text)
        event = read_frame(text)
        if event is None or not event.type:
            return [Received("malformed", MalformedFrame("no event of AG-UI"), text, at)]
        signals: list[Signal] = [*self._accepted(event), *self._on_event(event, text, at)]
        return signals

    def _on_response(self, text: str) -> Sequence[Signal]:
        if text == OPENED:
            self._is_open, self._life = True, "running"
            return [Established()]
        if text.startswith(REFUSED):
            return self._refused(text.removeprefix(REFUSED))
        was_open, self._is_open = self._is_open, False
        if self._life != "running" and (self._life != "posted" or was_open):
            return ()  # the response has told the end of its run; another request may have been posted since
        reason = "the server ended the stream" if text == ENDED else text.removeprefix(BROKEN)
        self._life = "over"
        return [StreamBroken(f"{reason} before it had told the end of the run. {_UNKNOWN}")]

    def _refused(self, reason: str) -> list[Signal]:
        """Let the questions wait on: the server has not taken the answers."""
        if not self._in_flight:
            return []
        replies: list[Signal] = [Reply(decision_id, error=reason) for decision_id in self._in_flight]
        self._in_flight, self._life = (), "asking"
        return replies

    def _accepted(self, event: Event) -> list[Signal]:
        """Return the replies to answers that an event proves to be taken."""
        if not self._in_flight or event.type in {"RUN_STARTED", "RUN_ERROR"}:
            return []
        replies: list[Signal] = [Reply(decision_id) for decision_id in self._in_flight]
        self._in_flight = ()
        self._questions.clear()
        return replies

    def _on_event(self, event: Event, text: str, at: Micros) -> list[Signal]:
        match event.type:
            case "RUN_STARTED":
                return self._started(event, text, at)
            case "RUN_FINISHED":
                return self._finished(event, text, at)
            case "RUN_ERROR":
                return self._failed(event, text, at)
            case "CUSTOM" if event.name == "on_interrupt":
                self._custom.append(read_langgraph(text) or LanggraphEvent(event.value))
            case "MESSAGES_SNAPSHOT":
                before = self._run.unseen(event, self._run_id, at)
                return [*before, *self._plain(event, text, at)]
        return self._plain(event, text, at)

    def _plain(self, event: Event, text: str, at: Micros) -> list[Signal]:
        fact, before = self._run.read(event, self._run_id, at)
        rows: list[Signal] = [*before, _row(event, fact, text, at)]
        if event.type == "SUBAGENT_ERROR":
            rows.append(derived("subagent.error", error_of(event), {"subagentRunId": event.subagent_run_id}, event, at))
        return rows

    def _started(self, event: Event, text: str, at: Micros) -> list[Signal]:
        self._life = "running"
        self._newest_run = event.run_id or self._newest_run
        self._custom.clear()
        if event.protocol_version and self._request is not None:
            self._request.setdefault("protocolVersion", event.protocol_version)  # so that it may answer in this version
        if self._run_id:  # it goes on with an execution that is known
            return [_row(event, goes_on() if self._has_used else Logged(), text, at)]
        self._run_id = event.run_id or str((self._request or {}).get("runId") or "run")
        return [_row(event, ExecutionStarted(self._run_id, title=title_of(self._request or {})), text, at)]

    def _finished(self, event: Event, text: str, at: Micros) -> list[Signal]:
        outcome = event.outcome
        kind = None if outcome is None else outcome.type
        listed = outcome.interrupts if outcome is not None and kind == "interrupt" else []
        questions = [self._question(given, f"{event.run_id}:{n}") for n, given in enumerate(listed)]
        if outcome is None and self._custom:
            questions = [custom_question(given, None, f"{event.run_id}:{n}") for n, given in enumerate(self._custom)]
        if questions:
            return self._ask(questions, event, text, at)
        self._life = "over"
        status, word = (
            (TaskStatus.CANCELLED, "cancelled") if kind == "cancelled" else (TaskStatus.COMPLETED, "completed")
        )
        left = self._run.left_calls(outcome.pending_tool_call_ids if outcome is not None else [], event, at)
        used = self._used(event, status, at)
        rows = self._run.close(status, event, at)
        end = ExecutionCompleted(word, completed_tasks=self._run.done)
        return [*left, *used, *rows, _row(event, end, text, at)]

    def _ask(self, questions: list[AgentQuestion], event: Event, text: str, at: Micros) -> list[Signal]:
        """Wait for the answers of people: the run has ended with questions."""
        self._life = "asking"
        self._questions = {question.fact.checkpoint_id: question for question in questions}
        usage = self._used(event, TaskStatus.PAUSED, at)
        rows = [derived("interrupt", each.fact, payload_text(each.payload), event, at) for each in questions]
        return [*usage, _row(event, Logged(), text, at), *rows]

    def _failed(self, event: Event, text: str, at: Micros) -> list[Signal]:
        error = error_of(event)
        if self._in_flight:  # the first that comes after answers: it is about them, and they may be given anew
            return [*self._refused(error.message), _row(event, error, text, at)]
        self._life = "over"
        used = self._used(event, TaskStatus.FAILED, at)
        rows = self._run.close(TaskStatus.FAILED, event, at, error.message)
        fact = ExecutionCompleted("failed", completed_tasks=self._run.done)
        return [
            *used,
            _row(event, error, text, at),
            *rows,
            derived("run.failed", fact, {"status": "failed"}, event, at),
        ]

    def _used(self, event: Event, status: TaskStatus, at: Micros) -> list[Received]:
        """Return the rows about the tokens that the end of a run reports; `status` is that of the agent."""
        used = agents_that_used(event.usage, event.run_id or self._newest_run, status)
        self._has_used = self._has_used or bool(used)
        payloads = [{"agentId": fact.agent_id, "usage": fact.usage} for fact in used]
        return [derived("usage", fact, payload, event, at) for fact, payload in zip(used, payloads, strict=True)]

    def _question(self, given: Any, number: str) -> AgentQuestion:
        """Return the question of an interrupt, with the task and the arguments of its tool call."""
        call_id = given.get("toolCallId") if isinstance(given, dict) else None
        call_id = call_id if isinstance(call_id, str) else ""
        tool, arguments = self._conversation.calls.get(call_id), self._conversation.call_arguments(call_id)
        schemas = {event.raw_event.id: event.raw_event.response_schema for event in self._custom if event.raw_event.id}
        return standard_question(given, self._run.task_of(call_id), number, tool, arguments, schemas=schemas)

    # ---- answers ----------------------------------------------------------------------------------------------------

    def together(self, checkpoint_id: str) -> Collection[str]:
        """Return the open questions of the run: one request answers all of them."""
        return tuple(self._questions) if checkpoint_id in self._questions else ()

    def decide(self, decision: DecisionRequested, task_id: str | None) -> Outgoing:  # noqa: ARG002 - as the base has it
        """Raise UnsupportedByWire: only open questions can be answered, and `decide_all` does that."""
        raise UnsupportedByWire(
            f"the run no longer waits for an answer to {decision.checkpoint_id!r}: nothing was sent"
        )

    def decide_all(self, decisions: Sequence[DecisionRequested]) -> Outgoing:
        """Return the request that answers all open questions and lets the run go on."""
        answers = {each.checkpoint_id: self._questions[each.checkpoint_id].answer(each) for each in decisions}
        before = self._request
        request = next_input(before or {}, self._conversation)
        answered = [self._questions[name] for name in answers]
        own = {question.langgraph_id: answers[question.fact.checkpoint_id] for question in answered}
        if len(answers) > 1 and None not in own:
            # `ag-ui-langgraph` tells several answers apart in this way alone: its reading of `resume` fails.
            request["forwardedProps"] = _command(request, own)
        elif any(question.is_standard for question in answered):
            request["resume"] = [
                {"interruptId": name, "status": "resolved", "payload": answer} for name, answer in answers.items()
            ]
        elif len(answers) > 1:
            raise UnsupportedByWire(
                f"the agent asks {len(answers)} questions at once without ids, so that no request can answer them: let"
                " its endpoint send interrupts in RUN_FINISHED (emit_interrupt_outcome=True)"
            )
        else:
            [answer] = answers.values()
            request["forwardedProps"] = _command(request, written_for_langgraph(answer))
        self._request = {name: value for name, value in request.items() if name != "resume"}
        self._request["forwardedProps"] = (before or {}).get("forwardedProps", {})
        self._life = "posted"
        self._in_flight = tuple(each.decision_id for each in decisions)
        return Outgoing(decisions[0].decision_id, _written(request), _PATIENCE)


def _row(event: Event, fact: Fact | ErrorReported, text: str, at: Micros) -> Received:
    return Received(event.type, fact, text, at, read_time(event.timestamp))


def _unknown(why: str) -> LinkLost:
    return LinkLost(f"{why}. {_UNKNOWN}", fatal=True, orderly=True, unfinished=True)


def _command(request: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Return the properties of a request with LangGraph's command to go on with an answer."""
    props = request.get("forwardedProps")
    return (props if isinstance(props, dict) else {}) | {"command": {"resume": answer}}


def _written(request: dict[str, Any]) -> str:
    return msgspec.json.encode(request).decode()
