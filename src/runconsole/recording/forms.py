"""How lines stand in a file: plain, gzip (``.gz``, RFC 1952) or Zstandard (``.zst``, RFC 8878).

A compressed recording is a row of members (gzip) or frames (Zstandard), each complete and each made of whole lines:
what was flushed stays readable whatever happens to what follows. Any tool reads such a file as one. Each of them can be
checked: a member by its own CRC-32, a frame by the one of its text that stands behind it in a skippable frame. In the
place of one that is damaged stands a line that nobody can read as an entry, so that it is counted and copied as such.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = ["FORMS", "ZSTD_MAGIC", "Form", "form_in", "form_named", "form_of"]

_CHUNK = 256 * 1024
_GZIP_LEVEL = 3
Piece = tuple[bytes, int | None]
"""Some of the text, and where in the file the unit ends that ends with it; None inside a unit."""


class Form(NamedTuple):
    """One way to keep lines.

    Attributes:
        suffix: of the file's name.
        magic: the file's first bytes; none where any will do.
        pack: turns lines into one unit.
        pieces: reads an open file from its present position; ends, without a word, where nothing more can be read.
    """

    suffix: str
    magic: bytes
    pack: Callable[[bytes], bytes]
    pieces: Callable[[BinaryIO], Iterator[Piece]]


def form_named(path: Path) -> Form:
    """Return the form that a file's name asks for."""
    return next((form for form in FORMS if form.suffix and path.name.endswith(form.suffix)), PLAIN)


def form_of(path: Path) -> Form:
    """Return the form of a file: by its first bytes, else by its name. Raises OSError."""
    with path.open("rb") as file:
        return form_in(file, path)


def form_in(file: BinaryIO, path: Path) -> Form:
    """Return the form of an open file that has, or had, that name. Raises OSError."""
    file.seek(0)
    begin = file.read(4)
    found = next((form for form in FORMS if form.magic and begin.startswith(form.magic)), None)
    if found is not None:
        return found
    return PLAIN if begin.startswith(b"{") else form_named(path)  # empty, or cut or damaged in its first bytes


def _damage(start: int, end: int) -> Piece:
    """Return what stands for bytes that are no whole unit."""
    return b'\n{"unreadable_bytes":%d}\n' % (end - start), end


def _next_unit(file: BinaryIO, start: int, begin: bytes) -> int | None:
    """Return where the next unit behind `start` begins, None where there is no more."""
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
"""How our members begin: no name, no time."""


def _gzip_pack(text: bytes) -> bytes:
    return gzip.compress(text, _GZIP_LEVEL, mtime=0)


def _gzip_pieces(file: BinaryIO) -> Iterator[Piece]:
    start: int | None = file.tell()
    while start is not None:
        damaged = yield from _gzip_members(file, start)
        start = None if damaged is None else _next_unit(file, damaged, _GZIP_BEGIN)
        if damaged is not None and start is not None:
            yield _damage(damaged, start)


def _gzip_members(file: BinaryIO, start: int) -> Generator[Piece, None, int | None]:
    """Unpack members; return where one begins that is damaged or cut, None where all are whole."""
    file.seek(start)
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    end = start
    while chunk := file.read(_CHUNK):
        while chunk:
            try:
                text = member.decompress(chunk)
            except zlib.error:
                return start
            rest = member.unused_data
            end += len(chunk) - len(rest)
            yield text, end if member.eof else None
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


def _zstd_pack(text: bytes) -> bytes:
    import pyarrow as pa

    packed: bytes = pa.Codec("zstd").compress(text, asbytes=True)
    return packed + _CHECK.pack(_CHECK_MAGIC, 4, zlib.crc32(text))


def _zstd_pieces(file: BinaryIO) -> Iterator[Piece]:
    start = file.tell()
    size = file.seek(0, 2)
    while start < size:
        end = _zstd_end(file, start)
        check, checked = (None, start) if end is None else _zstd_check(file, end)
        file.seek(start)
        text = _zstd_text(file.read() if end is None else file.read(end - start))
        if end is not None and text.is_whole and (check is None or check == zlib.crc32(text.all)):
            yield text.all, checked
            start = checked
            continue
        following = _next_unit(file, start, ZSTD_MAGIC)
        if check is None:
            yield text.all, None
        if following is None:
            return
        yield _damage(start, following)
        start = following


class _Text(NamedTuple):
    """What a frame holds, as far as it can be unpacked."""

    all: bytes
    is_whole: bool


def _zstd_check(file: BinaryIO, end: int) -> tuple[int | None, int]:
    """Return the CRC-32 that stands behind a frame, None where there is none, and where what belongs to it ends."""
    file.seek(end)
    found = file.read(_CHECK.size)
    if len(found) < _CHECK.size or not found.startswith(_CHECK_MAGIC):
        return None, end
    return _CHECK.unpack(found)[2], end + _CHECK.size


def _zstd_text(frame: bytes) -> _Text:
    """Unpack a frame as far as it goes."""
    import pyarrow as pa

    pieces: list[bytes] = []
    try:
        with pa.CompressedInputStream(pa.BufferReader(frame), "zstd") as stream:
            while piece := stream.read(_CHUNK):
                pieces.append(piece)
    except OSError:
        return _Text(b"".join(pieces), is_whole=False)
    return _Text(b"".join(pieces), is_whole=True)


def _zstd_end(file: BinaryIO, start: int) -> int | None:
    """Return where the frame at `start` ends; None where it is cut or no frame."""
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
        told = int.from_bytes(block, "little")
        kind, length = told >> 1 & 3, told >> 3
        place += 3 + (1 if kind == 1 else length)  # a repeated byte is written once
        if kind == 3:
            return None
        if told & 1:
            return _reached(file, place + 4 * (descriptor >> 2 & 1))


def _reached(file: BinaryIO, place: int) -> int | None:
    """Return the place if the file is that long."""
    return place if place <= file.seek(0, 2) else None


PLAIN = Form("", b"", bytes, _plain_pieces)
FORMS = (Form(".gz", b"\x1f\x8b", _gzip_pack, _gzip_pieces), Form(".zst", ZSTD_MAGIC, _zstd_pack, _zstd_pieces), PLAIN)
