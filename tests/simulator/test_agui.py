"""The simulator as an AG-UI endpoint: conforming streams, strict resumes, faults, and consoles on all of it."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from ag_ui.core import Event as AnyEvent
from pydantic import TypeAdapter

from runconsole import Console, ConsoleFailed, Reconnect, RunInterrupted, UnfitValues
from runconsole.simulator import Crash, Drop, Duplicate, Garbage, HalfOpen, LoseReply, Refuse, Reorder, Simulator, Slow
from tests.servers.json_server import eventually

Message = dict[str, Any]
SPEC, DESIGN, MERGE = "cp-101-spec", "cp-102-architecture", "cp-104-merge"
QUICK = Reconnect(first=0.01, longest=0.01)
EVENTS: TypeAdapter[Any] = TypeAdapter(AnyEvent)


def simulator(**options: Any) -> Simulator:
    given: dict[str, Any] = {"wire": "agui", "speed": 0} | options
    return Simulator("tasks", **given)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator() as running:
        yield running


class Thread:
    """A client of one thread, which keeps the messages as a client must."""

    def __init__(self, sim: Simulator) -> None:
        self._place = urlsplit(sim.url)
        self.body: Message = {
            "threadId": str(uuid.uuid4()),
            "messages": [{"id": "u", "role": "user", "content": "go"}],
            "state": {},
            "tools": [],
            "context": [],
            "forwardedProps": {},
        }
        self.status = 0
        self.text = ""

    def post(self, **fields: Any) -> list[Message]:
        """Post a request; return the events of the response."""
        self.send("POST", self._place.path, json.dumps(self.body | {"runId": str(uuid.uuid4())} | fields))
        events = [json.loads(block.removeprefix("data: ")) for block in self.text.split("\n\n") if block]
        for event in events:
            if event["type"] == "TOOL_CALL_START":
                call = {"id": event["toolCallId"], "type": "function", "function": {"name": "x", "arguments": "{}"}}
                self.body["messages"].append({"id": event["toolCallId"], "role": "assistant", "toolCalls": [call]})
        return events

    def resume(self, **payloads: Any) -> list[Message]:
        """Answer questions; return the events of the response."""
        entries = [answer(name.replace("_", "-"), payload) for name, payload in payloads.items()]
        return self.post(resume=entries)

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> int:
        connection = http.client.HTTPConnection(str(self._place.hostname), self._place.port or 0, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            self.status, self.text = response.status, response.read().decode()
        finally:
            connection.close()
        return self.status


def answer(name: str, payload: Any, status: str = "resolved") -> Message:
    return {"interruptId": name, "status": status, "payload": payload}


def interrupts(events: list[Message]) -> list[Message]:
    found: list[Message] = events[-1].get("outcome", {}).get("interrupts", [])
    return found


def kinds(events: list[Message]) -> list[str]:
    return [event["type"] for event in events]


def assert_conforms(events: list[Message]) -> None:
    """Check events against the package's models, and that nothing is left open."""
    open_things: list[tuple[str, str]] = []
    for event in events:
        EVENTS.validate_python(event)
        name = event.get("stepName") or event.get("messageId") or event.get("toolCallId") or event.get("subagentRunId")
        subject, _, change = event["type"].rpartition("_")
        if subject in {"STEP", "TEXT_MESSAGE", "TOOL_CALL", "SUBAGENT"}:
            thing = (subject, str(event.get("toolCallId") if subject == "TOOL_CALL" else name))
            if change in {"START", "STARTED"}:
                assert thing not in open_things
                open_things.append(thing)
            elif change in {"END", "FINISHED", "ERROR"}:
                open_things.remove(thing)
            elif change in {"CONTENT", "ARGS"}:
                assert thing in open_things
                assert event["delta"]
    assert open_things == []
    assert kinds(events)[0] == "RUN_STARTED"
    assert kinds(events)[-1] == "RUN_FINISHED"


# ---- streams --------------------------------------------------------------------------------------------------------


def test_a_run_ends_with_all_open_questions_and_goes_on_with_all_answers(sim: Simulator) -> None:
    thread = Thread(sim)
    first = thread.post()
    assert_conforms(first)
    assert [(each["id"], each["reason"]) for each in interrupts(first)] == [
        (SPEC, "input_required"),
        (DESIGN, "confirmation"),
    ]
    assert {"ACTIVITY_SNAPSHOT", "ACTIVITY_DELTA", "STATE_DELTA", "SUBAGENT_STARTED"} <= set(kinds(first))
    second = thread.resume(cp_101_spec={"decision": "modify", "feedback": "shorter"}, cp_102_architecture="view")
    assert_conforms(second)
    assert [(each["id"], each["toolCallId"]) for each in interrupts(second)] == [(MERGE, MERGE)]
    third = thread.resume(cp_104_merge={"approved": True, "editedArgs": {"instances": 2}})
    assert_conforms(third)
    assert third[-1]["outcome"] == {"type": "success"}
    assert {usage["provider"] for usage in third[-1]["usage"]} <= {"claude-code", "codex-cli"}
    assert sim.wait_finished(10)
    decided = [(one.checkpoint_id, one.option, one.feedback, one.modifications) for one in sim.decisions]
    assert decided == [
        (SPEC, "modify", "shorter", None),
        (DESIGN, "view", None, None),
        (MERGE, "approve", None, {"instances": 2}),
    ]


