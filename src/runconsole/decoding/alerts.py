"""Messages for a person: alerts, cost thresholds, rate limits, lost workers and providers."""

from __future__ import annotations

from msgspec import Struct

from runconsole.decoding.payload import FactReader, fact_reader, first
from runconsole.events import Alert, Fact, Logged

__all__ = ["FACTS"]


class _Alert(Struct, rename="camel"):
    level: str | None = None
    severity: str | None = None
    title: str | None = None
    message: str | None = None
    current: float | None = None
    threshold: float | None = None
    percentage: float | None = None


class _Limit(Struct, rename="camel"):
    type: str | None = None
    period: str | None = None
    current: float | None = None
    used: float | None = None
    max: float | None = None
    limit: float | None = None


class _LimitAction(Struct, rename="camel"):
    type: str | None = None
    wait_seconds: float | None = None
    fallback_provider: str | None = None


class _RateLimited(Struct, rename="camel"):
    task_id: str | None = None
    agent_id: str | None = None
    provider_id: str | None = None
    limit: _Limit | None = None
    action: _LimitAction | None = None
    estimated_wait: float | None = None
    fallback_provider: str | None = None


class _Status(Struct, rename="camel"):
    """A worker's or provider's status."""

    task_id: str | None = None
    worker_id: str | None = None
    provider_id: str | None = None
    new_status: str | None = None
    current: str | None = None
    status: str | None = None
    reason: str | None = None
    last_task_id: str | None = None


class _Component(Struct):
    status: str | None = None
    message: str | None = None


class _Health(Struct):
    status: str | None = None
    components: dict[str, _Component] | None = None


_GONE = frozenset({"offline", "error", "unavailable", "down", "failed", "unhealthy", "disabled", "rate_limited"})
_WELL = frozenset({"healthy", "ok", "up"})


def _alert(data: _Alert) -> Fact | None:
    text = ": ".join(part for part in (data.title, data.message) if part)
    return Alert(first(data.level, data.severity, "info"), text) if text else None


def _cost_threshold(data: _Alert) -> Fact:
    """Return the alert of a threshold: servers report it when the cost comes near it and when it has passed it."""
    if data.message:
        return Alert("warning", data.message)
    if data.current is not None and data.threshold is not None:
        how = "passed" if data.current >= data.threshold else "is near"
        return Alert("warning", f"Cost ${data.current:,.2f} {how} the threshold of ${data.threshold:,.2f}")
    if data.percentage is not None:
        how = "was passed" if data.percentage >= 100 else "is near"
        return Alert("warning", f"A cost threshold {how} ({data.percentage:g} %)")
    return Alert("warning", "The cost is near a threshold")


def _rate_limited(data: _RateLimited) -> Fact:
    provider = f"Provider {data.provider_id}" if data.provider_id else f"Agent {data.agent_id or 'unknown'}"
    return Alert("warning", f"{provider} is at its rate limit{_amount(data.limit)}{_consequence(data)}")


def _amount(limit: _Limit | None) -> str:
    if limit is None:
        return ""
    used, most = first(limit.current, limit.used), first(limit.max, limit.limit)
    per = f" a {limit.period}" if limit.period else ""
    return "" if used is None or most is None else f": {used:,g} of {most:,g} {limit.type or 'units'}{per}"


def _consequence(data: _RateLimited) -> str:
    action = data.action or _LimitAction()
    fallback, wait = (
        first(action.fallback_provider, data.fallback_provider),
        first(action.wait_seconds, data.estimated_wait),
    )
    if fallback is not None:
        return f"; the task goes on with {fallback}"
    return "" if wait is None else f"; it waits {wait:g} s"


def _offline(data: _Status) -> Fact:
    why = f" ({data.reason})" if data.reason else ""
    task = f"; its last task is {data.last_task_id}" if data.last_task_id else ""
    return Alert("warning", f"Worker {data.worker_id or 'unknown'} is offline{why}{task}")


def _status_changed(data: _Status) -> Fact:
    status = first(data.new_status, data.current, data.status)
    if (status or "").lower() not in _GONE:
        return Logged(data.task_id)
    name = f"Provider {data.provider_id}" if data.provider_id else f"Worker {data.worker_id or 'unknown'}"
    why = f" ({data.reason})" if data.reason else ""
    return Alert("warning", f"{name} is {status}{why}")


def _unavailable(data: _Status) -> Fact:
    why = f" ({data.reason})" if data.reason else ""
    return Alert("warning", f"Provider {data.provider_id or 'unknown'} is unavailable{why}")


def _health(data: _Health) -> Fact:
    status = (data.status or "").lower()
    if not status or status in _WELL:
        return Logged()
    bad = [
        f"{name} is {part.status}" + (f" ({part.message})" if part.message else "")
        for name, part in (data.components or {}).items()
        if part.status is not None and part.status.lower() not in _WELL
    ]
    which = f": {', '.join(bad)}" if bad else ""
    return Alert("error" if status == "unhealthy" else "warning", f"The system is {status}{which}")


FACTS: dict[str, FactReader] = {
    "system.alert": fact_reader(_Alert, _alert),
    "cost.threshold": fact_reader(_Alert, _cost_threshold),
    "agent.rate_limited": fact_reader(_RateLimited, _rate_limited),
    "provider.rate_limited": fact_reader(_RateLimited, _rate_limited),
    "worker.offline": fact_reader(_Status, _offline),
    "worker.status_changed": fact_reader(_Status, _status_changed),
    "provider.status_changed": fact_reader(_Status, _status_changed),
    "provider.unavailable": fact_reader(_Status, _unavailable),
    "system.health_check": fact_reader(_Health, _health),
}
"""A reader of payloads for each event type."""
