"""Fixtures for the tests of the transports."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.servers.socketio_server import SocketIoServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def serve_socketio() -> Iterator[Callable[..., SocketIoServer]]:
    """Start servers with the options given, and end them after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(SocketIoServer(**options))
