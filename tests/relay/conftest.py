"""Redis for the tests of the relay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer, redis_program


@pytest.fixture
def redis_path() -> str:
    program = redis_program()
    if program is None and os.environ.get("CI") == "true":
        pytest.fail("expected redis-server on this machine: run scripts/get-redis")
    if program is None:
        pytest.skip("there is no redis-server on this machine; scripts/get-redis installs one")
    return program


@pytest.fixture
def redis_server(redis_path: str, tmp_path: Path) -> Iterator[RedisServer]:
    directory = tmp_path / "redis"
    directory.mkdir()
    server = RedisServer(redis_path, directory)
    yield server
    server.close()
