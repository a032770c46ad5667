"""Live links without events: reported, and replaced where the address may mean another protocol or room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runconsole import Console, ConsoleFailed, InvalidArgument
from runconsole.session import Session
from runconsole.session.pace import Pace
from runconsole.transports.socketio.transport import SocketIoTransport
from tests.servers.devmatrix_server import DevmatrixServer
from tests.servers.json_server import JsonServer, Peer, Script, closes, does, eventually, says
from tests.servers.node import TrpcServer
from tests.servers.socketio_server import SocketIoServer
from tests.support.folding import task

if TYPE_CHECKING:
    from pathlib import Path


def defaults_of(kind: Any) -> dict[str, Any]:
    """Return the defaults of a class's keyword arguments, to be changed."""
    defaults: dict[str, Any] = kind.__init__.__kwdefaults__
    return defaults


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a silence of a third of a second for one."""
    monkeypatch.setitem(defaults_of(Session), "pace", Pace(tick=0.1, silent=0.35, accept=0.7))
    monkeypatch.setattr("runconsole.transports.socketio.transport.AUTH_TIMEOUT", 1.0)


def quiet(console: Console) -> str:
    """Wait until the console reports that its link is silent; return the sentence."""
    eventually(lambda: console._engine._state.quiet is not None, "a word about the silence")
    *_, reason = [reason for reason in console.links["reason"].dropna() if "link is live" in reason]
    assert reason in str(console)
    return str(reason)


def progress(number: int, total: int = 2, **data: Any) -> tuple[str, dict[str, Any]]:
    return "progress_update", {
        "task_id": f"task_{number:03}",
        "status": "completed",
        "completed_tasks": number,
        "total_tasks": total,
        **data,
    }


# ---- said ----------------------------------------------------------------------------------------------------------


def test_a_silent_plain_server_is_said_with_what_could_be_meant() -> None:
    with JsonServer() as server, Console(server.url) as console:
        said = quiet(console)
        assert "no event has come yet: subscribed to 'checkpoints', 'system', 'workers'" in said
        assert all(word in said for word in ("task=", "subscribe=", "another path", 'protocol="trpc"', "http://"))
        assert console.status == "live"


def test_a_silence_names_the_subscription() -> None:
    with JsonServer() as server, Console(server.url, task="t-1") as console:
        assert "subscribed to 'task.t-1'" in quiet(console)


def test_the_word_about_a_silence_goes_when_the_run_comes() -> None:
    with JsonServer() as server, Console(server.url) as console:
        quiet(console)
        server.peers[0].send(task("task.started"))
        eventually(lambda: len(console.tasks) == 1)
        assert console._engine._state.quiet is None
        assert "no event has come" not in str(console)


def test_messages_that_are_no_run_are_said_to_be_none() -> None:
    with JsonServer([{"type": "news.flash", "data": {}}]) as server, Console(server.url) as console:
        assert "1 messages came, but none tells of a run" in quiet(console)


def test_a_silent_room_is_said() -> None:
    with SocketIoServer() as server, Console(server.url, session="s") as console:
        said = quiet(console)
        assert "sent join_discovery" in said
        assert "masterplan=" in said


def test_a_server_that_never_accepts_is_reported() -> None:
    with JsonServer() as server, Console(server.url, protocol="trpc") as console:
        eventually(lambda: console.links["reason"].notna().any(), "a reason beside connecting")
        row = console.links[console.links["reason"].notna()].iloc[0]
        assert row["state"] == "connecting"
        assert "the server has not accepted us yet: subscribed to stream.systemEvents" in row["reason"]


# ---- refused ------------------------------------------------------------------------------------------------------


def refuses(code: str, *, named: bool = True) -> Script:
    """Return a script that refuses every subscription."""

    def script(peer: Peer) -> None:
        message = peer.expect(lambda message: message.get("type") == "subscribe")
        name = {"correlationId": message["correlationId"]} if named else {}
        peer.send({"type": "error", "payload": {"code": code, "message": "no such task here"}, **name})

    return script


@pytest.mark.parametrize("ends", [says(), closes(1000), closes(4404, "bye")], ids=["silent", "closes", "4404"])
@pytest.mark.parametrize("named", [True, False])
def test_a_refused_subscription_is_said_and_the_link_fails(named: bool, ends: Script) -> None:  # noqa: FBT001
    script = does(refuses("SUBSCRIPTION_FAILED", named=named), ends)
    with JsonServer(script) as server, Console(server.url, task="t-1") as console:
        with pytest.raises(
            ConsoleFailed, match=r"refused a subscription.*'task.t-1' \(the server said: no such task here"
        ):
            console.wait(20)
        assert console.status == "failed"
        assert "no such task here" in str(console)
        assert len(server.peers) == 1


def test_a_server_that_knows_no_subscriptions_may_still_send() -> None:
    with JsonServer(refuses("UNKNOWN_TYPE")) as server, Console(server.url, task="t-1") as console:
        eventually(lambda: "no such task here" in str(console))
        server.peers[0].send(task("task.started", taskId="t-1"))
        eventually(lambda: len(console.tasks) == 1)
        assert console.status == "live"


def test_a_server_that_refuses_guessed_channels_is_reported() -> None:
    with JsonServer(refuses("SUBSCRIPTION_FAILED")) as server, Console(server.url) as console:
        eventually(lambda: "'workers' (the server said: no such task here)" in quiet(console))
        server.peers[0].send(task("task.started"))
        eventually(lambda: len(console.tasks) == 1)


# ---- made to speak -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("superjson", [True, False])
def test_a_plain_address_of_a_trpc_server_works(superjson: bool) -> None:  # noqa: FBT001
    server = TrpcServer(superjson=superjson)
    try:
        with Console(server.url) as console:
            eventually(lambda: console.protocol == "trpc")
            eventually(lambda: server.log()["subscriptions"])
            eventually(lambda: console.status == "live")
            server.emit({"type": "task.started", "payload": {"taskId": "t"}, "timestamp": "2026-01-01T00:00:00Z"})
            eventually(lambda: len(console.tasks) == 1)
            assert console.links["missed"].dropna().tolist() == []
            assert console.summary["malformed"] == 0
            assert not any("may be missing" in str(row.notice) for row in console._engine._state.links)
    finally:
        server.kill()


def test_a_waiting_server_gets_a_complete_subscription() -> None:
    def script(peer: Peer) -> None:
        message = peer.expect(lambda message: message.get("payload") == {"channel": "system"})
        assert message["timestamp"].endswith("Z")
        peer.send({"type": "subscribed", "payload": message["payload"], "correlationId": message["correlationId"]})
        peer.send(task("task.started"))

    with JsonServer(script) as server, Console(server.url) as console:
        eventually(lambda: len(console.tasks) == 1)
        sent = server.peers[0].messages
        asked = [message["payload"]["channel"] for message in sent]
        assert asked == ["system", "checkpoints", "workers"]
        server.peers[0].drop()
        again = server.connected(3)  # the second one asked whether it speaks another protocol
        assert again.expect(lambda message: message["payload"] == {"channel": "system"})


def test_a_recording_of_a_detected_trpc_server_replays(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    server = TrpcServer(superjson=True)
    try:
        with Console(server.url, record=file) as console:
            eventually(lambda: server.log()["subscriptions"] and console.status == "live")
            server.emit({"type": "task.started", "payload": {"taskId": "t"}, "timestamp": "2026-01-01T00:00:00Z"})
            eventually(lambda: len(console.tasks) == 1)
    finally:
        server.kill()
    replayed = Console(file)
    assert replayed.tasks.index.tolist() == ["t"]
    assert len(replayed.events) == 1


def test_a_tasks_stream_is_found_under_the_servers_name() -> None:
    server = TrpcServer(without=["stream"])
    try:
        with Console(server.url, protocol="trpc", task="t") as console:
            eventually(lambda: console.status == "live")
            assert [entry["path"] for entry in server.log()["subscriptions"]] == ["tasks.onTaskEvent"]
            server.emit({"type": "task.started", "payload": {"taskId": "t"}, "timestamp": "2026-01-01T00:00:00Z"})
            eventually(lambda: len(console.tasks) == 1)
    finally:
        server.kill()


def test_a_server_without_a_global_stream_suggests_task() -> None:
    server = TrpcServer(without=["stream"])
    try:
        with (
            Console(server.url, protocol="trpc") as console,
            pytest.raises(ConsoleFailed, match=r"refused stream\.systemEvents.*pass task= .* subscribe="),
        ):
            console.wait(20)
    finally:
        server.kill()


def test_an_http_address_with_the_path_of_trpc_is_trpc() -> None:
    server = TrpcServer(path="/trpc")
    try:
        with Console(f"http://127.0.0.1:{server.port}/trpc") as console:
            eventually(lambda: console.status == "live")
            assert console.protocol == "trpc"
    finally:
        server.kill()


def test_a_silent_execution_is_found_in_its_sessions_room() -> None:
    with DevmatrixServer() as server, Console(server.url, execution="e1") as console:
        server.until("join_discovery")
        server.send_to_room("e1", progress(1))
        eventually(lambda: len(console.tasks) == 1)


@pytest.mark.parametrize(("options", "kind"), [({"session": "s1"}, "discovery"), ({"masterplan": "s1"}, "masterplan")])
def test_a_session_and_a_master_plan_have_rooms_of_their_own(options: dict[str, Any], kind: str) -> None:
    with DevmatrixServer() as server, Console(server.url, **options) as console:
        server.until(f"join_{kind}")
        eventually(lambda: console.status == "live")
        server.send_to_room("s1", progress(1), kind=kind)
        eventually(lambda: len(console.tasks) == 1)


def test_a_room_is_an_option_of_socketio_alone() -> None:
    with pytest.raises(InvalidArgument, match=r"expected session= beside a Socket\.IO address"):
        Console("ws://127.0.0.1:1/ws", session="s")


# ---- signing in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "signed"), [("header", ("Bearer t0ken-s3cret", "")), ("query", (None, "token=t0ken-s3cret"))]
)
def test_a_token_reaches_a_server_that_takes_no_auth_object(auth: Any, signed: tuple[str | None, str]) -> None:
    with DevmatrixServer() as server, Console(server.url, session="s", token="t0ken-s3cret", auth=auth) as console:
        eventually(lambda: console.status == "live")
        header, query = server.signed[-1]
        assert header == signed[0]
        assert signed[1] in query


def test_a_token_in_the_message_is_among_the_data_of_the_join() -> None:
    with DevmatrixServer() as server, Console(server.url, session="s", token="t0ken-s3cret", auth="message"):
        (data,) = server.until("join_discovery")
        assert data == {"session_id": "s", "token": "t0ken-s3cret"}


def test_a_token_falls_back_to_the_header() -> None:
    with DevmatrixServer() as server, Console(server.url, session="s", token="t0ken-s3cret") as console:
        eventually(lambda: console.status == "live")
        assert server.signed[-1][0] == "Bearer t0ken-s3cret"


def test_an_auth_object_that_is_never_answered_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(defaults_of(SocketIoTransport), "open_timeout", 1.0)
    with DevmatrixServer() as server, Console(server.url, session="s", token="t0ken-s3cret", auth="auth") as console:

        def said() -> bool:
            return any("takes no auth object never does" in reason for reason in console.links["reason"].dropna())

        eventually(said, "a word about the auth object")
        assert any("has not answered yet" in reason for reason in console.links["reason"].dropna())


def test_a_message_needs_a_room_to_go_to() -> None:
    with pytest.raises(InvalidArgument, match='expected a room beside auth="message"'):
        Console("http://127.0.0.1:1", token="t0ken-s3cret", auth="message")


def test_an_auth_object_is_socketios_alone() -> None:
    with pytest.raises(InvalidArgument, match=r'expected auth="auth" beside a Socket\.IO address'):
        Console("ws://127.0.0.1:1/ws", token="t0ken-s3cret", auth="auth")


# ---- a run without an end ------------------------------------------------------------------------------------------


def test_a_silent_complete_run_is_done() -> None:
    with DevmatrixServer() as server, Console(server.url, session="s") as console:
        eventually(lambda: console.status == "live")
        server.send_to_room("s", ("execution_started", {"execution_id": "e", "total_tasks": 2}), progress(1))
        eventually(lambda: len(console.tasks) == 1)
        assert not console.wait(0, until="done")
        server.send_to_room("s", progress(2))
        assert console.wait(20, until="done")
        assert not console.wait(0)
        assert "all 2 tasks are done; the server has not said that the run has ended" in str(console)
        assert console.status == "live"
        server.send_to_room("s", ("execution_completed", {"execution_id": "e", "status": "success"}))
        assert console.wait(20)


async def test_finished_waits_until_done_too() -> None:
    frames = [task("task.started"), task("task.completed")]
    with JsonServer(frames) as server, Console(server.url) as console:
        assert await console.finished(20, until="done")
        assert not await console.finished(0)


def test_until_is_checked() -> None:
    console = Console("ws://127.0.0.1:1/ws", start=False)
    with pytest.raises(InvalidArgument, match="until= to be 'done' or 'ended', got 'over'"):
        console.wait(1, until="over")  # type: ignore[arg-type]
