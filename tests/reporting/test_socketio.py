"""`attach_socketio`: a run on a Socket.IO server of the application, by rooms, with catch-up and answers."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pandas as pd
import pytest
import socketio
import uvicorn

from runconsole import ActiveRun, Console, DecisionError, InvalidArgument, Reconnect, check, start_run
from tests.servers.json_server import eventually
from tests.support.decisions import answer_in_turn
from tests.support.uvicorn_server import UvicornServer

ALL = ("tasks", "subtasks", "phases", "waves", "artifacts", "errors", "output", "checkpoints")
QUICK = Reconnect(first=0.01, longest=0.05)


class Application:
    """An application with a Socket.IO server, on uvicorn in a thread."""

    def __init__(self, **options: Any) -> None:
        self.sio = socketio.AsyncServer(async_mode="asgi", **options)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(
            socketio.ASGIApp(self.sio), ws="websockets-sansio", lifespan="off", log_config=None, interface="asgi3"
        )
        self.server = UvicornServer(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="uvicorn")

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self.server.serve([self._listener])

    def start(self) -> None:
        self.thread.start()
        eventually(lambda: self.server.started)

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(30)
        self._listener.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on the server's event loop; return its result."""

        async def call() -> Any:
            result = function(*arguments)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(30)

    def cut(self) -> None:
        """Cut every connection."""

        def cut() -> None:
            for connection in list(self.server.server_state.connections):
                connection.transport.abort()

        self.call(cut)

    @property
    def handlers(self) -> dict[str, Any]:
        return dict(self.sio.handlers.get("/", {}))


@contextmanager
def application(*, begun: bool = True, **options: Any) -> Iterator[Application]:
    app = Application(**options)
    if begun:
        app.start()
    try:
        yield app
    finally:
        if app.thread.is_alive():
            app.stop()


@contextmanager
def client(app: Application) -> Iterator[tuple[socketio.SimpleClient, list[Any]]]:
    """A plain client, with the events that it got, in no order: it takes each in a thread of its own."""
    events: list[Any] = []
    plain = socketio.Client()
    plain.on("*", lambda name, *data: events.append((name, *data)))
    plain.connect(app.url, transports=["websocket"])
    try:
        yield plain, events
    finally:
        plain.disconnect()


def viewer(app: Application, run: ActiveRun, **options: Any) -> Console:
    return Console(app.url, execution=run.execution_id, **options)


def work(run: ActiveRun) -> None:
    with run.wave(), run.task("a", phase="P") as task:
        task.progress(0.5, step="half", tokens=3)
        task.output("out\n")
        with task.subtask("part"):
            task.artifact("x.py", size=3)
        task.error(ValueError("odd \N{SNOWMAN} <b>"))


def payloads(frames: Console | ActiveRun) -> list[Any]:
    return [json.loads(payload) for payload in frames.events["payload"]]


def assert_same(console: Console, run: ActiveRun) -> None:
    assert payloads(console) == payloads(run)
    for name in ALL:
        pd.testing.assert_frame_equal(getattr(console, name), getattr(run.console, name), obj=name)
    assert console.summary["malformed"] == 0
    assert not console.links["missed"].fillna(0).any()


rooms = pytest.mark.parametrize("room", [None, "runs"])


@rooms
def test_a_viewer_has_the_frames_of_the_run(room: str | None) -> None:
    with application() as app, start_run("served", phases={"P": 2}, token_budget=1000) as run:
        run.attach_socketio(app.sio, room=room)
        work(run)
        with viewer(app, run) as early:
            run.ask("Go on?", options=["yes", "no"], default="yes", timeout=0.05)
            work(run)
            run.finish()
            assert early.wait(30)
            assert_same(early, run)
        with viewer(app, run) as late:
            assert late.wait(30)
            assert_same(late, run)
        assert (late.run.title, late.run.token_budget) == ("served", 1000)
        assert len(late.events) == len(run.events)  # nothing came twice
        run.stop_serving()


def test_an_attached_run_keeps_the_promises_of_its_events() -> None:
    with application() as app, start_run("served", phases={"P": 1}, show=False) as run:
        run.attach_socketio(app.sio)
        work(run)
        run.finish()
        found = check(app.url, execution=run.execution_id)
        run.stop_serving()
    assert found.ok, str(found)
    assert found.ended


