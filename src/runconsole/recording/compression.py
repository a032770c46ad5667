"""Compression of a file's lines: plain, gzip (``.gz``, RFC 1952) or Zstandard (``.zst``, RFC 8878).

A compressed recording is a row of members (gzip) or frames (Zstandard), each complete and each made of whole lines:
flushed lines stay readable, with any damage behind them. Any tool reads such a file as one. Each unit can be checked: a
member by its own CRC-32, a frame by the CRC-32 of its text in a skippable frame behind it. A damaged unit is replaced
by a line that no reader accepts as an entry, so that it is counted and copied as damage.
"""

from __future__ import annotations

import codecs
import gzip
import struct
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from runconsole.recording.places import open_regular

__all__ = ["CODECS", "ZSTD_MAGIC", "Codec", "codec_in", "codec_named", "codec_of"]

_CHUNK = 256 * 1024
_GZIP_LEVEL = 3
_MOST_DAMAGE = 10_000
"""Damaged units after which the rest of a file counts as one: the search for the next unit costs time with each."""
Piece = tuple[bytes, int | None]
"""A chunk of text, and the file offset after it if it ends a unit, else None."""


class Codec(NamedTuple):
    """One way to compress lines.

    Attributes:
        suffix: the suffix of the file's name.
        magic: the file's first bytes; empty if they may be any.
        pack: turns lines into one unit.
        pieces: reads an open file from its present position; ends silently where nothing more can be read.
    """

    suffix: str
    magic: bytes
    pack: Callable[[bytes], bytes]
    pieces: Callable[[BinaryIO], Iterator[Piece]]


def codec_named(path: Path) -> Codec:
    """Return the codec for a file's name."""
    return next((codec for codec in CODECS if codec.suffix and path.name.endswith(codec.suffix)), PLAIN)


def codec_of(path: Path) -> Codec:
    """Return the codec of a file: by its first bytes, else by its name. Raises OSError."""
    with open(open_regular(path), "rb") as file:  # noqa: PTH123 - of a descriptor
        return codec_in(file, path)


def codec_in(file: BinaryIO, path: Path) -> Codec:
    """Return the codec of an open file that has, or had, that name. Raises OSError."""
    file.seek(0)
    begin = file.read(4) or b""  # None where a file of the system has no data yet
    found = next((codec for codec in CODECS if codec.magic and begin.startswith(codec.magic)), None)
    if found is not None:
        return found
    if begin.startswith((b"{", codecs.BOM_UTF8)):
        return PLAIN
    return codec_named(path)  # empty, or cut or damaged in its first bytes


def _damage(start: int, end: int) -> Piece:
    """Return the replacement of bytes that are no whole unit."""
    return b'\n{"unreadable_bytes":%d}\n' % (end - start), end


def _next_unit(file: BinaryIO, start: int, begin: bytes) -> int | None:
    """Return the offset of the next unit behind `start`, None if there is no more."""
    place = start + 1
    file.seek(place)
    overlap = len(begin) - 1
    known = b""
    while chunk := file.read(_CHUNK):
        known += chunk
        if (found := known.find(begin)) >= 0:
            return place + found
        place += max(len(known) - overlap, 0)
        known = known[-overlap:]
    return None


# ---- plain ----------------------------------------------------------------------------------------------------------


def _plain_pieces(file: BinaryIO) -> Iterator[Piece]:
    while chunk := file.read(_CHUNK):
        yield chunk, file.tell()


# ---- gzip -----------------------------------------------------------------------------------------------------------


_GZIP_BEGIN = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
"""The first bytes of our members: no name, no time."""


def _gzip_pack(text: bytes) -> bytes:
    return gzip.compress(text, _GZIP_LEVEL, mtime=0)


def _gzip_pieces(file: BinaryIO) -> Iterator[Piece]:
    start: int | None = file.tell()
    damages = 0
    while start is not None:
        damaged = yield from _gzip_members(file, start)
        damages += 1
        is_last = damaged is None or damages > _MOST_DAMAGE
        start = None if damaged is None or is_last else _next_unit(file, damaged, _GZIP_BEGIN)
        if damaged is not None and start is not None:
            yield _damage(damaged, start)


def _gzip_members(file: BinaryIO, start: int) -> Generator[Piece, None, int | None]:
    """Unpack members, a piece at a time; return the offset of a damaged or cut one, None if all are whole."""
    file.seek(start)
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    end = start
    while chunk := file.read(_CHUNK):
        is_full = False
        while chunk or is_full:  # a full piece may not be all the text of the bytes so far
            try:
                text = member.decompress(chunk, _CHUNK)
            except zlib.error:
                return start
            rest = member.unused_data or member.unconsumed_tail
            end += len(chunk) - len(rest)
            yield text, end if member.eof else None
            is_full = len(text) == _CHUNK and not member.eof
            if member.eof:
                member, start = zlib.decompressobj(zlib.MAX_WBITS | 16), end
            chunk = rest
    return start if file.tell() > start else None


