"""Looks for a secret in all shown or kept text, in every spelling."""

from __future__ import annotations

import base64
import gzip
import html
import json
import logging
import re
import traceback
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, quote_plus

from rich.console import Console as Terminal
from rich.pretty import pretty_repr
from rich.traceback import Traceback

FRAMES = (
    *("tasks", "subtasks", "phases", "waves", "artifacts", "errors", "output", "checkpoints", "decisions", "links"),
    "summary",
)


def spelled(secret: str) -> dict[str, str]:
    """Return a secret as servers may say it."""
    escaped = json.dumps(secret)[1:-1]
    data = secret.encode()
    coded = {
        f"base64 behind {before!r}": base64.b64encode(before + data + b" and so on").decode()
        for before in (b"", b"a", b"Bearer ", b"me:")
    }
    return {
        "plain": secret,
        "JSON": escaped,
        "JSON with escaped slashes": escaped.replace("/", "\\/"),
        "JSON as .NET has it": "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in secret),
        "JSON as Go has it": "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in secret),
        "JSON in JSON": json.dumps(escaped)[1:-1],
        "URL": quote(secret, safe=""),
        "form": quote_plus(secret),
        "URL in small letters": re.sub("%..", lambda match: match[0].lower(), quote(secret, safe="")),
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "HTML": html.escape(secret),
        "base64": base64.b64encode(data).decode().rstrip("="),
        "base64 for URLs": base64.urlsafe_b64encode(data).decode().rstrip("="),
        **coded,
    }


def holds(text: str, secret: str) -> list[str]:
    """Return the spellings of a secret in a text; of base64 the part that is the same with any neighbors."""
    found = [name for name, form in spelled(secret).items() if form in text]
    for before in range(3):
        coded = base64.b64encode(bytes(before) + secret.encode()).decode().rstrip("=")
        core = coded[{0: 0, 1: 2, 2: 3}[before] : len(coded) // 4 * 4 - 4]
        found += (
            [f"base64, {before} bytes in"] if core in text or core.replace("+", "-").replace("/", "_") in text else []
        )
    return found


class Records(logging.Handler):
    """Keeps the logs of every library, with the tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args!r}")

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)


class _Uncolored(Traceback):
    """A traceback of rich without the colors of its code, which take longer than all else here."""

    @classmethod
    def _guess_lexer(cls, filename: str, code: str) -> str:  # noqa: ARG003 - as rich calls it
        return "text"


def shown_of(error: BaseException) -> Iterator[str]:
    """Yield an error in the form of tools that show locals."""
    # The test's own frame holds the secret: what counts are the frames of the package and its libraries.
    trace = error.__traceback__
    while trace is not None and "/tests/" in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    error = error.with_traceback(trace)
    yield f"{error} {error!r}"
    seen: BaseException | None = error
    while seen is not None:
        yield "".join(traceback.TracebackException.from_exception(seen, capture_locals=True).format())
        seen = seen.__cause__ or seen.__context__
    screen = StringIO()
    Terminal(file=screen, width=400).print(_Uncolored.from_exception(type(error), error, trace, show_locals=True))
    yield screen.getvalue()
    yield _as_ipython(error)


def _as_ipython(error: BaseException) -> str:
    from IPython.core.ultratb import VerboseTB

    screen = StringIO()
    handler = VerboseTB(ostream=screen)
    handler(type(error), error, error.__traceback__)
    return screen.getvalue()


def shown_by(console: Any) -> Iterator[tuple[str, str]]:
    """Yield all text that a console shows or keeps in memory, but for the payloads of `events`."""
    yield "repr", f"{console!r} {console.console!r}" if hasattr(console, "console") else repr(console)
    yield "screen", str(console)
    engine = console._engine
    yield "options", repr(engine.options) + pretty_repr(engine.options) + pretty_repr(vars(engine), max_depth=4)
    for name in FRAMES:
        value = getattr(console, name)
        yield (
            name,
            str(value) if isinstance(value, dict) else value.to_csv(),
        )
    events = console.events
    yield "events", events.drop(columns="payload").to_csv()
    for kind in events["type"].unique():
        yield f"table {kind}", console.table(kind).to_csv()
    yield "pending", repr(console.pending)
    yield "state", pretty_repr(console._engine.state.alerts) + pretty_repr(console._engine.state.errors)


def read_bytes(path: Path) -> str:
    """Return the content of a file, unpacked."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return data.decode("utf-8", "replace")


def thrown(function: Any) -> BaseException:
    """Return the exception of a function."""
    try:
        function()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
        return error
    raise AssertionError("expected an exception, got none")