def test_a_run_attached_before_the_server_begins_is_emitted() -> None:
    with application(begun=False) as app, start_run() as run:
        run.attach_socketio(app.sio, "runs")
        work(run)
        app.start()
        with viewer(app, run) as console:
            work(run)
            run.finish()
            assert console.wait(30)
            assert_same(console, run)
        run.stop_serving()


@rooms
def test_a_viewer_that_is_cut_off_again_and_again_loses_nothing(room: str | None) -> None:
    def was_cut(console: Console, times: int) -> bool:
        return bool((console.links["state"] == "retrying").sum() >= times)

    with application() as app, start_run() as run:
        run.attach_socketio(app.sio, room)
        with viewer(app, run, reconnect=QUICK) as console:
            for number in range(20):
                with run.task(f"t{number}"):
                    run.output(f"{number}\n")
                eventually(lambda: console.status == "live")
                app.cut()
                eventually(partial(was_cut, console, number + 1))
            run.finish()
            assert console.wait(60)
            assert_same(console, run)
        run.stop_serving()


def test_a_burst_from_many_threads_comes_in_order_to_several_viewers() -> None:
    with application() as app, start_run() as run:
        run.attach_socketio(app.sio)
        consoles = [viewer(app, run) for _ in range(3)]
        run.map(lambda number: number, range(1000), name="n")
        consoles.append(viewer(app, run))  # in the middle, or late
        run.finish()
        for console in consoles:
            assert console.wait(60)
            assert_same(console, run)
            console.stop()
        run.stop_serving()


def test_one_answer_counts_and_the_second_is_refused_in_words() -> None:
    refusals: list[str] = []

    with application() as app, start_run() as run:
        run.attach_socketio(app.sio, "runs")
        with viewer(app, run) as one, viewer(app, run) as other:
            thread = threading.Thread(target=answer_in_turn, args=(one, other, refusals))
            thread.start()
            given = run.ask("Go on?", options=["yes", "no"])
            thread.join()
            assert (given.option, given.feedback, given.modifications) == ("yes", "go", {"n": [1]})
            assert given.decided_by == "other"
            run.finish()
            assert one.wait(30)
            assert one.decisions["state"].tolist() == ["applied"]
        run.stop_serving()
    assert len(refusals) == 1
    assert "already decided by somebody else: 'yes'" in refusals[0]


def test_two_answers_at_once_are_one() -> None:
    outcomes: list[str] = []

    def answer(console: Console, option: str, both: threading.Barrier) -> None:
        eventually(lambda: console.pending)
        both.wait(30)
        try:
            console.decide("question-1", option)
            outcomes.append(option)
        except DecisionError:
            outcomes.append("refused")

    with application() as app, start_run() as run:
        run.attach_socketio(app.sio)
        with viewer(app, run) as one, viewer(app, run) as other:
            both = threading.Barrier(2)
            threads = [
                threading.Thread(target=answer, args=(console, option, both))
                for console, option in ((one, "yes"), (other, "no"))
            ]
            for thread in threads:
                thread.start()
            given = run.ask("Go on?", options=["yes", "no"])
            for thread in threads:
                thread.join()
        assert sorted(outcomes) == sorted([str(given.option), "refused"])
        run.stop_serving()


@pytest.mark.parametrize("places", [("a", "b"), ("one", "one"), (None, None)])
def test_two_runs_on_one_server_stay_apart(places: tuple[str | None, str | None]) -> None:
    with application() as app, start_run("first") as first, start_run("second") as second:
        runs = (first, second)
        for run, room in zip(runs, places, strict=True):
            run.attach_socketio(app.sio, room)
        with viewer(app, first) as one, viewer(app, second) as other:
            given: list[Any] = []
            askers = [
                threading.Thread(target=lambda run=run: given.append(run.ask("Go?", options=["x", "y"])))
                for run in runs
            ]
            for asker in askers:
                asker.start()
            eventually(lambda: one.pending and other.pending)
            other.decide("question-1", "y")  # both questions have this id
            askers[1].join(30)
            assert [answer.option for answer in given] == ["y"]
            assert first.pending
            one.decide("question-1", "x")
            askers[0].join(30)
            for run in runs:
                work(run)
                run.finish()
            for console, run in ((one, first), (other, second)):
                assert console.wait(30)
                assert console.tasks.equals(run.tasks)
                assert payloads(console) == payloads(run)
        first.stop_serving()
        assert app.handlers  # of the other run
        second.stop_serving()
        assert not app.handlers


