"""The wire of AG-UI: each event of both versions is a fact, and nothing that comes is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from runconsole import Console
from runconsole.errors import LinkLost, UnsupportedByWire
from runconsole.events import (
    ActionRequest,
    Alert,
    Answer,
    DecisionRequested,
    Logged,
    MalformedFrame,
    Received,
    UnknownEvent,
    events_of,
)
from runconsole.log import EventLog
from runconsole.protocols.agui.wire import AguiWire
from runconsole.protocols.base import Established, Reply, StreamBroken
from runconsole.state import RunState, Used
from runconsole.store import Runs, RunWriter
from runconsole.testing import FakeTransport
from runconsole.transports.sse.transport import BROKEN, ENDED, OPENED, REFUSED
from tests.servers.json_server import eventually

AT = 1_795_000_000_000_000
STARTED = {"type": "RUN_STARTED", "threadId": "t", "runId": "r1"}
FINISHED = {"type": "RUN_FINISHED", "threadId": "t", "runId": "r1"}
FRAMES = Path(__file__).parent / "frames"


class Bench:
    """A wire and the state of what it reads."""

    def __init__(self, given_input: Any = "go") -> None:
        self.wire = AguiWire(given_input)
        self.posted = [json.loads(frame) for frame in self.wire.open(AT)]
        self.state = RunState()
        self.writer = RunWriter(Runs(self.state, EventLog()))
        self.events: list[Received] = []
        self.signals: list[Any] = []
        self.say(OPENED)

    def say(self, *messages: Any) -> Bench:
        for message in messages:
            frame = message if isinstance(message, str) else json.dumps(message)
            signals = self.wire.receive(frame, AT + len(self.events))
            self.signals += signals
            for event in events_of(signals):
                self.events.append(event)
                self.writer.take(event)
        return self

    def decide(self, **answers: Any) -> dict[str, Any]:
        """Answer questions; return the request."""
        decisions = [decision(name.replace("_", "-"), option) for name, option in answers.items()]
        outgoing = self.wire.decide_all(decisions)
        self.posted.append(json.loads(outgoing.frame))
        self.say(OPENED)
        request: dict[str, Any] = self.posted[-1]
        return request

    def replies(self) -> list[Reply]:
        return [signal for signal in self.signals if isinstance(signal, Reply)]

    @property
    def output(self) -> str:
        return "".join(chunk.text for chunk in self.state.output)

    def subtask(self, name: str) -> Any:
        return next(parts[name] for parts in self.state.subtasks.values() if name in parts)


def decision(checkpoint_id: str, option: Any) -> DecisionRequested:
    answer = option if isinstance(option, Answer) else Answer(option)
    return DecisionRequested(AT, f"d-{checkpoint_id}", checkpoint_id, answer, meaning=answer.option)


def kind(name: str, /, **fields: Any) -> dict[str, Any]:
    return {"type": name, **fields}


def step(name: str, state: str = "STARTED") -> dict[str, Any]:
    return kind(f"STEP_{state}", stepName=name)


def interrupt(*interrupts: Any) -> dict[str, Any]:
    return FINISHED | {"outcome": {"type": "interrupt", "interrupts": list(interrupts)}}


# ---- the request ----------------------------------------------------------------------------------------------------


def test_a_message_is_a_request_with_every_field_that_old_servers_want() -> None:
    [request] = Bench("hello").posted
    assert set(request) == {"threadId", "runId", "state", "messages", "tools", "context", "forwardedProps"}
    [message] = request["messages"]
    assert (message["role"], message["content"]) == ("user", "hello")


def test_a_run_agent_input_is_sent_as_it_is_in_names_of_the_wire() -> None:
    request_given: dict[str, Any] = {
        "thread_id": "t",
        "runId": "r",
        "messages": [],
        "state": None,
        "forwarded_props": {"a_b": 1},
    }
    [request] = Bench(request_given).posted
    assert request["threadId"] == "t"
    assert request["runId"] == "r"
    assert request["state"] is None
    assert request["forwardedProps"] == {"a_b": 1}


@pytest.mark.parametrize(
    ("request_given", "title"),
    [
        ("hello\nyou", "hello"),
        ("x" * 200, "x" * 79 + "…"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}, {"role": "assistant", "content": "a"}]}, None),
        ({"messages": [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]}, "two"),
    ],
)
def test_a_run_is_named_after_the_message_of_the_user(request_given: Any, title: str | None) -> None:
    assert Bench(request_given).say(STARTED).state.title == title


def test_the_first_request_is_the_same_until_the_server_has_answered_and_never_sent_again() -> None:
    wire = AguiWire("go")
    first, again = wire.open(AT), wire.open(AT)
    assert first == again
    wire.receive(OPENED, AT)
    wire.receive(json.dumps(STARTED), AT)
    with pytest.raises(LinkLost, match="no way to join") as caught:
        wire.open(AT)
    assert caught.value.fatal
    assert caught.value.unfinished


def test_a_run_whose_stream_is_over_is_not_started_again_by_a_new_connection() -> None:
    bench = Bench().say(STARTED, ENDED)
    with pytest.raises(LinkLost, match="the stream of this run is over") as caught:
        bench.wire.open(AT)
    assert caught.value.unfinished


def test_without_an_input_nothing_is_sent() -> None:
    with pytest.raises(LinkLost, match=r"an AG-UI endpoint has no run to follow.*nothing was sent") as caught:
        AguiWire().open(AT)
    assert caught.value.fatal


# ---- steps, text, tools ---------------------------------------------------------------------------------------------


def test_steps_are_tasks_and_parallel_ones_of_a_name_are_told_apart() -> None:
    bench = Bench().say(STARTED, step("plan"), step("plan", "FINISHED"), step("work"), step("work"), step("plan"))
    bench.say(step("work", "FINISHED"), step("none", "FINISHED"))
    statuses = {name: task.status for name, task in bench.state.tasks.items()}
    assert statuses == {"plan": "completed", "work": "completed", "work #2": "running", "plan #2": "running"}
    bench.say(FINISHED)
    assert {task.status for task in bench.state.tasks.values()} == {"completed"}
    assert (bench.state.reported_status, bench.state.completed_tasks) == ("completed", 4)
    assert bench.state.execution_id == "r1"


def test_text_is_output_by_message_in_its_step() -> None:
    bench = Bench().say(
        STARTED,
        step("write"),
        kind("TEXT_MESSAGE_START", messageId="m", role="assistant", name="poet"),
        kind("TEXT_MESSAGE_CONTENT", messageId="m", delta="one "),
        kind("TEXT_MESSAGE_CONTENT", messageId="m", delta="two"),
        kind("TEXT_MESSAGE_END", messageId="m"),
        step("write", "FINISHED"),
        kind("TEXT_MESSAGE_CHUNK", messageId="n", role="assistant", delta="thr"),
        kind("TEXT_MESSAGE_CHUNK", delta="ee"),
        kind("TEXT_MESSAGE_CHUNK", messageId="o", delta="four"),
    )
    assert bench.output == "one two\nthree\nfour"
    chunks = list(bench.state.output)
    assert {chunk.task_id for chunk in chunks[:3]} == {"write"}
    assert {chunk.agent_id for chunk in chunks[:2]} == {"poet"}
    assert bench.state.tasks["r1"].name == "agent"  # what belongs to no step is the agent's


def test_tool_calls_are_subtasks_of_the_step_they_happen_in() -> None:
    bench = Bench().say(
        STARTED,
        step("work"),
        kind("TOOL_CALL_START", toolCallId="c", toolCallName="search", parentMessageId="m"),
        kind("TOOL_CALL_ARGS", toolCallId="c", delta='{"q":'),
        kind("TOOL_CALL_ARGS", toolCallId="c", delta='"x"}'),
        kind("TOOL_CALL_END", toolCallId="c"),
        kind("TOOL_CALL_CHUNK", toolCallId="d", toolCallName="fetch", delta='{"u"'),
        kind("TOOL_CALL_CHUNK", delta=":1}"),
        step("work", "FINISHED"),
        kind("TOOL_CALL_RESULT", messageId="x", toolCallId="d", content="ok"),
    )
    search, fetch = bench.subtask("c"), bench.subtask("d")
    assert (search.name, search.status, search.description) == ("search", "running", '{"q":"x"}')
    assert (fetch.name, fetch.status, fetch.description) == ("fetch", "completed", '{"u":1}')
    assert {search.task_id, fetch.task_id} == {"work"}
    calls = bench.state.tool_calls
    assert [(row.name, row.task_id, row.status) for row in calls.values()] == [
        ("search", "work", "running"),
        ("fetch", "work", "completed"),
    ]
    assert [(row.arguments, row.result) for row in calls.values()] == [('{"q":"x"}', None), ('{"u":1}', '"ok"')]


def test_ten_thousand_tool_calls_are_ten_thousand_subtasks() -> None:
    bench = Bench().say(STARTED)
    for number in range(10_000):
        bench.say(
            kind("TOOL_CALL_START", toolCallId=f"c{number}", toolCallName="count"),
            kind("TOOL_CALL_RESULT", messageId=f"m{number}", toolCallId=f"c{number}", content="1"),
        )
    bench.say(FINISHED)
    task = bench.state.tasks["r1"]
    assert (task.subtasks, task.subtasks_done, task.status) == (10_000, 10_000, "completed")
    assert len(bench.state.tool_calls) == 10_000
    assert bench.state.tool_calls["c9999"].result == '"1"'


def test_sub_agents_are_subtasks_and_what_they_say_is_theirs() -> None:
    bench = Bench().say(
        STARTED,
        step("team"),
        kind("SUBAGENT_STARTED", subagentRunId="s", name="critic", description="finds faults"),
        kind("SUBAGENT_STARTED", subagentRunId="s2", name="helper", parentSubagentRunId="s"),
        step("team", "FINISHED"),
        kind("TEXT_MESSAGE_CONTENT", messageId="m", delta="no", subagentRunId="s"),
        kind("TOOL_CALL_START", toolCallId="c", toolCallName="read", subagentRunId="s2"),
        kind("SUBAGENT_ERROR", subagentRunId="s2", message="broke", code="E1"),
        kind("SUBAGENT_FINISHED", subagentRunId="s", outcome={"type": "suspended", "interruptIds": ["i"]}),
    )
    critic, helper, call = bench.subtask("s"), bench.subtask("s2"), bench.subtask("c")
    assert (critic.name, critic.description, critic.status) == ("critic", "finds faults", "paused")
    assert (helper.status, helper.error) == ("failed", "broke")
    assert (call.task_id, call.agent_id) == ("team", "helper")
    assert [(chunk.task_id, chunk.agent_id) for chunk in bench.state.output] == [("team", "critic")]
    [error] = bench.state.errors.values()
    assert (error.message, error.error_type) == ("broke", "E1")
    agents = bench.state.agents
    assert [(row.name, row.parent_id, row.task_id, row.status) for row in agents.values()] == [
        ("critic", None, "team", "paused"),
        ("helper", "s", "team", "failed"),
    ]
    assert agents["s2"].error == "broke"
    assert bench.state.tool_calls["c"].agent_id == "s2"


def steps_of(*names: str) -> list[dict[str, Any]]:
    """Return the steps of two sub-agents at work at once, each with words of its own, as ag-ui-langgraph tells them."""
    made: list[dict[str, Any]] = []
    for name in names:
        made += [step(name) | {"subagentRunId": agent_id} for agent_id in ("s", "s2")]
        made += [words(f"{name} of {agent_id}", agent_id) for agent_id in ("s", "s2")]
        made += [step(name, "FINISHED") | {"subagentRunId": agent_id} for agent_id in ("s2", "s")]
    return made


def words(text: str, agent_id: str | None = None) -> dict[str, Any]:
    by = {} if agent_id is None else {"subagentRunId": agent_id}
    return kind("TEXT_MESSAGE_CONTENT", messageId=f"m-{agent_id}", delta=f"{text}\n", **by)


TEAM = [
    STARTED,
    step("tools"),
    kind("SUBAGENT_STARTED", subagentRunId="s", name="critic"),
    kind("SUBAGENT_STARTED", subagentRunId="s2", name="helper"),
]


def test_words_of_a_sub_agent_belong_to_its_own_newest_step() -> None:
    bench = Bench().say(*TEAM, *steps_of("model", "tools"), words("between", "s"), words("all of it"))
    bench.say(step("tools", "FINISHED"), step("model"), words("late", "s2"), words("in sum"), FINISHED)
    assert [(chunk.task_id, chunk.text) for chunk in bench.state.output] == [
        ("critic: model", "model of s\n"),
        ("helper: model", "model of s2\n"),
        ("critic: tools", "tools of s\n"),
        ("helper: tools", "tools of s2\n"),
        ("tools", "between\n"),
        ("tools", "all of it\n"),
        ("tools", "late\n"),
        ("model", "in sum\n"),
    ]
    assert {task.status for task in bench.state.tasks.values()} == {"completed"}
    assert bench.state.agents["s"].task_id == bench.state.agents["s2"].task_id == "tools"


def test_a_sub_agent_whose_steps_do_not_name_it_goes_on_in_the_newest_one() -> None:
    bench = Bench().say(*TEAM, words("first", "s"), step("tools", "FINISHED"), step("more"), words("then", "s"))
    bench.say(kind("SUBAGENT_FINISHED", subagentRunId="s"), step("more", "FINISHED"), words("last", "s"))
    assert [(chunk.task_id, chunk.text) for chunk in bench.state.output] == [
        ("tools", "first\n"),
        ("more", "then\n"),
        ("tools", "last\n"),
    ]
    assert (bench.subtask("s").task_id, bench.subtask("s").status) == ("tools", "completed")


def test_messages_of_a_snapshot_belong_to_the_sub_agent_that_they_name() -> None:
    said = [{"id": f"x{by}", "role": "assistant", "content": f"of {by}", "subagentRunId": by} for by in ("s", "gone")]
    model = step("model") | {"subagentRunId": "s"}
    bench = Bench().say(*TEAM, model, kind("MESSAGES_SNAPSHOT", messages=said))
    assert [(chunk.task_id, chunk.agent_id) for chunk in bench.state.output] == [
        ("critic: model", "critic"),
        ("tools", None),
    ]


def test_a_sub_agent_that_a_tool_call_began_belongs_to_the_agent_that_called() -> None:
    bench = Bench().say(
        STARTED,
        kind("SUBAGENT_STARTED", subagentRunId="s", name="critic"),
        kind("TOOL_CALL_START", toolCallId="c", toolCallName="ask", subagentRunId="s"),
        kind("SUBAGENT_STARTED", subagentRunId="s2", name="helper", parentToolCallId="c"),
    )
    assert bench.state.agents["s2"].parent_id == "s"


def test_calls_and_results_of_a_snapshot_are_tool_calls() -> None:
    function = {"name": "read", "arguments": '{"path": "a"}'}
    asked = {"id": "m", "role": "assistant", "toolCalls": [{"id": c, "function": function} for c in ("c", "d")]}
    results = [
        {"id": "x", "role": "tool", "toolCallId": "c", "content": "text of a"},
        {"id": "y", "role": "tool", "toolCallId": "d", "content": "", "error": "no such file"},
        {"id": "z", "role": "tool", "toolCallId": "unknown", "content": "1"},
    ]
    snapshot = kind("MESSAGES_SNAPSHOT", messages=[asked, *results])
    bench = Bench().say(STARTED, step("work"), kind("MESSAGES_SNAPSHOT", messages=[asked]), snapshot, snapshot)
    calls = bench.state.tool_calls
    assert [(row.name, row.status, row.arguments) for row in calls.values()] == [
        ("read", "completed", '{"path": "a"}'),
        ("read", "failed", '{"path": "a"}'),
    ]
    assert (calls["c"].result, calls["d"].error) == ('"text of a"', "no such file")


def test_tool_calls_left_to_a_front_end_are_said() -> None:
    outcome = {"type": "success", "pendingToolCallIds": ["c", "unknown"]}
    bench = Bench().say(
        STARTED, kind("TOOL_CALL_START", toolCallId="c", toolCallName="open_page"), FINISHED | {"outcome": outcome}
    )
    assert bench.subtask("c").status == bench.state.tool_calls["c"].status == "paused"
    assert "left tool calls to a front end, and this console makes none: open_page" in bench.state.alerts[-1].text
    assert bench.state.reported_status == "completed"


# ---- the end --------------------------------------------------------------------------------------------------------


def test_an_error_is_an_error_and_fails_the_run_and_what_was_open() -> None:
    bench = Bench().say(STARTED, step("work"), kind("RUN_ERROR", message="no money", code="402"))
    [error] = bench.state.errors.values()
    assert (error.message, error.error_type) == ("no money", "402")
    assert bench.state.tasks["work"].status == "failed"
    assert bench.state.tasks["work"].error == "no money"
    assert (bench.state.reported_status, bench.state.finished) == ("failed", True)


def test_a_cancelled_run_is_cancelled() -> None:
    bench = Bench().say(STARTED, step("work"), FINISHED | {"outcome": {"type": "cancelled"}})
    assert bench.state.reported_status == "cancelled"
    assert bench.state.tasks["work"].status == "cancelled"


def test_usage_is_tokens_of_all_models_without_their_parts() -> None:
    usage = [
        {"provider": "p", "model": "a", "inputTokens": 10, "outputTokens": 5, "reasoningTokens": 4},
        {"model": "b", "totalTokens": 7, "inputTokens": 6},
        {"model": "c", "totalTokens": "many"},
        "odd",
    ]
    bench = Bench().say(STARTED, interrupt({"id": "i", "reason": "confirmation"}) | {"usage": usage})
    assert bench.state.run().tokens_used == 22
    assert bench.state.agents["agent"].status == "paused"
    bench.decide(i="approve")
    bench.say(STARTED | {"runId": "r2"})
    assert bench.state.agents["agent"].status == "running"
    bench.say(FINISHED | {"runId": "r2", "usage": usage[:1]})
    assert bench.state.run().tokens_used == 37
    agent = bench.state.agents["agent"]
    assert (agent.status, agent.used) == ("completed", Used(37, 26, 10, None, 8))
    assert {model: used.tokens for model, used in agent.by_model.items()} == {"a": 30, "b": 7}


def test_the_usage_of_a_failed_run_counts_once_and_that_of_a_sub_agent_is_its_own() -> None:
    usage = [
        {"model": "a", "inputTokens": 10, "cachedInputTokens": 8, "outputTokens": 1, "reasoningTokens": 1},
        {"model": "a", "inputTokens": 10, "outputTokens": 1},
        {"model": "a", "totalTokens": 5, "subagentRunId": "s"},
    ]
    failed = kind("RUN_ERROR", message="broke", usage=usage)
    bench = Bench().say(STARTED, kind("SUBAGENT_STARTED", subagentRunId="s", name="critic"), failed, failed)
    agents = bench.state.agents
    assert (agents["agent"].status, agents["agent"].used) == ("failed", Used(22, 20, 2, 8, 1))
    assert (agents["s"].name, agents["s"].used) == ("critic", Used(5))
    assert bench.state.run().tokens_used == 27


@pytest.mark.parametrize("end", [ENDED, f"{BROKEN}the stream of h broke"])
def test_a_stream_that_ends_before_its_run_leaves_its_fate_unknown(end: str) -> None:
    bench = Bench().say(STARTED, step("work"), step("work", "FINISHED"), end)
    [broken] = [signal for signal in bench.signals if isinstance(signal, StreamBroken)]
    assert "What became of the run is unknown. It is not started again by itself" in broken.reason
    assert not bench.state.finished


@pytest.mark.parametrize("end", [ENDED, f"{BROKEN}the stream of h broke"])
def test_a_response_may_end_after_the_next_request_was_made(end: str) -> None:
    bench = Bench().say(STARTED, interrupt({"id": "i", "reason": "confirmation"}))
    bench.wire.decide_all([decision("i", "approve")])
    bench.say(end, OPENED, STARTED, step("go"), FINISHED, ENDED)
    assert not [signal for signal in bench.signals if isinstance(signal, StreamBroken)]
    assert bench.replies() == [Reply("d-i")]


def test_a_response_without_any_event_leaves_the_fate_of_its_run_unknown() -> None:
    assert isinstance(Bench().say(ENDED).signals[-1], StreamBroken)


@pytest.mark.parametrize("end", [ENDED, f"{BROKEN}the stream of h broke"])
def test_after_the_end_of_its_run_a_stream_may_end_in_any_way(end: str) -> None:
    bench = Bench().say(STARTED, FINISHED, end)
    assert not [signal for signal in bench.signals if isinstance(signal, StreamBroken)]


# ---- state, activities, messages ------------------------------------------------------------------------------------


def test_patches_change_the_state_and_one_that_does_not_apply_is_said_once() -> None:
    bench = Bench().say(
        STARTED,
        kind("STATE_SNAPSHOT", snapshot={"n": 1}),
        kind("STATE_DELTA", delta=[{"op": "replace", "path": "/n", "value": 2}]),
        kind("STATE_DELTA", delta=[{"op": "add", "path": "/x", "value": 1}, {"op": "remove", "path": "/none"}]),
        kind("STATE_DELTA", delta=[{"op": "remove", "path": "/none"}]),
        interrupt({"id": "i", "reason": "confirmation"}),
    )
    assert bench.decide(i="approve")["state"] == {"n": 2}
    alerts = [event for event in bench.events if isinstance(event.fact, Alert)]
    assert [event.type for event in alerts] == ["STATE_DELTA"]
    assert "does not apply, and was left out" in bench.state.alerts[-1].text
    assert len([event for event in bench.events if event.type == "STATE_DELTA"]) == 3


@pytest.mark.parametrize(
    ("content", "percent"),
    [
        ({"progress": 0.25}, 25),
        ({"progress": 40}, 40),
        ({"percent": 60}, 60),
        ({"completed": 3, "total": 4}, 75),
        ({"progress": 1, "total": 4}, 25),
        ({"progress": 250}, 100),
        ({"progress": True}, None),
        ({"total": 0, "done": 1}, None),
        ({"steps": []}, None),
    ],
)
def test_an_activity_with_a_progress_is_progress(content: dict[str, Any], percent: float | None) -> None:
    snapshot = kind("ACTIVITY_SNAPSHOT", messageId="a", activityType="LOAD", content={**content, "message": "loading"})
    bench = Bench().say(STARTED, step("load"), snapshot)
    assert bench.state.tasks["load"].progress == percent
    if percent is not None:
        assert (bench.subtask("a").name, bench.subtask("a").progress) == ("LOAD", percent)
        assert bench.state.tasks["load"].step == "loading"


def test_patches_move_the_progress_of_an_activity() -> None:
    patch = [{"op": "replace", "path": "/done", "value": 9}]
    bench = Bench().say(
        STARTED,
        step("load"),
        kind("ACTIVITY_SNAPSHOT", messageId="a", activityType="LOAD", content={"done": 1, "total": 10}),
        kind("ACTIVITY_DELTA", messageId="a", activityType="LOAD", patch=patch),
        kind("ACTIVITY_DELTA", messageId="a", activityType="LOAD", patch=[{"op": "move", "from": "/x", "path": "/y"}]),
    )
    assert bench.state.tasks["load"].progress == 90
    assert "A change of the activity LOAD does not apply" in bench.state.alerts[-1].text


def test_a_snapshot_of_messages_says_only_what_has_not_come_before() -> None:
    messages = [
        {"id": "u", "role": "user", "content": "go"},
        {"id": "m", "role": "assistant", "content": "streamed"},
        {"id": "m2", "role": "assistant", "content": "streamed"},
        {"id": "n", "role": "assistant", "content": "whole", "name": "poet", "toolCalls": [
            {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"id": "x", "role": "tool", "toolCallId": "c", "content": "seen"},
    ]  # fmt: skip
    bench = Bench().say(STARTED, kind("TEXT_MESSAGE_CONTENT", messageId="m", delta="streamed"))
    bench.say(kind("TEXT_MESSAGE_END", messageId="m"), kind("MESSAGES_SNAPSHOT", messages=messages))
    bench.say(kind("MESSAGES_SNAPSHOT", messages=messages))
    assert bench.output == "streamed\nwhole\n"
    assert (bench.subtask("c").name, bench.subtask("c").status) == ("look", "completed")
    bench.say(interrupt({"id": "i", "reason": "confirmation"}))
    assert bench.decide(i="approve")["messages"] == messages


# ---- everything else ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("RAW", "CUSTOM", "REASONING_START", "REASONING_MESSAGE_START", "REASONING_MESSAGE_CONTENT"),
        *("REASONING_MESSAGE_CHUNK", "REASONING_MESSAGE_END", "REASONING_END", "REASONING_ENCRYPTED_VALUE"),
        *("THINKING_START", "THINKING_END", "THINKING_TEXT_MESSAGE_START", "THINKING_TEXT_MESSAGE_CONTENT"),
        "THINKING_TEXT_MESSAGE_END",
    ],
)
def test_known_events_without_a_fact_are_rows_of_the_log(name: str) -> None:
    bench = Bench().say(STARTED, kind(name, messageId="m", delta="hm", name="n", value=1, event={"a": 1}))
    assert bench.events[-1].type == name
    assert isinstance(bench.events[-1].fact, Logged)
    assert bench.output == ""


def test_every_event_of_the_protocols_package_is_known() -> None:
    core = pytest.importorskip("ag_ui.core")
    for name in core.EventType:
        bench = Bench().say(STARTED, kind(name.value))
        assert not any(isinstance(event.fact, (UnknownEvent, MalformedFrame)) for event in bench.events), name


def test_unknown_events_and_garbage_are_kept() -> None:
    bench = Bench().say(STARTED, kind("NEW_THING"), "no json", "[1]", "{}", '{"type": 7}')
    assert [event.type for event in bench.events] == ["RUN_STARTED", "NEW_THING", *["malformed"] * 3, "7"]
    assert isinstance(bench.events[1].fact, UnknownEvent)
    assert bench.events[2].payload == "no json"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
    st.data(),
)
def test_no_field_of_any_kind_breaks_the_wire(value: Any, data: st.DataObject) -> None:
    fields = "messageId delta toolCallId patch content snapshot messages outcome usage stepName subagentRunId timestamp"
    names = [
        "STEP_STARTED",
        "TOOL_CALL_CHUNK",
        "ACTIVITY_DELTA",
        "ACTIVITY_SNAPSHOT",
        "STATE_DELTA",
        "MESSAGES_SNAPSHOT",
    ]
    names += ["TEXT_MESSAGE_CHUNK", "TOOL_CALL_RESULT", "SUBAGENT_STARTED", "RUN_FINISHED", "RUN_ERROR", "RUN_STARTED"]
    bench = Bench()
    for _ in range(4):
        event = dict.fromkeys(data.draw(st.lists(st.sampled_from(fields.split()))), value)
        bench.say(event | {"type": data.draw(st.sampled_from(names))})
    assert len(bench.events) >= 4


def test_timestamps_are_milliseconds_and_may_be_missing() -> None:
    bench = Bench().say(STARTED | {"timestamp": 1_795_000_000_123}, step("a"))
    assert [event.timestamp for event in bench.events] == [1_795_000_000_123_000, None]


# ---- questions ------------------------------------------------------------------------------------------------------

APPROVAL = {"type": "object", "required": ["approved"], "properties": {
    "approved": {"type": "boolean"}, "editedArgs": {"type": "object"}, "reason": {"type": "string"}}}  # fmt: skip


def test_an_interrupt_is_a_question_and_its_answer_another_run_of_the_thread() -> None:
    call = kind("TOOL_CALL_START", toolCallId="c", toolCallName="deploy", parentMessageId="m")
    asked = {"id": "i", "reason": "tool_call", "message": "Deploy?", "toolCallId": "c", "responseSchema": APPROVAL,
             "expiresAt": "2027-01-01T00:00:00Z", "metadata": {"risk": 1}}  # fmt: skip
    bench = Bench({"threadId": "t", "messages": [{"id": "u", "role": "user", "content": "go"}]})
    bench.say(STARTED, call, kind("TOOL_CALL_ARGS", toolCallId="c", delta='{"a":1}'), interrupt(asked), ENDED)
    row = bench.state.checkpoints["i"]
    assert (row.title, row.kind, row.task_id) == ("Deploy?", "tool_call", "r1")
    assert [option.id for option in row.options] == ["approve", "edit", "reject"]
    assert row.deadline == 1_798_761_600_000_000
    assert row.context == {"metadata": {"risk": 1}}
    assert row.requests == (ActionRequest("deploy", {"a": 1}, allowed=("approve", "edit", "reject")),)
    assert not bench.state.finished
    request = bench.decide(i=Answer("approve", modifications={"a": 2}))
    assert request["resume"] == [
        {"interruptId": "i", "status": "resolved", "payload": {"approved": True, "editedArgs": {"a": 2}}}
    ]
    assert (request["threadId"], request["runId"] == bench.posted[0]["runId"]) == ("t", False)
    assert request["messages"] == [
        {"id": "u", "role": "user", "content": "go"},
        {"id": "m", "role": "assistant", "toolCalls": [
            {"id": "c", "type": "function", "function": {"name": "deploy", "arguments": '{"a":1}'}}]},
    ]  # fmt: skip
    bench.say(STARTED | {"runId": "r2"})
    assert bench.replies() == []  # it may still refuse the answer
    bench.say(kind("TOOL_CALL_RESULT", messageId="x", toolCallId="c", content="ok"), FINISHED | {"runId": "r2"}, ENDED)
    assert bench.replies() == [Reply("d-i")]
    assert bench.state.execution_id == "r1"
    assert bench.state.reported_status == "completed"
    assert bench.subtask("c").status == "completed"


@pytest.mark.parametrize(
    ("schema", "reason", "answer", "payload"),
    [
        (APPROVAL, "tool_call", Answer("reject", "no"), {"approved": False, "reason": "no"}),
        (None, "confirmation", "approve", {"approved": True}),
        ({"type": "boolean"}, "x:y", "reject", False),
        (None, "input_required", "some words", "some words"),
        ({"type": "string"}, "input_required", "3", "3"),
        ({"type": "integer"}, "input_required", "3", 3),
        ({"type": "string", "enum": ["a", "b"]}, "x:y", "b", "b"),
        ({"type": "object", "properties": {"c": {"enum": ["a", "b"]}}}, "x:y", "b", {"c": "b"}),
        ({"type": "object", "properties": {"a": {}}}, "x:y", Answer("submit", modifications={"a": 1}), {"a": 1}),
        (
            {"type": "object", "properties": {"a": {}, "b": {}}},
            "x:y",
            Answer("submit", modifications={"a": 1}),
            {"a": 1},
        ),
    ],
)
def test_an_answer_has_the_form_of_its_schema(schema: Any, reason: str, answer: Any, payload: Any) -> None:
    bench = Bench().say(STARTED, interrupt({"id": "i", "reason": reason, "responseSchema": schema}))
    [entry] = bench.decide(i=answer)["resume"]
    assert entry["payload"] == payload


def test_a_form_without_its_values_and_words_that_are_no_number_are_refused_and_nothing_is_sent() -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}}
    bench = Bench().say(STARTED, interrupt({"id": "i", "reason": "x:y", "responseSchema": schema}))
    with pytest.raises(UnsupportedByWire, match="expected the answer as a JSON object with a, b"):
        bench.decide(i="submit")
    bench.decide(i=Answer("submit", modifications={"a": 1}))
    bench = Bench().say(STARTED, interrupt({"id": "i", "reason": "x:y", "responseSchema": {"type": "integer"}}))
    with pytest.raises(UnsupportedByWire, match="expected the answer as JSON, of type integer"):
        bench.decide(i="many")


def test_a_schema_of_an_object_is_the_form_of_its_question() -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer"}, "name": {"type": "string"}}}
    bench = Bench().say(STARTED, interrupt({"id": "i", "reason": "input_required", "responseSchema": schema}))
    row = bench.state.checkpoints["i"]
    assert (row.schema, [option.id for option in row.options]) == (schema, ["submit"])


def test_arguments_that_are_as_they_were_are_no_edit() -> None:
    call = kind("TOOL_CALL_CHUNK", toolCallId="c", toolCallName="deploy", delta='{"a": 1, "b": ["x"]}')
    asked = {"id": "i", "reason": "tool_call", "toolCallId": "c", "responseSchema": APPROVAL}
    for option in ("approve", "edit"):
        bench = Bench().say(STARTED, call, interrupt(asked))
        [entry] = bench.decide(i=Answer(option, modifications={"a": 1, "b": ["x"]}))["resume"]
        assert entry["payload"] == {"approved": True}


def test_an_approval_of_no_known_call_is_a_question_for_yes_or_no() -> None:
    asked = {"id": "i", "reason": "tool_call", "responseSchema": APPROVAL}
    row = Bench().say(STARTED, interrupt(asked)).state.checkpoints["i"]
    assert (row.schema, row.requests, [option.id for option in row.options]) == (None, (), ["approve", "reject"])


def test_all_questions_of_a_run_are_answered_in_one_request() -> None:
    bench = Bench().say(
        STARTED, interrupt({"id": "i", "reason": "confirmation"}, {"id": "j", "reason": "confirmation"})
    )
    assert set(bench.wire.together("i")) == {"i", "j"}
    assert [entry["interruptId"] for entry in bench.decide(i="approve", j="reject")["resume"]] == ["i", "j"]
    bench.say(STARTED, step("go"))
    assert [reply.request_id for reply in bench.replies()] == ["d-i", "d-j"]
    assert bench.wire.together("i") == ()
    with pytest.raises(UnsupportedByWire, match="no longer waits"):
        bench.wire.decide(decision("i", "approve"), None)


@pytest.mark.parametrize("refusal", [kind("RUN_ERROR", message="bad payload"), f"{REFUSED}bad payload"])
def test_an_answer_that_is_refused_leaves_the_question_open(refusal: Any) -> None:
    bench = Bench().say(STARTED, interrupt({"id": "i", "reason": "confirmation"}), ENDED)
    bench.decide(i="approve")
    bench.say(refusal, ENDED)
    assert bench.replies() == [Reply("d-i", error="bad payload")]
    assert not bench.state.finished
    assert bench.decide(i="reject")["resume"][0]["payload"] == {"approved": False}


def test_the_fate_of_an_answer_whose_stream_breaks_is_unknown() -> None:
    bench = Bench().say(STARTED, interrupt({"id": "i", "reason": "confirmation"}), ENDED)
    bench.decide(i="approve")
    bench.say(f"{BROKEN}gone")
    assert isinstance(bench.signals[-1], StreamBroken)
    assert bench.replies() == []
    assert bench.wire.lost() == ("d-i",)
    assert bench.wire.lost() == ()


def langgraph(value: Any, **raw: Any) -> dict[str, Any]:
    return kind("CUSTOM", name="on_interrupt", value=value, **({"rawEvent": {"value": value} | raw} if raw else {}))


@pytest.mark.parametrize(
    ("value", "answer", "resume"),
    [
        ('{"question": "Go?", "options": ["yes", "no"]}', "no", "no"),
        ("Which one?", "the red one", "the red one"),
        ("How many?", "3", '"3"'),
        ({"message": "Edit", "text": "x"}, Answer("", modifications={"text": "y"}), {"text": "y"}),
        (
            '{"action_requests": [{"name": "send", "args": {}}, {"name": "pay", "args": {}}]}',
            Answer("reject", "too much"),
            {"decisions": [{"type": "reject", "message": "too much"}] * 2},
        ),
        (
            {"action_requests": [{"name": "send", "args": {"to": "a"}}, {"name": "pay", "args": {}}]},
            Answer("decide", decisions=[{"type": "edit", "args": {"to": "b"}}, "approve"]),
            {
                "decisions": [
                    {"type": "edit", "edited_action": {"name": "send", "args": {"to": "b"}}},
                    {"type": "approve"},
                ]
            },
        ),
        (
            [{"action_request": {"action": "Send", "args": {}}, "config": {"allow_ignore": True}}],
            "ignore",
            [{"type": "ignore", "args": None}],
        ),
    ],
)
def test_a_question_of_langgraph_is_answered_by_a_command(value: Any, answer: Any, resume: Any) -> None:
    bench = Bench({"messages": [], "forwardedProps": {"mine": 1}}).say(STARTED, langgraph(value), FINISHED, ENDED)
    [row] = bench.state.checkpoints.values()
    outgoing = bench.wire.decide_all([decision(row.checkpoint_id, answer)])
    request = json.loads(outgoing.frame)
    assert request["forwardedProps"] == {"mine": 1, "command": {"resume": resume}}
    assert "resume" not in request


def test_a_question_that_comes_in_both_ways_is_one() -> None:
    bench = Bench().say(STARTED, langgraph("Go?"), interrupt({"id": "i", "reason": "langgraph:interrupt"}))
    assert list(bench.state.checkpoints) == ["i"]


def test_several_questions_without_ids_cannot_be_answered() -> None:
    bench = Bench().say(STARTED, langgraph("a"), langgraph("b"), FINISHED)
    first, second = bench.state.checkpoints
    with pytest.raises(UnsupportedByWire, match="2 questions at once without ids"):
        bench.wire.decide_all([decision(first, "x"), decision(second, "y")])


@pytest.mark.parametrize("is_standard", [False, True])
def test_several_questions_of_langgraph_are_answered_by_one_command_with_their_ids(*, is_standard: bool) -> None:
    ids = [digit * 32 for digit in "ab"]
    listed = [{"id": name, "reason": "langgraph:interrupt", "metadata": {"langgraph": {"raw": "?"}}} for name in ids]
    end = interrupt(*listed) if is_standard else FINISHED
    bench = Bench().say(STARTED, *(langgraph("?", id=name) for name in ids), end, ENDED)
    assert list(bench.state.checkpoints) == ids
    request = json.loads(bench.wire.decide_all([decision(name, name[:2]) for name in ids]).frame)
    assert request["forwardedProps"] == {"command": {"resume": {name: name[:2] for name in ids}}}
    assert "resume" not in request


@pytest.mark.parametrize("is_standard", [False, True])
def test_the_form_of_an_answer_comes_beside_the_question_of_langgraph(*, is_standard: bool) -> None:
    schema = {"type": "object", "properties": {"score": {"type": "integer"}, "name": {"type": "string"}}}
    asked = langgraph('{"question": "Rate it"}', id="a" * 32, response_schema=schema)
    listed = {"id": "a" * 32, "metadata": {"langgraph": {"raw": {"question": "Rate it"}}}}
    bench = Bench().say(STARTED, asked, interrupt(listed) if is_standard else FINISHED, ENDED)
    [row] = bench.state.checkpoints.values()
    assert (row.title, row.schema) == ("Rate it", schema)
    outgoing = bench.wire.decide_all([decision(row.checkpoint_id, Answer("submit", modifications={"score": 4}))])
    request = json.loads(outgoing.frame)
    answer = request["resume"][0]["payload"] if is_standard else request["forwardedProps"]["command"]["resume"]
    assert answer == {"score": 4}


@pytest.mark.parametrize("raw", [None, 7, {"id": 7, "response_schema": "x"}, {"id": "short"}])
def test_what_comes_beside_a_question_of_langgraph_may_be_anything(raw: Any) -> None:
    bench = Bench().say(STARTED, kind("CUSTOM", name="on_interrupt", value="Go?", rawEvent=raw), FINISHED, ENDED)
    [row] = bench.state.checkpoints.values()
    request = json.loads(bench.wire.decide_all([decision(row.checkpoint_id, "yes")]).frame)
    assert request["forwardedProps"]["command"] == {"resume": "yes"}


# ---- recordings -----------------------------------------------------------------------------------------------------


def test_a_wire_that_has_read_a_recording_answers_with_its_history() -> None:
    bench = Bench("go").say(STARTED, kind("TEXT_MESSAGE_CONTENT", messageId="m", delta="hi"))
    bench.say(interrupt({"id": "i", "reason": "confirmation"}), ENDED)
    wire = AguiWire()
    wire.sent(json.dumps(bench.posted[0]), ())
    for frame in (OPENED, *(event.payload for event in bench.events if event.type.isupper()), ENDED):
        wire.receive(frame, AT)
    assert wire.open(AT) == ()
    assert not wire.confirms
    request = json.loads(wire.decide_all([decision("i", "approve")]).frame)
    assert [message["role"] for message in request["messages"]] == ["user", "assistant"]
    assert request["threadId"] == bench.posted[0]["threadId"]


def test_a_recording_that_ends_in_the_middle_of_a_run_does_not_start_it_again() -> None:
    wire = AguiWire("go")
    wire.sent(json.dumps({"threadId": "t", "runId": "r", "messages": []}), ())
    with pytest.raises(LinkLost, match="under way when its recording ended"):
        wire.open(AT)


def recorded(name: str) -> FakeTransport:
    """Return a server that says what a real one said: to the input, and to the answers."""
    first, second = ((FRAMES / f"{name}-{n}.jsonl").read_text(encoding="utf-8").splitlines() for n in (1, 2))

    def reply(frame: Any) -> list[str]:
        is_answer = "resume" in frame or "command" in frame["forwardedProps"]
        return [OPENED, *(second if is_answer else first), ENDED]

    return FakeTransport(reply=reply)


@pytest.mark.parametrize(
    ("name", "answers", "tasks", "output"),
    [
        ("pydantic-ai", ["approve", "reject"], ["agent"], "Let me deploy."),
        ("ag-ui-langgraph", ["no"], ["plan", "worker", "ask", "ask"], "I plan three parts.\nanswered no\n"),
        ("ag-ui-langgraph-outcome", ["no"], ["plan", "worker", "ask", "ask"], "I plan three parts.\nanswered no\n"),
    ],
)
async def test_frames_of_real_servers_are_a_run_and_so_is_their_recording(
    tmp_path: Path, name: str, answers: list[str], tasks: list[str], output: str
) -> None:
    """Of pydantic-ai-slim 2.68 (two calls that need approval), and ag-ui-langgraph 0.0.47 in both of its ways."""
    path = tmp_path / "run.jsonl"
    with Console("http://localhost/agui", input="go", transport=recorded(name), record=path) as console:
        await asyncio.to_thread(eventually, lambda: len(console.pending) == len(answers))
        for number, (question, answer) in enumerate(zip(console.pending, answers, strict=True), 1):
            given = await asyncio.to_thread(console.decide, question, answer)
            assert given.state == ("acknowledged" if number == len(answers) else "queued")
        await console.finished(timeout=30)
    assert console.run.status == "completed"
    assert console.tasks["name"].tolist() == tasks
    assert set(console.tasks["status"]) == {"completed"}
    assert "".join(console.output["text"]).startswith(output)
    assert console.decisions["state"].tolist() == ["acknowledged"] * len(answers)
    assert console.decisions["error"].isna().all()
    again = Console(path)
    assert again.run.status == "completed"
    for frame in ("tasks", "subtasks", "output", "checkpoints", "decisions", "events"):
        assert_frame_equal(getattr(again, frame), getattr(console, frame))


def test_an_interrupt_of_langgraph_has_the_words_and_the_options_of_its_value() -> None:
    value = {"question": "Publish?", "options": ["yes", "no"]}
    asked = {"id": "i", "reason": "langgraph:interrupt", "metadata": {"langgraph": {"raw": value}}}
    bench = Bench().say(STARTED, interrupt(asked))
    row = bench.state.checkpoints["i"]
    assert (row.title, [option.id for option in row.options], row.context) == ("Publish?", ["yes", "no"], value)
    assert bench.decide(i="no")["resume"] == [{"interruptId": "i", "status": "resolved", "payload": "no"}]


def test_the_first_frame_of_a_response_is_its_acceptance() -> None:
    assert isinstance(Bench().signals[0], Established)
