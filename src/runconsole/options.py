"""The console's arguments: checked once, kept together, with secrets that are never shown."""

from __future__ import annotations

import difflib
import inspect
import os
import re
import ssl as ssl_module
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypedDict
from urllib.parse import urlsplit

import msgspec

from runconsole.errors import InvalidArgument
from runconsole.events import DESCRIBED, Prices
from runconsole.protocols.local.source import Source, source_of
from runconsole.protocols.options import LinkOptions
from runconsole.protocols.registry import inferred, server_names
from runconsole.protocols.registry import problem as problem_of
from runconsole.protocols.signing import context_of
from runconsole.protocols.trpc.spec import TRANSFORMERS
from runconsole.reconnect import ReconnectPolicy
from runconsole.redaction.secrets import Secret, bare
from runconsole.text.unicode import check_path, encodable_value
from runconsole.transports.address import shown_address
from runconsole.transports.base import Transport
from runconsole.transports.sign_in import check_headers, check_token
from runconsole.values import plain_argument, plain_or_problem, plain_prices

__all__ = ["ConsoleOptions", "Options", "check", "concealed", "signature"]

_AUTHS = ("header", "query", "params", "message", "auth")
_LIMITS = {"token_budget", "cost_limit", "expected_artifacts", "memory_limit"}
_PLAIN = _LIMITS | {"task", "execution", "session", "masterplan", "assistant", "title", "speed"}
"""Options that may come from a DataFrame's cell or as another library's type."""
_LONGEST_WORD = 12
_NO_NAME = re.compile(r"[^\w.-]+")
_SIGNS_OF_SECRETS = "?@;"
_OPEN = frozenset({bool, int, float, type(None)})
"""Types of arguments that hold no secret."""
_SHORTEST_SECRET = 8
"""Characters; shorter values are shown in errors."""


class ConsoleOptions(TypedDict, total=False):
    """The keyword arguments of `Console`; its docstring explains each of them."""

    # To follow.
    protocol: str | None
    task: str | None
    execution: str | None
    session: str | None
    masterplan: str | None
    subscribe: Any
    input: Any
    assistant: str | None
    # To sign in.
    token: str | None
    auth: Literal["header", "query", "params", "message", "auth"] | None
    headers: Mapping[str, str] | None
    ssl: ssl_module.SSLContext | str | os.PathLike[str] | None
    transformer: Literal["auto", "superjson", "none"]
    decide: Any
    transport: Transport | None
    # To show.
    title: str | None
    token_budget: int | None
    cost_limit: float | None
    expected_artifacts: int | None
    prices: Mapping[str, Sequence[float] | Mapping[str, float]] | None
    # To keep, and to answer.
    memory_limit: int | None
    on_checkpoint: Callable[..., Any] | None
    record: str | os.PathLike[str] | None
    speed: float | None
    reconnect: ReconnectPolicy | None
    start: bool


class Options(LinkOptions, frozen=True):
    """All arguments of a `Console`, by their names.

    Values that may be secret are kept in a `Secret`: a traceback with locals, ``rich.print`` and a debugger show none.
    """

    title: str | None = None
    token_budget: int | None = None
    cost_limit: float | None = None
    expected_artifacts: int | None = None
    prices: Prices | None = None
    memory_limit: int | None = None
    on_checkpoint: Callable[..., Any] | None = None
    record: str | None = None
    speed: float | None = None
    reconnect: ReconnectPolicy | None = None

    def __repr__(self) -> str:
        return f"Options({self.address!r})"

    @property
    def address(self) -> str:
        """The URL in a form that may be shown; the path of a recording and the name of a source unchanged."""
        is_name = self.is_plain_path or self.protocol == "local"
        shown = self.url.reveal() if is_name else self.redact(shown_address(self.url.reveal()))
        return str(encodable_value(shown))  # a path may hold bytes that are no text

    @property
    def is_replay(self) -> bool:
        """True if the URL names a recording."""
        return self.inferred_protocol() == "replay"

    @property
    def is_plain_path(self) -> bool:
        """True if the URL is the path of a recording, and not a mistyped address that may hold a secret."""
        return self.is_replay and (
            os.path.lexists(self.url.reveal()) or not any(c in self.url.reveal() for c in _SIGNS_OF_SECRETS)
        )

    def shown(self, *names: str) -> dict[str, Any]:
        """Return the options with these names in a form that may be shown and stored."""
        return {name: self.redactor.hide_in(getattr(self, name)) for name in names}

    def same_run(self, other: Options) -> bool:
        """Return whether both mean the same run over the same link; title, limits and answers may differ."""
        return _link_of(self) == _link_of(other)

    def inferred_protocol(self) -> str:
        """Return the protocol: the given one, else the one that the URL suggests."""
        if self.protocol is not None:
            return self.protocol
        return "replay" if is_path(self.url.reveal()) else inferred(self.url.reveal())


