"""The console's arguments: checked once, kept together, their secrets never shown."""

from __future__ import annotations

import difflib
import os
import ssl as ssl_module
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from runconsole.errors import InvalidArgument
from runconsole.transports.address import is_secret_name, redact_url, url_secrets
from runconsole.unicode import check_path, encodable_value

__all__ = ["Options", "check"]

PROTOCOLS = ("json", "trpc", "socketio", "replay")
_AUTHS = ("header", "query", "params", "message")
_TRANSFORMERS = ("auto", "superjson", "none")


class Options(Struct, frozen=True):
    """Everything `Console` was called with; the names are those of its arguments."""

    url: str
    protocol: str | None = None
    task: str | None = None
    execution: str | None = None
    subscribe: Any = None
    token: str | None = None
    """A secret for the server. An explicit one counts more than a user and password in `url`. It is hidden in what is
    recorded and saved; but one that cannot be told from the words of a run (shorter than eight characters, or a word
    like ``execution``) stays where the server says it, unless under a name like ``token`` or behind ``Bearer``."""
    auth: str = "header"
    """Where the token goes. As a header (``Bearer``) it takes the place of the user and password of `url`, which would
    be sent as ``Basic``; elsewhere it goes beside them."""
    headers: Mapping[str, str] | None = None
    """Sent with the handshake. An ``Authorization`` here takes the place of all others: one is sent."""
    ssl: ssl_module.SSLContext | str | None = None
    transformer: str = "auto"
    decide: str | Callable[..., Any] | None = None
    title: str | None = None
    token_budget: int | None = None
    cost_limit: float | None = None
    expected_artifacts: int | None = None
    memory_limit: int | None = None
    on_checkpoint: Callable[..., Any] | None = None
    record: str | None = None
    speed: float | None = None

    def __repr__(self) -> str:
        return f"Options({self.address!r})"

    @property
    def address(self) -> str:
        """The URL as it may be shown."""
        shown = self.redact(redact_url(self.url)) if "://" in self.url else self.url
        return str(encodable_value(shown))  # a path may hold bytes that are no text

    def same_run(self, other: Options) -> bool:
        """Whether both mean the same run followed over the same link, however it is shown and answered."""
        return _link_of(self) == _link_of(other)

    def redact(self, text: str) -> str:
        """Return the text without our token."""
        return text.replace(self.token, "***") if self.token else text

    def secrets(self) -> list[str]:
        """Return everything that must not be written down: the token, secret headers, what the URL hides."""
        headers = [str(value) for name, value in (self.headers or {}).items() if is_secret_name(name)]
        schemeless = [value.partition(" ")[2] for value in headers if " " in value]
        return [secret for secret in (self.token, *headers, *schemeless, *url_secrets(self.url)) if secret]

    def inferred_protocol(self) -> str:
        """Return the protocol: as told, else what the URL looks like."""
        if self.protocol is not None:
            return self.protocol
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return "json"  # the endpoint says what is wrong with it
        path = parts.path.rstrip("/")
        if not parts.netloc and (parts.scheme == "" or len(parts.scheme) == 1 or os.path.exists(self.url)):  # noqa: PTH110 - raises nothing
            return "replay"
        if parts.scheme in {"http", "https"} or path.endswith("/socket.io"):
            return "socketio"
        return "trpc" if path.endswith("/trpc") else "json"


_BESIDE_THE_LINK = dict.fromkeys(
    ("decide", "on_checkpoint", "title", "token_budget", "cost_limit", "expected_artifacts", "memory_limit")
)
"""Options that a running console can change."""


def _link_of(options: Options) -> Options:
    return msgspec.structs.replace(options, **_BESIDE_THE_LINK)


