"""`Console` over real sockets: one sentence for each bad input, decisions, waiting, and an end without leftovers."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console, ConsoleFailed, ConsoleWidget, InvalidArgument, NotConnected
from runconsole import replay as replay_module
from tests.servers.json_server import JsonServer, Peer, closes, does, eventually, in_turn, says
from tests.servers.other_servers import ECHO, closed_port, http, tcp_server
from tests.support.folding import execution, frames_of, task
from tests.transports.test_websocket import tls_server_context

SECRET = "s3cret-value"
END = execution("execution_completed", status="success")


@contextmanager
def console(url: str | JsonServer, **options: Any) -> Iterator[Console]:
    with Console(url.url if isinstance(url, JsonServer) else url, start=False, **options) as started:
        yield started


def leftovers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("runconsole")]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    assert leftovers() == []


# ---- bad input -----------------------------------------------------------------------------------------------------


def failure(url: str, **options: Any) -> str:
    """Return the one sentence with which a console fails, the same from every side, without a secret."""
    with console(url, **options) as it:
        with pytest.raises(ConsoleFailed) as caught:
            it.wait(20)
        sentence = str(caught.value)
        assert it.status == "failed"
        assert it.links["reason"].iloc[-1] == sentence
        for text in (sentence, repr(it), str(it), repr(it.summary), it.links.to_string()):
            assert SECRET not in text
        assert caught.value._render_traceback_() == [f"ConsoleFailed: {sentence}"]
        assert "\n" not in sentence
        return sentence


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ws://localhost:notaport/ws", "expected a URL like ws://host:port/path"),
        ("ws://", "it names no host"),
        ("ws:localhost:8000", "expected a URL"),
        ("ftp://h/x", "expected a URL that begins with ws:// or wss://, got 'ftp://h/x': check its scheme"),
        ("localhost:8000/ws", "expected a URL"),
        ("ws://[bad/ws", "check its host and port"),
        (f"smtp://u:{SECRET}@h/x?token={SECRET}", "check its scheme"),
    ],
)
def test_an_unusable_address_fails_at_once(url: str, words: str) -> None:
    assert words in failure(url, token=SECRET)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refused us with HTTP 401 Unauthorized: pass a valid token=, or another auth="),
        (403, "refused us with HTTP 403 Forbidden"),
        (400, "expected a WebSocket endpoint at localhost:"),
        (200, "expected a WebSocket endpoint at localhost:"),
    ],
)
def test_a_server_that_refuses_fails_at_once_with_one_sentence(status: int, words: str) -> None:
    with JsonServer(refuse=[status] * 9) as server:
        assert words in failure(server.url, token=SECRET)
        assert server.handshakes == 1


def test_an_untrusted_certificate_fails_at_once() -> None:
    with JsonServer(ssl=tls_server_context()) as server:
        assert "pass ssl= with a context or the path of its CA" in failure(server.url, token=SECRET)


@pytest.mark.parametrize("answer", [ECHO, http("200 OK"), None], ids=["echo", "http", "hang-up"])
def test_another_kind_of_server_is_tried_a_few_times(answer: bytes | None) -> None:
    with tcp_server(answer) as port, console(f"ws://localhost:{port}/ws", token=SECRET) as it:
        eventually(lambda: it.status in {"retrying", "failed"})
        assert "expected a WebSocket" in it.links["reason"].dropna().iloc[-1]
        assert f"Connection: {it.status}" in str(it)


def test_a_port_where_nobody_listens_is_tried_again_and_says_so() -> None:
    with closed_port() as port, console(f"ws://localhost:{port}/ws") as it:
        eventually(lambda: it.status == "retrying")
        assert it.wait(0.01) is False
        assert "nothing listens at" in it.links["reason"].dropna().iloc[-1]


def test_an_unknown_option_is_one_sentence_and_starts_nothing() -> None:
    with pytest.raises(InvalidArgument, match="did you mean 'title'"):
        Console("ws://h/ws", titel="x")  # type: ignore[call-arg]
    assert leftovers() == []


# ---- following -----------------------------------------------------------------------------------------------------


def test_a_run_is_followed_to_its_end_and_the_data_stays() -> None:
    with JsonServer(frames_of("seed-execution")) as server, console(server, title="authentication_feature") as it:
        assert it.wait(20)
        assert it.status == "ended"
        assert (it.run.percent, it.run.tokens_used, it.run.cost_usd) == (100.0, 67450, 0.42)
    assert len(it.events) == 6
    assert it.tasks.index.tolist() == ["task_001", "task_067"]
    assert it.to_arrow().num_rows == 6
    assert str(it).startswith("Completed authentication_feature\n")
    assert it.table("wave_completed")["atoms_in_wave"].tolist() == [120]
    assert it.summary["events"] == 6
    micros = it._engine.state.run().started_at
    assert micros is not None
    assert it.run.started_at == it.summary["started_at"] == datetime.fromtimestamp(micros / 1e6, UTC)
    assert it.run.started_at.utcoffset() == timedelta(0)
    assert it.runs[-1].run == it.run
    assert it.summary["link"] == "ended"


async def test_finished_waits_without_blocking_the_loop() -> None:
    go = threading.Event()
    script = does(says(*frames_of("seed-task")[:9]), lambda peer: go.wait(20), says(END))
    with JsonServer(script) as server, console(server) as it:
        assert await it.finished(0.01) is False
        waiting = asyncio.create_task(it.finished(20))
        await asyncio.sleep(0)
        go.set()
        assert await waiting
        assert await it.finished(20)


@pytest.mark.parametrize("waits", ["finished", "next_checkpoint"])
def test_a_wait_on_a_closed_loop_does_not_end_the_session(waits: str) -> None:
    asked, go = task("task.hitl_required", checkpointId="c", options=["approve"]), threading.Event()
    script = does(says(task("task.started")), lambda peer: go.wait(20), says(asked, END))
    with JsonServer(script) as server, console(server) as it:
        loop = asyncio.new_event_loop()
        waiting = loop.create_task(getattr(it, waits)())
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()
        del waiting
        go.set()
        assert it.wait(20)
        assert list(it.checkpoints.index) == ["c"]
        assert not any("runconsole itself failed" in (reason or "") for reason in it.links["reason"].dropna())


def test_a_clean_close_after_all_tasks_ends_the_run() -> None:
    with JsonServer(does(says(task("task.completed")), closes(1000))) as server, console(server) as it:
        assert it.wait(20)
        assert it.status == "ended"


def test_a_followed_task_is_subscribed_to_and_ends_the_run() -> None:
    with JsonServer(does(lambda peer: peer.expect(), says(task("task.completed", taskId="t-1")))) as server:
        with console(server, task="t-1") as it:
            assert it.wait(20)
        (message,) = server.peer.messages
        assert message.pop("timestamp").endswith("Z")
        assert message == {
            "type": "subscribe",
            "payload": {"channel": "task.t-1", "taskId": "t-1"},
            "correlationId": "subscribe-1",
        }


def test_subscribe_replaces_the_usual_subscription() -> None:
    answers = does(lambda peer: eventually(lambda: len(peer.received) == 2), says(END))
    with JsonServer(answers) as server, console(server, subscribe=["plain", {"a": 2}]) as it:
        assert it.wait(20)
        assert server.peer.received == ["plain", '{"a":2}']


def test_waiting_names_the_open_questions_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        JsonServer([task("task.hitl_required", checkpointId="c-1", title="Ship\x1b[2J?")]) as server,
        console(server) as it,
    ):
        eventually(lambda: it.pending)
        assert it.wait(0.05) is False
    said = capfd.readouterr().err
    assert "the run waits for your decision on" in said
    assert "(c-1): w.decide(id, option)" in said
    assert "gave up waiting after 0.05 s" in said
    assert "\x1b" not in said


def test_waiting_ends_with_false_when_the_console_is_stopped() -> None:
    with JsonServer() as server:
        it = Console(server.url)
        eventually(lambda: it.status == "live")
        results: list[bool] = []
        waiting = threading.Thread(target=lambda: results.append(it.wait(20)))
        waiting.start()
        it.stop()
        waiting.join(20)
        assert results == [False]
        assert it.wait(20) is False


# ---- start, stop ---------------------------------------------------------------------------------------------------


def test_start_and_stop_are_idempotent_and_repeatable() -> None:
    with JsonServer([task("task.started", 1)]) as server:
        it = Console(server.url, start=False)
        assert leftovers() == []
        it.stop()
        assert it.start() is it.start() is it
        eventually(lambda: len(it.events) == 1)
        assert leftovers() == ["runconsole-io"]
        it.stop()
        it.stop()
        assert leftovers() == []
        assert it.status == "stopped"
        assert server.peer.closed.wait(10)
        it.start()
        server.connected(2)
        eventually(lambda: it.status == "live")
        it.stop()
        assert len(server.peers) == 2


def test_two_consoles_share_one_thread_and_each_has_its_own_run() -> None:
    with JsonServer([task("task.started", taskId="a")]) as one, JsonServer([task("task.started", taskId="b")]) as two:
        with console(one) as first, console(two) as second:
            eventually(lambda: len(first.tasks) == len(second.tasks) == 1)
            assert leftovers() == ["runconsole-io"]
        assert (first.tasks.index.tolist(), second.tasks.index.tolist()) == (["a"], ["b"])


def test_stopping_while_it_retries_ends_at_once() -> None:
    with JsonServer(in_turn(Peer.drop)) as server:
        it = Console(server.url)
        eventually(lambda: it.status == "retrying")
        it.stop()
        assert it.status == "stopped"


def test_a_console_that_failed_can_be_started_again() -> None:
    with JsonServer([END], refuse=[401]) as server, console(server) as it:
        with pytest.raises(ConsoleFailed):
            it.wait(20)
        it.start()
        assert it.wait(20)


@pytest.mark.parametrize("refused", [False, True])
def test_a_with_statement_does_not_begin_again_what_is_over(refused: bool) -> None:  # noqa: FBT001
    """A constructor connects at once: on a busy machine all may be over before the next statement."""
    with JsonServer([END], refuse=[401] if refused else []) as server:
        it = Console(server.url)
        engine = it._engine
        eventually(lambda: it.status in {"failed", "ended"} and engine._task is not None and engine._task.done())
        session, links = it._engine._feed.sender, len(it.links)
        with it:
            assert it._engine._feed.sender is session
        assert len(it.links) == links
        assert server.handshakes == 1


def test_a_with_statement_starts_a_console_that_was_stopped() -> None:
    with JsonServer() as server, console(server) as it:
        eventually(lambda: it.status == "live")
        it.stop()
        with it:
            eventually(lambda: it.status == "live")
        assert server.handshakes == 2


# ---- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["header", "query", "params", "message"])
def test_the_token_reaches_the_server_and_nobody_else(auth: str) -> None:
    token = SECRET if auth == "header" else "tök en/+&=%"
    refuses = does(lambda peer: auth in {"header", "query"} or peer.expect(), closes(4001, f"bad token {token}"))
    with JsonServer(refuses) as server, console(server, token=token, auth=auth) as it:
        with pytest.raises(ConsoleFailed) as caught:
            it.wait(20)
        seen = (str(caught.value), repr(it), str(it), it.links.to_string(), it.events.to_string(), str(it.summary))
        peer = server.peer
        arrived = f"{peer.path} {peer.headers} {peer.messages}"
    assert token in arrived or "t%C3%B6k+en%2F%2B%26%3D%25" in arrived
    assert "bad token ***" in str(caught.value)
    assert not any(token in text for text in seen)


def test_headers_are_sent_and_not_shown() -> None:
    with JsonServer([END]) as server, console(server, headers={"X-Api-Key": SECRET}) as it:
        assert it.wait(20)
        assert server.peer.headers["X-Api-Key"] == SECRET
        assert SECRET not in f"{it!r}{it}{it._engine.options}"


def test_a_certificate_authority_can_be_given_by_its_path() -> None:
    pem = Path(__file__).parents[1] / "servers" / "localhost.pem"
    with JsonServer([END], ssl=tls_server_context()) as server, console(server, ssl=pem) as it:
        assert it.wait(20)


def test_without_a_link_nothing_is_decided() -> None:
    it = Console("ws://localhost:1/ws", start=False)
    with pytest.raises((NotConnected, InvalidArgument)):
        it.decide("c", "approve")


# ---- polled, interrupted -------------------------------------------------------------------------------------------


def test_polling_leaves_nothing_behind_and_says_a_question_once(capsys: pytest.CaptureFixture[str]) -> None:
    asked = task("task.hitl_required", checkpointId="c", title="Ship?", options=["approve", "reject"])
    with JsonServer([asked]) as server, Console(server.url) as console:
        eventually(lambda: console.pending)
        for _ in range(1000):
            assert not console.wait(timeout=0)
        for _ in range(20):
            assert not console.wait(timeout=0.001)
        assert len(console._engine._watchers._watchers) <= 1
        assert capsys.readouterr().err.count("gave up waiting") == 1


def interrupted(make: Callable[[], object]) -> None:
    """Call a function while the interrupt of a stop button comes; assert that it gets through."""
    timer = threading.Timer(0.3, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            make()
    finally:
        timer.join()


@pytest.mark.parametrize("make", [Console, ConsoleWidget])
def test_an_interrupted_load_leaves_nothing_behind(
    make: type[Console | ConsoleWidget], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer([task("task.started")]) as server, Console("ws://127.0.0.1:9/ws") as other:
        with Console(server.url, record=path) as console:
            eventually(lambda: len(console.tasks) == 1)

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(replay_module, "take_up", never)
        interrupted(lambda: make(server.url, record=path))
        monkeypatch.undo()
        again = make(server.url, record=path)
        eventually(lambda: again.status == "live")
        assert len(again.tasks) == 1
        again.stop()
        assert other.is_started
        assert server.handshakes == 2


def test_a_wait_that_would_never_end_says_so_at_once() -> None:
    console = Console("ws://localhost:9/ws", start=False)
    with pytest.raises(NotConnected, match="call start"):
        console.wait()
    with pytest.raises(NotConnected, match="call start"):
        asyncio.run(console.finished())
    assert console.wait(timeout=0) is False
    assert repr(console) == "Console('ws://localhost:9/ws', status='idle')"


def test_a_servers_words_are_marked_in_errors_too() -> None:
    said = {"type": "error", "payload": {"code": "UNAUTHORIZED", "message": "go\x1b]52;c;aGk=\x07 \u202eaway"}}
    with JsonServer([said]) as server, Console(server.url) as it:
        with pytest.raises(ConsoleFailed) as failed:
            it.wait(20)
        for text in (str(failed.value), it.links["reason"].iloc[-1]):
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert "⟨U+202E⟩away" in text
