"""One part of the fuzzer for some seconds: rounds from seeds of their own, and the first that broke a rule."""

from __future__ import annotations

import faulthandler
import random
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.frames import SEEDS, check_frames, mutated
from tests.fuzz.messages import Page, message
from tests.fuzz.recordings import check_recording, made, recorded

__all__ = ["PARTS", "Found", "fuzz"]

_HANGS_S = 120
_CONTRACT = Path(__file__).parents[1] / "contract"


class Found(NamedTuple):
    """The number of rounds, and the failure of the last of them, with the command that repeats it."""

    rounds: int
    failure: str | None


def _frames(chance: random.Random) -> None:
    frames: list[str | bytes] = [
        seed if chance.random() < 0.3 else mutated(chance, seed) for seed in chance.sample(SEEDS, chance.randint(1, 12))
    ]
    wire = chance.choice(["json", "trpc", "socketio"])
    check_frames(frames, wire)


def _recordings(chance: random.Random) -> None:
    ending, content = made(chance)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"run{ending}"
        path.write_bytes(content)
        check_recording(path)


_kept = tempfile.TemporaryDirectory()
"""A page may seek in its recording at any time: the file stays until the process ends."""


def _messages(chance: random.Random) -> None:
    path = Path(_kept.name) / "run.jsonl"
    if not path.exists():
        path.write_bytes(recorded("json", (_CONTRACT / "seed-task.jsonl").read_text(encoding="utf-8").splitlines()))
    page = Page(path)
    try:
        for _ in range(200):
            page.check(message(chance))
    finally:
        page.close()


PARTS: dict[str, Callable[[random.Random], None]] = {
    "frames": _frames,
    "messages": _messages,
    "recordings": _recordings,
}


def fuzz(part: str, seed: int, seconds: float) -> Found:
    """Run rounds until the time is over or one fails. A round that hangs prints its place, and ends the process."""
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        faulthandler.dump_traceback_later(_HANGS_S, exit=True)
        try:
            PARTS[part](random.Random(f"{part} {seed} {number}"))  # noqa: S311 - to have the same again
        except Exception:  # noqa: BLE001 - reported, with its reproduction
            again = f'PARTS["{part}"](random.Random("{part} {seed} {number}"))'
            return Found(number + 1, f"again: {again}\n{traceback.format_exc()}")
        finally:
            faulthandler.cancel_dump_traceback_later()
        number += 1
    return Found(number, None)
