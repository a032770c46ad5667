"""Several executions over one stream: each is a run of its own, live on every wire, recorded, saved and written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console, history
from runconsole.events import Answer
from runconsole.state import Checkpoint
from tests.servers.json_server import JsonServer, Peer, closes, does, eventually, in_turn, says
from tests.servers.node import TrpcServer
from tests.servers.socketio_server import SocketIoServer
from tests.support.page import Page, showing

Frame = dict[str, Any]


def frame(kind: str, at: int, **data: Any) -> Frame:
    return {"type": kind, "timestamp": f"2026-01-01T00:{at // 60:02}:{at % 60:02}Z", "data": data}


def started(execution: str, at: int, total: int = 2) -> Frame:
    return frame("execution_started", at, execution_id=execution, total_tasks=total)


def done(number: int, at: int, total: int = 2, **more: Any) -> Frame:
    task = {"task_id": f"task_{number:03}", "status": "completed"}
    return frame("progress_update", at, **task, completed_tasks=number, total_tasks=total, **more)


FIRST = [started("e1", 0), done(1, 1, task_name="first")]
SECOND = [started("e2", 10, total=3), done(1, 11, total=3, task_name="second")]


def names(console: Console) -> list[str | None]:
    return [run.execution_id for run in console.runs]


def assert_apart(console: Console) -> None:
    """The newest of FIRST and SECOND is shown, and the one before it is as it was."""
    first, second = console.runs
    assert names(console) == ["e1", "e2"]
    assert (console.run.execution_id, console.run.total_tasks, console.run.completed_tasks) == ("e2", 3, 1)
    assert list(console.tasks["name"]) == list(second.tasks["name"]) == ["second"]
    assert list(first.tasks["name"]) == ["first"]
    assert list(first.events["type"]) == list(console.events["type"]) == ["execution_started", "progress_update"]
    assert (first.run.total_tasks, first.run.completed_tasks, first.status) == (2, 1, "interrupted")
    assert "another execution began (e2) before this one told its end" in set(first.links["reason"])
    assert "e2" in str(console)
    assert "Interrupted: e1" in str(first)
    assert repr(console.runs) == "[<run 'e1': interrupted, 1 of 2 tasks>, <run 'e2': running, 1 of 3 tasks>]"


def test_another_execution_is_another_run_over_json(tmp_path: Path) -> None:
    recorded, saved = tmp_path / "run.jsonl", tmp_path / "saved.jsonl"
    with JsonServer([*FIRST, *SECOND]) as server, Console(server.url, record=recorded) as console:
        eventually(lambda: len(console.runs) == 2 and len(console.events) == 2)
        assert_apart(console)
        assert console.status == "live"
    with Console(server.url, start=False) as other:
        assert names(other) == [None]
    for path in (recorded, saved):
        if path == saved:
            console.save(saved)
        with Console(path) as replayed:
            assert_apart(replayed)


def test_a_run_that_did_not_record_is_saved_with_all_its_runs(tmp_path: Path) -> None:
    beside = [{"type": f["type"], "timestamp": f["timestamp"], "data": f["data"]} for f in [*FIRST, *SECOND]]
    late = done(2, 12) | {"execution_id": "e1"}
    with JsonServer([*beside, late]) as server, Console(server.url) as console:
        eventually(lambda: len(console.runs) == 2 and len(console.runs[0].tasks) == 2)
        console.save(tmp_path / "saved.jsonl")
    with Console(tmp_path / "saved.jsonl") as replayed:
        for before, after in zip(console.runs, replayed.runs, strict=True):
            assert list(before.tasks.index) == list(after.tasks.index)
            assert list(before.events["payload"]) == list(after.events["payload"])
            assert before.run == after.run


def test_another_execution_is_another_run_over_socketio() -> None:
    with SocketIoServer() as server, Console(server.url, subscribe={"join_discovery": {"session_id": "s"}}) as console:
        server.until("join_discovery")
        server.emit(*((event["type"], event["data"]) for event in [*FIRST, *SECOND]))
        eventually(lambda: len(console.runs) == 2 and len(console.events) == 2)
        assert names(console) == ["e1", "e2"]
        assert list(console.tasks["name"]) == ["second"]
        assert list(console.runs[0].tasks["name"]) == ["first"]


def test_another_execution_is_another_run_over_trpc() -> None:
    with TrpcServer() as server, Console(server.url, protocol="trpc") as console:
        eventually(lambda: console.status == "live")
        server.emit(*[*FIRST, *SECOND])
        eventually(lambda: len(console.runs) == 2 and len(console.events) == 2)
        assert names(console) == ["e1", "e2"]
        assert list(console.tasks["name"]) == ["second"]


@pytest.mark.parametrize(
    "events",
    [
        [started("e1", 0), done(1, 1), started("e1", 5), done(2, 6)],
        [done(1, 0), done(2, 1, total=3), started("e1", 2)],
        [done(1, 0, execution_id="e1"), started("e1", 1)],
        [done(1, 5, total=1), started("e1", 1)],
        [frame("masterplan_execution_start", 0, masterplan_id="e1", total_tasks=2), started("e1", 1)],
        [frame("execution_started", 0, total_tasks=2), started("e1", 1)],
    ],
    ids=["repeated", "after its progress", "named before", "late", "a plan's", "without an id before"],
)
def test_the_start_of_the_run_that_is_followed_begins_no_other(events: list[Frame]) -> None:
    with JsonServer([*events, frame("note", 30)]) as server, Console(server.url) as console:
        eventually(lambda: len(console.events) == len(events) + 1)
        assert names(console) == ["e1"]


def test_a_start_after_a_late_join_is_another_run() -> None:
    for joined in (done(1, 0, execution_id="e0"), done(2, 0)):
        with JsonServer([joined, started("e1", 5)]) as server, Console(server.url) as console:
            eventually(lambda: len(console.runs) == 2)
            assert list(console.runs[0].tasks.index) == list(console.runs[0].events["task_id"])
            assert console.tasks.empty


def test_wired_executions_of_other_plans_are_other_runs() -> None:
    def plan(name: str) -> list[Frame]:
        task = {"masterplan_id": name, "task_id": "task_001", "total_tasks": 1}
        return [
            {"type": "masterplan_execution_start", "data": {"masterplan_id": name, "total_tasks": 1}},
            {"type": "task_execution_complete", "data": {**task, "status": "completed", "completed_tasks": 1}},
        ]

    with JsonServer([*plan("mp1"), *plan("mp2")]) as server, Console(server.url) as console:
        eventually(lambda: len(console.runs) == 2 and console.run.status == "completed")
        assert [(run.execution_id, run.status) for run in console.runs] == [("mp1", "completed"), ("mp2", "completed")]
        assert console.runs[0].run.completed_tasks == 1


def test_events_of_the_earlier_run_do_not_reach_the_newest() -> None:
    late = [
        done(2, 12, execution_id="e1"),  # by its name
        done(1, 3, task_name="by its time"),
        started("e1", 20),
        frame("execution_completed", 21, execution_id="e1", status="success", completed_tasks=2),
        done(2, 22, total=3),
    ]
    with JsonServer([*FIRST, *SECOND, *late]) as server, Console(server.url) as console:
        eventually(lambda: len(console.tasks) == 2)
        assert names(console) == ["e1", "e2"]
        first, second = console.runs
        assert list(second.events["timestamp"].dt.second) == [10, 11, 22]
        assert (first.status, second.status, console.status) == ("completed", "running", "live")
        assert list(first.events["timestamp"].dt.second) == [0, 1, 12, 3, 20, 21]


def test_an_execution_all_of_whose_tasks_were_done_is_completed() -> None:
    frames = [started("e1", 0), done(1, 1), done(2, 2), started("e2", 9)]
    with JsonServer(frames) as server, Console(server.url) as console:
        eventually(lambda: len(console.runs) == 2)
        assert console.runs[0].status == "completed"
        assert "all its tasks were done, but another execution began (e2)" in console.runs[0].links["reason"].iloc[-1]


def test_planning_belongs_to_the_run_that_follows() -> None:
    planning = [
        frame("masterplan_generation_start", 20, session_id="s", estimated_tokens=100),
        frame("masterplan_tokens_progress", 21, tokens_received=50, percentage=50),
        frame("masterplan_generation_complete", 22, masterplan_id="mp2", total_tasks=3),
    ]
    before = [event | {"timestamp": f"2026-01-01T00:00:0{n}Z"} for n, event in enumerate(planning)]
    first = [frame("execution_started", 4, execution_id="e1", total_tasks=2), done(1, 5)]
    still = done(2, 23, execution_id="e1")
    second = [frame("execution_started", 30, execution_id="e2", total_tasks=3), done(1, 31, total=3)]
    with JsonServer([*before, *first, *planning, still, *second]) as server, Console(server.url) as console:
        eventually(lambda: len(console.events) == 5)
        assert names(console) == ["e1", "e2"]
        for run in console.runs:
            assert "masterplan_generation" in run.tasks.index
        assert console.runs[0].run.completed_tasks == 2
        assert console.run.completed_tasks == 1


def test_a_replay_after_a_reconnect_brings_no_third_run() -> None:
    both_runs = [*FIRST, *SECOND]
    script = in_turn(does(says(*both_runs), closes(1011)), says(*both_runs, done(2, 12, total=3)))
    with JsonServer(script) as server, Console(server.url) as console:
        eventually(lambda: len(console.tasks) == 2)
        assert names(console) == ["e1", "e2"]
        assert [len(run.events) for run in console.runs] == [2, 3]


@pytest.mark.parametrize("tasks", [3, 30])
def test_numbers_of_each_execution_lose_no_event(tasks: int) -> None:
    def numbered(execution: str) -> list[Frame]:
        started = {"type": "execution_started", "data": {"execution_id": execution, "total_tasks": tasks}}
        ends = [{"task_id": f"task_{n:03}", "status": "completed", "completed_tasks": n} for n in range(1, tasks + 1)]
        events = [started, *({"type": "progress_update", "data": end} for end in ends)]
        return [event | {"seq": seq} for seq, event in enumerate(events, 1)]

    both = [*numbered("e1"), *numbered("e2")]
    script = in_turn(does(says(*both), closes(1011)), says(*both, frame("note", 1)))
    with JsonServer(script) as server, Console(server.url) as console:
        eventually(lambda: "note" in set(console.events["type"]))
        assert [run.run.completed_tasks for run in console.runs] == [tasks, tasks]
        assert [len(run.events) for run in console.runs] == [tasks + 1, tasks + 2]
        assert console.links["missed"].fillna(0).sum() == 0


def test_an_execution_right_after_an_end_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    ended = frame("execution_completed", 2, execution_id="e1", status="success", completed_tasks=2)
    with JsonServer([*FIRST, ended, *SECOND]) as server:
        with Console(server.url, record=path) as console:
            eventually(lambda: len(console.runs) == 2 and len(console.tasks) == 1)
            assert (console.status, [run.status for run in console.runs]) == ("live", ["completed", "running"])
            assert not console.wait(0)
            server.peer.send(frame("execution_completed", 20, execution_id="e2", status="failed"))
            assert console.wait(20)
        with Console(path) as replayed:
            assert (names(replayed), replayed.status) == (["e1", "e2"], "ended")
            assert [run.status for run in replayed.runs] == ["completed", "failed"]


def test_a_recording_is_gone_on_with_in_its_newest_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    ended = frame("execution_completed", 2, execution_id="e1", status="success", completed_tasks=2)
    script = in_turn(says(*FIRST, ended, *SECOND), says(done(2, 12, total=3), done(2, 13, execution_id="e1")))
    with JsonServer(script) as server:
        with Console(server.url, record=path) as console:
            eventually(lambda: len(console.runs) == 2 and len(console.tasks) == 1)
        with Console(server.url, record=path) as again:
            eventually(lambda: len(again.runs[0].events) == 4)
            assert names(again) == ["e1", "e2"]
            assert again.run.completed_tasks == 2


def test_a_replay_that_goes_back_shows_the_runs_of_that_moment(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.send(*FIRST)
        time.sleep(0.05)  # in the recording
        peer.send(*SECOND)

    path = tmp_path / "run.jsonl"
    with JsonServer(script) as server, Console(server.url, record=path) as console:
        eventually(lambda: len(console.runs) == 2 and len(console.tasks) == 1)
    with Console(path, speed=100) as replayed:
        eventually(lambda: replayed.replay is not None and replayed.replay.is_over)
        assert_apart(replayed)
        assert replayed.replay is not None
        began = replayed.events["received_at"].iloc[0].timestamp() - (replayed.replay.began or 0) / 1e6
        replayed.replay.seek(began - 0.01)
        eventually(lambda: names(replayed) == ["e1"])
        assert list(replayed.tasks["name"]) == ["first"]
        assert replayed.runs[0].status == "running"
        replayed.replay.play()
        eventually(lambda: replayed.replay is not None and replayed.replay.is_over)
        assert_apart(replayed)


def test_a_filter_leaves_other_executions_out() -> None:
    frames = [*FIRST, *SECOND[:1], done(2, 12, execution_id="e1")]
    with JsonServer(frames) as server, Console(server.url, execution="e1") as console:
        eventually(lambda: console.run.completed_tasks == 2)
        assert names(console) == ["e1"]


def test_each_run_is_a_row_of_the_data_set(tmp_path: Path) -> None:
    with JsonServer([*FIRST, *SECOND]) as server, Console(server.url) as console:
        eventually(lambda: len(console.runs) == 2 and len(console.tasks) == 1)
        for _ in range(2):
            assert console.to_parquet(tmp_path) == "e2"
        assert console.runs[0].to_parquet(tmp_path) == "e1"
    written = history(tmp_path)
    assert sorted(written.runs["execution_id"]) == ["e1", "e2"]
    assert sorted(written.frame("tasks")["name"]) == ["first", "second"]


def asked(at: int, name: str, title: str) -> Frame:
    options = [{"id": "yes", "label": "Yes", "action": "approve"}, {"id": "no", "label": "No", "action": "reject"}]
    return frame("task.hitl_required", at, taskId="t", checkpointId=name, title=title, options=options)


def test_questions_of_both_runs_can_be_answered() -> None:
    questions = [*FIRST, asked(2, "old", "Old?"), asked(3, "both", "Old?"), *SECOND, asked(12, "both", "New?")]
    with JsonServer(questions) as server, Console(server.url) as console:
        eventually(lambda: len(console.pending) == 1)

        for name in ("old", "both"):
            console._engine.decider.submit(name, Answer("yes"))
        eventually(lambda: len(server.peer.messages) == 2)
        assert list(console.runs[0].decisions["checkpoint_id"]) == ["old"]
        assert list(console.decisions["checkpoint_id"]) == ["both"]


def test_a_policy_is_asked_about_the_new_runs_questions() -> None:
    titles: list[str | None] = []

    def policy(checkpoint: Checkpoint) -> str:
        titles.append(checkpoint.title)
        return checkpoint.options[0].id

    def script(peer: Peer) -> None:
        peer.send(*FIRST, asked(2, "c", "Old?"))
        eventually(lambda: titles == ["Old?"])
        peer.send(*SECOND, asked(12, "c", "New?"))

    with JsonServer(script) as server, Console(server.url, on_checkpoint=policy) as console:
        eventually(lambda: len(titles) == 2 and len(console.decisions) == 1)
        assert titles == ["Old?", "New?"]


@pytest.fixture(name="shows")
def _shows(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Page]]:
    yield from showing(monkeypatch)


def shown_run(page: Page) -> int | None:
    """The number of the run in the last whole picture."""
    return next((m["picture"]["head"].get("run") for m in reversed(page.of("snapshot"))), None)


def test_the_panel_shows_the_newest_or_a_chosen_run(shows: Callable[..., Page]) -> None:
    with JsonServer(FIRST) as server:
        page = shows(server.url)
        page.send(kind="ready", have=-1)
        eventually(lambda: len(page.widget.events) == 2)
        server.peer.send(*SECOND)
        eventually(lambda: shown_run(page) == 1)
        newest = page.of("snapshot")[-1]
        assert newest["picture"]["head"]["runs"] == [[0, "e1: interrupted"], [1, "e2: running"]]
        page.send(kind="replay", id="q", action="run", value=0)
        assert page.answer("q")["ok"]
        eventually(lambda: shown_run(page) == 0)
        shown = page.of("snapshot")[-1]
        assert shown["version"] > newest["version"]
        assert [row["name"] for row in shown["picture"]["tasks"]["rows"]] == ["first"]
        server.peer.send(done(2, 12, total=3, task_name="later"))
        eventually(lambda: [row["name"] for row in page.picture["tasks"]["rows"]] == ["second", "later"])
        assert page.picture["head"]["run"] == 1
        page.send(kind="replay", id="r", action="run", value=2)
        assert page.answer("r")["error"] == "expected the number of a run below 2, got 2"
        page.send(kind="ready", have=-1)
        eventually(lambda: shown_run(page) == 1)
        assert repr(page.widget.runs[0]) == "<run 'e1': interrupted, 1 of 2 tasks>"


def test_a_press_on_an_earlier_runs_question_answers_that(shows: Callable[..., Page]) -> None:
    questions = [*FIRST, asked(2, "old", "Old?"), asked(3, "both", "Old?"), *SECOND, asked(12, "both", "New?")]
    with JsonServer(questions) as server:
        page = shows(server.url)
        eventually(lambda: len(page.widget.runs) == 2 and len(page.widget.pending) == 1)
        page.send(kind="replay", id="q", action="run", value=0)
        assert page.answer("q")["ok"]
        press = {"kind": "decide", "answer": {"option": "yes"}, "at": 0}
        page.send(**press, id="one", checkpoint="old")
        assert page.answer("one")["ok"]
        page.send(**press, id="two", checkpoint="both")
        assert "the newest run asks a question of the same id" in page.answer("two")["error"]
        assert list(page.widget.runs[0].decisions["checkpoint_id"]) == ["old"]
        assert page.widget.decisions.empty
