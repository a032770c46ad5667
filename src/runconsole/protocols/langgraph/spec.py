"""The Agent Server of LangGraph as a protocol: its addresses, its options, its transport."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runconsole.protocols.agui.spec import AguiProtocol
from runconsole.protocols.langgraph.start import Start, problem_of_input
from runconsole.protocols.options import LinkOptions
from runconsole.protocols.spec import ProtocolSpec, check_known
from runconsole.redaction.secrets import Secret
from runconsole.transports.base import Transport

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from runconsole.protocols.langgraph.wire import LangGraphWire

__all__ = ["LangGraphProtocol", "credentials"]

_THREAD = re.compile(r"(?P<base>(?:/.*)?)(?P<path>/threads/[^/]+)/?(?:stream/events/?)?")
_HTTP = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
_UNUSED = ("task", "session", "masterplan", "subscribe", "decide")
_KEY = "x-api-key"


class LangGraphProtocol(ProtocolSpec):
    """Threads of LangGraph Agent Servers: the runs that others start are followed, and their questions answered."""

    name = "langgraph"
    saved_events_suffice = False
    own_options = {  # noqa: RUF012 - as the base class has it
        "input": AguiProtocol.own_options["input"],
        "assistant": 'expected assistant= beside protocol="langgraph" only, which runs one of several graphs',
    }

    def infers(self, url: SplitResult) -> bool:
        """Return whether the path is that of a thread, ``/threads/{id}``."""
        return url.scheme in _HTTP and _THREAD.fullmatch(url.path) is not None

    def problem(self, options: LinkOptions) -> str | None:
        """Return a sentence about an option without a meaning beside LangGraph; None for none."""
        given = next((name for name in _UNUSED if getattr(options, name) is not None), None)
        if given is not None:
            return f"expected no {given}= beside LangGraph, whose address names the thread"
        if options.auth not in {None, "header"}:
            return f'expected auth="header" (a bearer token) or none (the header {_KEY}), got {options.auth!r}'
        return problem_of_input(None if options.input is None else options.input.reveal(), options.assistant)

    def problem_of_address(self, options: LinkOptions) -> str | None:
        """Return a sentence about an address that names no thread."""
        wrong = super().problem_of_address(options)
        if wrong is None and _THREAD.fullmatch(urlsplit(options.url.reveal()).path) is None:
            wrong = f"expected the address of a thread, like http://host:2024/threads/ID, got {options.address!r}"
        return wrong

    def wire(self, options: LinkOptions) -> LangGraphWire:
        """Return a wire that follows the thread."""
        from runconsole.protocols.langgraph.wire import LangGraphWire

        path = _path_of(urlsplit(options.url.reveal()).path)
        if options.input is None or options.assistant is None:
            return LangGraphWire(path)
        return LangGraphWire(path, Start(path, options.input.reveal(), options.assistant))

    def transport(self, options: LinkOptions) -> Transport:
        """Return a transport to the thread's events, and to the server's calls beside them."""
        from runconsole.protocols.signing import context_of_options
        from runconsole.transports.agentserver.transport import AgentServerTransport
        from runconsole.transports.websocket import WebSocketTransport

        url, headers = credentials(options)
        parts = urlsplit(url.reveal())
        scheme, base = _HTTP[parts.scheme], parts.path[: parts.path.rindex("/threads/")]
        path = _path_of(parts.path)
        ssl = context_of_options(options)
        socket = WebSocketTransport(
            parts._replace(
                scheme=scheme.replace("http", "ws"), path=f"{base}{path}/stream/events", fragment=""
            ).geturl(),
            headers=headers,
            ssl=ssl,
            hide=options.redact,
        )
        server = parts._replace(scheme=scheme, path=base, query="", fragment="").geturl()
        return AgentServerTransport(socket, Secret(server), path, headers=headers, ssl=ssl, hide=options.redact)

    def is_server(self, options: LinkOptions) -> bool:
        """Return whether the address is that of a server, without a thread."""
        return _THREAD.fullmatch(urlsplit(options.url.reveal()).path) is None

    async def waiting_runs(self, options: LinkOptions) -> list[Secret[str]]:
        """Return the addresses of the interrupted threads. Raises LinkLost."""
        from runconsole.protocols.langgraph.listing import interrupted_threads

        return await interrupted_threads(options)

    def header(self, options: LinkOptions) -> dict[str, Any]:
        """Return the path of the thread."""
        return {"path": _path_of(urlsplit(options.url.reveal()).path)}

    def reader(self, known: Mapping[str, Any]) -> LangGraphWire:
        """Return a wire; the frames hold the calls and their results."""
        from runconsole.protocols.langgraph.wire import LangGraphWire

        check_known(known, {"path"})
        path = known.get("path", "/threads/recorded")
        if not isinstance(path, str):
            raise ValueError(f"path {path!r}")  # noqa: TRY004 - as the base has it
        return LangGraphWire(path)


def credentials(options: LinkOptions) -> tuple[Secret[str], Secret[Mapping[str, str]]]:
    """Return the address, and the headers with the key."""
    from runconsole.protocols.signing import signed

    url, headers = signed(options, in_header=False)
    given = dict(headers.reveal())
    if options.token is not None and options.auth is None and not any(name.lower() == _KEY for name in given):
        given[_KEY] = options.token.reveal()
    return url, Secret(given)


def _path_of(path: str) -> str:
    """Return the path of the thread in an address."""
    found = _THREAD.fullmatch(path)
    return "/threads/unknown" if found is None else found["path"]
