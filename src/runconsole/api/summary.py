"""`RunAPI.summary`: a dict that a notebook shows as a table."""

from __future__ import annotations

from typing import Any

__all__ = ["Summary"]


class Summary(dict[str, Any]):
    """The facts of a run by name."""

    def _repr_html_(self) -> str:
        from runconsole.view.summary import summary_table

        return summary_table(self)
