"""Two runs side by side: a DataFrame that a notebook shows under the names of the runs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from runconsole.view.summary import comparison_table

__all__ = ["Comparison"]


class Comparison(pd.DataFrame):
    """The result of `compare`. What is derived from it is a plain DataFrame."""

    _metadata = ["runs"]  # noqa: RUF012 - as pandas has it

    runs: tuple[str, str]
    """The names of the runs `a` and `b`."""

    @classmethod
    def of(cls, runs: tuple[str, str], frame: pd.DataFrame) -> Comparison:
        """Return the frame of these two runs."""
        made = cls(frame)
        made.runs = runs
        return made

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        known = self.astype(object).where(self.notna(), None)
        rows = ((str(phase), str(measure), *row) for (phase, measure), *row in known.itertuples())
        filled = [row for row in rows if any(value is not None for value in row[2:])]
        return comparison_table(self.runs, filled, len(filled))
