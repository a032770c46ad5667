"""Plain JSON over a WebSocket, the default protocol of an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runconsole.protocols.options import LinkOptions
from runconsole.protocols.spec import ProtocolSpec, check_known
from runconsole.redaction.secrets import Secret

if TYPE_CHECKING:
    from runconsole.protocols.json.wire import ChannelWire

__all__ = ["JsonProtocol"]

_WIDER = ({"channel": "system"}, {"channel": "checkpoints"}, {"channel": "workers"})
"""The channels of the channel protocol for events that belong to no single task."""


class JsonProtocol(ProtocolSpec):
    """Plain JSON. `subscribe` is one message or a list of messages to send after connecting."""

    name = "json"
    alternative = "trpc"

    def wire(self, options: LinkOptions) -> ChannelWire:
        """Return a wire that follows one task, or the channels of a whole server."""
        from runconsole.protocols.json.wire import ChannelWire

        is_custom = options.subscribe is not None
        task = options.task
        return ChannelWire(
            _messages(options),
            channels=() if is_custom or task is None else ({"channel": f"task.{task}", "taskId": task},),
            wider=() if is_custom or task is not None else _WIDER,
            token=options.token if options.auth in {"message", "params"} else None,
            decide=options.decide if callable(options.decide) else None,
        )

    def reader(self, known: Mapping[str, Any]) -> ChannelWire:
        """Return a wire; it needs no options."""
        from runconsole.protocols.json.wire import ChannelWire

        check_known(known, set())
        return ChannelWire()


def _messages(options: LinkOptions) -> Secret[list[Any]]:
    """Return the user's messages to send after connecting."""
    if options.subscribe is None:
        return Secret([])
    given = options.subscribe.reveal()
    return Secret(given if isinstance(given, list) else [given])