def test_every_event_of_the_family_is_in_the_streams_once(sim: Simulator) -> None:
    thread = Thread(sim)
    events = [*thread.post(), *thread.resume(cp_101_spec={}, cp_102_architecture="keyset")]
    events += thread.resume(cp_104_merge={"approved": False, "reason": "not today"})
    for kind, counted in (("task.output", "TEXT_MESSAGE_CONTENT"), ("task.subtask.started", "STEP_STARTED")):
        assert kinds(events).count(counted) == sum(event["type"] == kind for event in sim.events)
    assert [event["code"] for event in events if event["type"] == "SUBAGENT_ERROR"] == ["MERGE_REJECTED"]
    assert sum(map(len, sim.delivered)) == len(sim.events)
    results = {event["toolCallId"]: event["content"] for event in events if event["type"] == "TOOL_CALL_RESULT"}
    assert results[MERGE] == "not today"


def test_the_other_dialect_asks_one_question_at_a_time_without_times_or_outcome() -> None:
    with simulator(dialect="on_interrupt") as sim:
        thread = Thread(sim)
        events = thread.post()
        asked = []
        while kinds(events)[-2] == "CUSTOM":
            assert_conforms(events)
            assert not [event for event in events if "timestamp" in event or "subagentRunId" in event]
            assert set(events[-1]) == {"type", "threadId", "runId"}
            value = json.loads(events[-2]["value"])
            asked.append(value["question"])
            events = thread.post(forwardedProps={"command": {"resume": value["options"][0]}})
        assert len(asked) == 3
        assert {"MESSAGES_SNAPSHOT", "STATE_SNAPSHOT", "RAW"} <= set(kinds(events))
        assert sim.wait_finished(10)
        assert [one.option for one in sim.decisions] == ["approve", "keyset", "approve"]


def test_each_thread_plays_a_run_of_its_own(sim: Simulator) -> None:
    first, second = Thread(sim), Thread(sim)
    assert interrupts(first.post()) == interrupts(second.post())
    first.resume(cp_101_spec={}, cp_102_architecture="keyset")
    assert kinds(second.resume(cp_104_merge={"approved": True}))[-1] == "RUN_ERROR"
    assert interrupts(second.resume(cp_101_spec={}, cp_102_architecture="keyset"))
    assert sim.connections == 5


# ---- strictness -----------------------------------------------------------------------------------------------------


def refusal(events: list[Message]) -> str:
    assert kinds(events) == ["RUN_STARTED", "RUN_ERROR"]
    return str(events[-1]["code"])


def test_a_resume_must_answer_all_open_questions_and_no_other(sim: Simulator) -> None:
    thread = Thread(sim)
    assert refusal(thread.resume(cp_101_spec={})) == "UNKNOWN_INTERRUPT"
    thread.post()
    assert refusal(thread.post()) == "OPEN_INTERRUPTS"
    assert refusal(thread.resume(cp_101_spec={})) == "INCOMPLETE_RESUME"
    assert refusal(thread.resume(cp_101_spec={}, cp_102_architecture="view", other=1)) == "UNKNOWN_INTERRUPT"
    assert refusal(thread.resume(cp_101_spec={}, cp_102_architecture="none such")) == "INVALID_PAYLOAD"
    twice = [answer(SPEC, {}), answer(SPEC, {}), answer(DESIGN, "view")]
    assert refusal(thread.post(resume=twice)) == "UNKNOWN_INTERRUPT"
    assert refusal(thread.post(resume=[answer(SPEC, {}, "done"), answer(DESIGN, "view")])) == "INVALID_RESUME"
    assert refusal(thread.post(resume=["x"])) == "INVALID_RESUME"
    assert sim.decisions == []
    cancelled = [answer(SPEC, None, "cancelled"), answer(DESIGN, "view")]
    assert [each["id"] for each in interrupts(thread.post(resume=cancelled))] == [MERGE]
    assert [one.option for one in sim.decisions] == ["reject", "view"]


