"""How lines stand in a file: plain, gzip (``.gz``, RFC 1952) or Zstandard (``.zst``, RFC 8878).

A compressed recording is a row of members (gzip) or frames (Zstandard), each complete and each made of whole lines:
what was flushed stays readable whatever happens to what follows. Any tool reads such a file as one.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = ["FORMS", "ZSTD_MAGIC", "Form", "form_named", "form_of"]

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
        pieces: reads an open file from its present position; ends, without a word, where it cannot be read.
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
        begin = file.read(4)
    named = form_named(path)
    found = next((form for form in FORMS if form.magic and begin.startswith(form.magic)), None)
    if found is None and named.magic.startswith(begin):
        return named  # empty, or cut within its first bytes
    return found or PLAIN


# ---- plain ----------------------------------------------------------------------------------------------------------


def _plain_pieces(file: BinaryIO) -> Iterator[Piece]:
    while chunk := file.read(_CHUNK):
        yield chunk, file.tell()


# ---- gzip -----------------------------------------------------------------------------------------------------------


def _gzip_pack(text: bytes) -> bytes:
    return gzip.compress(text, _GZIP_LEVEL, mtime=0)


def _gzip_pieces(file: BinaryIO) -> Iterator[Piece]:
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    end = file.tell()
    while chunk := file.read(_CHUNK):
        while chunk:
            try:
                text = member.decompress(chunk)
            except zlib.error:
                return
            rest = member.unused_data
            end += len(chunk) - len(rest)
            yield text, end if member.eof else None
            if member.eof:
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            chunk = rest


# ---- Zstandard ------------------------------------------------------------------------------------------------------

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"


def _zstd_pack(text: bytes) -> bytes:
    import pyarrow as pa

    packed: bytes = pa.Codec("zstd").compress(text, asbytes=True)
    return packed


def _zstd_pieces(file: BinaryIO) -> Iterator[Piece]:
    while True:
        start = file.tell()
        end = _zstd_end(file, start)
        file.seek(start)
        frame = file.read() if end is None else file.read(end - start)
        if not frame:
            return
        if end is None:
            yield from ((text, None) for text in _zstd_text(frame))
            return
        yield b"".join(_zstd_text(frame)), end


def _zstd_text(frame: bytes) -> Iterator[bytes]:
    """Unpack a frame as far as it goes."""
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.BufferReader(frame), "zstd") as stream:
            while text := stream.read(_CHUNK):
                yield text
    except OSError:
        return


def _zstd_end(file: BinaryIO, start: int) -> int | None:
    """Return where the frame at `start` ends; None where it is cut or no frame."""
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
