"""The simulator beside the real servers: the same requests, the same answers, frames of the same form."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from websockets.sync.client import connect

from runconsole.simulator import Simulator
from tests.agents.servers import AgentServer
from tests.servers.agui_server import agent_server
from tests.servers.json_server import eventually

Message = dict[str, Any]
CHANNELS = ["lifecycle", "input", "tasks", "tools", "custom", "updates", "messages"]
MODES = {"stream_mode": ["tasks", "custom", "updates"], "stream_subgraphs": True, "stream_resumable": True}


# ---- LangGraph ------------------------------------------------------------------------------------------------------


class Server:
    """An Agent Server.

    Args:
        url: without a path.
        assistant: the graph.
        asks: the input with which the graph asks two questions at once.
        works: the input with which it works for a while.
    """

    def __init__(self, url: str, assistant: str, asks: Message, works: Message) -> None:
        self.assistant, self.asks, self.works = assistant, asks, works
        self._place = urlsplit(url)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Make a call; return the status and the value."""
        connection = http.client.HTTPConnection(str(self._place.hostname), self._place.port or 0, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            value = response.read()
            return response.status, json.loads(value) if value else None
        finally:
            connection.close()

    def thread(self) -> str:
        return str(self.call("POST", "/threads", {})[1]["thread_id"])

    def start(self, thread: str, given: Message) -> Message:
        body = {"assistant_id": self.assistant, "input": given, **MODES}
        run: Message = self.call("POST", f"/threads/{thread}/runs", body)[1]
        return run

    def follow(self, thread: str) -> Any:
        address = f"ws://{self._place.netloc}/threads/{thread}/stream/events"
        return connect(address, max_queue=None, max_size=None)

    def view(self, thread: str) -> Message:
        view: Message = self.call("GET", f"/threads/{thread}")[1]
        return view

    def until_asked(self, thread: str) -> None:
        eventually(lambda: self.view(thread)["status"] == "interrupted", "the questions")


@pytest.fixture(scope="module", params=["real", "simulator"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "real":
        real: AgentServer = request.getfixturevalue("langgraph")
        yield Server(real.url, "research", {"ask": "two"}, {"pause": 60})
        return
    with Simulator("tasks", wire="langgraph", speed=20) as simulator:
        url = simulator.url.partition("/threads")[0]
        yield Server(url, "coders", {}, {})


class Viewer:
    """A client of a thread's stream."""

    def __init__(self, connection: Any) -> None:
        self.events: list[Message] = []
        self._connection = connection
        self._number = 0

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        while True:
            frame: Message = json.loads(self._connection.recv(timeout=60))
            if frame["type"] == "event":
                self.events.append(frame)
            if wanted(frame):
                return frame

    def say(self, text: str) -> Message:
        """Send a frame; return the next reply."""
        self._connection.send(text)
        return self.until(lambda frame: frame["type"] != "event")

    def send(self, method: str, **params: Any) -> Message:
        self._number += 1
        return self.say(json.dumps({"id": self._number, "method": method, "params": params}))

    def subscribe(self) -> Message:
        return self.send("subscription.subscribe", channels=CHANNELS)

    def questions(self, count: int) -> list[Message]:
        """Return the newest events of this many questions."""
        while len({event["params"]["data"]["interrupt_id"] for event in self.events if is_question(event)}) < count:
            self.until(is_question)
        return list({e["params"]["data"]["interrupt_id"]: e for e in self.events if is_question(e)}.values())

    def respond(self, question: Message, **changes: Any) -> Message:
        payload = question["params"]["data"]["payload"]
        options = payload.get("options") if isinstance(payload, dict) else None
        given = {
            "namespace": question["params"]["namespace"],
            "interrupt_id": question["params"]["data"]["interrupt_id"],
            "response": options[0] if options else {},
        }
        return self.send("input.respond", **given | changes)

    def life(self) -> list[str]:
        """Return the life of the whole graph."""
        mine = [event for event in self.events if event["method"] == "lifecycle" and not event["params"]["namespace"]]
        return [event["params"]["data"]["event"] for event in mine]


def is_question(frame: Message) -> bool:
    return frame.get("method") == "input.requested"


def test_a_thread_that_is_not_there_can_be_followed(server: Server) -> None:
    with server.follow(str(uuid.uuid4())) as connection:
        reply = Viewer(connection).subscribe()
        assert set(reply) == {"type", "id", "result", "meta"}
        assert reply["result"]["replayed_events"] == 0


def test_everything_comes_again_with_the_same_ids(server: Server) -> None:
    thread = server.thread()
    with server.follow(thread) as first, server.follow(thread) as second:
        early, late = Viewer(first), Viewer(second)
        early.subscribe()
        server.start(thread, server.asks)
        early.questions(2)
        server.until_asked(thread)
        reply = late.subscribe()
        assert reply["result"]["replayed_events"] == len(late.events)
        early.say("garbage")
        ids = [[event["event_id"] for event in viewer.events] for viewer in (early, late)]
        assert ids[0] == ids[1]
        assert [event["seq"] for event in late.events] == sorted({event["seq"] for event in late.events})
        lifecycle = [event for event in late.events if event["event_id"].startswith("synth:")]
        assert [event["event_id"].rpartition("|")[2] for event in lifecycle][:1] == ["running"]
        assert late.life() == ["running", "interrupted"]
        others = [event["event_id"].partition("-")[0] for event in late.events if event not in lifecycle]
        assert all(len(at) == 13 and at.isdigit() for at in others)


def test_an_answer_counts_once_and_in_its_place(server: Server) -> None:
    thread = server.thread()
    with server.follow(thread) as connection:
        viewer = Viewer(connection)
        viewer.subscribe()
        server.start(thread, server.asks)
        first, _ = viewer.questions(2)
        server.until_asked(thread)
        misplaced = viewer.respond(first, namespace=["elsewhere:1"])
        assert (misplaced["error"], misplaced["message"]) == (
            "no_such_interrupt",
            "Interrupt namespace does not match the pending interrupt.",
        )
        taken = viewer.respond(first)
        assert (taken["type"], taken["result"], list(taken["meta"])) == ("success", {}, ["applied_through_seq"])
        name = first["params"]["data"]["interrupt_id"]
        viewer.until(lambda _frame: viewer.life().count("interrupted") == 2)
        server.until_asked(thread)
        late = viewer.respond(first)
        assert (late["error"], late["message"]) == (
            "no_such_interrupt",
            f"Unknown or already-consumed interrupt: {name}",
        )
        runs = server.call("GET", f"/threads/{thread}/runs")[1]
        assert list(runs[0]["kwargs"]["command"]["resume"]) == [name]


def test_answers_given_at_once_are_runs_one_after_the_other(server: Server) -> None:
    thread = server.thread()
    with server.follow(thread) as connection:
        viewer = Viewer(connection)
        viewer.subscribe()
        server.start(thread, server.asks)
        first, second = viewer.questions(2)
        server.until_asked(thread)
        assert [viewer.respond(question)["type"] for question in (first, second)] == ["success", "success"]
        viewer.until(lambda _frame: viewer.life().count("running") == 3)
        assert viewer.life()[:5] == ["running", "interrupted"] * 2 + ["running"]
        again = [event for event in viewer.events if is_question(event)]
        assert second["params"]["data"] in [event["params"]["data"] for event in again if event != second]


def test_a_cancelled_run_is_interrupted_and_asks_nothing(server: Server) -> None:
    thread = server.thread()
    with server.follow(thread) as connection:
        viewer = Viewer(connection)
        viewer.subscribe()
        run = server.start(thread, server.works)
        viewer.until(lambda frame: frame.get("method") == "tasks")
        reject = {"assistant_id": server.assistant, "input": {}, "multitask_strategy": "reject"}
        assert server.call("POST", f"/threads/{thread}/runs", reject)[0] == 409
        cancel = f"/threads/{thread}/runs/{run['run_id']}/cancel"
        assert server.call("POST", cancel)[0] == 202
        viewer.until(lambda _frame: viewer.life()[-1:] == ["interrupted"])
        view = server.view(thread)
        assert (view["status"], view["interrupts"], view["error"]["error"]) == ("interrupted", {}, "UserInterrupt")
        assert not [event for event in viewer.events if is_question(event)]
        assert server.call("POST", cancel)[0] == 404


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("garbage", "invalid_argument", "Protocol commands must be valid JSON."),
        ('{"method": "x"}', "invalid_argument", "Protocol commands must include an integer id and string method."),
        ('{"id": 1, "method": "nope"}', "unknown_command", "Unknown protocol command: nope"),
        ('{"id": 1, "method": "input.respond", "params": {}}', "invalid_argument", "input.respond requires an"),
        (
            '{"id": 1, "method": "subscription.subscribe", "params": {}}',
            "invalid_argument",
            "subscription.subscribe req",
        ),
        (
            '{"id": 1, "method": "subscription.subscribe", "params": {"channels": ["bad"]}}',
            "invalid_argument",
            "subscription.subscribe received an unsupported channel.",
        ),
        (
            '{"id": 1, "method": "run.start", "params": {"assistant_id": "x"}}',
            "unknown_error",
            "422: Invalid assistant",
        ),
    ],
)
def test_a_command_that_makes_no_sense_is_an_error(server: Server, text: str, error: str, message: str) -> None:
    with server.follow(server.thread()) as connection:
        reply = Viewer(connection).say(text)
        assert (reply["type"], reply["error"]) == ("error", error)
        assert reply["message"].startswith(message)


def test_calls_have_the_same_answers(server: Server) -> None:
    thread = server.thread()
    statuses = [
        server.call(method, path.format(thread=thread, other=uuid.uuid4()), body)[0]
        for method, path, body in (
            ("GET", "/ok", None),
            ("GET", "/threads/{thread}", None),
            ("GET", "/threads/{other}", None),
            ("GET", "/threads/xyz", None),
            ("GET", "/threads/{other}/state", None),
            ("POST", "/threads/{thread}/runs", {}),
            ("POST", "/threads/{thread}/runs", {"assistant_id": "nope"}),
            ("POST", "/threads/{other}/runs", {"assistant_id": server.assistant, "input": {}}),
            ("POST", "/threads/{thread}/runs/{other}/cancel", None),
            ("POST", "/threads/search", {"status": "zzz"}),
            ("POST", "/threads/search", {"limit": 1}),
            ("POST", "/threads/{thread}/stream/events", {}),
            ("POST", "/threads/{thread}/commands", {"id": 1, "method": "nope"}),
        )
    ]
    assert statuses == [200, 200, 404, 422, 404, 422, 422, 404, 404, 422, 200, 400, 200]


def test_the_simulator_sends_frames_and_answers_of_the_same_form(langgraph: AgentServer) -> None:
    with Simulator("tasks", wire="langgraph", speed=20) as simulator:
        real = Server(langgraph.url, "research", {"ask": "two"}, {})
        simulated = Server(simulator.url.partition("/threads")[0], "coders", {}, {})
        forms, ours = _forms(real), _forms(simulated)
    for name, form in ours.items():
        assert form <= forms[name], name


def _forms(server: Server) -> dict[str, set[str]]:
    """Return the names of the fields of each kind of frame and answer, of a run with questions and one of a command."""
    thread, other = server.thread(), server.thread()
    with server.follow(thread) as first, server.follow(other) as second:
        viewer, talker = Viewer(first), Viewer(second)
        viewer.subscribe()
        server.start(thread, server.asks)
        viewer.questions(2)
        server.until_asked(thread)
        viewer.say("garbage")
        talker.subscribe()
        talker.send("run.start", assistant_id=server.assistant, input=server.asks)
        talker.until(
            lambda frame: frame.get("method") == "messages" and frame["params"]["data"]["event"][-6:] == "finish"
        )
        state = server.call("GET", f"/threads/{thread}/state")[1]
        view, run = server.view(thread), server.call("GET", f"/threads/{thread}/runs")[1][0]
    found: dict[str, set[str]] = {}
    for event in viewer.events + [event for event in talker.events if event["method"] in {"messages", "lifecycle"}]:
        data = event["params"]["data"]
        kind = data.get("event") or ("start" if "triggers" in data else "end") if event["method"] != "updates" else ""
        depth = "inner" if event["params"]["namespace"] else "root"
        if event["method"] == "lifecycle" and depth == "inner":
            continue  # the graph of the tests has no such transformers
        found.setdefault(f"{event['method']} {kind}", set()).update(event, event["params"])
        if event["method"] not in {"updates", "custom"}:
            found[f"{event['method']} {kind}"].update(f"data.{name}" for name in data)
    return found | {
        "thread": set(view),
        "state": set(state),
        "task": set(state["tasks"][0]),
        "interrupt": {"id", "value"} & set(state["tasks"][0]["interrupts"][0]),
        "run": set(run),
        "kwargs": set(run["kwargs"]),
    }


# ---- AG-UI ----------------------------------------------------------------------------------------------------------


class Endpoint:
    """An AG-UI endpoint.

    Args:
        url: its address.
        state: the state of the request with which it asks.
    """

    def __init__(self, url: str, state: Message) -> None:
        self._place = urlsplit(url)
        self.body: Message = {
            "threadId": str(uuid.uuid4()),
            "runId": "",
            "messages": [{"id": "u", "role": "user", "content": "go"}],
            "state": state,
            "tools": [],
            "context": [],
            "forwardedProps": {},
        }

    def send(self, method: str, body: Any = None) -> tuple[int, str]:
        """Send a request; return the status and the response."""
        connection = http.client.HTTPConnection(str(self._place.hostname), self._place.port or 0, timeout=60)
        try:
            headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
            text = body if body is None or isinstance(body, str) else json.dumps(body)
            connection.request(method, self._place.path, text, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def run(self, **fields: Any) -> list[Message]:
        """Post a request of this thread; return the events, and keep the messages with tool calls."""
        status, text = self.send("POST", self.body | {"runId": str(uuid.uuid4())} | fields)
        assert status == 200, text
        events: list[Message] = [json.loads(block[6:]) for block in text.split("\n\n") if block.startswith("data: ")]
        for event in events:
            if event["type"] == "TOOL_CALL_START":
                function = {"name": event["toolCallName"], "arguments": "{}"}
                call = {"id": event["toolCallId"], "type": "function", "function": function}
                self.body["messages"].append({"id": event["toolCallId"], "role": "assistant", "toolCalls": [call]})
        return events


def approving() -> Agent[Any, Any]:
    """Return an agent that calls a tool which needs approval."""

    async def stream(messages: list[Any], _info: Any) -> Any:
        if len(messages) > 1:
            yield "done"
        else:
            yield {0: DeltaToolCall(name="deploy", json_args="{}", tool_call_id="call-1")}

    agent: Agent[Any, Any] = Agent(FunctionModel(stream_function=stream), output_type=[str, DeferredToolRequests])

    @agent.tool_plain(requires_approval=True)
    def deploy() -> str:
        return "deployed"

    return agent


@pytest.fixture(params=["real", "simulator"])
def approval(request: pytest.FixtureRequest) -> Iterator[tuple[Endpoint, list[Message]]]:
    """An endpoint, and the events of a run that has ended with the approval of a tool call."""
    if request.param == "real":
        with agent_server(approving()) as (url, _):
            endpoint = Endpoint(url, {})
            yield endpoint, endpoint.run()
        return
    with Simulator("tasks", wire="agui", speed=0) as simulator:
        endpoint = Endpoint(simulator.url, {})
        asked = [each["id"] for each in endpoint.run()[-1]["outcome"]["interrupts"]]
        answers = [_answer(asked[0], {}), _answer(asked[1], "keyset")]
        yield endpoint, endpoint.run(resume=answers)


def _answer(name: str, payload: Any) -> Message:
    return {"interruptId": name, "status": "resolved", "payload": payload}


def test_an_approval_is_asked_and_answered_in_the_same_form(approval: tuple[Endpoint, list[Message]]) -> None:
    endpoint, events = approval
    assert events[0]["type"] == "RUN_STARTED"
    assert set(events[0]) == {"type", "timestamp", "threadId", "runId", "protocolVersion"}
    end = events[-1]
    [interrupt] = end["outcome"]["interrupts"]
    assert (end["type"], end["outcome"]["type"], interrupt["reason"]) == ("RUN_FINISHED", "interrupt", "tool_call")
    assert {"id", "reason", "message", "toolCallId", "responseSchema"} <= set(interrupt)
    assert interrupt["responseSchema"]["required"] == ["approved"]
    assert set(interrupt["responseSchema"]["properties"]) == {"approved", "editedArgs", "reason"}
    after = endpoint.run(resume=[_answer(interrupt["id"], {"approved": True})])
    assert [event["type"] for event in after if event["type"] == "TOOL_CALL_RESULT"][:1] == ["TOOL_CALL_RESULT"]
    assert after[-1]["outcome"] == {"type": "success"}
    assert {"model", "inputTokens", "outputTokens", "totalTokens"} <= set(after[-1].get("usage", [{}])[0] or {"model"})


def test_a_resume_without_the_message_of_the_call_is_refused(approval: tuple[Endpoint, list[Message]]) -> None:
    endpoint, events = approval
    [interrupt] = events[-1]["outcome"]["interrupts"]
    answer = _answer(interrupt["id"], {"approved": True})
    refused = endpoint.run(resume=[answer], messages=[{"id": "u", "role": "user", "content": "go"}])
    assert [refused[0]["type"], refused[-1]["type"]] == ["RUN_STARTED", "RUN_ERROR"]
    unknown = endpoint.run(resume=[_answer("none such", {"approved": True})])
    assert unknown[-1]["type"] == "RUN_ERROR"
    assert isinstance(unknown[-1]["message"], str)


@pytest.fixture(params=["real", "simulator"])
def legacy(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    if request.param == "real":
        real: AgentServer = request.getfixturevalue("agui")
        yield Endpoint(f"{real.url}/legacy", {"ask": "plain"})
        return
    with Simulator("tasks", wire="agui", dialect="on_interrupt", speed=0) as simulator:
        yield Endpoint(simulator.url, {})


def test_a_question_is_an_event_whose_value_is_json_and_a_command_answers_it(legacy: Endpoint) -> None:
    events = legacy.run()
    assert not [event for event in events if "timestamp" in event]
    assert set(events[0]) == set(events[-1]) == {"type", "threadId", "runId"}
    [asked] = [event for event in events if event["type"] == "CUSTOM" and event["name"] == "on_interrupt"]
    value = json.loads(asked["value"])
    assert {"question", "options"} <= set(value)
    assert {"STEP_STARTED", "STEP_FINISHED", "STATE_SNAPSHOT", "MESSAGES_SNAPSHOT", "RAW"} <= {
        event["type"] for event in events
    }
    after = legacy.run(forwardedProps={"command": {"resume": value["options"][0]}})
    again = [event for event in after if event["type"] == "CUSTOM" and event["value"] == asked["value"]]
    assert (after[-1]["type"], again) == ("RUN_FINISHED", [])


def test_requests_that_are_none_are_refused_alike(legacy: Endpoint) -> None:
    assert legacy.send("GET")[0] == 405
    assert legacy.send("POST", "{")[0] == 422
    status, text = legacy.send("POST", {})
    assert status == 422
    missing = [problem["loc"] for problem in json.loads(text)["detail"] if problem["type"] == "missing"]
    assert missing == [["body", "threadId"], ["body", "runId"], ["body", "messages"]]
