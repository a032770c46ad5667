"""From the console's options to a wire and a transport; of the wires, each loads when it is first asked for."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from msgspec import structs

from runconsole.errors import InvalidArgument, LinkLost
from runconsole.options import Options, context_of
from runconsole.protocols.base import Wire
from runconsole.protocols.json.wire import ChannelWire
from runconsole.redaction.secrets import Secret, bare
from runconsole.transports.address import with_query, without_user
from runconsole.transports.base import Connection, Transport
from runconsole.transports.websocket import WebSocketTransport

if TYPE_CHECKING:
    from runconsole.protocols.socketio.wire import SocketIoWire
    from runconsole.protocols.trpc.wire import Transformer, TrpcWire
    from runconsole.transports.socketio.transport import SocketIoTransport

__all__ = ["Endpoint", "other_protocol", "resolve"]

_WEBSOCKET_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class Endpoint(NamedTuple):
    """What a session needs to talk to a server."""

    wire: Wire
    transport: Transport


class _NoTransport:
    """Stands where no connection can be made: it says why, once, as a link that failed for good."""

    def __init__(self, why: str) -> None:
        self._why = why

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        raise LinkLost(self._why, fatal=True)


def other_protocol(options: Options) -> tuple[str, Options] | None:
    """Return what else a server at this address may speak, where the address alone was to tell; None for nothing."""
    if options.protocol is not None or options.inferred_protocol() != "json" or options.subscribe is not None:
        return None
    if _problem(options) is not None:
        return None
    return "trpc", structs.replace(options, protocol="trpc")


def resolve(options: Options) -> Endpoint:
    """Return the wire and transport for these options; an address that cannot work gives a link that says so."""
    protocol = options.inferred_protocol()
    problem = _problem(options)
    if problem is not None:
        return Endpoint(ChannelWire(), _NoTransport(problem))
    match protocol:
        case "trpc":
            return Endpoint(_trpc(options), _websocket(options))
        case "socketio":
            return Endpoint(_socketio(options), _socketio_transport(options))
        case _:
            return Endpoint(_channel(options), _websocket(options))


def _problem(options: Options) -> str | None:
    """Return why this address cannot work, in one sentence; None where it can be tried."""
    if "://" not in options.url.reveal():
        return f"expected a URL like ws://host:port/path, got {options.address!r}: check its spelling"
    try:
        parts = urlsplit(options.url.reveal())
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"expected a URL like ws://host:port/path, got {options.address!r}: check its host and port"
    if parts.scheme not in _WEBSOCKET_SCHEMES:
        return f"expected a URL that begins with ws:// or wss://, got {options.address!r}: check its scheme"
    if not host:
        return f"expected a URL like ws://host:port/path, got {options.address!r}: it names no host"
    return None


def _websocket(options: Options) -> WebSocketTransport:
    url, headers = _target(options)
    return WebSocketTransport(url, headers=headers, ssl=_ssl(options), hide=options.redact)


def _target(options: Options) -> tuple[Secret[str], Secret[Mapping[str, str]]]:
    """Return the URL and headers with everything that signs in. Where they cannot be made, `_problem` has said so."""
    parts = urlsplit(options.url.reveal())
    url, headers = _signed(parts._replace(scheme=_WEBSOCKET_SCHEMES[parts.scheme], fragment="").geturl(), options)
    if _params(options) is not None:
        return Secret(with_query(url.reveal(), connectionParams="1")), headers
    return url, headers


def _signed(url: str, options: Options) -> tuple[Secret[str], Secret[Mapping[str, str]]]:
    """Return a URL and the headers with the token in one of them, where it goes there."""
    headers = dict(options.headers.reveal()) if options.headers is not None else {}
    if options.token is not None and options.auth == "query":
        url = with_query(url, token=options.token.reveal())
    elif options.token is not None and _goes_in_header(options) and not _signs_in(headers):
        headers["Authorization"] = f"Bearer {options.token.reveal()}"
    return Secret(_signed_once(url, headers)), Secret(headers)


def _goes_in_header(options: Options) -> bool:
    """Whether the token is a header: unless told otherwise everywhere but on Socket.IO, which has its auth object."""
    return options.auth == "header" or (options.auth is None and options.inferred_protocol() != "socketio")


def _signs_in(headers: Mapping[str, str]) -> bool:
    return any(name.lower() == "authorization" for name in headers)


def _signed_once(url: str, headers: Mapping[str, str]) -> str:
    """Return the URL, where a header signs in without a user and password: they would be a second one (RFC 9110)."""
    return without_user(url) if _signs_in(headers) else url


def _ssl(options: Options) -> ssl_module.SSLContext | None:
    return context_of(options.ssl) if isinstance(options.ssl, str) else options.ssl


# ---- plain JSON ----------------------------------------------------------------------------------------------------


def _channel(options: Options) -> ChannelWire:
    told = options.subscribe is not None
    task = options.task
    return ChannelWire(
        _messages(options),
        channels=() if told or task is None else ({"channel": f"task.{task}", "taskId": task},),
        wider=() if told or task is not None else _WIDER,
        token=options.token if options.auth in {"message", "params"} else None,
        decide=options.decide if callable(options.decide) else None,
    )


def _messages(options: Options) -> Secret[list[Any]]:
    """Return the messages that the user wants sent after connecting."""
    if options.subscribe is None:
        return Secret([])
    told = options.subscribe.reveal()
    return Secret(told if isinstance(told, list) else [told])


_WIDER = ({"channel": "system"}, {"channel": "checkpoints"}, {"channel": "workers"})
"""The channels of ado's protocol that bring what is not of one task."""
_OTHER_STREAMS = ("tasks.onTaskEvent",)
"""Paths under which a server may have the stream of one task, the newest specification's first."""

