"""tRPC over a WebSocket, at addresses whose path ends in ``/trpc``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from runconsole.errors import InvalidArgument
from runconsole.protocols.options import LinkOptions
from runconsole.protocols.spec import ProtocolSpec, check_known
from runconsole.redaction.secrets import Secret, bare

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from runconsole.protocols.trpc.wire import Transformer, TrpcWire
    from runconsole.transports.websocket import WebSocketTransport

__all__ = ["TRANSFORMERS", "TrpcProtocol"]

TRANSFORMERS = ("auto", "superjson", "none")
"""The words of ``transformer=``."""

_OTHER_STREAMS = ("tasks.onTaskEvent",)
"""Paths of the stream of one task, the newest specification's first."""


class TrpcProtocol(ProtocolSpec):
    """tRPC. `subscribe` is the path of a subscription, or a path and an input."""

    name = "trpc"
    own_options = {  # noqa: RUF012 - as `ProtocolSpec` has it
        "transformer": "expected transformer= beside a tRPC server only, got it beside {address!r}: leave it out, or"
        ' pass protocol="trpc"'
    }

    def infers(self, url: SplitResult) -> bool:
        """Return whether the path ends in ``/trpc``."""
        return url.path.rstrip("/").endswith("/trpc")

    def wire(self, options: LinkOptions) -> TrpcWire:
        """Return a wire that subscribes to one task's stream or to all. Raises InvalidArgument."""
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

    def transport(self, options: LinkOptions) -> WebSocketTransport:
        """Return a WebSocket, with a mark in its address if connection parameters come first."""
        from runconsole.protocols.signing import websocket

        return websocket(options) if _params(options) is None else websocket(options, connectionParams="1")

    def header(self, options: LinkOptions) -> dict[str, Any]:
        """Return the transformer, if it was given."""
        return {} if options.transformer == "auto" else {"transformer": options.transformer}

    def reader(self, known: Mapping[str, Any]) -> TrpcWire:
        """Return a wire for frames of this transformer."""
        from runconsole.protocols.trpc.wire import TrpcWire

        check_known(known, {"transformer"})
        transformer = known.get("transformer", "auto")
        if transformer not in TRANSFORMERS:
            raise ValueError(f"transformer {transformer!r}")
        return TrpcWire("recorded", transformer=transformer)


def _advice(options: LinkOptions) -> str | None:
    """Return advice for a server that has none of the known streams."""
    if options.subscribe is not None:
        return None
    one = "" if options.task is not None else "task= to follow one task, or "
    return f"pass {one}subscribe= with the path of a stream that it has"


def _params(options: LinkOptions) -> Secret[Mapping[str, str]] | None:
    """Return the connection parameters, if the token goes into them."""
    if options.token is None or options.auth not in {"params", "message"}:
        return None
    return Secret({"token": options.token.reveal()})


def _subscription(options: LinkOptions) -> tuple[str, Secret[Any]]:
    """Return the path and input of the subscription: those of `subscribe`, else those for one task or for all."""
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
        "expected subscribe= to be a path or (path, input), got"
        f" a {type(bare(options.subscribe)).__name__}: see the documentation"
    )
