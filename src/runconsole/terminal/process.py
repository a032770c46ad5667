"""The command line's process: its streams, of every kind, and the signals that end it.

All text of a command goes through an `Output`, so that no text of a server reaches a terminal as a command, and no
stream makes a command fail: one that is closed, that has no reader any more, or that lacks the characters.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any, TextIO

import click

from runconsole.text.marks import marked

__all__ = ["Output", "prepared", "suspendable", "terminal_of"]

_GONE = {errno.EPIPE, errno.EBADF, errno.EIO, errno.ENXIO}
"""The stream has no reader: the reader has ended, the stream was closed, the terminal is gone."""
_REPLACE = "runconsole.terminal"
_IN_ASCII = {
    **dict(zip("█░▌├└─│", "#.|+`-|", strict=True)),
    **dict(zip("⏳🔄⏸✅❌🚫⏭⚠", "~>=+x->!", strict=True)),
    **dict(zip("⟨⟩–’×−·", "<>-'x--", strict=True)),
    "…": "...",
    "␡": "^?",
    **{chr(0x2400 + code): f"^{chr(0x40 + code)}" for code in range(0x20)},
}


def _in_its_characters(error: UnicodeError) -> tuple[str, int]:
    """Return a replacement for a character that a stream lacks: a similar one, else its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end


codecs.register_error(_REPLACE, _in_its_characters)


class _CannotWrite(click.ClickException):
    """Not all text could be written: no space, say."""


class Output(io.TextIOBase):
    """A replacement of stdout or stderr that writes text without control characters, at once.

    Args:
        stream: None if it was closed when the program began.
        is_needed: True if the command fails when its text cannot be written although there is a reader.
    """

    def __init__(self, stream: TextIO | None, *, is_needed: bool) -> None:
        super().__init__()
        self._stream = stream
        self._is_needed = is_needed

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's encoding."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the stream's descriptor. Raises OSError where it has none."""
        if self._stream is None:
            raise OSError("the stream is closed")
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write a text, cleaned."""
        if not isinstance(text, str):
            raise TypeError(f"expected text, got {type(text).__name__}")
        self.put(marked(text))
        return len(text)

    def put(self, text: str) -> None:
        """Write a text unchanged."""
        stream = self._stream
        if stream is None:
            return
        try:
            stream.write(text if hasattr(stream, "reconfigure") else self._encodable(text))
            stream.flush()
        except ValueError:  # closed
            self._stream = None
        except OSError as error:
            self._leave(stream)
            if self._is_needed and error.errno not in _GONE:
                raise _CannotWrite(f"Cannot write to the output ({error.strerror}).") from None

    def _encodable(self, text: str) -> str:
        return text.encode(self.encoding, _REPLACE).decode(self.encoding)

    def _leave(self, stream: TextIO) -> None:
        """Stop writing, and discard the stream's buffer, which Python would write at its end."""
        self._stream = None
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


class _Raw(io.TextIOBase):
    """An output for styled text: the text is cleaned before it gets its escape sequences."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._output.encoding

    def isatty(self) -> bool:
        return self._output.isatty()

    def fileno(self) -> int:
        return self._output.fileno()

    def write(self, text: str) -> int:
        self._output.put(text)
        return len(text)


def terminal_of(output: Any) -> Any:
    """Return the stream to draw to, for cleaned text; a stream that is no `Output` unchanged."""
    return _Raw(output) if isinstance(output, Output) else output


@contextmanager
def prepared() -> Iterator[None]:
    """Let a command write through `Output`, and end by SIGTERM and SIGHUP as by Ctrl-C."""
    with ExitStack() as stack:
        if None in (sys.stdin, sys.stdout, sys.stderr):
            _fill_descriptors()
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            stack.enter_context(_lenient(stream))
            stack.callback(setattr, sys, name, stream)
            setattr(sys, name, Output(stream, is_needed=name == "stdout"))
        stack.enter_context(_ended_by_signals())
        yield


def _fill_descriptors() -> None:
    """Open the closed ones of the descriptors 0 to 2: no socket and no recording may get one of these numbers."""
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(file)


@contextmanager
def _lenient(stream: Any) -> Iterator[None]:
    """Let a stream write replacements for characters that it lacks."""
    if not hasattr(stream, "reconfigure"):
        yield
        return
    before = stream.errors
    stream.reconfigure(errors=_REPLACE)
    try:
        yield
    finally:
        with suppress(ValueError, OSError):  # closed, or without a reader
            stream.reconfigure(errors=before)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Leave every block when SIGTERM or SIGHUP comes, with the exit code of shells (128 and the signal's number).

    The second one ends the program at once. A signal that is ignored (nohup) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [
        number
        for name in ("SIGTERM", "SIGHUP")
        if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) == signal.SIG_DFL
    ]

    def end(number: int, _: FrameType | None) -> None:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
        sys.exit(128 + number)

    for each in taken:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)


@contextmanager
def suspendable(leave: Callable[[], object], enter: Callable[[], object]) -> Iterator[None]:
    """Call `leave` before the program is suspended (Ctrl-Z) and `enter` when it goes on."""
    number: int | None = getattr(signal, "SIGTSTP", None)
    in_main = threading.current_thread() is threading.main_thread()
    if number is None or not in_main or signal.getsignal(number) != signal.SIG_DFL:
        yield
        return

    def suspend(*_: object) -> None:
        leave()
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_kill(threading.get_ident(), number)  # it stops here
        signal.signal(number, suspend)
        enter()

    signal.signal(number, suspend)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)
