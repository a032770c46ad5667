"""No run and no thread of one test is left to the next."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from runconsole.reporting import current


@pytest.fixture(autouse=True)
def _everything_ends() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for run in list(current.runs):
        run.finish("cancelled")
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert [name for name in left if name.startswith("runconsole")] == []
