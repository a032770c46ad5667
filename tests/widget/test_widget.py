"""`ConsoleWidget` without a browser: its picture, its messages both ways, and its outputs.

The doubles stand at the edge only: the comm to the browser, and IPython's reports of cells (`page`).
"""

from __future__ import annotations

import gc
import inspect
import json
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import comm
import msgspec
import pytest

from runconsole import Console, ConsoleFailed, ConsoleWidget, InvalidArgument
from runconsole.widget import host as outputs_module
from tests.servers.json_server import JsonServer, Message, Peer, does, eventually, says
from tests.support.folding import execution, frames_of, task
from tests.support.page import Comm, Page, Shell, showing

END = execution("execution_completed", status="success")
ASKED = task("task.hitl_required", checkpointId="c", title="Ship?", options=["approve", "reject"])


shows = pytest.fixture(showing)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    stub = Shell()
    monkeypatch.setattr(outputs_module, "get_ipython", lambda: stub)
    return stub


def test_threads_switch_quickly_while_a_panel_follows_its_run(shows: Callable[..., Page]) -> None:
    usual = sys.getswitchinterval()
    with JsonServer([ASKED]) as server:
        page = shows(server.url)
        eventually(lambda: sys.getswitchinterval() == pytest.approx(0.001))
        page.widget.stop()
        eventually(lambda: sys.getswitchinterval() == pytest.approx(usual))


# ---- the picture ---------------------------------------------------------------------------------------------------


def test_the_trait_holds_the_durable_picture_of_the_run(shows: Callable[..., Page]) -> None:
    with JsonServer(frames_of("seed-execution")) as server:
        page = shows(server.url, title="authentication_feature")
        assert page.widget.wait(20)
        eventually(lambda: page.picture and page.picture["head"]["status"] == "completed")
        head = page.picture["head"]
        assert (head["title"], head["percent"], head["link"]) == ("authentication_feature", 100.0, "ended")
        assert page.picture["phases"]["total"] == 5
        assert page.comm.states[-1]["picture"]["picture"] == page.picture
        assert len(msgspec.json.encode(page.widget.picture)) < 50_000


