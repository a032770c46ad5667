"""The wire of LangGraph: each event is a fact, whatever is missing of it, and nothing that comes is lost."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.events import (
    Alert,
    Answer,
    DecisionRequested,
    ErrorReported,
    Logged,
    MalformedFrame,
    Received,
    UnknownEvent,
    events_of,
)
from runconsole.log import EventLog
from runconsole.protocols.base import Established, Repeated, Reply, Send, StreamRefused
from runconsole.protocols.langgraph.start import Start
from runconsole.protocols.langgraph.wire import LangGraphWire
from runconsole.state import RunState
from runconsole.state.rows import Used
from runconsole.store import Runs, RunWriter
from runconsole.transports.agentserver.calls import CALL, CallResult, read_call, write_result

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2), st.just({"event": []})
)
AT = 1_795_857_000_000_000
FRAMES = Path(__file__).parent / "frames"
PATH = "/threads/t-1"


def recorded(name: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads((FRAMES / f"{name}.json").read_text())
    return [event for step in steps for event in step["events"]]


class Bench:
    """A wire and the state of what it reads."""

    def __init__(self, start: Start | None = None) -> None:
        self.wire = LangGraphWire(PATH, start)
        self.sent = list(self.wire.open(AT))
        self.runs = Runs(RunState(), EventLog())
        self.writer = RunWriter(self.runs)
        self.events: list[Received] = []
        self.signals: list[Any] = []
        self._numbers = iter(range(1, 1000))

    @property
    def state(self) -> RunState:
        return self.runs.state

    def say(self, *frames: Any) -> Bench:
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            signals = self.wire.receive(text, AT + len(self.events))
            self.signals += signals
            self.sent += [signal.frame for signal in signals if isinstance(signal, Send)]
            for signal in signals:
                if isinstance(signal, Received):
                    self.events.append(signal)
                    self.writer.take(signal)
        return self

    def begin(self) -> Bench:
        return self.say(life("running"))

    def happen(self, method: str, data: Any, *namespace: str, **more: Any) -> Bench:
        mark = f"1795857000{next(self._numbers):03}-0"
        params = {"namespace": list(namespace), "timestamp": 1795857000000, "data": data, **more}
        return self.say({"type": "event", "event_id": mark, "seq": 1, "method": method, "params": params})

    @property
    def output(self) -> str:
        return "".join(chunk.text for chunk in self.state.output)


def life(event: str, run_id: str = "r-1", **data: Any) -> dict[str, Any]:
    params = {"namespace": [], "timestamp": 1795857000000, "data": {"event": event, "graph_name": "agent", **data}}
    mark = f"synth:{run_id}:lc||{event}"
    return {"type": "event", "event_id": mark, "seq": 1, "method": "lifecycle", "params": params}


def started(task_id: str, name: str) -> dict[str, Any]:
    return {"id": task_id, "name": name, "input": {}, "triggers": []}


def ended(task_id: str, name: str, result: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": task_id, "name": name, "error": None, "result": result or {}, "interrupts": [], **more}


# ---- recorded frames ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["question", "form", "failed", "cancelled", "protocol"])
def test_every_recorded_event_is_understood(name: str) -> None:
    bench = Bench().say(*recorded(name))
    strange = {UnknownEvent, MalformedFrame, Alert}
    assert [event.type for event in bench.events if type(event.fact) in strange] == []
    assert bench.runs.state.tasks


def test_an_event_that_comes_again_is_a_copy() -> None:
    frames = recorded("question")
    bench = Bench().say(*frames)
    bench.signals.clear()
    bench.wire.open(AT)
    bench.say(*frames)
    assert {type(signal) for signal in bench.signals} == {Repeated}


def test_times_are_those_of_the_ids_and_those_of_synthetic_events_are_not_believed() -> None:
    bench = Bench().begin()
    bench.happen("tasks", started("a", "plan"))
    assert bench.events[0].timestamp is None
    assert bench.events[1].timestamp == 1_795_857_000_001_000


def damaged(data: st.DataObject, frame: dict[str, Any]) -> dict[str, Any]:
    """Return a frame with something else in the place of one of its fields."""
    frame = place = copy.deepcopy(frame)
    for _ in range(data.draw(st.integers(0, 2))):
        place = next((value for value in place.values() if isinstance(value, dict) and value), place)
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JUNK)
    return frame


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_frames_raise_nothing_and_are_kept(data: st.DataObject) -> None:
    frames = recorded(data.draw(st.sampled_from(["question", "protocol", "form"])))
    first = data.draw(st.integers(0, len(frames) - 1))
    bench = Bench().say(*frames[:first])
    for frame in frames[first : first + 4]:
        wrong = damaged(data, frame)
        count = len(bench.signals)
        bench.say(wrong, frame)
        texts = {signal.payload for signal in events_of(bench.signals[count:])}
        assert {json.dumps(wrong), json.dumps(frame)} <= texts or wrong.get("type") != "event"
    bench.say(*frames[first + 4 :])


@pytest.mark.parametrize("text", ["", "[]", "7", "no json", '{"type": "hello"}', '{"http_result": 7}'])
def test_what_is_no_frame_is_malformed(text: str) -> None:
    [event] = Bench().say(text).events
    assert isinstance(event.fact, MalformedFrame)
    assert event.payload == text


# ---- tasks and progress ---------------------------------------------------------------------------------------------


def test_nodes_of_nested_subgraphs_are_subtasks_by_their_path() -> None:
    bench = Bench().begin().happen("tasks", started("w", "worker"))
    bench.happen("tasks", started("i", "inner"), "worker:w")
    bench.happen("tasks", started("d", "deep"), "worker:w", "inner:i")
    bench.happen("tasks", ended("d", "deep", error="no luck"), "worker:w", "inner:i")
    parts = bench.state.subtasks["w"]
    assert {part.name: str(part.status) for part in parts.values()} == {"inner": "running", "inner/deep": "failed"}


@pytest.mark.parametrize("ends", ["task", "run"])
def test_a_subtask_that_waited_for_an_answer_ends_with_its_task(ends: str) -> None:
    bench = Bench().begin().happen("tasks", started("w", "worker"))
    bench.happen("tasks", started("i", "review"), "worker:w")
    asking = [{"id": "x" * 32, "value": "Go?"}]
    bench.happen("tasks", ended("i", "review", interrupts=asking), "worker:w")
    bench.happen("tasks", ended("w", "worker", interrupts=asking))

    def statuses() -> list[str]:
        return [str(part.status) for part in bench.state.subtasks["w"].values()]

    assert statuses() == ["paused"]
    bench.happen("input.requested", {"interrupt_id": "x" * 32, "payload": "Go?"})
    bench.say(life("interrupted"), life("running", "r-2")).happen("tasks", started("w", "worker"))
    assert statuses() == ["running"]
    if ends == "task":
        bench.happen("tasks", ended("w", "worker"))
    else:
        bench.say(life("completed", "r-2"))
    assert statuses() == ["completed"]


def test_progress_belongs_to_the_only_open_task_or_to_the_one_that_it_names() -> None:
    bench = Bench().begin().happen("tasks", started("a", "one"))
    bench.happen("custom", {"payload": {"progress": 1, "total": 4, "message": "alone"}})
    bench.happen("tasks", started("b", "two"))
    bench.happen("custom", {"payload": {"progress": 2, "total": 4, "message": "whose?"}})
    bench.happen("custom", {"progress": 3, "total": 4, "message": "named", "node": "two"})
    assert (bench.state.tasks["a"].progress, bench.state.tasks["a"].step) == (25.0, "alone")
    assert (bench.state.tasks["b"].progress, bench.state.tasks["b"].step) == (75.0, "named")
    assert bench.output == "whose?\n"


@pytest.mark.parametrize("data", [None, 7, "text", [1], {"progress": "x"}, {"payload": None}])
def test_custom_data_of_other_kinds_are_kept(data: Any) -> None:
    bench = Bench().begin().happen("custom", data)
    assert isinstance(bench.events[-1].fact, Logged)


def test_a_task_that_fails_stops_those_beside_it() -> None:
    bench = Bench().begin().happen("tasks", started("a", "one")).happen("tasks", started("b", "two"))
    bench.happen("tasks", ended("a", "one", error={"error": "ValueError", "message": "broke"}))
    bench.say(life("failed", error="broke"))
    assert {name: str(task.status) for name, task in bench.state.tasks.items()} == {"a": "failed", "b": "cancelled"}
    assert [type(event.fact) for event in bench.events].count(ErrorReported) == 1


# ---- messages and tools ---------------------------------------------------------------------------------------------


def spoken(*events: dict[str, Any]) -> Bench:
    bench = Bench().begin()
    for event in events:
        bench.happen("messages", event, "researcher:t")
    return bench


def test_messages_in_parts_are_output_and_their_usage_tokens_by_agent() -> None:
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    usage |= {"input_token_details": {"cache_read": 4}, "output_token_details": {"reasoning": 2}}  # type: ignore[dict-item]
    bench = spoken(
        {"event": "message-start", "role": "ai", "id": "m", "metadata": {"model": "model-1"}},
        {"event": "content-block-delta", "index": 0, "delta": {"type": "reasoning-delta", "reasoning": "hm"}},
        {"event": "content-block-delta", "index": 1, "delta": {"type": "text-delta", "text": "Hel"}},
        {"event": "content-block-delta", "index": 1, "delta": {"type": "text-delta", "text": "lo"}},
        {"event": "content-block-finish", "index": 1, "content": {"type": "text", "text": "Hello"}},
        {"event": "content-block-finish", "index": 2, "content": {"type": "text", "text": "!"}},
        {"event": "message-finish", "usage": usage},
    )
    assert bench.output == "Hello!\n"
    agent = bench.state.agents["researcher"]
    assert (agent.model, agent.used) == ("model-1", Used(10, 7, 3, 4, 2))
    bench.happen("tasks", ended("t", "researcher", {"messages": [{"type": "ai", "id": "m", "content": "Hello!"}]}))
    assert bench.output == "Hello!\n"


def test_messages_of_people_and_tools_are_no_output() -> None:
    bench = spoken(
        {"event": "message-start", "role": "human", "id": "m"},
        {"event": "content-block-delta", "index": 0, "delta": {"type": "text-delta", "text": "hi"}},
        {"event": "message-finish"},
    )
    assert bench.output == ""


def test_tool_calls_begin_end_and_fail() -> None:
    bench = Bench().begin().happen("tasks", started("a", "agent"))
    bench.happen("tools", {"event": "tool-started", "tool_call_id": "c1", "tool_name": "search", "input": {"q": "x"}})
    bench.happen("tools", {"event": "tool-output-delta", "tool_call_id": "c1", "delta": "fo"})
    bench.happen("tools", {"event": "tool-finished", "tool_call_id": "c1", "output": "found"})
    bench.happen("tools", {"event": "tool-started", "tool_call_id": "c2", "tool_name": "mail", "input": {}})
    bench.happen("tools", {"event": "tool-error", "tool_call_id": "c2", "message": "no network"})
    calls = bench.state.tool_calls
    assert [(call.name, str(call.status), call.result, call.error) for call in calls.values()] == [
        ("search", "completed", '"found"', None),
        ("mail", "failed", None, "no network"),
    ]
    assert calls["c1"].task_id == "a"


# ---- answers --------------------------------------------------------------------------------------------------------


def result_of(frame: str, status: int, body: Any = None, **more: Any) -> str:
    return write_result(CallResult(read_call(frame).id, status, body, **more))


def asked(bench: Bench, interrupt_id: str) -> str:
    """Let a task ask and the server confirm the question; return the question's id."""
    bench.begin().happen("tasks", started("a", "ask"))
    bench.happen("input.requested", {"interrupt_id": interrupt_id, "payload": "Go on?"}).say(life("interrupted"))
    check = next(frame for frame in bench.sent if frame.startswith(CALL))
    interrupts = {"a": [{"id": interrupt_id, "value": "Go on?"}]}
    bench.say(result_of(check, 200, {"status": "interrupted", "interrupts": interrupts}))
    bench.say(result_of(bench.sent[-1], 200, {}))  # the thread's state, which has no schema for the answer
    return next(iter(bench.state.checkpoints))