def is_path(url: str) -> bool:
    """Return whether a text is the path of a file, and no URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_path = parts.scheme == "" or len(parts.scheme) == 1 or os.path.exists(url)  # noqa: PTH110 - raises nothing
    return is_path and not parts.netloc and "://" not in url


_BESIDE_THE_LINK = dict.fromkeys((*DESCRIBED, "decide", "on_checkpoint", "memory_limit", "reconnect"))
"""Options that a running console can change."""


def _link_of(options: Options) -> Options:
    return msgspec.structs.replace(options, **_BESIDE_THE_LINK)


def signature(**own: Any) -> inspect.Signature:
    """Return the signature of a console's constructor, with every option, its type and its default.

    Args:
        own: further parameters by name: an annotation, or ``(annotation, default)`` for a keyword parameter.
    """
    defaults = {field.name: field.default for field in msgspec.structs.fields(Options)} | {"start": True}
    annotations = {name: _written(kind) for name, kind in ConsoleOptions.__annotations__.items()}
    keyword = {name: (kind, defaults[name]) for name, kind in annotations.items()}
    keyword |= {name: given for name, given in own.items() if isinstance(given, tuple)}
    first = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)
        for name, kind in own.items()
        if not isinstance(kind, tuple)
    ]
    rest = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in keyword.items()
    ]
    return inspect.Signature([*first, *rest])


def _written(kind: Any) -> Any:
    """Return an annotation as it was written."""
    return getattr(kind, "__forward_arg__", kind).replace("ssl_module.", "ssl.")


def concealed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with each that may hold a secret in a `Secret`, even a secret under another option's name."""
    return {
        name: value
        if type(value) in _OPEN or callable(value) or isinstance(value, ssl_module.SSLContext)
        else Secret(value)
        for name, value in arguments.items()
    }


def check(arguments: Mapping[str, Any]) -> Options:
    """Return the options. Raises InvalidArgument, in one sentence about the first that cannot be used.

    The sentence names no value that may be a secret; nor do this module's frames hold one in the open.
    """
    hidden = concealed(arguments)
    del arguments
    for name in hidden:
        if name not in Options.__struct_fields__:
            known = list(ConsoleOptions.__annotations__)
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise InvalidArgument(f"expected an option of the console, got {name!r}: {hint}")
    source = source_of(bare(hidden["url"]))
    if source is not None:
        hidden |= _of_source(source, hidden)
    url = Secret(_path_or_text(hidden.pop("url")))
    problem = _problem_of_url(url)
    if problem is not None:
        raise InvalidArgument(problem)
    url = Secret(_at_home(url.reveal().strip()))
    token, headers = hidden.pop("token", None), hidden.pop("headers", None)
    auth = hidden.pop("auth", None)
    _one_of("auth", _AUTHS, auth, is_shown=False)
    in_header = bare(auth) in {None, "header"}
    token, problem = check_token(token, in_header=in_header)
    if problem is None:
        headers, problem = check_headers(headers)
    if problem is not None:
        raise InvalidArgument(problem)
    messages, problem = _messages_of(hidden)
    if problem is not None:
        raise InvalidArgument(problem)
    others: dict[str, Any] = {}
    try:
        others = _plain(hidden)
    except InvalidArgument as error:
        problem = str(error)
    if problem is not None:  # raised here: the frames of `_plain` hold the given values in the open
        raise InvalidArgument(problem)
    return _fitting(Options(url=url, token=token, auth=bare(auth), headers=headers, **messages, **others))


