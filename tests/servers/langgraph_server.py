"""A strict stand-in for a LangGraph Agent Server over loopback, which plays what the real one has sent.

Everything it sends was recorded from `langgraph dev` (langgraph-api 0.16.7) with a graph of our own: the frames of the
WebSocket, and the results of the calls beside it, before and after an answer.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.servers.agui_server import serve_app

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["THREAD", "RecordedThread", "langgraph_server"]

FRAMES = Path(__file__).parents[1] / "protocols" / "langgraph" / "frames"
THREAD = "01a22171-0000-7000-8000-000000000001"
KEY = "x-api-key"


class RecordedThread:
    """One thread, and all that was asked of the server.

    Args:
        name: of the recording.
        key: the only key that is accepted; None accepts all.
        has_socket: False for a server that has server-sent events only.
        begins: False for a thread without a run until one is started over REST.
    """

    def __init__(self, name: str, *, key: str | None = None, has_socket: bool = True, begins: bool = True) -> None:
        self._steps: list[dict[str, Any]] = json.loads((FRAMES / f"{name}.json").read_text())
        self._key = key
        self._has_socket = has_socket
        self.step = 0 if begins else -1
        self.exists = begins
        self.commands: list[dict[str, Any]] = []
        self.posts: list[tuple[str, Any]] = []
        self.gets: list[str] = []
        self.forgotten = 0
        """The number of first events that the server no longer holds."""
        self.extra: list[dict[str, Any]] = []
        """Events behind the recorded ones."""
        self.overrides: dict[str, tuple[int, Any]] = {}
        """The status and the body of calls, by the end of their path, instead of the recorded ones."""
        self.kick = False
        """Set to close all connections once."""
        self.is_mute = False
        """True to carry out an answer, and to close the connection without a reply."""

    # ---- what is known ----------------------------------------------------------------------------------------------

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events so far."""
        found = [event for step in self._steps[: self.step + 1] for event in step["events"]]
        return [*found[self.forgotten :], *self.extra]

    def known(self, field: str) -> Any:
        """Return a recorded result of a call."""
        return copy.deepcopy(self._steps[self.step][field])

    @property
    def open_interrupts(self) -> list[str]:
        """The ids of the open interrupts."""
        if self.step < 0:
            return []
        return [each["id"] for listed in self.known("thread").get("interrupts", {}).values() for each in listed]

    def answers(self) -> list[Any]:
        """Return what the graph has received."""
        return [command["params"]["response"] for command in self.commands if command["method"] == "input.respond"]

    # ---- commands ---------------------------------------------------------------------------------------------------

    def reply(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out a command; return the reply."""
        number, method, params = command["id"], command["method"], command["params"]
        assert isinstance(number, int)
        if method == "subscription.subscribe":
            assert set(params["channels"]) <= {"lifecycle", "input", "tasks", "tools", "custom", "updates", "messages"}
            return {"type": "success", "id": number, "result": {"subscription_id": "s", "replayed_events": 0}}
        if method != "input.respond":
            return {"type": "error", "id": number, "error": "unknown_command", "message": f"Unknown: {method}"}
        assert isinstance(params["namespace"], list)
        assert "response" in params
        if params["interrupt_id"] not in self.open_interrupts:
            words = f"Unknown or already-consumed interrupt: {params['interrupt_id']}"
            return {"type": "error", "id": number, "error": "no_such_interrupt", "message": words}
        self.commands.append(command)
        self.step += 1
        return {"type": "success", "id": number, "result": {}, "meta": {"applied_through_seq": 0}}

    def is_let_in(self, headers: Any) -> bool:
        """Return whether a request has the key."""
        return self._key is None or headers.get(KEY) == self._key

    # ---- routes -----------------------------------------------------------------------------------------------------

    async def socket(self, socket: WebSocket) -> None:
        """Serve the WebSocket: everything is sent again to each connection."""
        if not self._has_socket or not self.is_let_in(socket.headers):
            await socket.close()
            return
        await socket.accept()
        sending = None
        try:
            while True:
                command = json.loads(await socket.receive_text())
                reply = self.reply(command)
                if self.is_mute and command["method"] == "input.respond":
                    await socket.close(1012)
                    break
                await socket.send_text(json.dumps(reply))
                if command["method"] == "subscription.subscribe":
                    sending = asyncio.create_task(self._send(socket))
        except WebSocketDisconnect:
            pass
        finally:
            if sending is not None:
                sending.cancel()

    async def _send(self, socket: WebSocket) -> None:
        sent = 0
        while not self.kick:
            for event in self.events[sent:]:
                await socket.send_text(json.dumps(event))
                sent += 1
            await asyncio.sleep(0.005)
        self.kick = False
        await socket.close(1012)

    async def stream(self, request: Request) -> Response:
        """Serve the same as server-sent events."""
        if not self.is_let_in(request.headers):
            return JSONResponse({"detail": "invalid key"}, 403)
        body = await request.json()
        assert body["channels"]

        async def events() -> Any:
            sent = 0
            while not self.kick:
                for event in self.events[sent:]:
                    yield f"event: {event['method']}\ndata: {json.dumps(event)}\nid: {event['seq']}\n\n"
                    sent += 1
                await asyncio.sleep(0.005)
            self.kick = False

        return StreamingResponse(events(), media_type="text/event-stream")

    async def command(self, request: Request) -> Response:
        """Carry out a command by HTTP."""
        return JSONResponse(self.reply(await request.json()))

    async def get(self, request: Request) -> Response:
        """Answer a call that asks."""
        path = request.url.path
        self.gets.append(path)
        if not self.is_let_in(request.headers):
            return JSONResponse({"detail": "invalid key"}, 403)
        name = path.rpartition("/")[2]
        name = "thread" if name == THREAD else name
        if name in self.overrides:
            status, body = self.overrides[name]
            return JSONResponse(body, status)
        if request.path_params["thread"] != THREAD or not self.exists:
            return JSONResponse({"detail": f"Thread with ID {request.path_params['thread']} not found"}, 404)
        if self.step < 0:
            return JSONResponse([] if name in {"runs", "history"} else {"status": "idle", "interrupts": {}})
        return JSONResponse(self.known(name))

    async def post(self, request: Request) -> Response:
        """Carry out a call that changes something."""
        path = request.url.path
        text = await request.body()
        body: dict[str, Any] = json.loads(text) if text else {}
        self.posts.append((f"{path}?{request.url.query}".rstrip("?"), body))
        if not self.is_let_in(request.headers):
            return JSONResponse({"detail": "invalid key"}, 403)
        name = path.rpartition("/")[2]
        if name in self.overrides:
            status, said = self.overrides[name]
            return JSONResponse(said, status)
        if path == "/threads":
            assert body["if_exists"] == "do_nothing"
            self.exists = True
            return JSONResponse({"thread_id": body["thread_id"]})
        if name == "cancel":
            self.step = min(self.step + 1, len(self._steps) - 1)
            return Response(status_code=202)
        assert name == "runs"
        if not self.exists:
            return JSONResponse({"detail": "Thread or assistant not found."}, 404)
        self.step += 1
        return JSONResponse({"run_id": self.known("runs")[0]["run_id"], "status": "pending"})


@contextmanager
def langgraph_server(name: str, **options: Any) -> Iterator[tuple[str, RecordedThread]]:
    """Serve a recorded thread; yield its address and itself."""
    thread = RecordedThread(name, **options)
    one = "/threads/{thread}"
    app = Starlette(
        routes=[
            WebSocketRoute(f"{one}/stream/events", thread.socket),
            Route(f"{one}/stream/events", thread.stream, methods=["POST"]),
            Route(f"{one}/commands", thread.command, methods=["POST"]),
            *(Route(f"{one}{path}", thread.get) for path in ("", "/state", "/runs", "/history")),
            Route("/threads", thread.post, methods=["POST"]),
            Route(f"{one}/runs", thread.post, methods=["POST"]),
            Route(one + "/runs/{run}/cancel", thread.post, methods=["POST"]),
        ]
    )
    with serve_app(app, ws="websockets-sansio") as address:
        yield f"{address}/threads/{THREAD}", thread
