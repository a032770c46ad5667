"""Socket.IO, at HTTP addresses and at those whose path ends in ``/socket.io``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import structs

from runconsole.errors import InvalidArgument
from runconsole.protocols.options import LinkOptions
from runconsole.protocols.spec import ProtocolSpec, check_known
from runconsole.redaction.secrets import Secret, bare

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from runconsole.protocols.socketio.wire import SocketIoWire
    from runconsole.transports.socketio.transport import SocketIoTransport

__all__ = ["SocketIoProtocol"]

_MOST_ROOMS = 1000
_ROOM_ELSEWHERE = "expected {name}= beside a Socket.IO address (http://host:port) only: it names a room there"


class SocketIoProtocol(ProtocolSpec):
    """Socket.IO. `subscribe` is a dict of the events to send after connecting, with their data."""

    name = "socketio"
    schemes = frozenset({"http", "https"})
    own_options = {name: _ROOM_ELSEWHERE.replace("{name}", name) for name in ("session", "masterplan")}  # noqa: RUF012
    saved_events_suffice = False

    def infers(self, url: SplitResult) -> bool:
        """Return whether the path ends in ``/socket.io``."""
        return url.path.rstrip("/").endswith("/socket.io")

    def problem(self, options: LinkOptions) -> str | None:
        """Return a sentence about a token that no join carries; None otherwise."""
        rooms = (options.execution, options.session, options.masterplan, options.subscribe)
        if options.token is not None and options.auth == "message" and not any(room is not None for room in rooms):
            return (
                'expected a room beside auth="message", whose join carries the token: pass execution=, session=,'
                " masterplan= or subscribe={event: data}"
            )
        return None

    def wire(self, options: LinkOptions) -> SocketIoWire:
        """Return a wire that joins the followed rooms. Raises InvalidArgument."""
        from runconsole.protocols.socketio.wire import SocketIoWire

        return SocketIoWire(_joins(options), wider=_wider_joins(options), decide=options.decide)

    def transport(self, options: LinkOptions) -> SocketIoTransport:
        """Return a transport that signs in by the auth object, and by a header if the server ignores that."""
        from runconsole.protocols.signing import context_of_options, signed
        from runconsole.transports.socketio.transport import SocketIoTransport

        url, headers = signed(options, in_header=False)
        in_auth = options.token is not None and options.auth in {None, "auth", "params"}
        spare = signed(structs.replace(options, auth="header"))[1]
        return SocketIoTransport(
            url,
            token=options.token if in_auth else None,
            spare_headers=spare if in_auth and options.auth is None else None,
            headers=headers,
            ssl=context_of_options(options),
            hide=options.redact,
        )

    def header(self, options: LinkOptions) -> dict[str, Any]:
        """Return the number of rooms that may bring each event, which the detection of copies needs."""
        rooms = self.wire(options).rooms
        return {"rooms": rooms} if rooms else {}

    def reader(self, known: Mapping[str, Any]) -> SocketIoWire:
        """Return a wire for frames that came over that number of rooms."""
        from runconsole.protocols.socketio.wire import SocketIoWire

        check_known(known, {"rooms"})
        rooms = known.get("rooms", 0)
        if not isinstance(rooms, int) or not 0 <= rooms <= _MOST_ROOMS:
            raise ValueError(f"rooms {rooms!r}")
        return SocketIoWire([(f"room-{number}", None) for number in range(rooms)])


def _joins(options: LinkOptions) -> Secret[list[tuple[str, Any]]]:
    """Return the events to send after connecting: those of `subscribe`, else the joins of the followed rooms."""
    if options.subscribe is not None:
        if isinstance(options.subscribe.reveal(), Mapping):
            return _signed_joins(list(options.subscribe.reveal().items()), options)
        raise InvalidArgument(
            "expected subscribe= to be a dict of event: data, got"
            f" a {type(bare(options.subscribe)).__name__}: see the documentation"
        )
    rooms = (
        ("join_execution", "execution_id", options.execution),
        ("join_discovery", "session_id", options.session),
        ("join_masterplan", "masterplan_id", options.masterplan),
    )
    return _signed_joins([(event, {key: name}) for event, key, name in rooms if name is not None], options)


def _wider_joins(options: LinkOptions) -> Secret[list[tuple[str, Any]]]:
    """Return joins of further rooms for the events of an execution, where its own room stays silent."""
    if options.execution is None or any(
        other is not None for other in (options.subscribe, options.session, options.masterplan)
    ):
        return Secret([])
    name = options.execution
    return _signed_joins(
        [("join_discovery", {"session_id": name}), ("join_masterplan", {"masterplan_id": name})], options
    )


def _signed_joins(joins: list[tuple[str, Any]], options: LinkOptions) -> Secret[list[tuple[str, Any]]]:
    """Return the joins with the token among their data, if `auth` puts it there."""
    if options.token is None or options.auth != "message":
        return Secret(joins)
    token = {"token": options.token.reveal()}
    return Secret(
        [
            (event, {**token, **data} if isinstance(data, Mapping) else token if data is None else data)
            for event, data in joins
        ]
    )
