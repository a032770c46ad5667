"""A run as a whole in a data set: its name there, and its row among the runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runconsole.clock import now_micros
from runconsole.events import Micros
from runconsole.state import Run

if TYPE_CHECKING:
    import pyarrow as pa
from runconsole.version import __version__

__all__ = ["RunInfo", "row_of", "runs_schema"]


class RunInfo(Struct, frozen=True):
    """A run's description by its console."""

    run: Run[Micros]
    title: str | None = None
    address: str = ""
    """The address, without secrets."""
    protocol: str | None = None
    execution: str | None = None
    """The requested execution."""
    task: str | None = None
    """The one requested task."""

    def key(self, events: pa.Table) -> str:
        """Return the run's name among others: the same for each writing, and after a replay.

        The execution's id, else that of the followed task, else one made of the run's first event.
        """
        for known in (self.run.execution_id, self.execution, self.task):
            if known:
                return known
        if events.num_rows == 0:
            return f"run-{_digest(self.address)}"
        first = events.slice(0, 1).select(["type", "timestamp", "received_at", "payload"]).to_pylist()[0]
        return f"run-{_digest(first['type'], first['timestamp'] or first['received_at'], first['payload'])}"


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def runs_schema() -> pa.Schema:
    """Return the columns of `runs`: one row a run; durations in seconds, cost in US dollars, None where unknown."""
    import pyarrow as pa

    text, count, real, time = pa.string(), pa.int64(), pa.float64(), pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            *((name, text) for name in ("execution", "execution_id", "task_id", "title", "address", "protocol")),
            ("status", text),
            ("started_at", time),
            ("ended_at", time),
            ("duration_s", real),
            *((name, count) for name in ("total_tasks", "completed_tasks", "failed_tasks", "skipped_tasks")),
            ("tokens_used", count),
            ("cost_usd", real),
            *((name, count) for name in ("artifacts", "errors", "checkpoints", "events")),
            ("written_at", time),
            ("runconsole_version", text),
        ]
    )


def row_of(key: str, info: RunInfo, tables: dict[str, pa.Table]) -> pa.Table:
    """Return the run's row, with the counts of the frames beside it."""
    import pyarrow as pa

    run = info.run
    row = {name: getattr(run, name) for name in run.__struct_fields__} | {
        "execution": key,
        "task_id": info.task,
        "title": info.title,
        "address": info.address,
        "protocol": info.protocol,
        "errors": tables["errors"].num_rows,
        "checkpoints": tables["checkpoints"].num_rows,
        "events": tables["events"].num_rows,
        "written_at": now_micros(),
        "runconsole_version": __version__,
    }
    fields = runs_schema()
    return pa.table([pa.array([_fits(row[field.name])], field.type) for field in fields], schema=fields)


def _fits(value: Any) -> Any:
    """Return the value if 64 bits hold it, else None."""
    return None if isinstance(value, int) and not -(2**63) <= value < 2**63 else value
