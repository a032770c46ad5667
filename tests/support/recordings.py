"""Helpers for tests of recordings: the frames of two consoles side by side, and files cut as a kill cuts them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from runconsole.console import Console
from runconsole.tables import FRAMES

NAMES = ("events", *FRAMES)


def frames_of(console: Console) -> dict[str, pd.DataFrame]:
    """Return all present frames of a console."""
    return {name: getattr(console, name) for name in NAMES}


def assert_same_frames(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    """Fail unless all frames are equal: index, columns, dtypes and values."""
    assert len(NAMES) == 13
    for name in NAMES:
        pd.testing.assert_frame_equal(one[name], other[name], obj=name)


def assert_replays(console: Console, path: Path) -> None:
    """Fail unless a recording gives the frames of the console."""
    with Console(path) as replay:
        assert_same_frames(frames_of(console), frames_of(replay))
        assert replay.replay is not None
        assert replay.replay.report is None
        assert replay.status == console.status