def test_a_panel_reads_what_the_link_puts_off(shows: Callable[..., Page], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PAUSE", "_LONG_PAUSE"):
        monkeypatch.setattr(f"runconsole.transports.inbox.{name}", 3600)
    monkeypatch.setattr("runconsole.transports.inbox._ANSWERING", 0)

    def often(peer: Peer) -> None:
        for number in range(500):
            peer.send(execution("progress_update", task_id=f"t{number}"))
            time.sleep(0.001)
        peer.listen()

    with JsonServer(often) as server:
        page = shows(server.url)
        eventually(lambda: page.widget.summary["events"] == 500)


def test_changes_come_as_patches_without_a_gap(shows: Callable[..., Page]) -> None:
    with JsonServer([task("task.output", data=f"{n}\n", stream="stdout") for n in range(50)]) as server:
        page = shows(server.url)
        eventually(lambda: page.picture and page.picture["head"]["output_lines"] == 50)
        patches = page.of("patch")
        assert [patch["base"] for patch in patches] == list(range(len(patches)))
        assert page.of("heartbeat") or page.widget.picture["version"] == patches[-1]["version"]


def test_a_run_that_ends_leaves_its_last_picture_and_version(shows: Callable[..., Page]) -> None:
    with JsonServer([task("task.started"), END]) as server:
        page = shows(server.url)
        assert page.widget.wait(20)
        page.widget.stop()
        eventually(
            lambda: page.of("heartbeat")[-1:] and page.of("heartbeat")[-1]["version"] == page.widget.picture["version"]
        )
        assert page.picture["head"]["status"] == "completed"


def test_a_link_that_fails_says_so_in_the_picture(shows: Callable[..., Page]) -> None:
    with JsonServer(refuse=[401]) as server:
        page = shows(server.url, token="s3cret-value")
        eventually(lambda: page.picture and page.picture["head"]["link"] == "failed")
        assert "pass a valid token=" in page.picture["head"]["reason"]
        assert "s3cret-value" not in json.dumps([page.comm.states, page.comm.sent])


def test_the_size_is_a_trait_of_the_page(shows: Callable[..., Page]) -> None:
    state = shows("ws://h/ws", start=False, height=500, compact=True).comm.states[0]
    assert (state["height"], state["compact"]) == (500, True)


# ---- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ready", "snapshot"])
def test_a_page_that_has_nothing_is_given_the_whole_picture(shows: Callable[..., Page], kind: str) -> None:
    with JsonServer([task("task.started")]) as server:
        page = shows(server.url)
        eventually(lambda: len(page.widget.events) == 1)
        page.send(kind=kind, have=-1)
        eventually(lambda: page.of("snapshot"))
        snapshot = page.of("snapshot")[0]
        assert snapshot["picture"]["tasks"]["rows"][0]["id"] == "t"
        assert snapshot["version"] >= 1


def test_pages_and_details_are_given_on_request(shows: Callable[..., Page]) -> None:
    with JsonServer([execution("error", message="x" * 9000, task_id=f"t{n}") for n in range(5)]) as server:
        page = shows(server.url)
        eventually(lambda: len(page.widget.errors) == 5)
        page.send(kind="page", id="q1", table="tasks", offset=3, limit=10, status=None, search="T")
        answer = page.answer("q1", "page")
        assert (answer["table"], answer["offset"], answer["total"]) == ("tasks", 3, 5)
        assert [row["id"] for row in answer["rows"]] == ["t3", "t4"]
        page.send(kind="detail", id="q2", table="errors", key="4")
        assert len(page.answer("q2", "detail")["row"]["message"]) == 9000
        page.send(kind="detail", id="q3", table="errors", key="77")
        assert page.answer("q3", "detail")["row"] is None
        page.send(kind="page", id="q4", table="nonsense")
        assert "KeyError" in page.answer("q4")["error"]


def test_the_link_can_be_stopped_and_started_from_the_page(shows: Callable[..., Page]) -> None:
    with JsonServer() as server:
        page = shows(server.url)
        eventually(lambda: page.widget.status == "live")
        page.send(kind="link", id="l1", action="stop")
        assert page.answer("l1")["ok"]
        eventually(lambda: page.widget.status == "stopped")
        eventually(lambda: page.picture["head"]["link"] == "stopped")
        page.send(kind="link", id="l2", action="reconnect")
        assert page.answer("l2")["ok"]
        eventually(lambda: page.widget.status == "live")
        page.send(kind="link", id="l3", action="explode")
        assert "expected 'reconnect' or 'stop', got 'explode'" in page.answer("l3")["error"]


def test_whatever_else_comes_in_breaks_nothing(shows: Callable[..., Page]) -> None:
    with JsonServer() as server:
        page = shows(server.url)
        nonsense: list[Any] = [None, 5, "text", [], {}, {"kind": 7}, {"kind": None, "id": "x"}]
        for content in nonsense:
            page.comm.deliver({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
        page.send(kind="explode", id="q1")
        assert page.answer("q1")["error"] == "unknown message kind 'explode'"


def test_messages_to_a_stopped_console_are_still_answered(shows: Callable[..., Page]) -> None:
    with JsonServer([ASKED]) as server:
        page = shows(server.url)
        eventually(lambda: page.widget.pending)
        page.widget.stop()
        page.send(kind="decide", id="p1", checkpoint="c", answer={"option": "approve"})
        assert "stopped: call start() first" in page.answer("p1")["error"]
        page.send(kind="snapshot", have=-1)
        assert page.of("snapshot")[-1]["picture"]["head"]["link"] == "stopped"


def test_heartbeats_name_answers_through_a_subshell(shows: Callable[..., Page], shell: Shell) -> None:
    with JsonServer() as server:
        page = shows(server.url)
        page.send(kind="ready", have=-1)
        eventually(lambda: page.of("heartbeat"))
        assert not page.of("heartbeat")[-1]["subshell"]
        shell.subshell = "sub-1"
        page.send(kind="ready", have=-1)
        eventually(lambda: page.of("heartbeat")[-1]["subshell"])


# ---- the same run --------------------------------------------------------------------------------------------------


def test_the_same_arguments_are_the_same_widget_while_it_runs(shows: Callable[..., Page]) -> None:
    with JsonServer() as server:
        first = shows(server.url, title="x").widget
        eventually(lambda: first.status == "live")
        assert shows(server.url, title="x").widget is first
        assert shows(server.url, title="x", height=700, compact=True).widget is first
        eventually(lambda: (first.height, first.compact) == (700, True))
        server.connected(1)
        other = shows(server.url, title="x", task="t").widget
        assert other is not first
        first.stop()
        again = shows(server.url, title="x").widget
        assert again is not first
        server.connected(3)
        assert server.handshakes == 3


def test_a_cell_run_again_changes_the_running_console(shows: Callable[..., Page], tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer() as server:
        page = shows(server.url, title="x", token_budget=10, on_checkpoint=lambda _: "approve", record=path)
        eventually(lambda: page.widget.status == "live")
        policy: Any = lambda _: "reject"  # noqa: E731
        again = shows(server.url, title="y", cost_limit=2.5, on_checkpoint=policy, record=path)
        assert again.widget is page.widget
        server.peer.send(ASKED)
        message = server.peer.expect()
        assert message["payload"]["decision"] == "reject"
        server.peer.send({"type": "ack", "correlationId": message["correlationId"]})
        eventually(lambda: page.picture["head"]["title"] == "y")
        run = page.widget.run
        assert (run.title, run.token_budget, run.cost_limit) == ("y", None, 2.5)
        server.peer.send(END)
        assert page.widget.wait(20)
        assert server.handshakes == 1
    page.widget.stop()
    replayed = Console(path)
    assert (replayed.run.title, replayed.run.cost_limit) == ("y", 2.5)


def test_a_console_has_one_widget(shows: Callable[..., Page]) -> None:
    with JsonServer() as server:
        one, two = Console(server.url, start=False), Console(server.url, start=False)
        widget = shows(one).widget
        assert widget.console is one
        assert shows(one).widget is widget
        assert shows(two).widget is not widget


def test_a_bad_argument_is_one_sentence_as_of_a_console(shows: Callable[..., Page]) -> None:
    with pytest.raises(InvalidArgument, match="did you mean 'title'"):
        ConsoleWidget("ws://h/ws", titel="x")  # type: ignore[call-arg]
    with pytest.raises(InvalidArgument, match="expected a URL"):
        ConsoleWidget("")


def test_all_that_a_console_has_its_widget_has_too(shows: Callable[..., Page]) -> None:
    own = {
        "address",
        "adopt",
        "alert",
        "attach",
        "call_soon",
        "detach",
        "is_forked",
        "command",
        "link_action",
        "log",
        "options",
        "protocol",
        "session_over",
        "stores",
        "state",
        "task_commands",
        "title",
    }
    public = {name for name in dir(Console) if not name.startswith("_")} - own - {"decider"}
    assert sorted(name for name in public if not hasattr(ConsoleWidget, name)) == []
    assert inspect.getdoc(ConsoleWidget.tasks) == inspect.getdoc(Console.tasks)
    with JsonServer([task("task.started"), END]) as server:
        widget = shows(server.url).widget
        assert widget.wait(20)
        assert list(widget.tasks.index) == ["t"]
        assert widget.run.status == "completed"
        assert str(widget) == str(widget.console)
        assert repr(widget) == f"ConsoleWidget('{server.url}', status='ended')"


# ---- where it shows itself -----------------------------------------------------------------------------------------


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Message]]:
    """Return the displayed and updated outputs, as they happen."""
    shown: list[tuple[str, Message]] = []

    class Handle:
        display_id = "display-1"

    def display(bundle: Message, **_: Any) -> Handle:
        shown.append(("display", bundle))
        return Handle()

    monkeypatch.setattr(outputs_module, "display", display)
    monkeypatch.setattr(outputs_module, "update_display", lambda bundle, **_: shown.append(("update", bundle)))
    return shown


def test_without_a_kernel_it_shows_nothing_by_itself(
    shows: Callable[..., Page], displayed: list[tuple[str, Message]]
) -> None:
    shows("ws://h/ws", start=False)
    assert displayed == []


def test_it_shows_itself_once_in_each_cell(
    shows: Callable[..., Page], shell: Shell, displayed: list[tuple[str, Message]]
) -> None:
    widget = shows("ws://h/ws", start=False).widget
    widget._ipython_display_()  # the last expression of the cell that made it
    assert len(displayed) == 1
    shell.execution_count = 2
    widget._ipython_display_()
    assert len(displayed) == 2
    shows("ws://h/ws", start=False)  # a cell run again
    assert len(displayed) == 3


def test_it_is_shown_with_the_screen_for_readers_without_kernel(
    shows: Callable[..., Page], shell: Shell, displayed: list[tuple[str, Message]]
) -> None:
    with JsonServer(does(says(task("task.started", taskId="<b>bold</b>")), Peer.expect)) as server:
        page = shows(server.url, title="<script>alert(1)</script>")
        bundle = displayed[0][1]
        assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == page.widget.model_id
        assert bundle["text/plain"].startswith("Running <script>")
        assert "<script>" not in bundle["text/html"]
        assert "recorded" not in bundle["text/html"]


def test_the_saved_output_shows_the_end_of_the_run(
    shows: Callable[..., Page], shell: Shell, displayed: list[tuple[str, Message]]
) -> None:
    with JsonServer([END]) as server:
        page = shows(server.url, title="nightly")
        assert page.widget.wait(20)
        page.widget.stop()
        eventually(lambda: displayed[-1][0] == "update")
        bundle = displayed[-1][1]
        assert bundle["text/plain"].startswith("Completed nightly")
        assert "recorded: the final state of this run" in bundle["text/html"]
        assert page.widget._repr_mimebundle_()[0] == bundle


def test_options_beside_a_console_are_refused() -> None:
    console = Console("ws://127.0.0.1:9/ws", start=False)
    with pytest.raises(InvalidArgument, match="expected no options beside a Console, got titel"):
        ConsoleWidget(console, titel="x")  # type: ignore[call-arg]


def test_a_widget_of_an_ended_console_connects_no_more() -> None:
    console = Console("ftp://nowhere")
    with pytest.raises(ConsoleFailed):
        console.wait(30)
    console.stop()
    widget = ConsoleWidget(console)
    assert widget.picture["picture"]["head"]["link"] == "failed"
    assert not widget.is_started


# ---- closed, freed, half made --------------------------------------------------------------------------------------


def test_a_cell_run_again_shows_a_closed_widgets_running_console(shows: Callable[..., Page]) -> None:
    with JsonServer([task("task.started")]) as server:
        first = shows(server.url).widget
        eventually(lambda: first.status == "live")
        first.close()
        page = shows(server.url)
        assert page.widget is not first
        assert page.widget.console is first.console
        eventually(lambda: page.picture and page.picture["tasks"]["total"] == 1)
        assert server.handshakes == 1
        assert first.comm is None


def test_stopped_and_closed_widgets_are_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", Comm)
    with JsonServer([task("task.started"), END]) as server:

        def follow() -> list[weakref.ref[Any]]:
            widget = ConsoleWidget(server.url)
            assert widget.wait(20)
            assert len(widget.events) == 2
            widget.stop()
            widget.close()
            engine = widget._engine
            return [weakref.ref(thing) for thing in (widget, widget.console, engine, engine.log, engine.state)]

        things = follow()
        gc.collect()
        assert [thing() for thing in things] == [None] * 5


def test_a_half_made_object_has_a_repr() -> None:
    assert repr(Console.__new__(Console)) == "Console(not begun)"
    assert repr(anywidget.AnyWidget.__new__(ConsoleWidget)) == "ConsoleWidget(not begun)"
