"""Fixtures for the tests of the protocols."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.servers.node import TrpcServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def serve_trpc() -> Iterator[Callable[..., TrpcServer]]:
    """Start real tRPC servers with the options given, and end them after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(TrpcServer(**options))
