"""The simulator as a LangGraph Agent Server: its stream, its commands, its REST, faults, and consoles on all of it."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from runconsole import Console, ConsoleFailed, DecisionExpired, DecisionRefused, Reconnect
from runconsole.simulator import Crash, Drop, Duplicate, Garbage, LoseReply, Refuse, Reorder, Simulator, Stray
from runconsole.simulator.wires import langgraph as server
from tests.servers.json_server import eventually

Message = dict[str, Any]
CHANNELS = ["lifecycle", "input", "tasks", "tools", "custom", "updates", "messages"]
REST = {"assistant_id": "coders", "stream_mode": ["tasks", "custom", "updates"], "stream_resumable": True}
ENDS = {"completed", "failed"}
QUICK = Reconnect(first=0.01, longest=0.01)


def simulator(**options: Any) -> Simulator:
    given: dict[str, Any] = {"wire": "langgraph", "speed": 0} | options
    return Simulator("tasks", **given)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator() as running:
        yield running


class Viewer:
    """A client of a thread's stream."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.events: list[Message] = []
        self._number = 0

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the next frame that is wanted."""
        while True:
            frame: Message = json.loads(self.connection.recv(timeout=30))
            if frame["type"] == "event":
                self.events.append(frame)
            if wanted(frame):
                return frame

    def send(self, method: str, **params: Any) -> Message:
        """Send a command; return its reply."""
        self._number += 1
        number = self._number
        self.connection.send(json.dumps({"id": number, "method": method, "params": params}))
        return self.until(lambda frame: frame["type"] != "event" and frame.get("id") == number)

    def subscribe(self, channels: list[str] = CHANNELS) -> Message:
        return self.send("subscription.subscribe", channels=channels)

    def questions(self, sim: Simulator) -> list[Message]:
        """Return the events of the open questions, once the run has ended with them."""
        eventually(lambda: call(sim, "GET", "")[1]["status"] == "interrupted")
        listed = [each["id"] for asked in call(sim, "GET", "")[1]["interrupts"].values() for each in asked]
        run_id = call(sim, "GET", "runs")[1][0]["run_id"]
        ids = [f"synth:{run_id}:input|{{}}|{name}" for name in listed]
        found: list[Message] = []
        for event_id in ids:
            known = [event for event in self.events if _matches(event, event_id)]
            found.append(known[0] if known else self.until(partial(_matches, event_id=event_id)))
        return found

    def respond(self, question: Message, response: Any) -> Message:
        data, namespace = question["params"]["data"], question["params"]["namespace"]
        return self.send("input.respond", namespace=namespace, interrupt_id=data["interrupt_id"], response=response)

    def of(self, method: str) -> list[Message]:
        return [event for event in self.events if event["method"] == method]


def _matches(event: Message, event_id: str) -> bool:
    before, _, after = event_id.partition("{}")
    return str(event.get("event_id")).startswith(before) and str(event["event_id"]).endswith(after)


def lifecycle(events: list[Message]) -> list[str]:
    """Return the life of the whole graph."""
    return [event["params"]["data"]["event"] for event in events if event["method"] == "lifecycle" and not place(event)]


def place(event: Message) -> list[str]:
    namespace: list[str] = event["params"]["namespace"]
    return namespace


def is_question(frame: Message) -> bool:
    return frame.get("method") == "input.requested"


def is_over(frame: Message) -> bool:
    return frame.get("method") == "lifecycle" and not place(frame) and frame["params"]["data"]["event"] in ENDS


def address(sim: Simulator) -> str:
    return sim.url.replace("http://", "ws://") + "/stream/events"


def viewer(sim: Simulator, thread_id: str | None = None) -> Any:
    url = address(sim) if thread_id is None else address(sim).replace(urlsplit(sim.url).path[9:], thread_id)
    return connect(url, max_queue=None, additional_headers={"x-api-key": "right"})


def call(sim: Simulator, method: str, path: str, body: Any = None, key: str = "right") -> tuple[int, Any]:
    """Make a call over REST; a path without a slash is one of the thread."""
    place = urlsplit(sim.url)
    target = path if path.startswith("/") else f"{place.path}/{path}".rstrip("/")
    connection = http.client.HTTPConnection(str(place.hostname), place.port or 0, timeout=30)
    try:
        connection.request(method, target, None if body is None else json.dumps(body), {"x-api-key": key})
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    finally:
        connection.close()


def server_thread(sim: Simulator) -> str:
    return sim.url.rpartition("/")[2]


def first_option(question: Any) -> str:
    return str(question.options[0].id)


def answered(client: Viewer, sim: Simulator, responses: list[Any]) -> None:
    """Answer the first open question with each of these."""
    for response in responses:
        assert client.respond(client.questions(sim)[0], response)["type"] == "success"


# ---- the stream -----------------------------------------------------------------------------------------------------


def test_a_run_ends_with_its_questions_and_another_one_answers_one_of_them(sim: Simulator) -> None:
    with viewer(sim) as connection:
        client = Viewer(connection)
        assert client.subscribe()["result"]["replayed_events"] >= 0
        spec, design = client.questions(sim)
        assert design["params"]["data"]["payload"]["options"] == ["keyset", "view", "export", "reject"]
        state = call(sim, "GET", "state")[1]
        schemas = {each["id"]: each.get("response_schema") for task in state["tasks"] for each in task["interrupts"]}
        assert set(schemas[spec["params"]["data"]["interrupt_id"]]["properties"]) == {"decision", "feedback"}
        assert schemas[design["params"]["data"]["interrupt_id"]] is None
        assert client.respond(spec, {"decision": "modify", "feedback": "short"})["type"] == "success"
        again, merge = client.questions(sim)
        assert again["params"]["data"] == design["params"]["data"]
        assert again["event_id"] != design["event_id"]
        assert client.respond(again, "view")["type"] == "success"
        assert len(client.questions(sim)) == 1
        edited = {"type": "edit", "edited_action": {"name": "merge_and_deploy", "args": {"instances": 2}}}
        assert client.respond(merge, {"decisions": [edited]})["type"] == "success"
        client.until(is_over)
        assert lifecycle(client.events) == [*["running", "interrupted"] * 3, "running", "completed"]
    decided = [(one.option, one.feedback, one.modifications) for one in sim.decisions]
    assert decided == [("modify", "short", None), ("view", None, None), ("approve", None, {"instances": 2})]
    assert call(sim, "GET", "")[1]["status"] == "idle"
    assert [run["status"] for run in call(sim, "GET", "runs")[1]] == ["success"] * 4


def test_everything_is_sent_again_with_the_same_ids_and_times_of_the_replay(sim: Simulator) -> None:
    with viewer(sim) as first, viewer(sim) as second:
        early, late = Viewer(first), Viewer(second)
        early.subscribe()
        answered(early, sim, [{}, "keyset", {"decisions": [{"type": "reject", "message": "not today"}]}])
        early.until(is_over)
        assert late.subscribe()["result"]["replayed_events"] == len(early.events)
    assert [event["event_id"] for event in late.events] == [event["event_id"] for event in early.events]
    assert len({event["event_id"] for event in late.events}) == len(late.events)
    assert [event["seq"] for event in late.events] == list(range(1, len(late.events) + 1))
    first_times, last_times = (
        [event["params"]["timestamp"] for event in client.events if event["event_id"].startswith("synth:")]
        for client in (early, late)
    )
    assert last_times[0] >= first_times[-1]
    assert early.events[-1]["params"]["data"] == {"event": "failed", "graph_name": "coders"} | {
        "error": "The merge was not approved: not today"
    }
    assert call(sim, "GET", "")[1]["error"]["message"] == "The merge was not approved: not today"


def test_a_run_of_rest_has_tasks_and_one_of_a_command_messages_and_tools(sim: Simulator) -> None:
    with viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        client.questions(sim)
        before = {event["method"] for event in client.events}
        assert {"tasks", "updates", "custom"} <= before
        assert not before & {"messages", "tools"}
        assert all(set(event["params"]["data"]) == {"payload"} for event in client.of("custom"))
        starts = [event["params"]["data"] for event in client.of("tasks") if "triggers" in event["params"]["data"]]
        answered(client, sim, [{}])
        client.questions(sim)
        after = client.events[
            [event["event_id"].rpartition("lc||")[2] for event in client.events].index("running", 1) :
        ]
        assert {"messages", "tools", "custom"} <= {event["method"] for event in after}
        assert "tasks" not in {event["method"] for event in after}
        assert not [event for event in after if event["method"] == "custom" and "payload" in event["params"]["data"]]
        [inner] = {tuple(place(event)) for event in after if place(event)[:1] and "password" in place(event)[0]}
        assert inner[0].partition(":")[2] in {start["id"] for start in starts}


def test_an_answer_over_rest_goes_on_with_tasks(sim: Simulator) -> None:
    with viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        [spec, _] = client.questions(sim)
        count = len(client.events)
        resume = {spec["params"]["data"]["interrupt_id"]: {"decision": "reject"}}
        status, run = call(sim, "POST", "runs", REST | {"command": {"resume": resume}})
        assert (status, run["kwargs"]["command"]) == (200, {"resume": resume})
        client.questions(sim)
        assert "tasks" in {event["method"] for event in client.events[count:]}
    assert [one.option for one in sim.decisions] == ["reject"]


def test_the_other_dialect_has_no_tasks_at_all() -> None:
    with simulator(dialect="protocol") as sim, viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        answered(client, sim, [{}, "keyset", {"decisions": [{"type": "approve"}]}])
        client.until(is_over)
        assert client.of("tasks") == []
        text = "".join(
            event["params"]["data"]["delta"]["text"]
            for event in client.of("messages")
            if event["params"]["data"]["event"] == "content-block-delta"
        )
        said = [event["payload"]["data"] for event in sim.events if event["type"] == "task.output"]
        assert len(text) == sum(map(len, said))
        ends = [event["params"]["data"] for event in client.of("messages")]
        usage = [end["usage"]["total_tokens"] for end in ends if end["event"] == "message-finish"]
        used = [event["payload"]["metrics"]["tokensUsed"] for event in sim.events if event["type"] == "task.completed"]
        assert sum(usage) == sum(used)


def test_without_a_replay_and_beyond_the_buffer_the_past_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator(replay="none", autostart=True) as sim:
        eventually(lambda: call(sim, "GET", "")[1]["status"] == "interrupted")
        with viewer(sim) as connection:
            assert Viewer(connection).subscribe()["result"]["replayed_events"] == 0
    monkeypatch.setattr(server, "BUFFER", 5)
    with simulator(autostart=True) as sim:
        eventually(lambda: call(sim, "GET", "")[1]["status"] == "interrupted")
        with viewer(sim) as connection:
            assert Viewer(connection).subscribe()["result"]["replayed_events"] == 5


def test_the_same_events_come_as_server_sent_events_since_a_number(sim: Simulator) -> None:
    with viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        client.questions(sim)
    host = urlsplit(sim.url)
    lines: list[str] = []
    stream = http.client.HTTPConnection(str(host.hostname), host.port or 0, timeout=30)
    stream.request("POST", f"{host.path}/stream/events", json.dumps({"channels": CHANNELS, "since": 3}))
    response = stream.getresponse()
    assert response.headers["content-type"] == "text/event-stream"
    while len(lines) < 8:
        lines.append(response.readline().decode().rstrip("\r\n"))
    stream.close()
    assert lines[2] == "id: 4"
    assert json.loads(lines[1].removeprefix("data: "))["event_id"] == client.events[3]["event_id"]
    assert lines[4].startswith("event: ")
    assert call(sim, "POST", "stream/events", {})[0] == 400


# ---- strictness -----------------------------------------------------------------------------------------------------


def test_an_answer_counts_once_and_in_its_place(sim: Simulator) -> None:
    with viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        spec, _ = client.questions(sim)
        wrong = json.loads(json.dumps(spec))
        wrong["params"]["namespace"] = []
        assert "namespace does not match" in client.respond(wrong, {})["message"]
        assert client.respond(spec, {})["type"] == "success"
        late = client.respond(spec, {})
        assert (late["error"], late["message"].partition(":")[0]) == (
            "no_such_interrupt",
            "Unknown or already-consumed interrupt",
        )
    assert len(sim.decisions) == 1


def test_answers_given_at_once_are_runs_one_after_the_other() -> None:
    with simulator(speed=200) as sim, viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        spec, design = client.questions(sim)
        assert client.respond(spec, {})["type"] == "success"
        assert client.respond(design, "view")["type"] == "success"
        assert client.respond(design, "keyset")["type"] == "success"  # as the real server says, it does not count
        assert [run["status"] for run in call(sim, "GET", "runs")[1]] == ["pending", "pending", "running", "success"]
        thread = call(sim, "GET", "")[1]
        assert (thread["status"], len(thread["interrupts"])) == ("busy", 2)
        client.until(lambda _frame: lifecycle(client.events).count("running") == 4)
        asked_again = [
            event for event in client.events if is_question(event) and event["event_id"] != design["event_id"]
        ]
        assert design["params"]["data"] in [event["params"]["data"] for event in asked_again]
        assert len(client.questions(sim)) == 1
    assert [one.option for one in sim.decisions] == ["approve", "view"]


def test_a_run_that_waits_for_another_can_be_cancelled() -> None:
    with simulator(speed=1) as sim, viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        waiting = call(sim, "POST", "runs", REST | {"input": {"number": 2}})[1]
        third = call(sim, "POST", "runs", REST | {"input": {"number": 3}})[1]
        assert (waiting["status"], third["status"]) == ("pending", "pending")
        assert call(sim, "POST", f"runs/{waiting['run_id']}/cancel")[0] == 202
        first = call(sim, "GET", "runs")[1][-1]
        assert call(sim, "POST", f"runs/{first['run_id']}/cancel")[0] == 202
        statuses = [run["status"] for run in call(sim, "GET", "runs")[1]]
        assert statuses == ["running", "interrupted", "interrupted"]


def test_the_graph_asks_again_after_an_answer_that_it_cannot_read(sim: Simulator) -> None:
    with viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        spec, design = client.questions(sim)
        assert client.respond(design, "none such")["type"] == "success"
        again = client.questions(sim)
        assert [each["params"]["data"] for each in again] == [each["params"]["data"] for each in (spec, design)]
    assert sim.decisions == []
    assert len(call(sim, "GET", "runs")[1]) == 2


def test_an_answer_of_somebody_else_is_another_run(sim: Simulator) -> None:
    with viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        client.questions(sim)
        sim.decide("cp-101-spec", "approve")
        client.questions(sim)
        runs = call(sim, "GET", "runs")[1]
        assert list(runs[0]["kwargs"]["command"]["resume"].values()) == ["approve"]


def test_a_run_is_cancelled_once_and_leaves_no_question() -> None:
    with simulator(speed=1) as sim, viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        client.until(lambda frame: frame.get("method") == "tasks")
        run_id = call(sim, "GET", "runs")[1][0]["run_id"]
        assert call(sim, "GET", "")[1]["status"] == "busy"
        assert call(sim, "POST", "runs", REST | {"input": {}, "multitask_strategy": "reject"})[0] == 409
        refused = client.send("run.start", assistant_id="coders", input={}, multitaskStrategy="reject")
        assert (refused["error"], refused["message"][:4]) == ("unknown_error", "409:")
        assert call(sim, "POST", f"runs/{run_id}/cancel")[0] == 202
        client.until(lambda frame: lifecycle(client.events)[-1:] == ["interrupted"])
        thread = call(sim, "GET", "")[1]
        assert (thread["status"], thread["interrupts"], thread["error"]["error"]) == (
            "interrupted",
            {},
            "UserInterrupt",
        )
        assert call(sim, "POST", f"runs/{run_id}/cancel")[0] == 404
        assert sim.wait_finished(10)
        status, run = call(sim, "POST", "runs", REST | {"input": {"again": True}})
        assert (status, run["status"]) == (200, "running")
        client.until(lambda frame: frame.get("event_id") == f"synth:{run['run_id']}:lc||running")


def test_a_thread_may_be_followed_before_it_is_there(sim: Simulator) -> None:
    thread_id = str(uuid.uuid4())
    with viewer(sim, thread_id) as connection:
        client = Viewer(connection)
        assert client.subscribe()["result"]["replayed_events"] == 0
        assert call(sim, "GET", f"/threads/{thread_id}")[0] == 404
        assert client.send("run.start", assistant_id="coders", input={})["type"] == "success"
        client.until(lambda frame: frame.get("method") == "messages")
        assert call(sim, "GET", f"/threads/{thread_id}")[1]["thread_id"] == thread_id
        assert call(sim, "GET", "runs")[1] == []  # the run of the other thread has not begun


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("nope", {}, "unknown_command"),
        ("input.respond", {}, "invalid_argument"),
        ("input.respond", {"responses": [{}]}, "invalid_argument"),
        ("input.respond", {"interrupt_id": "x", "response": 1}, "no_such_interrupt"),
        ("subscription.subscribe", {}, "invalid_argument"),
        ("subscription.subscribe", {"channels": ["bad"]}, "invalid_argument"),
        ("run.start", {"assistant_id": "none"}, "unknown_error"),
    ],
)
def test_a_command_that_makes_no_sense_is_an_error(sim: Simulator, method: str, params: Any, error: str) -> None:
    with viewer(sim) as connection:
        reply = Viewer(connection).send(method, **params)
        assert (reply["type"], reply["error"]) == ("error", error)


def test_a_frame_that_is_no_command_is_an_error_without_a_number(sim: Simulator) -> None:
    with viewer(sim) as connection:
        for text in ("garbage", "[1]", '{"id": "x", "method": "m"}'):
            connection.send(text)
            reply = json.loads(connection.recv(timeout=30))
            assert (reply["id"], reply["error"]) == (None, "invalid_argument")


def test_calls_are_answered_as_the_real_server_does() -> None:
    with simulator(token="right") as sim:
        assert call(sim, "GET", "/ok") == (200, {"ok": True})
        assert call(sim, "GET", "", key="wrong")[0] == 403
        assert call(sim, "GET", f"/threads/{uuid.uuid4()}")[0] == 404
        assert call(sim, "GET", "/threads/xyz") == (422, {"detail": "Invalid thread ID: must be a UUID"})
        assert call(sim, "GET", "/none")[0] == 404
        assert call(sim, "GET", "none")[0] == 404
        assert call(sim, "POST", "runs", {})[0] == 422
        assert "Invalid assistant" in call(sim, "POST", "runs", {"assistant_id": "nope"})[1]["detail"]
        assert call(sim, "POST", f"runs/{uuid.uuid4()}/cancel")[0] == 404
        assert call(sim, "POST", "/threads/search", {"status": "zzz"})[0] == 422
        assert call(sim, "POST", "/threads/search", {"status": "interrupted"}) == (200, [])
        made = call(sim, "POST", "/threads", {})[1]
        assert (made["status"], made["values"]) == ("idle", None)
        assert len(call(sim, "POST", "/threads/search", {})[1]) == 2
        assert call(sim, "POST", "/assistants/search", {})[1][0]["graph_id"] == "coders"
        assert call(sim, "POST", "commands", {"id": 1, "method": "agent.getTree"})[1]["type"] == "success"
        with pytest.raises(InvalidStatus, match="403"), connect(address(sim)):
            pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"family": "execution"}, "plays the 'tasks' family, not 'execution'"),
        ({"dialect": "outcome"}, "dialect of the wire 'langgraph' must be 'rest' or 'protocol'"),
        ({"strict": True}, "strict is no option of the wire 'langgraph'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Simulator(**{"family": "tasks", "wire": "langgraph", **options})


# ---- consoles -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["rest", "protocol"])
def test_a_console_follows_a_run_to_its_end(dialect: Any) -> None:
    with simulator(dialect=dialect, token="right") as sim:
        with Console(sim.url, token="right", on_checkpoint=first_option) as console:
            console.wait(timeout=60)
            assert console.protocol == "langgraph"
            assert console.run.status == "completed"
            assert len(console.runs) == 1
            assert sorted(console.tasks["name"]) == [
                "flaky_test",
                "orders_report",
                "password_reset",
                "payments_upgrade",
            ]
            assert set(console.tasks["status"]) == {"completed"}
            calls = [event["payload"]["tool"]["name"] for event in sim.events if event["type"] == "agent.tool_call"]
            assert console.tool_calls["name"].tolist() == calls
            assert set(console.tool_calls["status"]) == {"completed"}
            used = [event["payload"]["metrics"] for event in sim.events if event["type"] == "task.completed"]
            assert console.agents["tokens"].sum() == sum(metrics["tokensUsed"] for metrics in used)
            assert set(console.decisions["state"]) <= {"acknowledged", "applied"}
        assert [one.option for one in sim.decisions] == ["approve", "keyset", "approve"]


def test_faults_lose_nothing_and_double_nothing() -> None:
    faults = [Drop(after=30), Duplicate(after=50, count=5), Reorder(after=60), Garbage(after=70), Stray(after=80)]
    with simulator(faults=[*faults, Refuse(times=1)], speed=200) as sim:
        with Console(sim.url, reconnect=QUICK, on_checkpoint=first_option) as console:
            console.wait(timeout=60)
            assert console.run.status == "completed"
            assert set(console.tasks["status"]) == {"completed"}
            calls = [event["payload"]["tool"]["name"] for event in sim.events if event["type"] == "agent.tool_call"]
            assert console.tool_calls["name"].tolist() == calls
            assert sim.connections >= 2
        assert len(sim.decisions) == 3


def test_a_crash_without_memory_is_followed_to_the_end() -> None:
    with simulator(faults=[Crash(after=40, down_s=0, forget=True)], speed=100) as sim:
        with Console(sim.url, reconnect=QUICK, on_checkpoint=first_option) as console:
            console.wait(timeout=60)
            assert console.run.status == "completed"
        assert len(sim.decisions) == 3


def test_an_answer_that_another_gave_first_is_refused(sim: Simulator) -> None:
    with Console(sim.url) as console:
        eventually(lambda: len(console.pending) == 2)
        spec, design = console.pending
        console.decide(spec, "submit", values={})
        sim.decide("cp-102-architecture", "view")
        # The stream or the server's refusal comes first: the task that asked has ended, or the question is answered.
        with pytest.raises((DecisionExpired, DecisionRefused)):
            console.decide(design, "keyset")
        assert [one.by for one in sim.decisions] == ["user", "colleague"]


def test_an_answer_whose_reply_is_lost_is_not_given_again() -> None:
    with simulator(faults=[LoseReply(nth=1)]) as sim:
        with Console(sim.url, reconnect=QUICK) as console:
            eventually(lambda: len(console.pending) == 2)
            spec, _ = console.pending
            with pytest.raises(Exception, match="was sent, but the link broke before the answer"):
                console.decide(spec, "submit", values={})
            eventually(lambda: sim.connections == 2)
        assert len(sim.decisions) == 1


def test_a_console_starts_a_run_on_a_thread_of_its_own_and_cancels_it() -> None:
    with simulator(speed=1) as sim:
        url = sim.url.replace(server_thread(sim), str(uuid.uuid4()))
        with Console(url, input={"queue": "all"}, assistant="coders") as console:
            eventually(lambda: len(console.tasks) == 2)
            console.cancel()
            console.wait(timeout=60)
            assert console.run.status == "cancelled"
            assert set(console.tasks["status"]) == {"cancelled"}
            assert not console.pending
        assert call(sim, "GET", "runs")[1] == []


def test_a_wrong_key_is_said() -> None:
    with (
        simulator(token="right") as sim,
        Console(sim.url, token="wrong") as console,
        pytest.raises(ConsoleFailed, match="403"),
    ):
        console.wait(timeout=60)


def test_stopping_ends_streams_that_go_on() -> None:
    sim = simulator(speed=1).start()
    with viewer(sim) as connection:
        client = Viewer(connection)
        client.subscribe()
        sim.stop()
        assert not sim.running
        with pytest.raises(ConnectionClosed):
            client.until(lambda _frame: False)
