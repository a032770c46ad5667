"""Real AG-UI endpoints over loopback: pydantic-ai's adapter with a model that says what a test tells it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from pydantic_ai.ui.ag_ui import AGUIAdapter
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.uvicorn_server import UvicornServer

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from starlette.requests import Request

__all__ = ["agent_server", "serve_app"]


def agui_app(agent: Agent[Any, Any], bodies: list[Any], token: str | None = None) -> Starlette:
    """Return an app with an agent at ``/agui``; the bodies of the requests are collected."""

    async def run(request: Request) -> Response:
        if token is not None and request.headers.get("authorization") != f"Bearer {token}":
            return JSONResponse({"detail": "invalid token"}, 401)
        bodies.append(await request.json())
        return await AGUIAdapter.dispatch_request(request, agent=agent, include_usage=True)

    return Starlette(routes=[Route("/agui", run, methods=["POST"])])


@contextmanager
def serve_app(app: Any, ws: Any = "none") -> Iterator[str]:
    """Serve an ASGI app on loopback, with uvicorn's implementation `ws` of WebSockets; yield its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws=ws, timeout_graceful_shutdown=1)
        server = UvicornServer(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def agent_server(agent: Agent[Any, Any], *, token: str | None = None) -> Iterator[tuple[str, list[Any]]]:
    """Serve an agent; yield the address of its endpoint, and the bodies of the requests."""
    bodies: list[Any] = []
    with serve_app(agui_app(agent, bodies, token)) as address:
        yield f"{address}/agui", bodies
