"""Internal: state and log to DataFrames: fixed columns and dtypes, cached by version. pandas lives only here.

Times are ``datetime64[us, UTC]``, numbers ``Int64`` and ``Float64``, text ``string``, truth ``boolean``; unknown is NA.
Columns of lists and dicts are ``object``.
"""

from runconsole.tables.specs import FRAMES
from runconsole.tables.tables import Tables

__all__ = ["FRAMES", "Tables"]
