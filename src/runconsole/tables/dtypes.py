"""The kinds of columns, as Arrow and as pandas types."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

__all__ = ["BOOL", "FLOAT", "INT", "OBJECT", "TEXT", "TIME", "to_pandas"]

TIME = pa.timestamp("us", tz="UTC")
INT, FLOAT, TEXT, BOOL = pa.int64(), pa.float64(), pa.large_string(), pa.bool_()
OBJECT = None
"""Marks a column of Python objects."""

_PANDAS = {
    INT: pd.Int64Dtype(),
    FLOAT: pd.Float64Dtype(),
    TEXT: pd.StringDtype("pyarrow"),
    BOOL: pd.BooleanDtype(),
}


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a frame with the console's dtypes."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get)
    return frame
