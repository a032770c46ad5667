"""Recordings: bytes of a plain, gzipped or zstandard file changed, and loaded."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

from runconsole import Console, InvalidArgument, RecordingError
from tests.fuzz.frames import SEEDS, mutated

__all__ = ["check_recording", "made", "recorded"]

_HEADER: dict[str, object] = {
    "runconsole": 1,
    "version": "0",
    "protocol": "json",
    "url": "ws://localhost/ws",
    "started_at": "2025-11-16T16:32:00Z",
}
_AT = 1_763_316_000_000_000


def made(chance: random.Random) -> tuple[str, bytes]:
    """Return the ending of a name and the bytes of a recording, changed in a few places."""
    frames = [seed if chance.random() < 0.7 else _text(mutated(chance, seed)) for seed in chance.choices(SEEDS, k=8)]
    lines = recorded(chance.choice(["json", "trpc", "socketio"]), frames).decode().splitlines()
    if chance.random() < 0.6:
        place = chance.randrange(len(lines))
        lines[place] = _text(mutated(chance, lines[place]))
    content = "\n".join(lines).encode("utf-8", "surrogatepass") + b"\n"
    if chance.random() < 0.5:
        return ".jsonl", _flipped(chance, content)
    packed = gzip.compress(content)
    return ".jsonl.gz", _flipped(chance, packed) if chance.random() < 0.5 else packed


def recorded(protocol: str, frames: list[str]) -> bytes:
    """Return a recording of these frames."""
    lines = [_HEADER | {"protocol": protocol}]
    lines += [{"at": _AT + at, "dir": "in", "link": 1, "frame": frame} for at, frame in enumerate(frames)]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _text(frame: str | bytes) -> str:
    return frame if isinstance(frame, str) else frame.decode(errors="replace")


def _flipped(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(0, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randint(1, len(changed))] if chance.random() < 0.2 else changed)


def check_recording(path: Path) -> None:
    """Load a recording and show it. Raises any error but `RecordingError`."""
    try:
        console = Console(str(path))
    except (RecordingError, InvalidArgument):
        return
    with console:
        for name in ("events", "tasks", "checkpoints", "errors", "output"):
            repr(getattr(console, name))
            console.to_arrow(name).validate()
        str(console)
