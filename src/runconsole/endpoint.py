"""From the console's options to a wire and a transport; of the wires, each loads when it is first asked for."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from runconsole.errors import InvalidArgument, LinkLost
from runconsole.options import Options, context_of
from runconsole.transports.address import with_query, without_user
from runconsole.transports.base import Connection, Transport
from runconsole.transports.websocket import WebSocketTransport
from runconsole.wire.channel import ChannelWire
from runconsole.wire.signals import Wire

if TYPE_CHECKING:
    from runconsole.transports.socketio import SocketIoTransport
    from runconsole.wire.socketio import SocketIoWire
    from runconsole.wire.trpc import Transformer, TrpcWire

__all__ = ["Endpoint", "resolve"]

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
    if "://" not in options.url:
        return f"expected a URL like ws://host:port/path, got {options.address!r}: check its spelling"
    try:
        parts = urlsplit(options.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"expected a URL like ws://host:port/path, got {options.address!r}: check its host and port"
    if parts.scheme not in _WEBSOCKET_SCHEMES:
        return f"expected a URL that begins with ws:// or wss://, got {options.address!r}: check its scheme"
    if not host:
        return f"expected a URL like ws://host:port/path, got {options.address!r}: it names no host"
    return None


def _websocket(options: Options) -> WebSocketTransport:
    parts = urlsplit(options.url)
    url = parts._replace(scheme=_WEBSOCKET_SCHEMES[parts.scheme], fragment="").geturl()
    headers = dict(options.headers or {})
    if options.token is not None and options.auth == "query":
        url = with_query(url, token=options.token)
    elif options.token is not None and options.auth == "header" and not _signs_in(headers):
        headers["Authorization"] = f"Bearer {options.token}"
    if _params(options) is not None:
        url = with_query(url, connectionParams="1")
    return WebSocketTransport(_signed_once(url, headers), headers=headers, ssl=_ssl(options))


def _signs_in(headers: Mapping[str, str]) -> bool:
    return any(name.lower() == "authorization" for name in headers)


def _signed_once(url: str, headers: Mapping[str, str]) -> str:
    """Return the URL, where a header signs in without a user and password: they would be a second one (RFC 9110)."""
    return without_user(url) if _signs_in(headers) else url


def _ssl(options: Options) -> ssl_module.SSLContext | None:
    return context_of(options.ssl) if isinstance(options.ssl, str) else options.ssl


# ---- plain JSON ----------------------------------------------------------------------------------------------------


def _channel(options: Options) -> ChannelWire:
    return ChannelWire(
        _messages(options),
        token=options.token if options.auth in {"message", "params"} else None,
        decide=options.decide if callable(options.decide) else None,
    )


def _messages(options: Options) -> list[Any]:
    """Return the messages to send after connecting: as told, else ado's subscription to the one task followed."""
    if options.subscribe is not None:
        return options.subscribe if isinstance(options.subscribe, list) else [options.subscribe]
    if options.task is not None:
        return [{"type": "subscribe", "payload": {"channel": f"task.{options.task}", "taskId": options.task}}]
    return []


# ---- tRPC ----------------------------------------------------------------------------------------------------------


def _trpc(options: Options) -> TrpcWire:
    from runconsole.wire.trpc import TrpcWire

    path, argument = _subscription(options)
    return TrpcWire(
        path,
        argument,
        decide=options.decide,
        transformer=cast("Transformer", options.transformer),
        connection_params=_params(options),
    )


def _params(options: Options) -> dict[str, str] | None:
    """Return tRPC's connection parameters, where the token goes into them."""
    in_params = options.inferred_protocol() == "trpc" and options.auth in {"params", "message"}
    return {"token": options.token} if in_params and options.token is not None else None


def _subscription(options: Options) -> tuple[str, Any]:
    """Return the path and input of the subscription: as told, else seed 2's for one task or for all."""
    match options.subscribe:
        case None:
            return ("stream.systemEvents", None) if options.task is None else ("stream.taskProgress", options.task)
        case str(path):
            return path, options.task
        case [str(path), argument]:
            return path, argument
        case _:
            raise InvalidArgument(f"expected subscribe= to be a path or (path, input), got {options.subscribe!r}")


# ---- Socket.IO -----------------------------------------------------------------------------------------------------


def _socketio(options: Options) -> SocketIoWire:
    from runconsole.wire.socketio import SocketIoWire

    joins = _joins(options)
    return SocketIoWire(joins) if options.decide is None else SocketIoWire(joins, decide=options.decide)


def _socketio_transport(options: Options) -> SocketIoTransport:
    from runconsole.transports.socketio import SocketIoTransport

    url = _signed_once(options.url, options.headers or {})
    return SocketIoTransport(url, token=options.token, headers=options.headers, ssl=_ssl(options))


def _joins(options: Options) -> list[tuple[str, Any]]:
    """Return the events to send after connecting: as told, else the room of the execution followed."""
    match options.subscribe:
        case None if options.execution is None:
            return []
        case None:
            return [("join_execution", {"execution_id": options.execution})]
        case Mapping():
            return list(options.subscribe.items())
        case _:
            raise InvalidArgument(f"expected subscribe= to be a dict of event: data, got {options.subscribe!r}")