def test_plain_clients_in_the_room_get_the_events_and_others_do_not() -> None:
    with application() as app, start_run() as run:

        async def enter(sid: str) -> None:
            await app.sio.enter_room(sid, "runs")

        app.sio.on("enter", enter)
        with client(app) as (inside, events), client(app) as (_, others):
            inside.call("enter")
            run.attach_socketio(app.sio, "runs")
            run.emit("custom", {"n": 1})
            run.finish()
            eventually(lambda: any(name == "execution_completed" for name, *_ in events))
            eventually(lambda: sorted(event["seq"] for _, event in events) == list(range(1, len(run.events) + 1)))
            answer = inside.call("request_catch_up", {"execution_id": run.execution_id})
            assert answer == {"ok": True, "execution_id": run.execution_id}
            eventually(lambda: len(events) == 2 * len(run.events))  # unasked nothing comes twice
        assert others == []
        run.stop_serving()


def test_what_clients_send_is_answered_whatever_it_is() -> None:
    with application() as app, start_run() as run:
        run.attach_socketio(app.sio, "runs")
        with client(app) as (plain, _):
            for name, data, words in (
                ("join_execution", {"execution_id": "another"}, "no run 'another' is served here"),
                ("request_catch_up", {"execution_id": "another"}, "no run 'another' is served here"),
                ("checkpoint_resolve", {"checkpointId": "q", "decision": "x"}, "no run here asks 'q'"),
                ("checkpoint_resolve", "text", "no run here asks None"),
            ):
                answer = plain.call(name, data)
                assert answer["ok"] is False
                assert words in answer["error"]["message"]
            joined = plain.call("join_execution", {"execution_id": run.execution_id})
            assert joined == {"ok": True, "execution_id": run.execution_id}
            plain.emit("join_execution")
            plain.emit("request_catch_up", [1])
            refused = plain.call("checkpoint_resolve", {"checkpointId": "q", "decision": "x"})
            assert "asks no question 'q'" in refused["error"]["message"]
        run.stop_serving()


class Own:
    """The handlers of an application that has runs of its own."""

    def __init__(self, app: Application) -> None:
        self.came: list[tuple[str, Any]] = []
        for name in ("join_execution", "request_catch_up", "checkpoint_resolve"):
            app.sio.on(name, partial(self._take, name))
        app.sio.on("connect", self._connect)

    def _connect(self, _sid: str, _environ: Any, auth: Any) -> bool:
        self.came.append(("connect", auth))
        return bool(auth != {"token": "wrong"})

    async def _take(self, name: str, _sid: str, data: Any) -> Any:
        self.came.append((name, data))
        return {"mine": name}


@pytest.mark.parametrize("is_first", [True, False])
def test_handlers_of_the_application_get_what_is_theirs(*, is_first: bool) -> None:
    with application() as app, start_run() as run:
        own = Own(app) if is_first else None
        registered = app.handlers
        run.attach_socketio(app.sio, "runs")
        if own is None:  # they would displace ours
            own = Own(app)
            registered = app.handlers
        with viewer(app, run) as console, client(app) as (plain, _):
            work(run)
            run.finish()
            assert console.wait(30)
            assert_same(console, run)
            for name in ("join_execution", "request_catch_up", "checkpoint_resolve"):
                data = {"execution_id": "another", "checkpointId": "q"}
                assert plain.call(name, data) == {"mine": name}
                assert own.came[-1] == (name, data)
            with pytest.raises(socketio.exceptions.ConnectionError):
                socketio.Client().connect(app.url, auth={"token": "wrong"}, transports=["websocket"])
        run.stop_serving()
        assert app.handlers == registered


def test_catch_all_handlers_and_namespaces_of_the_application_get_what_is_theirs() -> None:
    class Main(socketio.AsyncNamespace):  # type: ignore[misc]
        async def on_join_execution(self, _sid: str, data: Any) -> Any:
            return ["of the namespace", data]

    with application() as app, start_run() as run:
        app.sio.register_namespace(Main("/"))
        run.attach_socketio(app.sio)
        with client(app) as (plain, _):
            assert plain.call("join_execution", {"execution_id": "x"}) == ["of the namespace", {"execution_id": "x"}]
            app.sio.on("*", lambda name, sid, data: [name, data])
            assert plain.call("join_execution", 1) == ["join_execution", 1]
        run.stop_serving()


