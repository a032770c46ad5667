"""Frames of one run or of many in the shapes that the analysis counts in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from runconsole.critical import Micros

__all__ = ["ended_in", "flat_frame", "micros_of", "phases_of", "runs_of", "seconds_of", "shaped"]


def phases_of(flat: pd.DataFrame) -> pd.Series[Any]:
    """Return the phase of each task: its name, else its number."""
    return flat["phase_name"].fillna(flat["phase"].astype("string"))


def runs_of(flat: pd.DataFrame) -> pd.Series[Any]:
    """Return the run of each row; a console's frames hold a single run."""
    return flat["execution"] if "execution" in flat else pd.Series("", index=flat.index, dtype="string")


def ended_in(flat: pd.DataFrame) -> pd.Series[Any]:
    """Return whether the start and the end of each row are known."""
    return flat["started_at"].notna() & flat["ended_at"].notna()


def flat_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with its index as columns."""
    return frame.reset_index(drop=frame.index.names == [None])


def seconds_of(rows: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the seconds from each row's start to its end, float64, 0 where one is unknown."""
    spans = (rows["ended_at"] - rows["started_at"]).dt.total_seconds()
    return np.asarray(spans.fillna(0.0).clip(lower=0), "float64")


def micros_of(times: pd.Series[Any], known: pd.Series[Any]) -> Micros:
    """Return times in microseconds since 1970-01-01 UTC, int64, 0 where unknown."""
    return np.where(known, np.asarray(times.astype("datetime64[us, UTC]").astype("int64"), "int64"), 0)


def shaped(frame: pd.DataFrame, dtypes: dict[str, str], *, without: set[str]) -> pd.DataFrame:
    """Return a frame with these columns and dtypes, but for some."""
    kept = {name: kind for name, kind in dtypes.items() if name not in without}
    return frame.reindex(columns=list(kept)).astype(kept).reset_index(drop=True)