# ---- tRPC ----------------------------------------------------------------------------------------------------------


def _trpc(options: Options) -> TrpcWire:
    from runconsole.protocols.trpc.wire import TrpcWire

    path, argument = _subscription(options)
    with suppress(ValueError):
        return TrpcWire(
            path,
            argument,
            decide=options.decide,
            transformer=cast("Transformer", options.transformer),
            connection_params=_params(options),
            instead=_OTHER_STREAMS if options.subscribe is None and options.task is not None else (),
            advice=_advice(options),
        )
    raise InvalidArgument(
        f"expected an input that JSON can carry for {path!r}, got another: pass text, numbers, lists and dicts"
    )


def _advice(options: Options) -> str | None:
    """Return what to pass where the server has none of the streams that we know."""
    if options.subscribe is not None:
        return None
    one = "" if options.task is not None else "task= to follow one task, or "
    return f"pass {one}subscribe= with the path of a stream that it has"


def _params(options: Options) -> Secret[Mapping[str, str]] | None:
    """Return tRPC's connection parameters, where the token goes into them."""
    in_params = options.inferred_protocol() == "trpc" and options.auth in {"params", "message"}
    return Secret({"token": options.token.reveal()}) if in_params and options.token is not None else None


def _subscription(options: Options) -> tuple[str, Secret[Any]]:
    """Return the path and input of the subscription: as told, else seed 2's for one task or for all."""
    match bare(options.subscribe):
        case None if options.task is None:
            return "stream.systemEvents", Secret(None)
        case None:
            return "stream.taskProgress", Secret(options.task)
        case str():
            return str(bare(options.subscribe)), Secret(options.task)
        case [str(), _]:
            path, argument = map(Secret, bare(options.subscribe))
            return str(path.reveal()), argument
    raise InvalidArgument(
        f"expected subscribe= to be a path or (path, input), got {_kind(options.subscribe)}: see the documentation"
    )


def _kind(subscribe: Secret[Any] | None) -> str:
    """Return what was given, without what it holds."""
    return f"a {type(bare(subscribe)).__name__}"


# ---- Socket.IO -----------------------------------------------------------------------------------------------------


def _socketio(options: Options) -> SocketIoWire:
    from runconsole.protocols.socketio.wire import SocketIoWire

    return SocketIoWire(_joins(options), wider=_wider_joins(options), decide=options.decide)


def _socketio_transport(options: Options) -> SocketIoTransport:
    from runconsole.transports.socketio.transport import SocketIoTransport

    url, headers = _signed(options.url.reveal(), options)
    in_auth = options.token is not None and options.auth in {None, "auth", "params"}
    spare = _signed(options.url.reveal(), structs.replace(options, auth="header"))[1]
    return SocketIoTransport(
        url,
        token=options.token if in_auth else None,
        spare_headers=spare if in_auth and options.auth is None else None,
        headers=headers,
        ssl=_ssl(options),
        hide=options.redact,
    )


def _joins(options: Options) -> Secret[list[tuple[str, Any]]]:
    """Return the events to send after connecting: as told, else the rooms of what is followed."""
    if options.subscribe is not None:
        if isinstance(options.subscribe.reveal(), Mapping):
            return _signed_joins(list(options.subscribe.reveal().items()), options)
        raise InvalidArgument(
            f"expected subscribe= to be a dict of event: data, got {_kind(options.subscribe)}: see the documentation"
        )
    rooms = (
        ("join_execution", "execution_id", options.execution),
        ("join_discovery", "session_id", options.session),
        ("join_masterplan", "masterplan_id", options.masterplan),
    )
    return _signed_joins([(event, {key: name}) for event, key, name in rooms if name is not None], options)


def _wider_joins(options: Options) -> Secret[list[tuple[str, Any]]]:
    """Return the rooms to which the events of an execution may go, where its own stays silent."""
    if options.execution is None or any(
        other is not None for other in (options.subscribe, options.session, options.masterplan)
    ):
        return Secret([])
    name = options.execution
    return _signed_joins(
        [("join_discovery", {"session_id": name}), ("join_masterplan", {"masterplan_id": name})], options
    )


def _signed_joins(joins: list[tuple[str, Any]], options: Options) -> Secret[list[tuple[str, Any]]]:
    """Return the joins with the token among their data, where it goes there."""
    if options.token is None or options.auth != "message":
        return Secret(joins)
    token = {"token": options.token.reveal()}
    return Secret(
        [
            (event, {**token, **data} if isinstance(data, Mapping) else token if data is None else data)
            for event, data in joins
        ]
    )
