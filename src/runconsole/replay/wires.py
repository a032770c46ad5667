"""From options to the header of a recording, and from that to a wire that reads its frames."""

from __future__ import annotations

from datetime import UTC, datetime

from runconsole.events import DESCRIBED, Micros
from runconsole.options import Options
from runconsole.protocols import registry
from runconsole.protocols.base import Wire
from runconsole.recording import FORMAT, Header
from runconsole.version import __version__

__all__ = ["header_of", "same_wire", "wire_for"]


def header_of(options: Options, at: Micros) -> Header:
    """Return the header of a recording that begins at `at`, made with these options."""
    protocol = options.inferred_protocol()
    return Header(
        runconsole=FORMAT,
        version=__version__,
        protocol=protocol,
        url=options.address,
        started_at=datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="microseconds"),
        protocol_options=registry.header(options, protocol),
        **options.shown("task", "execution", *DESCRIBED),
    )


def wire_for(header: Header) -> Wire:
    """Return a wire that reads the frames of a section. It knows nothing yet, and sends nothing."""
    return registry.reader(header.protocol, header.known)


def same_wire(one: Header, other: Header) -> bool:
    """Return whether one wire reads the frames of both sections."""
    return (one.protocol, one.known) == (other.protocol, other.known)
