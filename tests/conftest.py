"""Settings for all Python tests."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings

from scripts.frontend import FrontEnd, FrontEndError

# Their servers are in an environment of their own: `make test-agents` names the folder.
collect_ignore = [] if any("tests/agents" in argument for argument in sys.argv) else ["agents"]

# jsonschema imports it for the formats of addresses, which no test checks, and it builds a grammar for each: 1.2 s.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

# A loop in debug mode warns of each callback that takes 0.1 s. On a busy machine that says nothing, and would fail the
# tests in which nothing may be logged.
logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing "))

# In the background (`&`, nohup) a shell has these signals ignored, and every process of the tests would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A shared machine is sometimes slow: an example is ended by the test's time-out alone. Without a database each run
# starts from the same place, and CI finds what a developer's machine finds.
settings.register_profile("runconsole", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=timedelta(seconds=5), max_examples=2000)
settings.load_profile("runconsole")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Build the front end if its sources have changed: no test meets an older one, or none."""
    if hasattr(session.config, "workerinput"):
        return  # of pytest-xdist: the first process has built it
    try:
        FrontEnd(Path(__file__).parents[1]).build()
    except FrontEndError as error:
        pytest.exit(f"front end: {error}", returncode=3)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the modules and the tests, which stay as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)  # from 700, at which it took an eighth of the tests' time
