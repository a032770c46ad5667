"""Consoles on a thread of a LangGraph Agent Server: a stand-in over loopback plays what the real one has sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runconsole import (
    Console,
    ConsoleFailed,
    DecisionRefused,
    DecisionUnknown,
    InvalidArgument,
    Reconnect,
    UnsupportedByWire,
)
from tests.servers.json_server import eventually
from tests.servers.langgraph_server import THREAD, langgraph_server
from tests.servers.other_servers import closed_port

QUICK = Reconnect(first=0.01, longest=0.01)
SECRET = "s3cret-value"


def names(console: Console) -> list[tuple[str, str]]:
    return [(name, str(status)) for name, status in console.tasks[["name", "status"]].to_numpy().tolist()]


def test_a_fan_out_with_a_question_is_followed_and_answered() -> None:
    with langgraph_server("question") as (url, thread), Console(url) as console:
        eventually(lambda: console.pending)
        assert console.protocol == "langgraph"
        [question] = console.pending
        assert (question.title, [option.id for option in question.options]) == ("Publish?", ["yes", "no"])
        assert names(console)[2:] == [("worker", "completed")] * 3 + [("review", "paused")]
        assert console.tasks.loc[str(question.task_id), "name"] == "review"
        assert console.run.status == "running"
        assert console.decide(question, "yes").state == "acknowledged"
        console.wait(timeout=60)
        assert console.run.status == "completed"
        assert console.run.title == "agent"
        assert {status for _, status in names(console)} == {"completed"}
        assert console.subtasks["name"].tolist().count("step") == 3
        assert set(console.tasks["step"].dropna()) == {"looked up Paris", "a 3", "b 3", "c 3"}
        assert console.tool_calls[["name", "status"]].to_numpy().tolist() == [["lookup", "completed"]]
        assert "".join(console.output["text"]) == "I will look at three\n"
        assert console.output["agent_id"].tolist() == ["plan"]
        assert len(console.runs) == 1
        eventually(lambda: console.decisions["state"].tolist() == ["applied"])
    assert thread.answers() == ["yes"]


def test_a_late_viewer_sees_what_was_answered_and_by_another() -> None:
    with langgraph_server("question") as (url, thread):
        thread.step = 1
        with Console(url) as console:
            console.wait(timeout=60)
            eventually(lambda: console.checkpoints["decided_by"].tolist() == ["other"])
            [row] = console.checkpoints[["title", "status", "decision"]].to_numpy().tolist()
            assert row == ["Publish?", "decided", "yes"]
            assert not console.pending
            assert console.run.status == "completed"
    assert thread.answers() == []


def test_an_answer_that_came_too_late_is_refused_and_the_decision_of_the_other_shown() -> None:
    with langgraph_server("question") as (url, thread), Console(url) as console:
        eventually(lambda: console.pending)
        [question] = console.pending
        thread.overrides["runs"] = (503, None)
        thread.step = 1
        with pytest.raises(DecisionRefused, match="already"):
            console.decide(question, "no")
        console.wait(timeout=60)
        assert console.checkpoints["decided_by"].tolist() == ["other"]
    assert thread.answers() == []


def test_a_form_asks_for_what_the_state_of_the_thread_describes() -> None:
    with langgraph_server("form") as (url, thread), Console(url) as console:
        eventually(lambda: console.pending)
        [question] = console.pending
        assert question.schema is not None
        assert question.schema["required"] == ["score"]
        console.decide(question, "submit", values={"score": 3})
        console.wait(timeout=60)
    assert thread.answers() == [{"score": 3}]


def test_a_form_is_found_in_the_state_where_the_thread_does_not_hold_it() -> None:
    with langgraph_server("form") as (url, thread):
        known = thread.known("thread")
        for listed in known["interrupts"].values():
            listed[0].pop("response_schema")
        thread.overrides["thread"] = (200, known)
        with Console(url) as console:
            eventually(lambda: console.pending)
            assert console.pending[0].schema is not None
            assert any(path.endswith("/state") for path in thread.gets)


def test_a_failed_node_fails_the_run() -> None:
    with langgraph_server("failed") as (url, _), Console(url) as console:
        console.wait(timeout=60)
        assert console.run.status == "failed"
        assert names(console).count(("worker", "failed")) == 1
        assert console.errors[["message", "error_type", "task_name"]].to_numpy().tolist() == [
            ["worker b broke", "ValueError", "worker"]
        ]


def test_a_cancelled_run_is_no_question() -> None:
    with langgraph_server("cancelled") as (url, _), Console(url) as console:
        console.wait(timeout=60)
        assert console.run.status == "cancelled"
        assert console.checkpoints.empty
        assert ("worker", "cancelled") in names(console)


def test_a_run_of_the_protocol_reports_messages_and_subgraphs() -> None:
    with langgraph_server("protocol") as (url, _), Console(url) as console:
        eventually(lambda: console.pending)
        assert "".join(console.output["text"]) == "I will look at three\n"
        console.decide(console.pending[0], "yes")
        console.wait(timeout=60)
        assert [name for name, _ in names(console)][:4] == ["agent", "worker", "worker", "worker"]


def test_a_later_run_of_the_thread_is_another_execution() -> None:
    with langgraph_server("failed") as (url, thread), Console(url) as console:
        console.wait(timeout=60)
        first = console.run.execution_id
        thread.extra += [_life("running"), _life("completed")]
        eventually(lambda: len(console.runs) == 2 and console.run.status == "completed")
        assert [run.run.status for run in console.runs] == ["failed", "completed"]
        assert console.runs[0].run.execution_id == first


def _life(event: str, run_id: str = "later") -> dict[str, Any]:
    params = {"namespace": [], "timestamp": 1, "data": {"event": event, "graph_name": "agent"}}
    return {
        "type": "event",
        "event_id": f"synth:{run_id}:lc||{event}",
        "seq": 99,
        "method": "lifecycle",
        "params": params,
    }


def test_nothing_is_doubled_when_the_server_sends_everything_again() -> None:
    with langgraph_server("question") as (url, thread), Console(url, reconnect=QUICK) as console:
        eventually(lambda: console.pending)
        events, output = len(console.events), "".join(console.output["text"])
        thread.kick = True
        eventually(lambda: int(console.links["duplicates"].sum()) >= len(thread.events))
        assert (len(console.events), "".join(console.output["text"])) == (events, output)
        console.decide(console.pending[0], "yes")
        console.wait(timeout=60)
        assert console.checkpoints["status"].tolist() == ["decided"]
    assert thread.answers() == ["yes"]


def test_without_a_socket_the_events_come_as_server_sent_events() -> None:
    with langgraph_server("question", has_socket=False) as (url, thread), Console(url) as console:
        eventually(lambda: console.pending)
        assert console.decide(console.pending[0], "yes").state == "acknowledged"
        console.wait(timeout=60)
        assert console.run.status == "completed"
    assert thread.answers() == ["yes"]


def test_the_key_travels_and_a_wrong_one_is_said() -> None:
    with langgraph_server("question", key=SECRET) as (url, _):
        with Console(url, token=SECRET) as console:
            eventually(lambda: console.pending)
            assert SECRET not in repr(console)
        with Console(url, token="wrong-one") as console, pytest.raises(ConsoleFailed, match=r"pass a valid token="):
            console.wait(timeout=60)


def test_an_unknown_thread_is_said() -> None:
    with langgraph_server("question") as (url, _):
        other = url.replace(THREAD, "01a22171-0000-7000-8000-000000000009")
        with (
            Console(other) as console,
            pytest.raises(ConsoleFailed, match=r"with the thread 01a22171.*not found.*check the id"),
        ):
            console.wait(timeout=60)


def test_a_server_that_is_not_there_is_said() -> None:
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/threads/{THREAD}"
        once = Reconnect(most=1, first=0.01)
        with Console(url, reconnect=once) as console, pytest.raises(ConsoleFailed, match="nothing listens"):
            console.wait(timeout=60)


def test_a_recording_shows_the_same_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with langgraph_server("form") as (url, _), Console(url, record=path) as console:
        eventually(lambda: console.pending)
        console.decide(console.pending[0], "submit", values={"score": 3})
        console.wait(timeout=60)
        eventually(lambda: console.decisions["state"].tolist() == ["applied"])
        eventually(lambda: ("third", "completed") in names(console))
        tasks, checkpoints, events = console.tasks, console.checkpoints, console.events
    with Console(path) as replayed:
        replayed.wait(timeout=60)
        assert replayed.tasks.equals(tasks)
        assert replayed.checkpoints.drop(columns="options").equals(checkpoints.drop(columns="options"))
        assert replayed.events["payload"].tolist() == events["payload"].tolist()


# ---- what no event tells --------------------------------------------------------------------------------------------


def test_nodes_that_run_after_an_answer_are_filled_in_from_the_history() -> None:
    with langgraph_server("question") as (url, _), Console(url) as console:
        eventually(lambda: console.pending)
        console.decide(console.pending[0], "yes")
        console.wait(timeout=60)
        eventually(lambda: {("second", "completed"), ("third", "completed")} <= set(names(console)))
        assert console.run.status == "completed"
        assert console.tasks["name"].tolist().count("worker") == 3
        assert "".join(console.output["text"]) == "I will look at three\n"


def test_a_run_without_events_is_filled_in_and_its_question_answered() -> None:
    with langgraph_server("question") as (url, thread):
        thread.forgotten = 42
        with Console(url) as console:
            eventually(lambda: console.pending)
            eventually(lambda: ("review", "paused") in names(console))
            assert names(console).count(("worker", "completed")) == 3
            assert console.run.execution_id == thread.known("runs")[0]["run_id"]
            assert "no longer has the events of a run of this thread" in str(console.links["reason"].tolist()[-1])
            assert console.tool_calls["status"].tolist() == ["completed"]
            console.decide(console.pending[0], "yes")
            console.wait(timeout=60)
            assert len(console.runs) == 1
    assert thread.answers() == ["yes"]


@pytest.mark.parametrize(("name", "status"), [("failed", "failed"), ("protocol", "completed")])
def test_the_end_of_a_run_without_events_is_that_of_its_thread(name: str, status: str) -> None:
    with langgraph_server(name) as (url, thread):
        thread.step = 1 if name == "protocol" else 0
        thread.forgotten = 1_000
        with Console(url) as console:
            console.wait(timeout=60)
            assert console.run.status == status
            assert console.tasks["name"].tolist().count("worker") == 3


# ---- starting and cancelling ----------------------------------------------------------------------------------------


def test_an_input_makes_the_thread_and_starts_one_run() -> None:
    with (
        langgraph_server("question", begins=False) as (url, thread),
        Console(url, input={"topic": "x"}, assistant="agent", reconnect=QUICK) as console,
    ):
        eventually(lambda: console.pending)
        thread.kick = True
        eventually(lambda: int(console.links["duplicates"].sum()) > 0)
        console.decide(console.pending[0], "yes")
        console.wait(timeout=60)
        assert console.run.status == "completed"
    made, started = thread.posts
    assert made == ("/threads", {"thread_id": THREAD, "if_exists": "do_nothing"})
    assert started[0] == f"/threads/{THREAD}/runs"
    assert (started[1]["assistant_id"], started[1]["input"]) == ("agent", {"topic": "x"})
    assert started[1]["stream_resumable"] is True
    assert started[1]["stream_subgraphs"] is True
    assert {"tasks", "custom", "updates"} <= set(started[1]["stream_mode"])


def test_a_text_is_a_message_of_the_user() -> None:
    with (
        langgraph_server("failed", begins=False) as (url, thread),
        Console(url, input="hello", assistant="agent") as console,
    ):
        console.wait(timeout=60)
    assert thread.posts[1][1]["input"] == {"messages": [{"role": "user", "content": "hello"}]}


def test_nothing_is_started_without_an_input() -> None:
    with langgraph_server("question") as (url, thread), Console(url) as console:
        eventually(lambda: console.pending)
    assert thread.posts == []


def test_an_unknown_assistant_is_said_in_the_servers_words() -> None:
    with langgraph_server("question", begins=False) as (url, thread):
        thread.overrides["runs"] = (422, {"detail": "Invalid assistant: 'nobody'"})
        said = r"does not start the run \(HTTP 422\): Invalid assistant: 'nobody'"
        with Console(url, input={}, assistant="nobody") as console, pytest.raises(ConsoleFailed, match=said):
            console.wait(timeout=60)
    assert len(thread.posts) == 2


def test_a_start_without_an_answer_is_said_and_not_repeated() -> None:
    with langgraph_server("question", begins=False) as (url, thread):
        thread.overrides["runs"] = (504, {"detail": "timeout"})
        with Console(url, input={}, assistant="agent", reconnect=QUICK) as console:
            eventually(lambda: any("may or may not have begun" in text for text in console.events["payload"]))
            thread.kick = True
            eventually(lambda: "retrying" in console.links["state"].tolist())
            eventually(lambda: console.status == "live")
    assert [path for path, _ in thread.posts].count(f"/threads/{THREAD}/runs") == 1


def test_cancel_stops_the_run() -> None:
    with langgraph_server("question") as (url, thread), Console(url) as console:
        eventually(lambda: console.tasks["name"].tolist().count("worker") == 3)
        run_id = thread.known("runs")[0]["run_id"]
        console.cancel()
        assert thread.posts == [(f"/threads/{THREAD}/runs/{run_id}/cancel?action=interrupt", {})]
        with pytest.raises(UnsupportedByWire, match="whole runs"):
            console.cancel("a task")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input": {}}, "expected assistant= beside input="),
        ({"assistant": "agent"}, "expected input= beside assistant="),
        ({"input": [1], "assistant": "agent"}, "expected input= to be a dict or a text, got list"),
        ({"task": "t"}, "expected no task= beside LangGraph"),
        ({"auth": "query", "token": SECRET}, 'expected auth="header"'),
    ],
)
def test_unusable_options_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        Console(f"http://localhost/threads/{THREAD}", start=False, **options)


def test_an_answer_whose_reply_is_lost_is_found_in_the_runs_of_the_thread() -> None:
    with langgraph_server("question") as (url, thread), Console(url, reconnect=QUICK) as console:
        eventually(lambda: console.pending)
        thread.is_mute = True
        with pytest.raises(DecisionUnknown):
            console.decide(console.pending[0], "yes", timeout=20)
        console.wait(timeout=60)
        eventually(lambda: console.decisions["state"].tolist() == ["applied"])
    assert thread.answers() == ["yes"]
