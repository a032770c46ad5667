"""The description of a protocol: all that the rest of the package needs before a connection is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar

from runconsole.protocols.base import Wire
from runconsole.protocols.options import LinkOptions
from runconsole.redaction.secrets import Secret
from runconsole.transports.base import Transport

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["ProtocolSpec", "check_known"]

_NO_AUTH_OBJECT = (
    'expected auth="auth" beside a Socket.IO address (http://host:port) only; elsewhere is no auth object: pass'
    ' "header", "query", "params" or "message"'
)


class ProtocolSpec(ABC):
    """One protocol: its name, its addresses, its wire, its transport, and its options in a recording.

    An instance holds no state. The module of a spec is imported early, for the inference from addresses; the imports of
    a wire and a transport belong into the methods that make them.
    """

    name: ClassVar[str]
    """The word of ``protocol=``, and of a recording's header."""
    schemes: ClassVar[frozenset[str]] = frozenset()
    """The schemes of URLs of this protocol, if no protocol recognizes the address itself."""
    own_options: ClassVar[Mapping[str, str]] = {}
    """The options of this protocol alone, by name, each with the error sentence for its use beside another protocol;
    ``{address}`` is replaced in it."""
    alternative: ClassVar[str | None] = None
    """The protocol to try next when a server stays silent, if the address alone chose this one; None for none."""
    saved_events_suffice: ClassVar[bool] = True
    """True if the wire can start in the middle of a run: then a console can continue a recording that holds events
    without their frames."""

    def infers(self, url: SplitResult) -> bool:  # noqa: ARG002 - for those that have a sign
        """Return whether the address itself shows this protocol (a path that ends in ``/trpc``)."""
        return False

    def problem(self, options: LinkOptions) -> str | None:
        """Return a sentence about options that this protocol cannot use; None where all fit.

        The default refuses a token for an auth object.
        """
        return _NO_AUTH_OBJECT if options.auth == "auth" else None

    def problem_of_address(self, options: LinkOptions) -> str | None:
        """Return a sentence about an unusable address; None where it can be tried.

        The default wants a URL of ``ws``, ``wss``, ``http`` or ``https`` with a host.
        """
        from runconsole.protocols.signing import problem_of_address

        return problem_of_address(options)

    @abstractmethod
    def wire(self, options: LinkOptions) -> Wire:
        """Return a wire for these options. Raises InvalidArgument for those that it cannot use."""

    def transport(self, options: LinkOptions) -> Transport:
        """Return a transport to the address; by default a WebSocket that signs in by a header or the query."""
        from runconsole.protocols.signing import websocket

        return websocket(options)

    def is_server(self, options: LinkOptions) -> bool:  # noqa: ARG002 - for those that have such addresses
        """Return whether the address names a server with many runs, whose `waiting_runs` can be listed."""
        return False

    async def waiting_runs(self, options: LinkOptions) -> list[Secret[str]]:  # noqa: ARG002 - as above
        """Return the addresses of the runs of a server that wait for people. Raises LinkLost."""
        return []

    def header(self, options: LinkOptions) -> dict[str, Any]:  # noqa: ARG002 - for those that need more
        """Return the options that `reader` needs to read a recording's frames again, as JSON can carry them.

        Two runs whose frames one wire can read have equal ones. Strings are written without the secrets of the options.
        """
        return {}

    @abstractmethod
    def reader(self, known: Mapping[str, Any]) -> Wire:
        """Return a wire that reads recorded frames, and sends nothing; `known` is the result of `header`.

        Raises ValueError that names the unusable value: recordings may be damaged or old.
        """


def check_known(known: Mapping[str, Any], names: AbstractSet[str]) -> None:
    """Raise ValueError for a protocol's option in a recording that is none of these names."""
    for name, value in known.items():
        if name not in names:
            raise ValueError(f"{name} {value!r}")
