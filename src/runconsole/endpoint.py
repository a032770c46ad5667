"""From the console's options to a wire and a transport."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from runconsole.errors import LinkLost
from runconsole.events import DecisionRequested
from runconsole.options import Options
from runconsole.transports.address import with_query
from runconsole.transports.base import Connection, Transport
from runconsole.transports.websocket import WebSocketTransport
from runconsole.wire.channel import ChannelWire
from runconsole.wire.signals import Wire

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
    problem = _problem(options, protocol)
    if problem is not None:
        return Endpoint(ChannelWire(), _NoTransport(problem))
    return Endpoint(_channel(options), _websocket(options))


def _problem(options: Options, protocol: str) -> str | None:
    """Return why this address cannot work, in one sentence; None where it can be tried."""
    if protocol != "json":
        return f"expected protocol 'json', got {protocol!r}: this version of runconsole does not speak it yet"
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
    elif options.token is not None and options.auth == "header":
        headers.setdefault("Authorization", f"Bearer {options.token}")
    return WebSocketTransport(
        url, headers=headers, ssl=options.ssl if isinstance(options.ssl, ssl_module.SSLContext) else None
    )


def _channel(options: Options) -> ChannelWire:
    return ChannelWire(
        _subscriptions(options),
        token=options.token if options.auth in {"message", "params"} else None,
        decide=_decide(options.decide),
    )


def _subscriptions(options: Options) -> list[Any]:
    """Return the messages to send after connecting: as told, else ado's subscription to the one task followed."""
    if options.subscribe is not None:
        return options.subscribe if isinstance(options.subscribe, list) else [options.subscribe]
    if options.task is not None:
        return [{"type": "subscribe", "payload": {"channel": f"task.{options.task}", "taskId": options.task}}]
    return []


def _decide(decide: str | Callable[..., Any] | None) -> Callable[[DecisionRequested], tuple[str, Any]] | None:
    return decide if callable(decide) else None