def test_a_client_that_does_not_read_holds_up_nobody_and_fills_no_memory() -> None:
    with application(ping_timeout=120) as app, start_run() as run:
        run.attach_socketio(app.sio)
        with client(app) as (slow, events), viewer(app, run) as console:
            eventually(lambda: console.status == "live")
            stuck = threading.Event()
            slow.eio._receive_packet, receive = lambda packet: stuck.wait(60), slow.eio._receive_packet
            for number in range(300):
                run.emit("custom", {"n": number, "text": "y" * 50_000})
            eventually(lambda: len(console.events) >= 300)
            queues = app.call(lambda: [session.queue.qsize() for session in app.sio.eio.sockets.values()])
            assert max(queues) <= 80
            slow.eio._receive_packet = receive
            stuck.set()
            run.finish()
            assert console.wait(60)
            eventually(lambda: any(name == "execution_completed" for name, _ in events))
            seqs = sorted(event["seq"] for _, event in events)
            assert seqs == list(range(seqs[0], len(run.events) + 1))
        run.stop_serving()


def test_attaching_twice_is_once_and_another_room_is_refused() -> None:
    with application() as app, start_run() as run:
        run.attach_socketio(app.sio, "runs")
        run.attach_socketio(app.sio, "runs")
        with pytest.raises(InvalidArgument, match=r"attached to this server for the room 'runs'.*stop_serving"):
            run.attach_socketio(app.sio)
        run.stop_serving()
        run.stop_serving()
        assert not app.handlers
        run.attach_socketio(app.sio)
        with viewer(app, run) as console:
            run.finish()
            assert console.wait(30)
        run.stop_serving()


def test_a_run_is_attached_and_detached_on_the_loop_of_the_server() -> None:
    with application() as app, start_run() as run, client(app) as (_, events):
        app.call(run.attach_socketio, app.sio)
        eventually(lambda: events)
        app.call(run.stop_serving)
        eventually(lambda: not app.handlers)
        run.emit("custom", {})
        assert all(name != "custom" for name, _ in events)


def test_a_run_is_attached_on_another_loop_than_that_of_the_server() -> None:
    async def report(app: Application) -> None:  # as in a notebook, beside a server in a thread
        async with start_run() as run:
            run.attach_socketio(app.sio)
            await asyncio.sleep(0.05)
            app.start()
            with viewer(app, run) as console:
                work(run)
                await asyncio.to_thread(eventually, lambda: len(console.events) == len(run.events))
                run.finish()
                assert await asyncio.to_thread(console.wait, 30)
                assert_same(console, run)
        await asyncio.to_thread(run.stop_serving)
        assert not app.handlers

    with application(begun=False) as app:
        asyncio.run(report(app))


def test_a_viewer_that_comes_before_its_run_gets_all_of_it() -> None:
    with application() as app, start_run() as other:
        other.attach_socketio(app.sio, "others")
        with Console(app.url, execution="to come", reconnect=QUICK) as console:
            eventually(lambda: "no run 'to come' is served here" in str(console.links["reason"].tolist()))
            with start_run(execution="to come") as run:
                run.attach_socketio(app.sio, "runs")
                work(run)
                run.finish()
                assert console.wait(30)
                assert_same(console, run)
            run.stop_serving()
        other.stop_serving()


@pytest.mark.parametrize(
    ("server", "room", "words"),
    [
        (socketio.Server(), None, "socketio.AsyncServer, got a Server"),
        (socketio.ASGIApp(socketio.AsyncServer(async_mode="asgi")), None, "socketio.AsyncServer, got a ASGIApp"),
        (None, None, "socketio.AsyncServer, got a NoneType"),
        (socketio.AsyncServer(async_mode="asgi"), "", "room= to be the name"),
        (socketio.AsyncServer(async_mode="asgi"), 5, "room= to be the name"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(server: Any, room: Any, words: str) -> None:
    with start_run() as run, pytest.raises(InvalidArgument, match=words):
        run.attach_socketio(server, room)


def test_with_a_server_a_question_waits_for_an_answer() -> None:
    with application() as app, start_run() as run:
        run.attach_socketio(app.sio)
        with Console(app.url, execution=run.execution_id, on_checkpoint=lambda _: "b"):
            assert run.ask("Deploy?", options=["a", "b"]).option == "b"
        run.stop_serving()
