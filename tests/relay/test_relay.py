"""A relay: its viewers have what the viewers of its server have, and their answers count there."""

from __future__ import annotations

import json
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from runconsole import ActiveRun, Console, DecisionError, DecisionRefused, start_run
from runconsole.simulator import Simulator
from runconsole.simulator.faults import Drop
from tests.servers.json_server import JsonServer, Peer, eventually
from tests.support.ports import free_port
from tests.support.relays import QUICK, cut_viewers, relayed, same_events, was_cut

ALL = ("tasks", "subtasks", "phases", "waves", "artifacts", "errors", "output")


def work(run: ActiveRun, name: str = "a") -> None:
    with run.wave(), run.task(name, phase="P") as task:
        task.progress(0.5, step="half", tokens=3)
        task.output("out\n")
        with task.subtask("part"):
            task.artifact("x.py", size=3)
        task.error(ValueError("odd"))


def test_viewers_early_and_late_have_the_frames_of_the_servers_own(tmp_path: Path) -> None:
    with start_run("relayed", phases={"P": 2}, token_budget=1000) as run, Console(run.serve()) as direct:
        with relayed(run.serve(), tmp_path / "run.jsonl") as relay, Console(relay.url) as early:
            work(run)
            run.ask("Go on?", options=["yes", "no"], default="yes", timeout=0.05)
            run.finish()
            assert early.wait(30)
            assert direct.wait(30)
            with Console(relay.url) as late:
                assert late.wait(30)
        for console in (early, late):
            for name in (*ALL, "checkpoints"):
                assert getattr(console, name).equals(getattr(direct, name)), name
            assert same_events(console, direct)
            assert (console.run.title, console.run.token_budget) == ("relayed", 1000)
            assert not console.links["missed"].fillna(0).any()
        run.stop_serving()


