"""AG-UI as a protocol: its addresses, its options, its transport."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runconsole.protocols.agui.run_input import problem_of_input
from runconsole.protocols.options import LinkOptions
from runconsole.protocols.spec import ProtocolSpec, check_known
from runconsole.transports.base import Transport

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from runconsole.protocols.agui.wire import AguiWire

__all__ = ["AguiProtocol"]

_PATHS = ("/agui", "/ag-ui", "/ag_ui")
_UNUSED = ("task", "execution", "session", "masterplan", "subscribe", "decide")


class AguiProtocol(ProtocolSpec):
    """Runs of agents over HTTP and server-sent events: the console starts what it shows."""

    name = "agui"
    saved_events_suffice = False
    own_options = {  # noqa: RUF012 - as the base class has it
        "input": 'expected input= beside protocol="agui" or "langgraph" only: other protocols follow the runs of others'
    }

    def infers(self, url: SplitResult) -> bool:
        """Return whether the path ends in ``/agui`` or ``/ag-ui``."""
        return url.scheme in {"http", "https"} and url.path.rstrip("/").endswith(_PATHS)

    def problem(self, options: LinkOptions) -> str | None:
        """Return a sentence about an option without a meaning beside AG-UI; None for none."""
        given = next((name for name in _UNUSED if getattr(options, name) is not None), None)
        if given is not None:
            return f"expected no {given}= beside AG-UI, which has one run for each request"
        if options.auth not in {None, "header", "query"}:
            return f'expected auth="header" or "query" beside AG-UI, got {options.auth!r}'
        return None if options.input is None else problem_of_input(options.input.reveal())

    def problem_of_address(self, options: LinkOptions) -> str | None:
        """Return a sentence about an address that is no HTTP URL with a host."""
        wrong = super().problem_of_address(options)
        if wrong is None and urlsplit(options.url.reveal()).scheme not in {"http", "https"}:
            wrong = f"expected a URL that begins with http:// or https:// beside AG-UI, got {options.address!r}"
        return wrong

    def wire(self, options: LinkOptions) -> AguiWire:
        """Return a wire that starts a run with the input."""
        from runconsole.protocols.agui.wire import AguiWire

        return AguiWire(None if options.input is None else options.input.reveal())

    def transport(self, options: LinkOptions) -> Transport:
        """Return a transport that posts requests and reads their streams."""
        from runconsole.protocols.signing import context_of_options, signed
        from runconsole.transports.sse.transport import SseTransport

        url, headers = signed(options)
        return SseTransport(
            url,
            method="POST",
            headers=headers,
            ssl=context_of_options(options),
            hide=options.redact,
            wanted="an AG-UI endpoint",
        )

    def reader(self, known: Mapping[str, Any]) -> AguiWire:
        """Return a wire; the frames hold the requests."""
        from runconsole.protocols.agui.wire import AguiWire

        check_known(known, set())
        return AguiWire()