# ---- Zstandard ------------------------------------------------------------------------------------------------------

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_CHECK = struct.Struct("<4sII")
"""A skippable frame: its magic, its length, the CRC-32 of the text of the frame before it."""
_CHECK_MAGIC = b"\x5c" + _SKIPPABLE
_MOST_KEPT = 4 * 1024 * 1024
"""Bytes of an unpacked frame that are kept until its check is known."""


def _zstd_pack(text: bytes) -> bytes:
    import pyarrow as pa

    packed: bytes = pa.Codec("zstd").compress(text, asbytes=True)
    return packed + _CHECK.pack(_CHECK_MAGIC, 4, zlib.crc32(text))


def _zstd_pieces(file: BinaryIO) -> Iterator[Piece]:
    start = file.tell()
    size = file.seek(0, 2)
    damages = 0
    while start < size:
        end = _zstd_end(file, start)
        check, checked = (None, start) if end is None else _zstd_check(file, end)
        if end is not None and (yield from _zstd_frame(file, start, end, check)):
            yield b"", checked
            start = checked
            continue
        if end is None:
            yield from _zstd_rest(file, start, size)
        damages += 1
        following = None if damages > _MOST_DAMAGE else _next_unit(file, start, ZSTD_MAGIC)
        if following is None:
            return
        yield _damage(start, following)
        start = following


def _zstd_frame(file: BinaryIO, start: int, end: int, check: int | None) -> Generator[Piece, None, bool]:
    """Unpack a frame; return whether it is whole. Nothing is yielded of a frame whose check fails.

    So a frame is unpacked before any of it is yielded; one that is too large to keep meanwhile is unpacked twice.
    """
    kept: list[bytes] | None = []
    crc = length = 0
    try:
        for text in _zstd_text(file, start, end):
            crc, length = zlib.crc32(text, crc), length + len(text)
            if check is None or (kept is not None and length > _MOST_KEPT):
                kept = None
            if kept is not None:
                kept.append(text)
            elif check is None:
                yield text, None
    except OSError:
        return False
    if check is not None and check != crc:
        return False
    if check is not None:
        for text in _zstd_text(file, start, end) if kept is None else kept:
            yield text, None
    return True


def _zstd_rest(file: BinaryIO, start: int, size: int) -> Iterator[Piece]:
    """Unpack a cut frame, as far as it goes."""
    with suppress(OSError):
        for text in _zstd_text(file, start, size):
            yield text, None


def _zstd_check(file: BinaryIO, end: int) -> tuple[int | None, int]:
    """Return the CRC-32 behind a frame, None without one, and the end of the frame with it."""
    file.seek(end)
    found = file.read(_CHECK.size)
    if len(found) < _CHECK.size or not found.startswith(_CHECK_MAGIC):
        return None, end
    return _CHECK.unpack(found)[2], end + _CHECK.size


def _zstd_text(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Unpack a part of a file, a piece at a time. Raises OSError where it cannot be unpacked."""
    import pyarrow as pa

    part: Any = _FilePart(file, start, end)
    try:
        with pa.CompressedInputStream(pa.PythonFile(part, "r"), "zstd") as stream:
            while piece := stream.read(_CHUNK):
                yield piece
    except pa.ArrowException as error:
        raise OSError(str(error)) from None


class _FilePart:
    """A part of an open file, to be read once, with the interface that Arrow needs."""

    closed = False

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._place, self._end = file, start, end

    def read(self, count: int) -> bytes:
        self._file.seek(self._place)
        found = self._file.read(min(count, self._end - self._place))
        self._place += len(found)
        return found

    def close(self) -> None:
        """Leave the file open."""

    def readable(self) -> bool:
        return True


def _zstd_end(file: BinaryIO, start: int) -> int | None:
    """Return the end of the frame at `start`; None if it is cut or no frame."""
    file.seek(start)
    head = file.read(6)
    if len(head) == 6 and 0x50 <= head[0] <= 0x5F and head[1:4] == _SKIPPABLE:
        size = head[4:] + file.read(2)
        return _reached(file, start + 8 + int.from_bytes(size, "little"))
    if len(head) < 6 or head[:4] != ZSTD_MAGIC:
        return None
    descriptor = head[4]
    is_single = descriptor >> 5 & 1
    size_bytes = (is_single, 2, 4, 8)[descriptor >> 6]
    place = start + 5 + (not is_single) + (0, 1, 2, 4)[descriptor & 3] + size_bytes
    while True:
        file.seek(place)
        block = file.read(3)
        if len(block) < 3:
            return None
        header = int.from_bytes(block, "little")
        kind, length = header >> 1 & 3, header >> 3
        place += 3 + (1 if kind == 1 else length)  # a repeated byte is written once
        if kind == 3:
            return None
        if header & 1:
            return _reached(file, place + 4 * (descriptor >> 2 & 1))


def _reached(file: BinaryIO, place: int) -> int | None:
    """Return the offset if the file is that long."""
    return place if place <= file.seek(0, 2) else None


PLAIN = Codec("", b"", bytes, _plain_pieces)
CODECS = (
    Codec(".gz", b"\x1f\x8b", _gzip_pack, _gzip_pieces),
    Codec(".zst", ZSTD_MAGIC, _zstd_pack, _zstd_pieces),
    PLAIN,
)
