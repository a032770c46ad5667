"""Windows of the timeline for the page: computed beside the I/O thread, for the run that is shown."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from runconsole.timeline.window import window
from runconsole.widget.messages import AskTimeline
from runconsole.widget.timelines import Timelines
from tests.servers.json_server import JsonServer, eventually
from tests.support.folding import START, fold, task
from tests.support.page import Page, showing

shows = pytest.fixture(showing)


class Desk:
    """A run with a timeline; the test is the thread that writes the state."""

    def __init__(self) -> None:
        self.folded = fold([task("task.started", 0, workerId="w"), task("task.completed", 3)])
        self.calls: queue.Queue[tuple[Callable[..., object], tuple[Any, ...], str]] = queue.Queue()
        self.answers: list[Any] = []
        self.timelines = Timelines(
            state=lambda: self.folded.state,
            now=lambda: START + 10_000_000,
            call=lambda function, *args: self.calls.put((function, args, threading.current_thread().name)),
            reply=self.answers.append,
        )

    def ask(self, name: str, **more: Any) -> None:
        self.timelines.ask(AskTimeline(name, **more))

    def carry_on(self) -> str:
        """Carry out the next call; return the name of the thread that asked for it."""
        function, args, thread = self.calls.get(timeout=20)
        function(*args)
        return thread


def test_the_page_gets_the_window_of_its_request(shows: Callable[..., Page]) -> None:
    with JsonServer([task("task.started", 0, workerId="w"), task("task.completed", 3)]) as server:
        page = shows(server.url)
        eventually(lambda: len(page.widget.tasks) == 1)
        page.send(kind="timeline", id="w1", by="worker", width=700)
        eventually(lambda: any(message.get("id") == "w1" for message in page.comm.sent))
        (answer,) = [message for message in page.comm.sent if message.get("id") == "w1"]
        assert answer["kind"] == "timeline"
        assert [(bar["id"], bar["start"], bar["end"]) for bar in answer["window"]["bars"]] == [("t", 0, 3000)]


@pytest.mark.parametrize("message", [{"by": "moon"}, {"first": "x"}, {"start": []}])
def test_a_request_without_a_meaning_is_refused(shows: Callable[..., Page], message: dict[str, Any]) -> None:
    with JsonServer([task("task.started", 0)]) as server:
        page = shows(server.url)
        page.send(kind="timeline", id="w1", **message)
        assert not page.answer("w1")["ok"]


def test_the_work_is_done_on_a_thread_of_its_own() -> None:
    desk = Desk()
    desk.ask("a")
    assert desk.carry_on().startswith("timeline-drafter")
    assert [answer["id"] for answer in desk.answers] == ["a"]


def test_requests_are_answered_one_by_one_and_the_oldest_of_too_many_not_at_all() -> None:
    desk = Desk()
    for number in range(12):
        desk.ask(str(number))
    for _ in range(9):
        desk.carry_on()
    assert [answer["id"] for answer in desk.answers] == ["0", *(str(number) for number in range(4, 12))]
    assert desk.calls.empty()


def test_times_that_no_clock_shows_count_as_none() -> None:
    desk = Desk()
    desk.ask("a", start=float("inf"), stop=float("nan"), width=10**12, rows=-5, first=10**9)
    desk.carry_on()
    (answer,) = desk.answers
    made = answer["window"]
    assert (made["start"], made["stop"], len(made["bars"])) == (0, made["until"], 1)


def test_another_run_has_a_timeline_of_its_own() -> None:
    desk = Desk()
    desk.ask("a")
    desk.carry_on()
    desk.folded = fold([task("task.started", 0, taskId="other")])
    desk.ask("b")
    desk.carry_on()
    assert [[bar["id"] for bar in answer["window"]["bars"]] for answer in desk.answers] == [["t"], ["other"]]


def test_a_failure_is_said_and_the_next_request_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    monkeypatch.setattr("runconsole.timeline.window.window", lambda *_: 1 / 0)
    desk.ask("a")
    desk.carry_on()
    monkeypatch.undo()
    desk.ask("b")
    desk.carry_on()
    assert desk.answers[0] == {"kind": "answer", "id": "a", "ok": False, "error": "ZeroDivisionError: division by zero"}
    assert desk.answers[1]["kind"] == "timeline"


def test_a_large_run_is_drawn_again_only_after_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, time = Desk(), [0.0]
    monkeypatch.setattr("runconsole.widget.timelines.time.monotonic", lambda: time[0])

    def slow(*asked: Any) -> Any:
        time[0] += 2
        return window(*asked)

    monkeypatch.setattr("runconsole.timeline.window.window", slow)
    desk.ask("a")
    desk.carry_on()
    desk.folded.feed([task("task.started", 4, taskId="u")])
    for name, now in (("b", 3.0), ("c", 30.0)):
        time[0] = now
        desk.ask(name)
        desk.carry_on()
    assert [answer["window"]["tasks"] for answer in desk.answers] == [1, 1, 2]
