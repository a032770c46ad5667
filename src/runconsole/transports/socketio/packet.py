"""Socket.IO packets whose data stays the text that came. Needs python-socketio."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar

from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT
from socketio.packet import Packet as _Packet

__all__ = ["FRAME", "GONE", "Packet"]

FRAME = "frame"
"""The event as which every event reaches the client, whatever its own name: a server may call one "disconnect"."""
GONE = "gone"
"""The event as which the server's goodbye reaches the client, which overlooks it while it still connects."""


class _Verbatim:
    """Stands for the `json` module in `Packet`: texts are left as they are."""

    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(text: str) -> str:
        return text


class Packet(_Packet):  # type: ignore[misc]
    """A packet for the `serializer` option of one client: use a subclass for each, because it keeps `session`.

    No packet that a server can send makes it raise: an error here would end the task that dispatches, unseen.
    """

    json = _Verbatim
    packet_type: int
    data: Any
    id: int | None
    namespace: str | None
    session: ClassVar[dict[str, Any]] = {}
    """The server's words when it connected us."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        packet = kwargs.get("encoded_packet")
        if packet is not None and not packet:  # it was not even decoded
            self.data = [FRAME, ""]

    def decode(self, encoded_packet: str | bytes) -> int:
        """Read a packet; return how many attachments follow it."""
        try:
            attachments: int = super().decode(encoded_packet)
            return self._keep(self.data or "", attachments)
        except Exception:  # noqa: BLE001 - whatever came: it is shown as it is
            self._garble(encoded_packet)
            return 0

    def add_attachment(self, attachment: str | bytes) -> bool:
        """Take a binary argument; return whether it was the last one."""
        try:
            if not super().add_attachment(attachment):
                return False
            text = json.dumps(self.data, separators=(",", ":"), default=_base64)
            self.data = [text] if self.packet_type == BINARY_ACK else [FRAME, f'["event",{text}]']
        except Exception:  # noqa: BLE001 - as above; without an end, all that follows would count as attachments
            self._garble(attachment)
            self.packet_type = BINARY_EVENT  # what a client looks for in a packet with attachments
        return True

    def _keep(self, text: str, attachments: int) -> int:
        """Make of the data's text what the client does the right thing with; return how many attachments follow."""
        kind = self.packet_type
        if attachments and (kind == BINARY_EVENT or (kind == BINARY_ACK and self.id)):
            self.data = json.loads(text)
            return attachments
        if kind == EVENT:
            self.data = [FRAME, f'["event",{text}]']
        elif kind == ACK and self.id:  # the client's own ids begin with 1
            self.data = [text or "[]"]
        elif kind == DISCONNECT:
            self.packet_type, self.data = EVENT, [GONE, _value(text)]
        elif kind == CONNECT:
            value = _value(text)
            type(self).session = self.data = value if isinstance(value, dict) else {}
        elif kind == CONNECT_ERROR:
            self.data = [_value(text)]
        else:
            raise ValueError("not a packet of a server")
        return 0

    def _garble(self, what: str | bytes) -> None:
        text = what if isinstance(what, str) else what.decode(errors="backslashreplace")
        self.packet_type = EVENT
        self.namespace = self.id = None
        self.data = [FRAME, text]


def _value(text: str) -> Any:
    return json.loads(text) if text else None


def _base64(value: object) -> str:
    if not isinstance(value, (bytes, bytearray)):
        raise TypeError("not a binary argument")
    return base64.b64encode(value).decode()
