"""`serve` and `asgi`: viewers elsewhere get all of a run, and their answers count."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from runconsole import ActiveRun, Console, ConsoleFailed, InvalidArgument, Reconnect, check, start_run
from tests.servers.json_server import eventually
from tests.support.decisions import answer_in_turn
from tests.support.uvicorn_server import UvicornServer

ALL = ("tasks", "subtasks", "phases", "waves", "artifacts", "errors", "output", "checkpoints")
TOKEN = "a secret token"
QUICK = Reconnect(first=0.01, longest=0.05)


def was_cut(console: Console, times: int) -> bool:
    return bool((console.links["state"] == "retrying").sum() >= times)


@contextmanager
def served(run: ActiveRun, *, by: str, token: str | None = None) -> Iterator[str]:
    """Serve a run by its own server, or inside of another application; yield its URL."""
    if by == "serve":
        yield run.serve(token=token)
        run.stop_serving()
        return
    app = run.asgi(token=token)
    listener = socket.create_server(("127.0.0.1", 0))
    server = UvicornServer(uvicorn.Config(app, log_level="warning", ws="websockets-sansio", lifespan="on"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), name="uvicorn")
    thread.start()
    eventually(lambda: server.started)
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/runs/1/ws"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


both = pytest.mark.parametrize("by", ["serve", "asgi"])


def work(run: ActiveRun) -> None:
    with run.wave(), run.task("a", phase="P") as task:
        task.progress(0.5, step="half", tokens=3)
        task.output("out\n")
        with task.subtask("part"):
            task.artifact("x.py", size=3)
        task.error(ValueError("odd"))


@both
def test_a_viewer_has_the_frames_of_the_run(by: str) -> None:
    with start_run("served", phases={"P": 2}, token_budget=1000) as run, served(run, by=by) as url:
        work(run)
        with Console(url) as early:
            run.ask("Go on?", options=["yes", "no"], default="yes", timeout=0.05)
            work(run)
            run.finish()
            assert early.wait(30)
        with Console(url) as late:
            assert late.wait(30)
        assert (late.run.title, late.run.token_budget) == ("served", 1000)
        for console in (early, late):
            for name in ALL:
                assert getattr(console, name).equals(getattr(run.console, name)), name
            assert console.events["payload"].tolist() == run.events["payload"].tolist()
            assert console.summary["malformed"] == 0
            assert not console.links["missed"].fillna(0).any()


@both
def test_a_viewer_answers_and_one_answer_counts(by: str) -> None:
    refusals: list[str] = []

    with start_run() as run, served(run, by=by) as url, Console(url) as one, Console(url) as other:
        thread = threading.Thread(target=answer_in_turn, args=(one, other, refusals))
        thread.start()
        given = run.ask("Go on?", options=["yes", "no"])
        thread.join()
        assert (given.option, given.feedback, given.modifications) == ("yes", "go", {"n": [1]})
        assert given.decided_by == "other"
        run.finish()
        assert one.wait(30)
        assert one.decisions["state"].tolist() == ["applied"]
    assert len(refusals) == 1
    assert run.checkpoints["decided_by"].tolist() == ["other"]


@both
@pytest.mark.parametrize("auth", ["header", "query", "message"])
def test_a_token_lets_in_and_nothing_else_does(by: str, auth: Any) -> None:
    with start_run() as run, served(run, by=by, token=TOKEN) as url:
        assert TOKEN.rsplit(maxsplit=1)[-1] not in url
        run.finish()
        with Console(url, token=TOKEN, auth=auth) as console:
            assert console.wait(30)
        with Console(url, token="another token", auth=auth) as denied, pytest.raises(ConsoleFailed):
            denied.wait(30)
        assert "execution_started" not in denied.events["type"].tolist()


@both
def test_a_page_of_another_site_is_refused_where_there_is_no_token(by: str) -> None:
    with start_run() as run, served(run, by=by) as url:
        with pytest.raises(InvalidStatus, match="403"):
            connect(url, additional_headers={"Origin": "http://evil.example"})
        host = url.removeprefix("ws://").partition("/")[0]
        with connect(url, additional_headers={"Origin": f"http://{host}"}) as own:
            assert json.loads(own.recv())["type"] == "execution_started"


@both
def test_messages_of_viewers_are_answered_whatever_they_say(by: str) -> None:
    with start_run() as run, served(run, by=by) as url, connect(url) as viewer:
        assert json.loads(viewer.recv())["type"] == "execution_started"
        for sent, kind in (
            ({"type": "ping", "correlationId": "1"}, "pong"),
            ({"type": "subscribe", "payload": {"channel": "system"}}, "subscribed"),
            ({"type": "unsubscribe", "payload": {"channel": "system"}}, "unsubscribed"),
            ({"type": "auth", "token": "x"}, "authenticated"),
            ({"type": "explode"}, "error"),
            ({"type": "checkpoint.resolve"}, "error"),
            ({"type": "checkpoint.resolve", "payload": {"checkpointId": "q", "decision": "yes"}}, "error"),
            ([1, 2], "error"),
            ("text", "error"),
        ):
            viewer.send(json.dumps(sent))
            reply = json.loads(viewer.recv())
            assert reply["type"] == kind
            if isinstance(sent, dict):
                assert reply.get("correlationId") == sent.get("correlationId")
        viewer.send("ping")
        assert viewer.recv() == "pong"
        viewer.send(b"\xff\xfe")
        assert json.loads(viewer.recv())["type"] == "error"
        viewer.send("[" * 100_000)
        assert json.loads(viewer.recv())["type"] == "error"


def test_a_viewer_without_the_token_gets_no_event_and_is_closed() -> None:
    with start_run() as run:
        with connect(run.serve(token=TOKEN)) as viewer:
            viewer.send('{"type": "subscribe", "payload": {}}')
            assert json.loads(viewer.recv())["payload"]["code"] == "UNAUTHORIZED"
            viewer.send('{"type": "auth", "token": "wrong"}')
            assert json.loads(viewer.recv())["payload"]["code"] == "UNAUTHORIZED"
            with pytest.raises(ConnectionClosed, match="4001"):
                viewer.recv()
        run.stop_serving()


def test_a_viewer_that_is_cut_off_again_and_again_loses_nothing() -> None:
    with start_run() as run:
        with Console(run.serve(), reconnect=QUICK) as console:
            for number in range(50):
                with run.task(f"t{number}"):
                    run.output(f"{number}\n")
                eventually(lambda: console.status == "live" and run._server is not None and run._server._views)
                for viewer in list(run._server._views):  # type: ignore[union-attr]
                    run._server._io.call(viewer.transport.abort)  # type: ignore[union-attr]
                eventually(partial(was_cut, console, number + 1))
            run.finish()
            assert console.wait(60)
            assert console.events["payload"].tolist() == run.events["payload"].tolist()
            assert console.tasks.equals(run.console.tasks)
            assert not console.links["missed"].fillna(0).any()
        run.stop_serving()


def test_many_viewers_follow_one_run() -> None:
    with start_run() as run:
        consoles = [Console(run.serve()) for _ in range(20)]
        for _ in run.track(range(500), "loop"):
            with run.task("t"):
                pass
        run.finish()
        for console in consoles:
            assert console.wait(60)
            assert len(console.tasks) == 501
            console.stop()
        run.stop_serving()


def test_serving_goes_on_after_the_run_until_it_is_stopped() -> None:
    with start_run() as run:
        url = run.serve()
        assert run.serve() == url
        with pytest.raises(InvalidArgument, match=r"stop_serving\(\) first"):
            run.serve(token=TOKEN)
    with Console(url) as late:
        assert late.wait(30)
    run.stop_serving()
    run.stop_serving()
    with pytest.raises(OSError, match="refused"):
        connect(url)


def test_a_stopped_server_of_a_run_that_goes_on_can_begin_again() -> None:
    with start_run() as run:
        port = int(run.serve().rpartition(":")[2].removesuffix("/ws"))
        with Console(f"ws://127.0.0.1:{port}/ws", reconnect=QUICK) as console:
            eventually(lambda: console.status == "live")
            run.stop_serving()
            eventually(lambda: console.status == "retrying")
            assert run.serve(port=port).endswith(f":{port}/ws")
            run.finish()
            assert console.wait(60)
        run.stop_serving()


def test_with_a_server_a_question_can_be_answered_from_elsewhere() -> None:
    code = (
        "import runconsole\n"
        "with runconsole.start_run() as run:\n"
        "    print(run.serve(), flush=True)\n"
        "    print(run.ask('Deploy?', options=['a', 'b']).option)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with Console(process.stdout.readline().strip(), on_checkpoint=lambda _: "b") as console:
        assert console.wait(60)  # the end is sent before the interpreter has ended
        assert console.run.status == "completed"
    assert process.communicate(timeout=60)[0] == "b\n"


def test_a_taken_port_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, start_run(record=tmp_path / "run.jsonl") as run:
        with pytest.raises(OSError, match="in use"):
            run.serve(port=taken.getsockname()[1])
        assert run.serve().startswith("ws://127.0.0.1:")
        run.stop_serving()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"host": "0.0.0.0"}, "expected token= beside host='0.0.0.0'"),  # noqa: S104 - refused
        ({"host": ""}, "host= to be a name or address"),
        ({"port": "80"}, "port= to be a port"),
        ({"port": 70_000}, "port= to be a port"),
        ({"token": ""}, "token= to be a text"),
        ({"token": "two\nlines of it"}, "token= to be a text"),
    ],
)
def test_a_bad_place_is_named_without_its_token(arguments: dict[str, Any], words: str) -> None:
    with start_run() as run:
        with pytest.raises(InvalidArgument, match=words) as caught:
            run.serve(**arguments)
        assert "lines of it" not in str(caught.value)


CRASHES = """
import os, sys, runconsole
run = runconsole.start_run(execution="nightly", record="run.jsonl")
print(run.serve(port=int(sys.argv[1])), flush=True)
with run.task("first", id="first") as task:
    task.output("of the first process\\n")
    task.tokens(5)
