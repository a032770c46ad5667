"""One secret in each place and on each wire, repeated by the server in every spelling: shown and kept nowhere."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow.dataset as ds
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

import runconsole
from runconsole import Console, ConsoleFailed, DecisionRefused
from runconsole.errors import InvalidArgument
from tests.servers.json_server import JsonServer, Peer, eventually
from tests.servers.socketio_server import SocketIoServer
from tests.support.canary import Records, holds, read_bytes, shown_by, shown_of, spelled, thrown
from tests.support.folding import task
from tests.support.page import Page, showing

if TYPE_CHECKING:
    from websockets.http11 import Request, Response

SECRET = "Zq7+pW/4xV=kT9~mB2&cD"

shows = pytest.fixture(showing)


def clean(where: str, text: str, secret: str = SECRET) -> None:
    found = holds(text, secret)
    place = next((text.find(form) for form in spelled(secret).values() if form in text), 0)
    assert not found, f"{where} holds the secret as {found}: {text[max(0, place - 200) : place + 200]}"


@pytest.fixture(autouse=True)
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Capture the logs of every library, with asyncio's debug mode on."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    with Records() as kept:
        yield
    own = [line for line in kept.lines if not line.startswith(("websockets.server", "uvicorn", "engineio.server"))]
    clean("the log", "\n".join(own))


def events(said: str) -> list[str]:
    """Return one event of each kind with a text in it, as JSON text; the text may be escaped already."""
    mark = "a mark"
    messages = [
        task("task.started", taskId="t", workerId=f"w {mark}"),
        task("task.progress", taskId="t", progress=10, currentStep=f"step {mark}"),
        task("task.output", taskId="t", data=f"said {mark} here\n", stream="stdout"),
        task("subtask.started", taskId="t", subtaskId="s", name=f"sub {mark}"),
        task("artifact.created", taskId="t", path=f"dir/{mark}.txt"),
        task("error", taskId="t", message=f"oh {mark}"),
        task("task.hitl_required", taskId="t", checkpointId="c", title=f"Ship {mark}?", context={"diff": mark}),
        task("system.alert", level="error", message=f"alert {mark}"),
        json.dumps({"type": f"odd {mark}", "payload": {"n": mark}}),
    ]
    return [message.replace(mark, said) for message in messages] + [f"no JSON {said}"]


def halves() -> list[str]:
    middle = len(SECRET) // 2
    letters = [task("task.output", taskId="t", data=piece, stream="stderr") for piece in f"word {SECRET} by word\n"]
    return letters + [
        task("task.output", taskId="t", data=piece, stream="stderr")
        for piece in (f"half {SECRET[:middle]}", f"{SECRET[middle:]} half\n")
    ]


def echoing(peer: Peer) -> None:
    """Repeat the secret in every spelling, refuse a decision with it, and close with it."""
    for form in spelled(SECRET).values():
        said = form if "\\" in form else json.dumps(form)[1:-1]
        peer.send(*events(said))
    peer.send(*halves())
    answer = peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
    payload = {"code": "INVALID", "message": f"not with {SECRET}"}
    peer.send({"type": "error", "correlationId": answer["correlationId"], "payload": payload})
    peer.expect(lambda message: message.get("type") == "stop")
    peer.close(4001, f"bad token {SECRET}")


PLACES: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "header": lambda url: (url, {"token": SECRET}),
    "query": lambda url: (url, {"token": SECRET, "auth": "query"}),
    "message": lambda url: (url, {"token": SECRET, "auth": "message"}),
    "a header of one's own": lambda url: (url, {"headers": {"X-Api-Key": SECRET}}),
    "a bearer of one's own": lambda url: (url, {"headers": {"Authorization": f"Bearer {SECRET}"}}),
    "the password": lambda url: (url.replace("://", f"://me:{quote(SECRET, safe='')}@"), {}),
    "a key of the query": lambda url: (f"{url}?room=1&ticket={quote(SECRET, safe='')}", {}),
    "a message": lambda url: (url, {"subscribe": {"type": "auth", "apiKey": SECRET}}),
}


@pytest.mark.parametrize("place", PLACES)
def test_secrets_that_a_json_server_echoes_are_kept_nowhere(
    place: str, shows: Callable[..., Page], tmp_path: Path
) -> None:
    with JsonServer(echoing) as server:
        url, options = PLACES[place](server.url)
        page = shows(url, **options)
        widget = page.widget
        eventually(lambda: "half" in "".join(widget.output["text"]))
        refused = thrown(lambda: widget.decide("c", "approve", feedback="please"))
        assert isinstance(refused, DecisionRefused)
        assert "not with" in str(refused)
        page.send(kind="page", id="events", table="events", offset=0, limit=500)
        page.answer("events", "page")
        server.peer.received.append(json.dumps({"type": "stop"}))
        failed = thrown(lambda: widget.wait(timeout=20))
        assert isinstance(failed, ConsoleFailed)
        assert "bad token ***" in str(failed)
        for error in (refused, failed):
            for text in shown_of(error):
                clean("an error", text)
        for where, text in shown_by(widget):
            clean(where, text)
        clean("the notebook", json.dumps([page.comm.opened, page.comm.states, widget._repr_mimebundle_()]))
        clean("the page", json.dumps(page.comm.sent))
        assert "***" in json.dumps(page.comm.sent)
        clean("the output", "".join(widget.output["text"]))
        _look_into_files(widget, tmp_path)


def _look_into_files(widget: Any, tmp_path: Path) -> None:
    assert sum(SECRET in payload for payload in widget.events["payload"]) >= len(events(""))  # byte for byte
    widget.save(tmp_path / "saved.jsonl.gz")
    clean("the saved recording", read_bytes(tmp_path / "saved.jsonl.gz"))
    widget.to_parquet(tmp_path / "runs")
    for name in ("events", "output", "runs", "tasks", "checkpoints"):
        clean(f"Parquet's {name}", json.dumps(ds.dataset(tmp_path / "runs" / name).to_table().to_pylist(), default=str))
    for path in (tmp_path / "runs").rglob("*"):
        clean("the name of a file", str(path))
    again = Console(tmp_path / "saved.jsonl.gz")
    for where, text in shown_by(again):
        clean(f"the saved recording's {where}", text)
    assert again.output["text"].tolist() == widget.output["text"].tolist()


@pytest.mark.parametrize("place", ["header", "a key of the query"])
def test_a_recording_holds_no_secret_and_replays_the_same(place: str, tmp_path: Path) -> None:
    with JsonServer(echoing) as server:
        url, options = PLACES[place](server.url)
        with Console(url, record=tmp_path / "run.jsonl", **options) as console:
            eventually(lambda: "half" in "".join(console.output["text"]))
            shown = [*console.output["text"]]
        clean("the recording", read_bytes(tmp_path / "run.jsonl"))
        again = Console(tmp_path / "run.jsonl")
        assert [*again.output["text"]] == shown
        for where, text in shown_by(again):
            clean(where, text)


def test_secrets_that_a_trpc_server_echoes_are_kept_nowhere(shows: Callable[..., Page]) -> None:
    def script(peer: Peer) -> None:
        peer.expect(lambda message: message.get("method") == "subscription")
        number = next(m["id"] for m in peer.messages if m.get("method") == "subscription")
        peer.send({"id": number, "result": {"type": "started"}})
        for form in spelled(SECRET).values():
            for text in events(form if "\\" in form else json.dumps(form)[1:-1])[:-1]:
                peer.send(f'{{"id":{number},"result":{{"type":"data","data":{text}}}}}')
        peer.expect(lambda message: message.get("method") == "mutation")
        call = next(m["id"] for m in peer.messages if m.get("method") == "mutation")
        error = {"message": f"no: {SECRET}", "code": -32003, "data": {"code": "FORBIDDEN"}}
        peer.send({"id": call, "error": error})
        peer.expect(lambda message: message.get("type") == "stop")
        peer.send({"id": number, "error": error})

    with JsonServer(script) as server:
        page = shows(
            server.url, protocol="trpc", transformer="none", token=SECRET, auth="params", execution=None, task="t"
        )
        widget = page.widget
        eventually(lambda: widget.pending)
        refused = thrown(lambda: widget.decide("c", "approve"))
        assert isinstance(refused, DecisionRefused)
        for text in shown_of(refused):
            clean("an error", text)
        server.peer.received.append(json.dumps({"type": "stop"}))
        eventually(lambda: "no: ***" in "".join(map(str, widget.links["reason"])))
        for where, text in shown_by(widget):
            clean(where, text)
        clean("the page", json.dumps([page.comm.states, page.comm.sent]))


@pytest.mark.parametrize("place", ["token", "a header", "the password"])
def test_a_socketio_echo_of_the_secret_is_shown_nowhere(place: str, shows: Callable[..., Page]) -> None:
    with SocketIoServer() as server:
        server.answers["c"] = {"status": "error", "message": f"not with {SECRET}", "code": "INVALID"}
        places: dict[str, tuple[str, dict[str, Any]]] = {
            "token": (server.url, {"token": SECRET}),
            "a header": (server.url, {"headers": {"X-Auth": SECRET}}),
            "the password": (server.url.replace("://", f"://me:{quote(SECRET, safe='')}@"), {}),
        }
        url, options = places[place]
        page = shows(url, execution="e", **options)
        widget = page.widget
        eventually(lambda: widget.status == "live")
        for form in spelled(SECRET).values():
            server.emit(
                *((message["type"], message) for message in map(json.loads, events("plain")[:-1])), rooms=[None]
            )
            server.emit(("error", {"message": f"oh {form}"}), ("agent.output", {"text": form}), rooms=[None])
        eventually(lambda: widget.pending)
        with contextlib.suppress(DecisionRefused):
            widget.decide("c", "approve")
        for where, text in shown_by(widget):
            clean(where, text)
        clean("the page", json.dumps([page.comm.states, page.comm.sent]))


def test_a_socketio_refusal_is_shown_without_the_secret() -> None:
    for form in spelled(SECRET).values():
        with SocketIoServer(refusal=(f"invalid token {form}", {"token": form})) as server:
            console = Console(server.url, token=SECRET)
            failed = thrown(lambda: console.wait(timeout=20))  # noqa: B023 - called at once
            for text in shown_of(failed):
                clean("an error", text)
            for where, text in shown_by(console):
                clean(where, text)
            console.stop()


@pytest.mark.parametrize("recorded", [False, True])
def test_an_answer_to_an_id_with_the_secret_uses_the_real_id(
    recorded: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    def script(peer: Peer) -> None:
        options = [f"go-{SECRET}", "no"]
        peer.send(task("task.hitl_required", taskId=f"t-{SECRET}", checkpointId=f"c-{SECRET}", options=options))
        answer = peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
        peer.send({"type": "ack", "correlationId": answer["correlationId"]})

    record = tmp_path / "run.jsonl" if recorded else None
    with JsonServer(script) as server, Console(server.url, token=SECRET, record=record) as console:
        eventually(lambda: console.pending)
        (question,) = console.pending
        assert question.checkpoint_id == "c-***"
        console.decide("c-***", "go-***", feedback="***")
        (answer,) = server.peer.messages
        assert answer["payload"] == {
            "checkpointId": f"c-{SECRET}",
            "taskId": f"t-{SECRET}",
            "decision": f"go-{SECRET}",
            "feedback": "***",
        }
        for where, text in shown_by(console):
            clean(where, text)


# ---- before anything is sent ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "options"),
    [
        *((f"{begin}{SECRET}{end}", {}) for begin, end in [("localhost:8000/ws?token=", ""), ("user:", "@host"),
          ("ws:/h/ws?token=", ""), ("//u:", "@h/ws"), ("ws://u:", "@h:x/ws"), ("h/ws?token=", ""), ("ws//h?t0ken=", ""),
          ("ftp://u:", "@h/"), ("ws://", "@"), ("ws://h:8000:", "@h2/ws"), ("ws://u:12/", "@h[/ws")]),
        (f"ws://u:{SECRET}@h/ws".encode(), {}),
        ("ws://h/ws", {"auth": SECRET, "token": "header"}),
        ("ws://h/ws", {"token": f"{SECRET}\n{SECRET}"}),
        ("ws://h/ws", {"token": f"{SECRET}\u20ac"}),
        ("ws://h/ws", {"token": SECRET.encode()}),
        ("ws://h/ws", {"tokn": SECRET}),
        ("ws://h/ws", {"password": SECRET}),
        ("ws://h/ws", {"headers": {"X-Api-Key": f"{SECRET}\n\n{SECRET}"}}),
        ("ws://h/ws", {"headers": {"X-Api-Key": SECRET.encode()}}),
        ("ws://h/ws", {"headers": {SECRET: "X-Api-Key"}}),
        ("ws://h/ws", {"headers": [("X-Api-Key", SECRET)]}),
        ("ws://h/ws", {"headers": f"Authorization: {SECRET}"}),
        ("ws://h/ws", {"headers": {5: SECRET}}),
        ("ws://h/trpc", {"subscribe": ["path", "input", SECRET]}),
        ("ws://h/trpc", {"subscribe": ("path", {"apiKey": SECRET, "odd": object()})}),
        ("http://h", {"subscribe": ["join", {"token": SECRET}]}),
        (f"ws://u:{SECRET}@h/ws", {"protocol": "smtp"}),
        (f"ws://u:{SECRET}@h/ws", {"speed": 2}),
        (f"ws://u:{SECRET}@h/ws", {"protocol": "replay"}),
        ("ws://h/ws", {"token": SECRET, "record": "no/such/directory/run.jsonl"}),
    ],
)  # fmt: skip
def test_an_unusable_argument_is_refused_without_its_value(url: Any, options: dict[str, Any]) -> None:
    if isinstance(url, str) and not url.startswith("ws://h/") and not options:
        _follows_nothing(url)
        return
    for made in (lambda: Console(url, start=False, **options), lambda: runconsole.ConsoleWidget(url, **options)):
        refused = thrown(made)
        assert isinstance(refused, InvalidArgument)
        assert refused.__context__ is None
        for text in shown_of(refused):
            clean("an error", text)


def _follows_nothing(url: str) -> None:
    """Check that a console for an address that cannot work fails, at once or by its link, without the secret."""
    try:
        console = Console(url)
    except InvalidArgument as refused:
        for text in shown_of(refused):
            clean("an error", text)
        return
    failed = thrown(lambda: console.wait(timeout=20))
    for text in (*shown_of(failed), *(text for _, text in shown_by(console))):
        clean("a mistyped address", text)
    console.stop()


@pytest.mark.parametrize("given", [f"{SECRET}\n", f" {SECRET}\t", f"\r\n{SECRET} "])
def test_white_space_around_a_token_or_header_is_taken_off(given: str) -> None:
    with JsonServer() as server, Console(server.url, token=given, headers={" X-N ": given}):
        headers = server.peer.headers
        assert headers["Authorization"] == f"Bearer {SECRET}"
        assert headers["X-N"] == SECRET


def test_a_console_that_is_half_built_has_a_repr() -> None:
    assert repr(Console.__new__(Console)) == "Console(not begun)"
    refused = thrown(lambda: Console("ws://h/ws", token=SECRET, subscribe=SECRET, protocol="socketio"))
    assert isinstance(refused, InvalidArgument)
    for text in shown_of(refused):
        clean("an error", text)


# ---- redirects ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def redirecting(status: int, location: str) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_a_redirect_to_another_server_is_said_and_not_followed(status: int, scheme: str) -> None:
    with JsonServer() as other:
        target = f"{other.url.replace('ws://', 'http://')}?token={quote(SECRET)}"
        with redirecting(status, target) as port:
            url = f"{scheme}://127.0.0.1:{port}/"
            options: dict[str, Any] = {"token": SECRET, "auth": "message" if scheme == "ws" else "header"}
            console = Console(url, headers={"X-Api-Key": SECRET}, **options)
            eventually(lambda: any("redirects" in str(reason) for reason in console.links["reason"]))
            reason = next(reason for reason in console.links["reason"] if "redirects" in str(reason))
            console.stop()
        assert f"127.0.0.1:{port} redirects to another server, http://localhost:{other.port}/ws?token=***" in reason
        assert "pass that address if you trust it" in reason
        assert other.handshakes == 0


def test_a_redirect_within_one_server_is_followed() -> None:
    def greet(connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/old"):
            response = connection.respond(HTTPStatus.TEMPORARY_REDIRECT, "")
            response.headers["Location"] = "/new"
            return response
        paths.append((request.path, request.headers["Authorization"]))
        return None

    def talk(connection: ServerConnection) -> None:
        connection.send(task("task.started", taskId="t"))
        with contextlib.suppress(ConnectionClosed):
            connection.recv()

    paths: list[tuple[str, str]] = []
    with serve(talk, "127.0.0.1", 0, process_request=greet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with Console(f"ws://127.0.0.1:{server.socket.getsockname()[1]}/old", token=SECRET) as console:
            eventually(lambda: len(console.tasks))
        server.shutdown()
        thread.join()
    assert paths == [("/new", f"Bearer {SECRET}")]
