"""No run and no thread of one test is left to the next."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from runconsole.reporting import current
from tests.servers.json_server import eventually


@pytest.fixture(autouse=True)
def _everything_ends() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for run in list(current.runs):
        run.finish("cancelled")

    def left() -> list[str]:
        names = [thread.name for thread in threading.enumerate() if thread not in before]
        return [name for name in names if name.startswith("runconsole")]

    eventually(lambda: not left(), "the end of the threads")  # a policy's end a moment after its run
