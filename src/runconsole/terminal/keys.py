"""Single keys from the terminal, without waiting for Enter and without echo."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from runconsole.terminal.process import suspendable

__all__ = ["Keyboard", "keyboard", "split_keys"]

_NAMES = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\b": "backspace", "\t": "tab", "\x1b": "escape"}
_KEY = re.compile(r"(?s)\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)|.")
"""An escape sequence (an arrow, a function key, a paste mark), or one character."""


class Keyboard:
    """Reads keys from a terminal that delivers each at once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._is_open = True

    def read(self, timeout: float) -> list[str]:
        """Return the keys pressed within `timeout` seconds, as soon as there is one: characters, or names.

        The names are those of `split_keys`.
        """
        if not select.select([self._fd] if self._is_open else [], [], [], timeout)[0]:
            return []
        try:
            typed = os.read(self._fd, 4096)
        except OSError:  # the terminal hung up
            typed = b""
        self._is_open = bool(typed)  # a terminal that has gone away is always "ready"
        return split_keys(self._decode(typed))


def split_keys(typed: str) -> list[str]:
    """Return keys: printable characters as they are; ``enter``, ``backspace``, ``tab``, ``escape``; nothing else."""
    keys = (_NAMES.get(key, key) for key in _KEY.findall(typed))
    return [key for key in keys if key.isprintable()]


def _nothing() -> None:
    pass


@contextmanager
def keyboard(
    on_suspend: Callable[[], object] = _nothing, on_resume: Callable[[], object] = _nothing
) -> Iterator[Keyboard | None]:
    """Yield the keyboard of this program's terminal, None without one; then restore the terminal.

    It is restored also while the program is suspended (Ctrl-Z); `on_suspend` and `on_resume` are called then.
    """
    try:
        import termios
        import tty
    except ImportError:  # no POSIX terminals here
        yield None
        return
    if sys.stdin is None or not sys.stdin.isatty():
        yield None
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)

    def leave() -> None:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(fd, termios.TCSADRAIN, before)

    def enter() -> None:
        with suppress(termios.error):
            tty.setcbreak(fd)

    def suspend() -> None:
        on_suspend()
        leave()

    def resume() -> None:
        enter()
        on_resume()

    try:
        enter()
        with suspendable(suspend, resume):
            yield Keyboard(fd)
    finally:
        leave()
