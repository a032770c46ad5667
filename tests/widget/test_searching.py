"""Searches of a page in the logs of a run: answered from the whole log, live, ended and replayed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runconsole.widget import searching
from tests.servers.json_server import JsonServer, Message, Peer, eventually
from tests.support.folding import execution, task
from tests.support.page import Page, showing

shows = pytest.fixture(showing)

LINES = 3000
FRAMES = [
    *(task("task.created", taskId=f"task_{number}", prompt=f"Step {number}") for number in range(3)),
    *(
        task("task.output", taskId=f"task_{number % 3}", stream="stdout", data=f"line {number:05}\n")
        for number in range(LINES)
    ),
]


def with_lines(shows: Callable[..., Page], server: JsonServer, **options: Any) -> Page:
    page = shows(server.url, **options)
    eventually(lambda: page.picture and page.picture["head"]["output_lines"] == LINES)
    return page


def match(page: Page, name: str, **more: Any) -> Message:
    page.send(kind="match", id=name, **{"shown": {}, "text": "", "near": 0, "step": 0} | more)
    return page.answer(name, "match")


def test_a_match_is_found_in_the_whole_log_and_its_lines_can_be_read(shows: Callable[..., Page]) -> None:
    with JsonServer(FRAMES) as server:
        page = with_lines(shows, server)
        found = match(page, "m1", text="LINE 00012")
        assert (found["line"], found["place"], found["ordinal"], found["matches"]) == (12, 12, 0, 1)
        found = match(page, "m2", shown={"task": "step 1"}, text="99")
        assert (found["line"], found["place"], found["matches"], found["shown"]) == (199, 66, 19, 1000)
        page.send(kind="page", id="p", table="output", offset=66, limit=2, query={"task": "step 1"})
        answer = page.answer("p", "page")
        assert answer["total"] == 1000
        assert [(row["key"], row["text"]) for row in answer["rows"]] == [("199", "line 00199"), ("202", "line 00202")]
        assert {row["name"] for row in answer["rows"]} == {"Step 1"}


def test_the_text_of_the_log_comes_in_pieces(shows: Callable[..., Page]) -> None:
    with JsonServer(FRAMES) as server:
        page = with_lines(shows, server)
        page.send(kind="text", id="t", query={"text": "00"}, offset=0, stamped=False)
        piece = page.answer("t", "text")
        wanted = [f"line {number:05}" for number in range(LINES) if "00" in f"{number:05}"]
        assert piece["text"].split("\n")[:-1] == wanted
        assert piece["next"] == piece["total"] == len(wanted)


def test_tasks_with_output_are_listed_by_their_names(shows: Callable[..., Page]) -> None:
    with JsonServer(FRAMES) as server:
        page = with_lines(shows, server)
        page.send(kind="page", id="w1", table="writers", offset=0, limit=50, search="")
        assert [(row["key"], row["label"]) for row in page.answer("w1", "page")["rows"]] == [
            (f"task_{number}", f"Step {number} · task_{number}") for number in range(3)
        ]
        page.send(kind="page", id="w2", table="writers", offset=0, limit=50, search="step 2")
        assert [row["key"] for row in page.answer("w2", "page")["rows"]] == ["task_2"]


def test_events_are_found_by_their_types_and_counted(shows: Callable[..., Page]) -> None:
    with JsonServer([*FRAMES, execution("heartbeat"), execution("heartbeat")]) as server:
        page = shows(server.url)
        eventually(lambda: len(page.widget.events) == len(FRAMES) + 2)
        page.send(kind="page", id="e1", table="events", offset=0, limit=5, query={})
        answer = page.answer("e1", "page")
        assert answer["total"] == len(FRAMES)
        assert answer["types"] == {"task.created": 3, "task.output": LINES, "heartbeat": 2}
        page.send(kind="page", id="e2", table="events", offset=1, limit=5, query={"types": ["heartbeat"]})
        answer = page.answer("e2", "page")
        assert [row["key"] for row in answer["rows"]] == [str(len(FRAMES) + 1)]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"kind": "match", "shown": {}, "text": "(", "regex": True}, "expected a regular expression"),
        ({"kind": "text", "query": {"text": "x" * 5000}}, "at most 1,000 characters"),
        ({"kind": "page", "table": "events", "query": {"text": "[", "regex": True}}, "missing ]"),
        ({"kind": "match"}, "shown"),
        ({"kind": "match", "shown": {"types": 5}}, "types"),
    ],
)
def test_an_impossible_search_is_refused_in_a_sentence(
    shows: Callable[..., Page], message: Message, problem: str
) -> None:
    with JsonServer([task("task.started")]) as server:
        page = shows(server.url)
        page.send(id="q", **message)
        answer = page.answer("q")
        assert answer["ok"] is False
        assert problem in answer["error"]


def test_a_search_that_was_replaced_gets_no_answer(shows: Callable[..., Page], monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    answer_to = searching._answer_to

    def slowly(job: Any) -> Any:
        if job.request.id == "m1":
            begun.set()
            assert go_on.wait(20)
        return answer_to(job)

    monkeypatch.setattr(searching, "_answer_to", slowly)
    with JsonServer(FRAMES) as server:
        page = with_lines(shows, server)
        page.send(kind="match", id="m1", shown={}, text="line")
        assert begun.wait(20)
        page.send(kind="match", id="m2", shown={}, text="line 0", instead="m1")
        page.send(kind="match", id="m3", shown={}, text="line 00", instead="m2")
        # The messages are handled in order, so both searches are replaced when this one is answered.
        page.send(kind="page", id="p", table="output", offset=0, limit=1)
        page.answer("p", "page")
        go_on.set()
        assert page.answer("m3", "match")["matches"] == 1000
        assert [message["id"] for message in page.of("match")] == ["m3"]


def test_the_network_is_read_while_a_search_goes_on(
    shows: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, more = threading.Event(), threading.Event()
    answer_to = searching._answer_to

    def slowly(job: Any) -> Any:
        assert go_on.wait(20)
        return answer_to(job)

    monkeypatch.setattr(searching, "_answer_to", slowly)

    def script(peer: Peer) -> None:
        peer.send(*FRAMES)
        more.wait(20)
        peer.send(task("task.output", stream="stdout", data="late\n"))

    with JsonServer(script) as server:
        page = with_lines(shows, server)
        page.send(kind="match", id="m", shown={}, text="late")
        more.set()
        eventually(lambda: page.picture["head"]["output_lines"] == LINES + 1)
        assert page.of("match") == []
        go_on.set()
        assert page.answer("m", "match")["matches"] == 0
        assert match(page, "again", text="late")["line"] == LINES


def test_a_run_that_ended_and_a_recording_of_it_are_searched_alike(shows: Callable[..., Page], tmp_path: Path) -> None:
    with JsonServer([*FRAMES, execution("execution_completed", status="success")]) as server:
        page = with_lines(shows, server)
        assert page.widget.wait(20)
        page.widget.stop()
        found = match(page, "ended", text="line 02999")
        page.widget.save(tmp_path / "run.jsonl")
    replayed = shows(tmp_path / "run.jsonl")
    assert replayed.widget.wait(30)
    eventually(lambda: replayed.picture and replayed.picture["head"]["output_lines"] == LINES)
    again = match(replayed, "replayed", text="line 02999")
    assert {**found, "id": ""} == {**again, "id": ""}
    assert found["line"] == LINES - 1


def test_a_secret_of_an_event_is_hidden_in_the_results_too(shows: Callable[..., Page]) -> None:
    secret = "s3cret-value-1234"
    with JsonServer([execution("progress_update", task_id="t", note=secret)]) as server:
        page = shows(server.url, token=secret)
        eventually(lambda: len(page.widget.events) == 1)
        page.send(kind="page", id="e", table="events", query={"text": "note"})
        assert page.answer("e", "page")["total"] == 1
        assert secret not in json.dumps(page.comm.sent)
