"""Messages for a person: costs, limits, workers and providers, in one sentence each."""

from __future__ import annotations

from typing import Any

import pytest

from runconsole.events import Alert, Logged
from tests.decoding.test_task import fact_of


@pytest.mark.parametrize(
    ("payload", "alert"),
    [
        ({"level": "critical", "message": "full"}, Alert("critical", "full")),
        ({"severity": "warning", "title": "Disk", "message": "full"}, Alert("warning", "Disk: full")),
    ],
)
def test_a_system_alert_is_shown_with_its_level(payload: dict[str, Any], alert: Alert) -> None:
    assert fact_of("system.alert", payload) == alert


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"message": "Too dear"}, "Too dear"),
        ({"current": 8.5, "threshold": 10}, "Cost $8.50 is near the threshold of $10.00"),
        ({"current": 10, "threshold": 10}, "Cost $10.00 passed the threshold of $10.00"),
        ({"percentage": 80}, "A cost threshold is near (80 %)"),
        ({"percentage": 100}, "A cost threshold was passed (100 %)"),
        ({}, "The cost is near a threshold"),
    ],
)
def test_a_cost_threshold_is_near_or_passed(payload: dict[str, Any], text: str) -> None:
    assert fact_of("cost.threshold", payload) == Alert("warning", text)


@pytest.mark.parametrize(
    ("kind", "payload", "text"),
    [
        ("agent.rate_limited", {"agentId": "a"}, "Agent a is at its rate limit"),
        (
            "agent.rate_limited",
            {
                "agentId": "a",
                "providerId": "p",
                "limit": {"type": "tokens", "current": 1000, "max": 1000},
                "action": {"type": "wait", "waitSeconds": 30},
            },
            "Provider p is at its rate limit: 1,000 of 1,000 tokens; it waits 30 s",
        ),
        (
            "provider.rate_limited",
            {
                "providerId": "p",
                "limit": {"type": "requests", "period": "minute", "limit": 60, "used": 60},
                "fallbackProvider": "q",
            },
            "Provider p is at its rate limit: 60 of 60 requests a minute; the task goes on with q",
        ),
        (
            "worker.offline",
            {"workerId": "w", "lastTaskId": "t", "reason": "timeout"},
            "Worker w is offline (timeout); its last task is t",
        ),
        ("worker.status_changed", {"workerId": "w", "previous": "busy", "current": "offline"}, "Worker w is offline"),
        (
            "provider.status_changed",
            {"providerId": "p", "newStatus": "error", "reason": "503"},
            "Provider p is error (503)",
        ),
        ("provider.unavailable", {"providerId": "p"}, "Provider p is unavailable"),
        (
            "system.health_check",
            {"status": "degraded", "components": {"redis": {"status": "down"}, "db": {"status": "up"}}},
            "The system is degraded: redis is down",
        ),
    ],
)
def test_trouble_of_the_system_is_one_sentence(kind: str, payload: dict[str, Any], text: str) -> None:
    assert fact_of(kind, payload) == Alert("warning", text)


def test_an_unhealthy_system_is_an_error() -> None:
    payload = {"status": "unhealthy", "components": {"db": {"status": "down", "message": "no route"}}}
    assert fact_of("system.health_check", payload) == Alert("error", "The system is unhealthy: db is down (no route)")


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("system.health_check", {"status": "healthy", "components": {"db": {"status": "up"}}}),
        ("worker.status_changed", {"workerId": "w", "previous": "idle", "current": "busy"}),
        ("provider.status_changed", {"providerId": "p", "newStatus": "available"}),
        ("worker.heartbeat", {"workerId": "w", "status": "busy"}),
    ],
)
def test_good_news_is_a_row_of_the_log(kind: str, payload: dict[str, Any]) -> None:
    assert fact_of(kind, payload) == Logged()
