"""The registry of protocols, and the way from a console's arguments to one of them.

A line of `_OWN` for each protocol of this package; other packages add theirs by an entry point of the group
`ENTRY_POINTS`, which names an instance or a class of `ProtocolSpec`:

    [project.entry-points."runconsole.protocols"]
    sse = "my_package.protocol:SseProtocol"
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from msgspec import structs

from runconsole.errors import InvalidArgument, LinkLost
from runconsole.protocols.agui.spec import AguiProtocol
from runconsole.protocols.base import Wire
from runconsole.protocols.json.spec import JsonProtocol
from runconsole.protocols.langgraph.spec import LangGraphProtocol
from runconsole.protocols.local.spec import LocalProtocol
from runconsole.protocols.options import LinkOptions
from runconsole.protocols.socketio.spec import SocketIoProtocol
from runconsole.protocols.spec import ProtocolSpec
from runconsole.protocols.trpc.spec import TrpcProtocol
from runconsole.redaction.secrets import Secret
from runconsole.transports.base import Connection, Transport

__all__ = [
    "ENTRY_POINTS",
    "Endpoint",
    "alternative",
    "header",
    "inferred",
    "lister",
    "names",
    "problem",
    "reader",
    "resolve",
    "saved_events_suffice",
    "server_names",
]

ENTRY_POINTS = "runconsole.protocols"
"""The group of entry points by which other packages add protocols."""

Options = TypeVar("Options", bound=LinkOptions)

_DEFAULT = JsonProtocol()
_LOCAL = LocalProtocol()
_OWN: tuple[ProtocolSpec, ...] = (
    _DEFAULT,
    TrpcProtocol(),
    SocketIoProtocol(),
    AguiProtocol(),
    LangGraphProtocol(),
    _LOCAL,
)

_log = logging.getLogger("runconsole.protocols")


class Endpoint(NamedTuple):
    """A wire and a transport: a session needs no more to talk to a server."""

    wire: Wire
    transport: Transport


class _NoTransport:
    """A transport that cannot connect: each attempt raises its reason, as a link that failed for good."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        raise LinkLost(self._reason, fatal=True)


# ---- which there are -----------------------------------------------------------------------------------------------


def names() -> tuple[str, ...]:
    """Return the names of all protocols: our own, then other packages' by name. None of them is loaded."""
    return (*(spec.name for spec in _OWN), *_others())


def server_names() -> tuple[str, ...]:
    """Return the names of all protocols but the one for runs of this process."""
    return tuple(name for name in names() if name != _LOCAL.name)


@cache
def _others() -> Mapping[str, EntryPoint]:
    """Return the protocols of other packages, by name. Our own cannot be replaced."""
    own = {spec.name for spec in _OWN}
    found = sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name)
    return {entry.name: entry for entry in found if entry.name not in own}


@cache
def _loaded(name: str) -> ProtocolSpec:
    """Return another package's protocol. Raises InvalidArgument where its package cannot be used."""
    entry = _others()[name]
    try:
        spec = entry.load()
        spec = spec() if isinstance(spec, type) else spec
    except Exception as error:
        raise InvalidArgument(
            f"cannot load the protocol {name!r} from {entry.value} ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(spec, ProtocolSpec) or spec.name != name:
        raise InvalidArgument(
            f"expected the protocol {name!r} at {entry.value}, got {spec!r}: a ProtocolSpec of this name belongs there"
        )
    return spec


def _named(name: str) -> ProtocolSpec:
    """Return the protocol of this name. Raises KeyError for an unknown one, InvalidArgument as `_loaded`."""
    own = next((spec for spec in _OWN if spec.name == name), None)
    return _loaded(name) if own is None else own


def _usable() -> list[ProtocolSpec]:
    """Return all protocols that can be loaded."""
    found = list(_OWN)
    for name in _others():
        try:
            found.append(_loaded(name))
        except InvalidArgument as error:
            _log.warning("%s", error)
    return found


def inferred(url: str) -> str:
    """Return the name of the protocol that a URL suggests.

    A sign in the address counts most, then its scheme; without either it is plain JSON.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return _DEFAULT.name  # `problem_of_address` reports the fault
    specs = _usable()
    by_sign = (spec for spec in specs if spec.infers(parts))
    by_scheme = (spec for spec in specs if parts.scheme in spec.schemes)
    return next(by_sign, next(by_scheme, _DEFAULT)).name


# ---- one of them ---------------------------------------------------------------------------------------------------


def problem(options: LinkOptions, protocol: str) -> str | None:
    """Return a sentence about options that do not fit a protocol; None where all fit.

    `protocol` may be an unknown name: beside a recording no option of a single protocol fits.
    """
    chosen = _named(protocol) if protocol in names() else None
    fitting = () if chosen is None else chosen.own_options
    defaults = LinkOptions(options.url)
    if options.transport is not None and (options.headers is not None or options.ssl is not None):
        return "expected no headers= or ssl= beside transport=, which makes the connections: give them to the transport"
    for name, sentence in ((name, sentence) for spec in _OWN for name, sentence in spec.own_options.items()):
        if name not in fitting and getattr(options, name) != getattr(defaults, name):
            return sentence.format(address=options.address)
    return None if chosen is None else chosen.problem(options)


def resolve(options: LinkOptions, protocol: str) -> Endpoint:
    """Return the wire and transport for these options; an unusable address gives a link that fails with the reason.

    A transport among the options is used unchanged, with any address. Raises InvalidArgument for options that the
    protocol cannot use.
    """
    spec = _named(protocol)
    if options.transport is not None:
        return Endpoint(spec.wire(options), options.transport)
    wrong = spec.problem_of_address(options)
    return Endpoint(spec.wire(options), spec.transport(options) if wrong is None else _NoTransport(wrong))


def alternative(options: Options, protocol: str) -> tuple[str, Options] | None:
    """Return another protocol that a server at this address may speak, if only the address chose; None for none."""
    spec = _named(protocol)
    if options.protocol is not None or options.subscribe is not None or options.transport is not None:
        return None
    if spec.alternative is None:
        return None
    if spec.problem_of_address(options) is not None:
        return None
    return spec.alternative, structs.replace(options, protocol=spec.alternative)


def lister(options: LinkOptions, protocol: str) -> Callable[[], Awaitable[list[Secret[str]]]] | None:
    """Return what lists the runs that wait for people, for the address of a server with many; None for that of a run.

    Its result are addresses. It raises LinkLost.
    """
    spec = _named(protocol) if protocol in names() else None
    if spec is None or not spec.is_server(options):
        return None
    return functools.partial(spec.waiting_runs, options)


# ---- recordings ----------------------------------------------------------------------------------------------------


def header(options: LinkOptions, protocol: str) -> dict[str, Any]:
    """Return the protocol's options for a recording's header (`Header.protocol_options`), without secrets."""
    known: dict[str, Any] = options.redactor.hide_in(_named(protocol).header(options))
    return known


def reader(protocol: str, known: Mapping[str, Any]) -> Wire:
    """Return a wire that reads the frames of a recording.

    Raises KeyError for a protocol that is not installed, ValueError for a value in `known` that the protocol cannot
    use, InvalidArgument where its package cannot be loaded.
    """
    return _named(protocol).reader(known)


def saved_events_suffice(protocol: str) -> bool:
    """Return whether a console can continue a recording that holds events without their frames."""
    return _named(protocol).saved_events_suffice