def test_a_resume_of_a_tool_call_needs_the_message_with_the_call(sim: Simulator) -> None:
    thread = Thread(sim)
    thread.post()
    thread.resume(cp_101_spec={}, cp_102_architecture="keyset")
    kept, thread.body["messages"] = thread.body["messages"], []
    assert refusal(thread.resume(cp_104_merge={"approved": True})) == "NO_TOOL_CALL"
    thread.body["messages"] = kept
    assert kinds(thread.resume(cp_104_merge={"approved": True}))[-1] == "RUN_FINISHED"


def test_an_answer_counts_once(sim: Simulator) -> None:
    thread = Thread(sim)
    thread.post()
    sim.decide(SPEC, "approve")
    assert refusal(thread.resume(cp_101_spec={}, cp_102_architecture="view")) == "UNKNOWN_INTERRUPT"
    assert [one.by for one in sim.decisions] == ["colleague"]


def test_a_run_under_way_cannot_be_joined() -> None:
    with simulator(speed=1, faults=[Drop(after=3)]) as sim:
        thread = Thread(sim)
        with pytest.raises((http.client.HTTPException, OSError)):
            thread.post()
        assert refusal(thread.post()) == "RUN_UNDER_WAY"


def test_a_request_that_is_refused_leaves_the_run_under_way_as_it_is() -> None:
    with simulator(speed=20) as sim:
        thread, other = Thread(sim), Thread(sim)
        other.body = thread.body | {"messages": []}
        with ThreadPoolExecutor() as pool:
            under_way = pool.submit(thread.post, runId="first")
            eventually(lambda: sim.connections == 1)
            assert refusal(other.post(runId="second")) == "RUN_UNDER_WAY"
            events = under_way.result(timeout=30)
        assert {event["runId"] for event in events if "runId" in event} == {"first"}


def test_a_deadline_is_said_and_holds() -> None:
    with simulator(decision_timeout=60, speed=400) as sim:
        thread = Thread(sim)
        asked = interrupts(thread.post())
        assert all(each["expiresAt"].endswith("Z") for each in asked)
        assert asked
        eventually(lambda: len(sim.decisions) >= len(asked))
        late = thread.post(resume=[answer(each["id"], None, "cancelled") for each in asked])
        assert refusal(late) in {"UNKNOWN_INTERRUPT", "RUN_UNDER_WAY"}


def test_without_a_time_to_decide_a_question_has_no_deadline(sim: Simulator) -> None:
    assert [each.get("expiresAt") for each in interrupts(Thread(sim).post())] == [None, None]


