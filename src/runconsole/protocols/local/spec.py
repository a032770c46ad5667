"""Runs of this process as a protocol: `Console(source)` chooses it, and recordings of such runs name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runconsole.protocols.options import LinkOptions
from runconsole.protocols.spec import ProtocolSpec, check_known

if TYPE_CHECKING:
    from runconsole.protocols.local.wire import LocalWire

__all__ = ["LocalProtocol"]

_UNUSED = ("token", "auth", "headers", "ssl", "subscribe", "decide")


class LocalProtocol(ProtocolSpec):
    """A `Source` of this process. Its transport is the source itself; there are no credentials."""

    name = "local"

    def problem(self, options: LinkOptions) -> str | None:
        """Return a sentence about an option without a meaning beside a source; None for none."""
        from runconsole.protocols.local.transport import SourceTransport

        if not isinstance(options.transport, SourceTransport):
            return 'expected a Source in the place of the URL beside protocol="local": Console(source)'
        given = next((name for name in _UNUSED if getattr(options, name) is not None), None)
        return None if given is None else f"expected no {given}= beside a Source: there is no server"

    def problem_of_address(self, options: LinkOptions) -> None:
        """Return None: the address is a name."""

    def wire(self, options: LinkOptions) -> LocalWire:
        """Return a wire that takes the commands of the source."""
        from runconsole.protocols.local.transport import SourceTransport
        from runconsole.protocols.local.wire import LocalWire

        transport = options.transport
        if not isinstance(transport, SourceTransport):
            return LocalWire()
        return LocalWire(transport.source.task_commands, transport.source.title)

    def reader(self, known: Mapping[str, Any]) -> LocalWire:
        """Return a wire; it needs no options."""
        from runconsole.protocols.local.wire import LocalWire

        check_known(known, set())
        return LocalWire()