def _of_source(source: Source, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a source in the place of the URL stands for."""
    if bare(given.get("protocol")) not in {None, "local"} or given.get("transport") is not None:
        raise InvalidArgument("expected no protocol= or transport= beside a Source, which is both")
    from runconsole.protocols.local.transport import SourceTransport

    address = "local://" + _NO_NAME.sub("-", source.title)
    return {"url": Secret(address), "protocol": "local", "transport": SourceTransport(source)}


def _messages_of(hidden: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Take the options that are sent as they are out of the arguments; return them, and the fault of one, or None."""
    messages: dict[str, Any] = {}
    for name in ("subscribe", "input"):
        messages[name], problem = _plain_json(name, hidden.pop(name, None))
        if problem is not None:
            return {}, problem
    return messages, None


def _plain_json(name: str, given: Any) -> tuple[Secret[Any] | None, str | None]:
    """Return an option's messages as JSON can carry them, and a sentence about their fault, or None."""
    value = bare(given)
    if value is None:
        return None, None
    dump = getattr(value, "model_dump", None)
    if callable(dump):  # a model of pydantic, such as ag_ui.core.RunAgentInput
        value = dump(mode="json", by_alias=True, exclude_none=True)
    known, problem = plain_or_problem(name, value)
    return Secret(encodable_value(known)), problem


def _problem_of_url(url: Secret[Any]) -> str | None:
    given = url.reveal()
    if isinstance(given, str) and given.strip():
        return None
    shown = repr(given) if given is None or isinstance(given, (str, int, float)) else f"a {type(given).__name__}"
    example = "pass for example 'ws://localhost:8000/ws', or a Source"
    return f"expected a URL or the path of a recording, got {shown}: {example}"


def _path_or_text(value: Any) -> Any:
    value = bare(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _plain(hidden: dict[str, Any]) -> dict[str, Any]:
    """Return the other arguments, checked, in the open: none of them is a secret in its own place."""
    arguments = {name: bare(value) for name, value in hidden.items()}
    arguments |= {name: plain_argument(name, _finite(name, arguments[name])) for name in _PLAIN & arguments.keys()}
    arguments["record"] = _path_or_text(arguments.get("record"))
    if arguments.get("protocol") != "local":  # which no address speaks: `_of_source` chooses it
        _one_of("protocol", (*server_names(), "replay"), arguments.get("protocol"))
    _one_of("transformer", TRANSFORMERS, arguments.get("transformer"))
    for name in ("task", "execution", "session", "masterplan", "assistant", "title"):
        _typed(arguments, name, str, "a string")
    _typed(arguments, "record", str, "the path of a file")
    arguments["record"] = _fixed(arguments.get("record"))
    for name in ("token_budget", "expected_artifacts", "memory_limit"):
        _typed(arguments, name, int, "a whole number")
    _typed(arguments, "cost_limit", (int, float), "a number of US dollars")
    _typed(arguments, "speed", (int, float), "a number: seconds of the recording per second, 0 for all at once")
    arguments["prices"] = plain_prices(arguments.get("prices"))
    if arguments.get("on_checkpoint") is not None and not callable(arguments["on_checkpoint"]):
        raise InvalidArgument(f"expected on_checkpoint= to be a function, got {_shown(arguments['on_checkpoint'])}")
    if arguments.get("transport") is not None and not callable(getattr(arguments["transport"], "connect", None)):
        raise InvalidArgument(
            "expected transport= to have a method connect, as runconsole.testing.FakeTransport has, got"
            f" {_shown(arguments['transport'])}"
        )
    if arguments.get("reconnect") is not None and not callable(arguments["reconnect"]):
        raise InvalidArgument(
            "expected reconnect= to be a Reconnect, or a function of a failure and its number that returns seconds or"
            f" None, got {_shown(arguments['reconnect'])}: pass for example Reconnect(longest=5)"
        )
    _typed(arguments, "ssl", (ssl_module.SSLContext, str, os.PathLike), "an ssl.SSLContext or the path of a CA file")
    if isinstance(arguments.get("ssl"), (str, os.PathLike)):
        arguments["ssl"] = _at_home(os.fspath(arguments["ssl"]))
        context_of(arguments["ssl"])  # raises at once where the file is unusable
    named = ("task", "execution", "session", "masterplan", "assistant", "title", "decide")
    words = {name: encodable_value(arguments.get(name)) for name in named}
    return arguments | words


def _finite(name: str, value: Any) -> Any:
    """Return None for a limit that is infinite."""
    is_infinite = name in _LIMITS and isinstance(value, float | Decimal) and value == float("inf")
    return None if is_infinite else value


def _at_home(path: Any) -> Any:
    """Return a path with the home directory in place of a leading ``~``; any other value unchanged."""
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
    """Return the options. Raises InvalidArgument for values that make no sense, alone or beside others."""
    if options.speed is not None and not 0 <= options.speed < float("inf"):
        raise InvalidArgument(f"expected speed= to be 0 or more, got {options.speed!r}")
    if options.memory_limit is not None and options.memory_limit < 0:
        raise InvalidArgument(f"expected memory_limit= to be a number of bytes, got {options.memory_limit!r}")
    is_replay = options.is_replay
    if is_replay and "://" in options.url.reveal():
        raise InvalidArgument(f'expected the path of a recording beside protocol="replay", got {options.address!r}')
    if options.record is not None:
        from runconsole.recording import check_recordable

        check_recordable(Path(options.record))
    if is_replay and options.record is not None:
        raise InvalidArgument("expected no record= beside a recording: `save` writes a copy of it")
    problem = problem_of(options, options.inferred_protocol())
    if problem is not None:
        raise InvalidArgument(problem)
    if options.speed is not None and not is_replay:
        raise InvalidArgument(f"expected speed= beside the path of a recording only, got it beside {options.address!r}")
    if is_replay and options.reconnect is not None:
        raise InvalidArgument("expected no reconnect= beside a recording: there is no connection to make")
    _effective(options)
    return options


def _effective(options: Options) -> None:
    """Raise InvalidArgument for an option that can have no effect."""
    if options.is_replay and options.transport is not None:
        raise InvalidArgument("expected no transport= beside a recording: there is no connection to make")
    if options.is_replay and options.subscribe is not None:
        raise InvalidArgument(
            "expected no subscribe= beside a recording: nothing is sent; task= and execution= filter it"
        )
    for name in ("task", "execution", "session", "masterplan", "assistant"):
        if getattr(options, name) is not None and not getattr(options, name).strip():
            raise InvalidArgument(f"expected {name}= to be the id of one, got {getattr(options, name)!r}")


def _one_of(name: str, allowed: tuple[str, ...], given: Any, *, is_shown: bool = True) -> None:
    if given is not None and bare(given) not in allowed:
        is_word = isinstance(bare(given), str) and len(bare(given)) <= _LONGEST_WORD and bare(given).isalpha()
        shown = repr(bare(given)) if is_shown and is_word else "something else"  # perhaps a secret in the wrong place
        raise InvalidArgument(f"expected {name}= to be one of {', '.join(map(repr, allowed))}, got {shown}")


def _typed(arguments: dict[str, Any], name: str, kind: Any, wanted: str) -> None:
    value = arguments.get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise InvalidArgument(f"expected {name}= to be {wanted}, got {_shown(value)}")


def _shown(value: Any) -> str:
    """Return a value of a wrong type for an error message: a long one may be a misplaced secret."""
    text = repr(value)
    return text if type(value) in _OPEN or len(text) <= _SHORTEST_SECRET + 1 else f"a {type(value).__name__}"