def test_requests_that_are_none_are_refused_in_the_words_of_the_framework() -> None:
    with simulator(token="right", faults=[Refuse(status=503)]) as sim:
        thread = Thread(sim)
        sign = {"Authorization": "Bearer right"}
        assert thread.send("POST", "/agui") == 503
        assert thread.send("POST", "/other") == 404
        assert thread.send("GET", "/agui") == 405
        assert thread.send("POST", "/agui", "{}") == 401
        assert thread.send("POST", "/agui", "{", **sign) == 422
        assert thread.send("POST", "/agui", "[]", **sign) == 422
        assert thread.send("POST", "/agui", '{"threadId": 1, "messages": {}}', **sign) == 422
        problems = {tuple(each["loc"]): each["type"] for each in json.loads(thread.text)}
        assert problems == {("runId",): "missing", ("threadId",): "string_type", ("messages",): "list_type"}
        assert sim.connections == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"family": "execution"}, "plays the 'tasks' family, not 'execution'"),
        ({"dialect": "decide"}, "dialect of the wire 'agui' must be 'outcome' or 'on_interrupt'"),
        ({"dialect": "other"}, "dialect must be"),
        ({"strict": True}, "strict is no option of the wire 'agui'"),
        ({"flat": True}, "flat is no option"),
        ({"autostart": True}, "autostart is no option"),
        ({"replay": "none"}, "replay is no option"),
        ({"superjson": True}, "superjson is an option of the wire 'trpc'"),
        ({"faults": [Drop(code=1012)]}, "AG-UI has no close codes"),
        ({"faults": [Duplicate()]}, "Duplicate cannot happen on the wire 'agui'"),
        ({"faults": [Reorder()]}, "Reorder cannot happen"),
        ({"faults": [LoseReply(cut=False)]}, "LoseReply cannot happen"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Simulator(**{"family": "tasks", "wire": "agui", **options})


# ---- consoles -------------------------------------------------------------------------------------------------------


def first_option(question: Any) -> str:
    return str(question.options[0].id)


@pytest.mark.parametrize("dialect", ["outcome", "on_interrupt"])
def test_a_console_follows_a_run_to_its_end(dialect: Any) -> None:
    with simulator(dialect=dialect, token="right") as sim:
        with Console(sim.url, input="go", token="right", on_checkpoint=first_option) as console:
            console.wait(timeout=60)
        assert console.protocol == "agui"
        assert console.run.status == "completed"
        steps = [event["payload"]["name"] for event in sim.events if event["type"] == "task.subtask.started"]
        assert set(steps) <= {name.rpartition(": ")[2] for name in console.tasks["name"]}
        said = console.output[console.output["agent_id"].notna()]
        own = said["task_id"].str.contains(": ")  # a step that names its sub-agent
        assert own.any() == (dialect == "outcome")
        assert all(task.startswith(f"{agent}: ") for task, agent in said.loc[own, ["task_id", "agent_id"]].to_numpy())
        assert set(console.tasks["status"]) == {"completed"}
        output = "".join(event["payload"]["data"] for event in sim.events if event["type"] == "task.output")
        assert len("".join(console.output["text"]).replace("\n", "")) == len(output.replace("\n", ""))
        calls = [event["payload"]["tool"]["name"] for event in sim.events if event["type"] == "agent.tool_call"]
        assert (console.tool_calls["name"] == "write_file").sum() == len(calls)
        assert set(console.tool_calls["status"]) == {"completed"}
        assert console.decisions["state"].tolist() == ["acknowledged"] * 3
        assert [one.option for one in sim.decisions][1:] == ["keyset", "approve"]
        assert console.errors.empty


def test_a_form_is_judged_before_it_is_sent(sim: Simulator) -> None:
    with Console(sim.url, input="go") as console:
        eventually(lambda: len(console.pending) == 2)
        spec, design = console.pending
        with pytest.raises(UnfitValues, match="decision"):
            console.decide(spec, "submit", values={"decision": "none such"})
        assert console.decide(spec, "submit", values={"decision": "modify", "feedback": "short"}).state == "queued"
        assert console.decide(design, "view").state == "acknowledged"
        eventually(lambda: [question.checkpoint_id for question in console.pending] == [MERGE])
        assert [(one.option, one.feedback) for one in sim.decisions] == [("modify", "short"), ("view", None)]


@pytest.mark.parametrize("fault", [Drop(after=60), Crash(after=60, down_s=0)])
def test_a_cut_stream_leaves_the_run_unknown_and_is_not_asked_for_again(fault: Any) -> None:
    with simulator(speed=40, faults=[fault]) as sim:
        with Console(sim.url, input="go", reconnect=QUICK) as console:
            with pytest.raises(RunInterrupted, match="What became of the run is unknown"):
                console.wait(timeout=60)
            assert console.run.status == "interrupted"
        assert (sim.connections, sim.attempts) == (1, 1)


def test_garbage_is_counted_and_loses_nothing() -> None:
    with simulator(faults=[Garbage(after=30), Slow(after=40, seconds=0.2, pause=0.01)], seed=5) as sim:
        with Console(sim.url, input="go", on_checkpoint=first_option) as console:
            console.wait(timeout=60)
            assert console.run.status == "completed"
            assert (console.events["type"] == "malformed").sum() <= 1
        assert sum(map(len, sim.delivered)) == len(sim.events)


def test_an_answer_that_is_taken_but_not_confirmed_is_unknown() -> None:
    with simulator(faults=[LoseReply(nth=1)]) as sim:
        with Console(sim.url, input="go", reconnect=QUICK) as console:
            eventually(lambda: len(console.pending) == 2)
            spec, design = console.pending
            console.decide(spec, "submit", values={})
            with pytest.raises(Exception, match="was sent, but the link broke before the answer"):
                console.decide(design, "keyset")
            assert set(console.decisions["state"]) == {"unknown"}
        assert [one.option for one in sim.decisions[:2]] == ["approve", "keyset"]
        assert sim.attempts == 2


def test_a_server_that_is_not_ready_is_asked_again() -> None:
    with simulator(faults=[Refuse(times=2)]) as sim:
        with Console(sim.url, input="go", reconnect=QUICK, on_checkpoint=first_option) as console:
            console.wait(timeout=60)
        assert (sim.attempts, sim.connections) == (2 + 3, 3)


def test_a_wrong_token_is_said() -> None:
    with (
        simulator(token="right") as sim,
        Console(sim.url, input="go", token="wrong") as console,
        pytest.raises(ConsoleFailed, match=r"HTTP 401 Unauthorized \(Invalid token\)"),
    ):
        console.wait(timeout=60)


@pytest.mark.parametrize("faults", [[], [HalfOpen(after=2)]])
def test_stopping_ends_streams_that_go_on_and_those_that_are_half_open(faults: list[Any]) -> None:
    sim = simulator(speed=1, faults=faults).start()
    with Console(sim.url, input="go") as console:
        eventually(lambda: sim.events and sim.connections == 1)
        sim.stop()
        assert not sim.running
        with pytest.raises(RunInterrupted):
            console.wait(timeout=60)
