"""Internal: times of the public objects, as aware datetimes; the state keeps whole microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import structs

from runconsole.events import Micros
from runconsole.state import Run

__all__ = ["dated"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dated(run: Run[Micros]) -> Run[datetime]:
    """Return a run with its times, microseconds since 1970 UTC, as datetimes in UTC."""
    values = structs.asdict(run) | {"started_at": _datetime(run.started_at), "ended_at": _datetime(run.ended_at)}
    return Run[datetime](**values)


def _datetime(at: Micros | None) -> datetime | None:
    return None if at is None else _EPOCH + timedelta(microseconds=at)