def check(arguments: dict[str, Any]) -> Options:
    """Return the options, or raise InvalidArgument with one sentence about the first that cannot be used."""
    for name in arguments:
        if name not in Options.__struct_fields__:
            close = difflib.get_close_matches(name, Options.__struct_fields__, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(Options.__struct_fields__)}"
            raise InvalidArgument(f"expected an option of the console, got {name!r}: {hint}")
    for name in ("url", "record"):
        if isinstance(arguments.get(name), os.PathLike):
            arguments[name] = os.fspath(arguments[name])
    url = arguments["url"]
    if not isinstance(url, str) or not url.strip():
        raise InvalidArgument(
            f"expected a URL or the path of a recording, got {url!r}: pass for example 'ws://localhost:8000/ws'"
        )
    arguments["url"] = _at_home(url.strip())
    _one_of(arguments, "protocol", PROTOCOLS)
    _one_of(arguments, "auth", _AUTHS)
    _one_of(arguments, "transformer", _TRANSFORMERS)
    for name in ("task", "execution", "title", "token"):
        _typed(arguments, name, str, "a string")
    _typed(arguments, "record", str, "the path of a file")
    arguments["record"] = _fixed(arguments.get("record"))
    for name in ("token_budget", "expected_artifacts", "memory_limit"):
        _typed(arguments, name, int, "a whole number")
    _typed(arguments, "cost_limit", (int, float), "a number of US dollars")
    _typed(arguments, "headers", Mapping, "a mapping of header names to values")
    _typed(arguments, "speed", (int, float), "a number: seconds of the recording per second, 0 for all at once")
    if arguments.get("on_checkpoint") is not None and not callable(arguments["on_checkpoint"]):
        raise InvalidArgument(f"expected on_checkpoint= to be a function, got {arguments['on_checkpoint']!r}")
    _typed(arguments, "ssl", (ssl_module.SSLContext, str, os.PathLike), "an ssl.SSLContext or the path of a CA file")
    if isinstance(arguments.get("ssl"), (str, os.PathLike)):
        arguments["ssl"] = _at_home(os.fspath(arguments["ssl"]))
        context_of(arguments["ssl"])  # says at once what is wrong with the file
    words = {
        name: encodable_value(arguments.get(name)) for name in ("task", "execution", "title", "subscribe", "decide")
    }
    return _fitting(Options(**arguments | words))


def _at_home(path: Any) -> Any:
    """Return a path that begins with ``~`` with the home directory in its place, anything else as it is."""
    if not isinstance(path, str):
        return path
    if "://" not in path:
        check_path(path)
    if not path.startswith("~"):
        return path
    from runconsole.recording import home_path

    return str(home_path(path))


def _fixed(path: str | None) -> str | None:
    """Return a path that means the same file from any working directory."""
    return None if path is None else str(Path(_at_home(path)).absolute())


def _fitting(options: Options) -> Options:
    """Return the options, or raise InvalidArgument where some make no sense, alone or beside others."""
    if options.speed is not None and not 0 <= options.speed < float("inf"):
        raise InvalidArgument(f"expected speed= to be 0 or more, got {options.speed!r}")
    if options.memory_limit is not None and options.memory_limit < 0:
        raise InvalidArgument(f"expected memory_limit= to be a number of bytes, got {options.memory_limit!r}")
    is_replay = options.inferred_protocol() == "replay"
    if is_replay and "://" in options.url:
        raise InvalidArgument(f'expected the path of a recording beside protocol="replay", got {options.address!r}')
    if options.record is not None:
        from runconsole.recording import check_recordable

        check_recordable(Path(options.record))
    if is_replay and options.record is not None:
        raise InvalidArgument("expected no record= beside a recording: `save` writes a copy of it")
    if options.speed is not None and not is_replay:
        raise InvalidArgument(f"expected speed= beside the path of a recording only, got it beside {options.address!r}")
    return options


def _one_of(arguments: dict[str, Any], name: str, allowed: tuple[str, ...]) -> None:
    value = arguments.get(name)
    if value is not None and value not in allowed:
        raise InvalidArgument(f"expected {name}= to be one of {', '.join(map(repr, allowed))}, got {value!r}")


def _typed(arguments: dict[str, Any], name: str, kind: Any, wanted: str) -> None:
    value = arguments.get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        shown = f"a {type(value).__name__}" if name in {"token", "headers"} else repr(value)
        raise InvalidArgument(f"expected {name}= to be {wanted}, got {shown}")


def context_of(path: str) -> ssl_module.SSLContext:
    """Return a context that trusts the certificates of a PEM file. Raises InvalidArgument."""
    try:
        return ssl_module.create_default_context(cafile=path)
    except (OSError, ssl_module.SSLError) as error:
        why = error.strerror or type(error).__name__
        raise InvalidArgument(f"expected ssl= to name a readable PEM file, got {path!r} ({why})") from None