@pytest.mark.parametrize(
    ("options", "with_ids"),
    [
        ({"wire": "json"}, False),
        ({"wire": "trpc"}, True),
        ({"wire": "trpc", "superjson": True}, True),
        ({"wire": "trpc", "tracked": False}, False),
        ({"wire": "socketio"}, False),
        ({"wire": "json", "faults": [Drop(40), Drop(200)]}, False),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else None,
)
def test_every_protocol_can_be_relayed(tmp_path: Path, options: dict[str, Any], *, with_ids: bool) -> None:
    with (
        Simulator("execution", speed=0, **options) as server,
        relayed(server.url, tmp_path / "run.jsonl") as relay,
        Console(relay.url) as early,
    ):
        assert relay.console.wait(60)
        assert early.wait(60)
        with Console(relay.url) as late, Console(server.url) as direct:
            assert late.wait(60)
            assert direct.wait(60)
        for console in (early, late):
            for name in ALL:
                assert getattr(console, name).equals(getattr(direct, name)), name
            assert same_events(console, direct, with_ids=with_ids)
            assert console.summary["malformed"] == 0


def test_a_run_of_agents_is_answered_through_the_relay(tmp_path: Path) -> None:
    with (
        Simulator("tasks", speed=50, wire="trpc", decision_timeout=3000) as server,
        relayed(server.url, tmp_path / "run.jsonl") as relay,
    ):
        with Console(relay.url, on_checkpoint=lambda asked: asked.options[0].id) as viewer:
            assert viewer.wait(60)
            decided = viewer.checkpoints
            assert len(decided)
            assert set(viewer.decisions["state"]) == {"applied"}
        assert relay.console.checkpoints["decision"].tolist() == decided["decision"].tolist()


def test_one_answer_counts_and_each_viewer_is_told_the_truth(tmp_path: Path) -> None:
    outcomes: list[object] = []
    both = threading.Barrier(2)

    def answer(console: Console, option: str) -> None:
        eventually(lambda: console.pending)
        both.wait(20)
        try:
            outcomes.append(console.decide("question-1", option).option)
        except DecisionError as error:
            outcomes.append(error)

    with start_run() as run, relayed(run.serve(), tmp_path / "run.jsonl") as relay:
        with Console(relay.url) as one, Console(relay.url) as other:
            threads = [threading.Thread(target=answer, args=pair) for pair in ((one, "yes"), (other, "no"))]
            for thread in threads:
                thread.start()
            given = run.ask("Go on?", options=["yes", "no"])
            for thread in threads:
                thread.join()
        run.stop_serving()
    refusals = [outcome for outcome in outcomes if isinstance(outcome, DecisionRefused)]
    assert [outcome for outcome in outcomes if isinstance(outcome, str)] == [given.option]
    assert len(refusals) == 1
    assert "already" in str(refusals[0])
    assert str(refusals[0]).count("was refused") == 1


def test_an_answer_waits_for_a_server_that_is_away(tmp_path: Path) -> None:
    port = free_port()
    answers: list[str | None] = []
    with start_run() as run, relayed(run.serve(port=port), tmp_path / "run.jsonl") as relay:
        with Console(relay.url) as viewer:
            asking = threading.Thread(target=lambda: answers.append(run.ask("Go?", options=["a", "b"]).option))
            asking.start()
            eventually(lambda: viewer.pending)
            run.stop_serving()
            eventually(lambda: relay.console.status == "retrying")
            deciding = threading.Thread(target=viewer.decide, args=("question-1", "b"))
            deciding.start()
            eventually(lambda: len(relay.console.decisions))
            assert answers == []
            run.serve(port=port)
            deciding.join(30)
            asking.join(30)
            assert answers == ["b"]
            eventually(lambda: viewer.decisions["state"].tolist() == ["applied"])
        run.stop_serving()


@pytest.mark.parametrize(
    ("asked", "option", "words"),
    [
        ("no-such-question", "a", "expected the id of a checkpoint of this run"),
        ("question-1", "no-such-option", "expected one of the options"),
    ],
)
def test_an_answer_to_nothing_is_refused_in_words(tmp_path: Path, asked: str, option: str, words: str) -> None:
    with start_run() as run, relayed(run.serve(), tmp_path / "run.jsonl") as relay:
        asking = threading.Thread(target=run.ask, args=("Go?",), kwargs={"options": ["a"]})
        asking.start()
        eventually(lambda: relay.console.pending)
        with connect(relay.url) as viewer:
            payload = {"checkpointId": asked, "decision": option}
            viewer.send(json.dumps({"type": "checkpoint.resolve", "payload": payload, "correlationId": "1"}))
            received = (json.loads(frame) for frame in viewer)
            reply = next(one for one in received if isinstance(one, dict) and one.get("correlationId") == "1")
            assert reply["type"] == "error"
            assert words in reply["payload"]["message"]
        relay.console.decide("question-1", "a")
        asking.join(30)
        run.stop_serving()


def test_an_answer_whose_end_nobody_knows_is_not_called_taken(tmp_path: Path) -> None:
    """The server takes the answer and is gone before its reply."""
    question = {
        "type": "checkpoint.hitl_required",
        "payload": {"taskId": "t", "checkpointId": "c", "title": "Go?", "options": [{"id": "a", "label": "A"}]},
    }
    with (
        JsonServer([question]) as server,
        relayed(server.url, tmp_path / "run.jsonl") as relay,
        connect(relay.url) as viewer,
    ):
        assert json.loads(viewer.recv(20))["type"] == "checkpoint.hitl_required"
        payload = {"checkpointId": "c", "decision": "a"}
        viewer.send(json.dumps({"type": "checkpoint.resolve", "payload": payload, "correlationId": "1"}))
        eventually(lambda: relay.console.decisions["state"].tolist() == ["sent"])
        server.peers[0].expect(lambda message: message.get("type") == "checkpoint.resolve")
        server.peers[0].drop()
        eventually(lambda: relay.console.decisions["state"].tolist() == ["unknown"])
        viewer.send('{"type": "ping"}')
        assert json.loads(viewer.recv(20))["type"] == "pong"  # and nothing before it


def test_a_viewer_that_is_cut_off_again_and_again_loses_nothing(tmp_path: Path) -> None:
    with start_run() as run, relayed(run.serve(), tmp_path / "run.jsonl") as relay:
        with Console(relay.url, reconnect=QUICK) as viewer:
            for number in range(50):
                work(run, f"t{number}")
                cut_viewers(relay, viewer)
            run.finish()
            assert viewer.wait(60)
            assert viewer.events["payload"].tolist() == run.events["payload"].tolist()
            assert viewer.tasks.equals(run.console.tasks)
            assert not viewer.links["missed"].fillna(0).any()
        run.stop_serving()


def test_events_without_marks_are_told_apart_on_both_sides(tmp_path: Path) -> None:
    """Lines that are alike to the letter, without ids and times; the server replays them after a cut."""
    alike = {"type": "task.output", "payload": {"taskId": "t", "data": "same\n"}}
    more = {"type": "task.completed", "payload": {"taskId": "t"}}

    def script(peer: Peer) -> None:
        peer.send(alike, alike, alike)
        if peer.number == 0:
            peer.drop()
        else:
            peer.send(alike)

    with (
        JsonServer(script) as server,
        relayed(server.url, tmp_path / "run.jsonl") as relay,
        Console(relay.url, reconnect=QUICK) as viewer,
    ):
        eventually(lambda: len(relay.console.events) == 4)
        eventually(lambda: len(viewer.events) == 4)
        for _ in range(3):
            cut_viewers(relay, viewer)
        eventually(lambda: viewer.status == "live")
        server.peers[-1].send(alike, more)
        eventually(lambda: viewer.tasks["status"].tolist() == ["completed"])
        assert viewer.output["text"].tolist() == ["same\n"] * 5
        assert viewer.events["event_id"].tolist() == [f"relay-{number}" for number in range(6)]


def test_a_server_that_is_cut_off_is_followed_on(tmp_path: Path) -> None:
    port = free_port()
    with start_run() as run, relayed(run.serve(port=port), tmp_path / "run.jsonl") as relay:
        with Console(relay.url) as viewer:
            for number in range(5):
                work(run, f"t{number}")
                eventually(lambda: relay.console.status == "live")
                run.stop_serving()
                eventually(partial(was_cut, relay.console, number + 1))
                work(run, f"between {number}")
                run.serve(port=port)
            run.finish()
            assert viewer.wait(60)
            assert viewer.tasks.equals(run.console.tasks)
            assert viewer.events["payload"].tolist() == run.events["payload"].tolist()
        run.stop_serving()


def test_what_cannot_be_read_is_passed_on_once(tmp_path: Path) -> None:
    odd = '{"type": "task.note", "payload": {"a":\n [1,\n 2], "n": NaN}}'
    with (
        JsonServer(["{broken", odd, {"type": "task.completed", "payload": {"taskId": "t"}}]) as server,
        relayed(server.url, tmp_path / "run.jsonl") as relay,
        Console(relay.url, reconnect=QUICK) as viewer,
    ):
        eventually(lambda: len(viewer.events) == 3)
        cut_viewers(relay, viewer)
        eventually(lambda: viewer.status == "live")
        assert viewer.events["type"].tolist() == relay.console.events["type"].tolist()
        assert json.loads(viewer.events["payload"][0]) == "{broken"


def test_a_secret_that_the_server_says_back_reaches_no_viewer_and_no_store(tmp_path: Path) -> None:
    secret = "a-secret-of-the-server"
    said = {"type": "task.output", "payload": {"taskId": "t", "data": f"signed in with {secret}\n"}}
    with (
        JsonServer([said]) as server,
        relayed(server.url, tmp_path / "run.jsonl", token=secret) as relay,
        connect(relay.url) as viewer,
    ):
        frame = viewer.recv(20)
        assert "signed in with" in str(frame)
        assert secret not in str(frame)
    assert secret not in (tmp_path / "run.jsonl").read_text()


def test_a_question_that_only_a_query_reveals_reaches_the_viewers(tmp_path: Path) -> None:
    """The relay comes when the question has been asked, to a server that sends no past."""
    with Simulator("tasks", wire="trpc", speed=20, replay="none", autostart=True, decision_timeout=3000) as server:
        with Console(server.url) as before:
            eventually(lambda: len(before.pending) == 2)
        with relayed(server.url, tmp_path / "run.jsonl") as relay, Console(relay.url) as viewer:
            eventually(lambda: len(viewer.pending) == 2)
            assert [asked.title for asked in viewer.pending] == [asked.title for asked in before.pending]
            asked = viewer.pending[0]
            assert viewer.decide(asked, asked.options[0].id).state in {"acknowledged", "applied"}
