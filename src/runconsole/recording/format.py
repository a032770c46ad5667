"""The lines of a recording, as JSON."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec
from msgspec import Struct

from runconsole.events import Alert, Fact, Logged, MalformedFrame, Micros, Prices, Received, UnknownEvent

__all__ = ["FORMAT", "Entry", "Header", "Op", "decode_line", "encode_line", "entry_of", "is_header", "to_json"]

FORMAT = 1
"""The version of this format. A reader refuses a newer one."""

Op = int | dict[str, Any]
"""The fate of a frame's events, in order: `k` took the frame's event number k; ``~k`` dropped it as a duplicate; a dict
is a fact of our own that happened in between."""


class Header(Struct, omit_defaults=True):
    """The first line of a section: all that is needed to read the lines that follow. It holds no secret.

    Attributes:
        runconsole: the format, `FORMAT`.
        version: the version of the package that wrote it.
        protocol: its name (`runconsole.protocols.registry`).
        url: the followed URL, without secrets.
        started_at: the start of the section, ISO 8601 in UTC.
        continues: True if the section continues the one before it; else it is another run.
        content: ``"frames"`` as they travelled, or ``"events"``: their meaning, from a log.
        protocol_options: the protocol's options for reading the frames again (`ProtocolSpec.header`).
        transformer: tRPC's, in older recordings.
        rooms: the number of joined Socket.IO rooms, in older recordings.
    """

    runconsole: int
    version: str
    protocol: str
    url: str
    started_at: str
    continues: bool = False
    content: Literal["frames", "events"] = "frames"
    protocol_options: dict[str, Any] = {}
    transformer: str = "auto"
    rooms: int = 0
    task: str | None = None
    execution: str | None = None
    title: str | None = None
    token_budget: int | None = None
    cost_limit: float | None = None
    expected_artifacts: int | None = None
    prices: Prices | None = None

    @property
    def known(self) -> dict[str, Any]:
        """The `protocol_options`; of an older recording, those in its other fields."""
        older = {"transformer": self.transformer} if self.transformer != "auto" else {}
        return older | ({"rooms": self.rooms} if self.rooms else {}) | self.protocol_options


class Entry(Struct, omit_defaults=True, rename={"direction": "dir", "correlation_id": "correlationId"}):
    """Any other line.

    Attributes:
        at: the time, in microseconds since 1970-01-01 UTC, by the clock of the console; of a frame its receive time.
        direction: ``in`` came, ``out`` left, ``local`` happened here.
        link: the connection, counted from 1.
        frame: the text that travelled; `base64` instead if it was no UTF-8.
        ops: the fate of its events, if that is not "all were taken, in order".
        fact: a fact of our own: a struct of `events` with its name under `is`.
        take: an event of an earlier frame, held back until now: the frame's number in the file (from 0) and its place.
        wire: on a new connection, the number of its wire among the file's wires; another number is another wire.
        closed: the connection was closed.
        connected: the console's knowledge when the server had accepted it.
        finished: True if the run has ended; False if another one has begun after it.
        type: and the fields below: an event from a log, in ``"events"`` sections.
        reading: the kind of its fact where its type and payload do not determine it: `logged`, `unknown`, `malformed`,
            `alert`.
        run: the number of its run, if there are several, in the order in which they began, from 0.
    """

    at: Micros
    direction: Literal["in", "out", "local"]
    link: int = 0
    frame: str | None = None
    base64: str | None = None
    ops: list[Op] | None = None
    fact: dict[str, Any] | None = None
    take: tuple[int, int] | None = None
    wire: int | None = None
    closed: bool = False
    connected: dict[str, Any] | None = None
    finished: bool | None = None
    type: str | None = None
    payload: str | None = None
    timestamp: Micros | None = None
    id: str | None = None
    seq: int | None = None
    offset: str | None = None
    correlation_id: str | None = None
    task_id: str | None = None
    reading: str | None = None
    run: int | None = None


_READINGS: dict[type[Fact], str] = {
    Logged: "logged",
    UnknownEvent: "unknown",
    MalformedFrame: "malformed",
    Alert: "alert",
}


class _Kind(Struct):
    """The part of any line that shows a header."""

    runconsole: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_encode = msgspec.json.Encoder(enc_hook=str).encode
_decode_entry = msgspec.json.Decoder(Entry).decode
_decode_header = msgspec.json.Decoder(Header).decode
_decode_kind = msgspec.json.Decoder(_Kind).decode


def entry_of(event: Received, run: int | None = None) -> Entry:
    """Return an event as a line with its meaning, without the frame it came in. `run` as of `Entry`."""
    fact = event.fact
    return Entry(
        event.received_at,
        "in",
        type=event.type,
        payload=event.payload,
        timestamp=event.timestamp,
        id=None if event.event_id == event.offset else event.event_id,  # a log gives the one for the other
        seq=event.seq,
        offset=event.offset,
        correlation_id=event.correlation_id,
        task_id=getattr(fact, "task_id", None),
        reading=_READINGS.get(type(fact)),
        run=run,
    )


def encode_line(line: Header | Entry) -> bytes:
    """Return one line, with its line feed."""
    return to_json(line) + b"\n"


def to_json(value: Any) -> bytes:
    """Return the JSON of a value; values that JSON cannot carry become text."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, ValueError, OverflowError):  # lone surrogates, numbers past 64 bits
        return json.dumps(msgspec.to_builtins(value, enc_hook=str, builtin_types=(int,))).encode()


def is_header(line: bytes) -> bool:
    """Return whether a line is a header, by its keys: other programs may have written them in another order."""
    if line.startswith(b'{"at":'):  # as we write all others
        return False
    if line.startswith(b'{"runconsole":'):
        return True
    try:
        return _decode_kind(line).runconsole is not msgspec.UNSET
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False


def decode_line(line: bytes) -> Header | Entry | None:
    """Return the content of a line, None for an unreadable one."""
    decode, kind = (_decode_header, Header) if is_header(line) else (_decode_entry, Entry)
    try:
        return decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _decode_odd(line, kind)


def _decode_odd(line: bytes, kind: type[Header | Entry]) -> Header | Entry | None:
    """Read text that Python's JSON can read and msgspec cannot."""
    try:
        value = json.loads(line, parse_constant=_no_number)
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None


def _no_number(word: str) -> Any:
    raise ValueError(f"expected a number of JSON, got {word}")
