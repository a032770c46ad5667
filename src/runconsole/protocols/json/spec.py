"""Plain JSON over a WebSocket: what an address that shows no other protocol is taken for."""

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
"""The channels of the channel protocol that bring what is not of one task."""


class JsonProtocol(ProtocolSpec):
    """Plain JSON. `subscribe` is one message or a list of messages to send after connecting."""

    name = "json"
    alternative = "trpc"

    def wire(self, options: LinkOptions) -> ChannelWire:
        """Return a wire that follows one task, or the channels of a whole server."""
        from runconsole.protocols.json.wire import ChannelWire

        told = options.subscribe is not None
        task = options.task
        return ChannelWire(
            _messages(options),
            channels=() if told or task is None else ({"channel": f"task.{task}", "taskId": task},),
            wider=() if told or task is not None else _WIDER,
            token=options.token if options.auth in {"message", "params"} else None,
            decide=options.decide if callable(options.decide) else None,
        )

    def reader(self, known: Mapping[str, Any]) -> ChannelWire:
        """Return a wire; it needs to know nothing."""
        from runconsole.protocols.json.wire import ChannelWire

        check_known(known, set())
        return ChannelWire()


def _messages(options: LinkOptions) -> Secret[list[Any]]:
    """Return the messages that the user wants sent after connecting."""
    if options.subscribe is None:
        return Secret([])
    told = options.subscribe.reveal()
    return Secret(told if isinstance(told, list) else [told])
