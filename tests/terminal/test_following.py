"""A run watched in a real (pseudo) terminal: the question is shown, the keys answer it, the server gets it once."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runconsole.simulator import Simulator
from tests.support.personalities import KIND, STRICT, Personality, named

PATIENCE = 60


class Terminal:
    """A program in a terminal of 100 columns and 40 lines."""

    def __init__(self, *arguments: str, stderr: Path | None = None, can_stop: bool = False) -> None:
        code = (
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
            "from runconsole.cli import main; main()"
        )
        self._main, self.side = pty.openpty()
        errors = self.side if stderr is None else os.open(stderr, os.O_WRONLY | os.O_CREAT)
        termios.tcsetwinsize(self.side, (40, 100))  # type: ignore[attr-defined,unused-ignore]
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=self.side,
            stdout=self.side,
            stderr=errors,
            start_new_session=not can_stop,
            process_group=0 if can_stop else None,  # of an orphaned group (POSIX) none is suspended
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
        )
        if errors != self.side:
            os.close(errors)
        self.seen = ""
        self.raw = ""

    def press(self, keys: str) -> None:
        os.write(self._main, keys.encode())

    def until(self, condition: Callable[[], object]) -> None:
        """Read what the program writes until the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.seen[-2000:]
            if select.select([self._main], [], [], 0.1)[0]:
                text = os.read(self._main, 65536).decode(errors="replace")
                self.raw += text
                self.seen += re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)

    def reads(self, words: str) -> None:
        self.until(lambda: words in self.seen)
        self.seen = self.seen[self.seen.rindex(words) :]

    def hang_up(self) -> None:
        os.close(self.side)
        os.close(self._main)
        self._main = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self._main < 0:
            return
        os.close(self._main)
        os.close(self.side)


@contextmanager
def watching(url: str, *options: str, can_stop: bool = False) -> Iterator[Terminal]:
    terminal = Terminal("watch", url, *options, can_stop=can_stop)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("server", [KIND[0], *(server for server in STRICT if "task" in server.client)], ids=named)
def test_a_question_is_answered_with_a_digit_feedback_and_enter(server: Personality) -> None:
    options = [text for name, value in server.client.items() for text in (f"--{name}", value)]
    with server.simulator(speed=200, decision_timeout=1e6) as sim, watching(sim.url, *options) as terminal:
        terminal.reads("Needs your decision")
        terminal.reads("to answer")
        assert sim.decisions == []
        terminal.press("1")
        terminal.reads("Enter sends it")
        terminal.press("ship it\r")
        terminal.until(lambda: sim.decisions)
        terminal.reads("The server has it")
        first = sim.decisions[0]
        assert (first.by, first.feedback) == ("user", "ship it")
        sent = [frame.text for frame in sim.received if first.checkpoint_id in frame.text]
        assert len([text for text in sent if re.search(rf"checkpoints?[.]{server.procedure}", text)]) == 1


def test_ctrl_c_leaves_the_terminal_as_it_was() -> None:
    with Simulator("tasks", speed=200, decision_timeout=1e6) as sim, watching(sim.url) as terminal:
        terminal.reads("Needs your decision")
        assert not termios.tcgetattr(terminal.side)[3] & termios.ICANON
        terminal.process.send_signal(signal.SIGINT)
        terminal.until(lambda: terminal.process.poll() is not None)
        assert terminal.process.returncode == 130
        assert termios.tcgetattr(terminal.side)[3] & termios.ICANON
        assert termios.tcgetattr(terminal.side)[3] & termios.ECHO


@pytest.mark.parametrize("keys", ["x", "9", "\r", "\x1b[A"])
def test_other_keys_answer_nothing(keys: str) -> None:
    with Simulator("tasks", speed=200, decision_timeout=1e6) as sim, watching(sim.url) as terminal:
        terminal.reads("to answer")
        terminal.press(keys)
        terminal.press("1")
        terminal.reads("Enter sends it")
        assert sim.decisions == []