def test_an_answer_to_a_question_that_is_answered_is_refused_in_words() -> None:
    bench = Bench()
    question = asked(bench, "i" * 32)
    outgoing = bench.wire.decide(DecisionRequested(AT, "d-1", question, Answer("respond", "yes")), "a")
    number = json.loads(outgoing.frame)["id"]
    bench.say({"type": "error", "id": number, "error": "no_such_interrupt", "message": "Unknown interrupt"})
    [reply] = [signal for signal in bench.signals if isinstance(signal, Reply)]
    assert (reply.request_id, reply.code) == ("d-1", "ALREADY_DECIDED")
    assert reply.error == "the question has been answered already, or is gone (Unknown interrupt)"


# ---- runs -----------------------------------------------------------------------------------------------------------


def test_another_input_while_a_question_is_open_is_another_execution() -> None:
    bench = Bench().begin().happen("tasks", started("a", "ask"))
    bench.happen("input.requested", {"interrupt_id": "i", "payload": "Go on?"})
    bench.say(life("interrupted"), life("running", "r-2")).happen("tasks", started("b", "plan"))
    bench.say(life("completed", "r-2"))
    assert [store.state.execution_id for store in bench.runs.all] == ["r-1", "r-2"]
    assert [str(store.state.reported_status) for store in bench.runs.all] == ["cancelled", "completed"]


