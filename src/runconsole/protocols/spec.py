"""Everything that the rest of the package asks of a protocol before a connection is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar

from runconsole.protocols.base import Wire
from runconsole.protocols.options import LinkOptions
from runconsole.transports.base import Transport

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["ProtocolSpec", "check_known"]

_NO_AUTH_OBJECT = (
    'expected auth="auth" beside a Socket.IO address (http://host:port) only; elsewhere is no auth object: pass'
    ' "header", "query", "params" or "message"'
)


class ProtocolSpec(ABC):
    """One protocol: its name, the addresses that speak it, its wire, its transport, and what a recording knows of it.

    An instance holds no state. The module of a spec is imported early, to ask for addresses; what a wire and a
    transport need is better imported in the methods that make them.
    """

    name: ClassVar[str]
    """The word of ``protocol=``, and of a recording's header."""
    schemes: ClassVar[frozenset[str]] = frozenset()
    """The schemes of URLs that are of this protocol where no protocol knows the address by a better sign."""
    own_options: ClassVar[Mapping[str, str]] = {}
    """The options that no other protocol has, by name, each with the sentence for one that stands beside another
    protocol; ``{address}`` is replaced in it."""
    alternative: ClassVar[str | None] = None
    """Another protocol that a server may speak where the address alone led to this one: it is tried when the server
    stays silent."""
    saved_events_suffice: ClassVar[bool] = True
    """True if a console can go on with a recording that holds events without their frames: whether the wire may begin
    afresh in the middle of a run."""

    def infers(self, url: SplitResult) -> bool:  # noqa: ARG002 - for those that have a sign
        """Return whether the address itself shows that it is of this protocol (a path that ends in ``/trpc``)."""
        return False

    def problem(self, options: LinkOptions) -> str | None:
        """Return what is wrong with options for this protocol, in one sentence; None where nothing is.

        By default it is a token that goes into an auth object.
        """
        return _NO_AUTH_OBJECT if options.auth == "auth" else None

    def problem_of_address(self, options: LinkOptions) -> str | None:
        """Return why the address cannot work, in one sentence; None where it can be tried.

        By default it must be a URL of ``ws``, ``wss``, ``http`` or ``https`` with a host.
        """
        from runconsole.protocols.signing import problem_of_address

        return problem_of_address(options)

    @abstractmethod
    def wire(self, options: LinkOptions) -> Wire:
        """Return a wire for these options. Raises InvalidArgument for what it cannot use of them."""

    def transport(self, options: LinkOptions) -> Transport:
        """Return a transport to the address; by default a WebSocket that signs in by a header or the query."""
        from runconsole.protocols.signing import websocket

        return websocket(options)

    def header(self, options: LinkOptions) -> dict[str, Any]:  # noqa: ARG002 - for those that need more
        """Return what a recording must know so that `reader` can read its frames again, as JSON can carry it.

        Two runs whose frames one wire reads have equal ones. Strings are written without the secrets of the options.
        """
        return {}

    @abstractmethod
    def reader(self, known: Mapping[str, Any]) -> Wire:
        """Return a wire that reads recorded frames, and sends nothing; `known` is what `header` returned.

        Raises ValueError that names what cannot be used: recordings may be damaged, and are as old as they are.
        """


def check_known(known: Mapping[str, Any], names: AbstractSet[str]) -> None:
    """Raise ValueError where a recording holds something of a protocol that it does not write under these names."""
    for name, value in known.items():
        if name not in names:
            raise ValueError(f"{name} {value!r}")