for name in ("again", "broken off"):
    run.task(name, id=name).__enter__()
run.tasks, run.save("copy.jsonl")  # flushed
input()
os.kill(os.getpid(), 9)
"""


def test_a_recorded_run_goes_on_after_a_crash_for_every_viewer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", CRASHES, str(port)],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    with Console(url, reconnect=QUICK) as early:
        eventually(lambda: early.tasks["status"].tolist() == ["completed", "running", "running"])
        process.communicate("\n", timeout=60)
        eventually(lambda: early.status == "retrying")
        with start_run(execution="nightly", record=tmp_path / "run.jsonl") as run:
            assert run.serve(port=port) == url
            for name in ("second", "again"):
                with run.task(name, id=name):
                    run.tokens(1)
            with Console(url) as late:
                run.finish()
                assert early.wait(60)
                assert late.wait(60)
            found = check(url)
            run.stop_serving()
        assert found.ok, str(found)
        for console in (early, late, run.console):
            assert console.tasks["name"].tolist() == ["first", "again", "broken off", "second"]
            assert console.tasks["status"].tolist() == ["completed", "completed", "cancelled", "completed"]
            known = console.summary
            assert (known["completed_tasks"], known["total_tasks"], known["tokens_used"]) == (3, 4, 7)
            assert console.output["text"].tolist() == ["of the first process\n"]
            assert console.events["payload"].tolist() == run.events["payload"].tolist()
            assert console.events["event_id"].is_unique
        assert not early.links["missed"].fillna(0).any()