def test_a_run_with_the_tasks_of_the_question_goes_on_with_it() -> None:
    bench = Bench().begin().happen("tasks", started("a", "ask"))
    bench.happen("input.requested", {"interrupt_id": "i", "payload": "Go on?"})
    bench.say(life("interrupted"), life("running", "r-2")).happen("tasks", started("a", "ask"))
    bench.happen("tasks", ended("a", "ask")).say(life("completed", "r-2"))
    assert [store.state.execution_id for store in bench.runs.all] == ["r-1"]
    assert str(bench.state.reported_status) == "completed"


# ---- the start ------------------------------------------------------------------------------------------------------


def test_a_run_is_started_when_the_thread_is_followed_and_only_once() -> None:
    bench = Bench(Start(PATH, {"x": 1}, "agent"))
    [create] = bench.sent
    bench.say(result_of(create, 200, {}))
    _, check, subscribe, _ = bench.sent
    bench.say({"type": "success", "id": json.loads(subscribe)["id"], "result": {}})
    bench.say(result_of(check, 200, {"status": "idle", "interrupts": {}}))
    start = bench.sent[-1]
    assert read_call(start).body["input"] == {"x": 1}
    assert not any(isinstance(signal, Established) for signal in bench.signals)
    calls = [frame for frame in bench.wire.open(AT) if frame.startswith(CALL)]  # the link broke
    assert "start" not in {read_call(frame).id for frame in calls}


@pytest.mark.parametrize("status", [422, 409, 401, 503, 0])
def test_a_refused_start_is_said(status: int) -> None:
    start = Start(PATH, {}, "agent")
    said = start.read(CallResult(start.run().id, status, {"detail": "because"}))
    assert isinstance(said, StreamRefused)
    assert "because" in said.reason
    assert (said.fatal, start.is_due) == (status in {422, 409, 401}, status in {503, 0})
