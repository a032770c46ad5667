"""Times of public rows: aware datetimes of the same moment as the state's microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runconsole.events import Answer
from runconsole.state import rows
from runconsole.state.dated import Checkpoint, Decision, dated_checkpoint, dated_decision, moment

AT = 1_763_310_885_123_456
THEN = datetime(2025, 11, 16, 16, 34, 45, 123456, tzinfo=UTC)


def test_a_moment_is_exact_to_the_microsecond() -> None:
    assert moment(AT) == THEN
    assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert moment(None) is None


def test_every_time_of_a_checkpoint_becomes_a_datetime() -> None:
    row = rows.Checkpoint("c", "t", title="Ship it?", deadline=AT, requested_at=AT - 5_000_000, decided_at=AT)
    checkpoint = dated_checkpoint(row)
    assert isinstance(checkpoint, Checkpoint)
    assert (checkpoint.deadline, checkpoint.opened_at, checkpoint.title) == (THEN, None, "Ship it?")
    assert checkpoint.requested_at == THEN - timedelta(seconds=5)
    assert checkpoint.response_s == row.response_s == 5.0
    assert dated_checkpoint(checkpoint) is checkpoint
    times = [name for name in row.__struct_fields__ if name.endswith("_at")]
    known: dict[str, Any] = dict.fromkeys(times, AT)
    whole = rows.Checkpoint("c", **known)
    assert all(getattr(dated_checkpoint(whole), name) == THEN for name in times)


def test_every_time_of_a_decision_is_a_datetime() -> None:
    times = [name for name in rows.Decision.__struct_fields__ if name.endswith("_at")]
    known: dict[str, Any] = dict.fromkeys(times, AT)
    row = rows.Decision("d", "c", "t", Answer("approve"), "applied", "you", **known)
    decision = dated_decision(row)
    assert isinstance(decision, Decision)
    assert (decision.option, decision.state) == ("approve", "applied")
    assert all(getattr(decision, name) == THEN for name in times)


def test_a_time_beyond_all_dates_is_the_nearest_one() -> None:
    assert moment(-(10**20)) == datetime.min.replace(tzinfo=UTC)
    assert moment(10**20) == datetime.max.replace(tzinfo=UTC)
