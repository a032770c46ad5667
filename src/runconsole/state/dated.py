"""Public rows: with times as aware datetimes instead of the state's whole microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, overload

from msgspec import Struct, structs

from runconsole.events import FIRST_MICROS, LAST_MICROS, Micros
from runconsole.state import rows
from runconsole.state.rows import Run

__all__ = ["Checkpoint", "Decision", "dated", "dated_checkpoint", "dated_decision", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Checkpoint(rows.Checkpoint, kw_only=True, repr_omit_defaults=True):
    """A question to a person and its answer, as known at one moment. Times are datetimes in UTC.

    Attributes:
        checkpoint_id: the id that `decide` takes.
        options: the possible answers, each with `id`, `label`, `description`, `value` and `action`.
        schema: the JSON Schema of the values that go with an answer; None for none.
        requests: the actions (calls of tools) that wait for a decision each, `ActionRequest`s; empty for a question of
            another kind.
        deadline: the time at which the server takes `default_action`; None for none.
        status: ``"pending"``, ``"sending"``, ``"decided"``, ``"expired"`` or ``"unknown"``.
        decided_by: ``"you"`` (a person, or a call of `decide`), ``"policy"`` (`on_checkpoint`, `on_question`),
            ``"other"`` or ``"timeout"``; None while it is open.
    """

    deadline: datetime | None = None  # type: ignore[assignment]
    requested_at: datetime | None = None  # type: ignore[assignment]
    decided_at: datetime | None = None  # type: ignore[assignment]
    opened_at: datetime | None = None  # type: ignore[assignment]
    last_event_at: datetime | None = None  # type: ignore[assignment]
    closed_at: datetime | None = None  # type: ignore[assignment]

    @property
    def response_s(self) -> float | None:
        """Seconds from the question to its answer."""
        known = self.requested_at is not None and self.decided_at is not None
        return (self.decided_at - self.requested_at).total_seconds() if known else None  # type: ignore[operator]


class Decision(rows.Decision, kw_only=True, repr_omit_defaults=True):
    """One answer of yours to a checkpoint, and its end. Times are datetimes in UTC.

    Attributes:
        option: the id of the option.
        state: ``"queued"``, ``"sent"``, ``"acknowledged"``, ``"applied"``, ``"refused"``, ``"expired"`` or
            ``"unknown"``.
        error: the reason why it does not count, or may not; None where it does.
    """

    requested_at: datetime  # type: ignore[assignment]
    sent_at: datetime | None = None  # type: ignore[assignment]
    acknowledged_at: datetime | None = None  # type: ignore[assignment]
    asked_at: datetime | None = None  # type: ignore[assignment]


_OF_CHECKPOINT = ("deadline", "requested_at", "decided_at", "opened_at", "last_event_at", "closed_at")
_OF_DECISION = ("requested_at", "sent_at", "acknowledged_at", "asked_at")
_OF_RUN = ("started_at", "ended_at")


def dated(run: Run[Micros]) -> Run[datetime]:
    """Return a run with its times, microseconds since 1970-01-01 UTC, as datetimes in UTC."""
    return Run[datetime](**_dated(run, _OF_RUN))


def dated_checkpoint(checkpoint: rows.Checkpoint) -> Checkpoint:
    """Return a checkpoint as a public row; one that already is a public row, unchanged."""
    return checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(**_dated(checkpoint, _OF_CHECKPOINT))


def dated_decision(decision: rows.Decision) -> Decision:
    """Return a decision as a public row."""
    return Decision(**_dated(decision, _OF_DECISION))


def _dated(row: Struct, times: tuple[str, ...]) -> dict[str, Any]:
    values = structs.asdict(row)
    return values | {name: moment(values[name]) for name in times}


@overload
def moment(at: Micros) -> datetime: ...
@overload
def moment(at: None) -> None: ...
def moment(at: Micros | None) -> datetime | None:
    """Return microseconds since 1970-01-01 UTC as a datetime in UTC; of a time beyond all dates, the nearest one."""
    return None if at is None else _EPOCH + timedelta(microseconds=max(FIRST_MICROS, min(at, LAST_MICROS)))
