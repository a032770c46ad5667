"""Rare details of a task, as named facts of its row's detail."""

from __future__ import annotations

from datetime import UTC, datetime

from runconsole.events import Micros, TaskDetails
from runconsole.view.rows import NAME, SENTENCE, Cutter

__all__ = ["detail_facts"]


def detail_facts(details: TaskDetails, cutter: Cutter) -> list[list[str]]:
    """Return ``[name, text]`` of each given fact."""
    tests = details.tests_run if details.tests_passed is None else f"{details.tests_passed} of {details.tests_run}"
    facts = {
        "Type": details.type,
        "Queue position": details.queue_position,
        "Estimated start": _moment(details.estimated_start),
        "Access": details.access_mode,
        "Elapsed": _seconds(details.elapsed_s),
        "Remaining": _seconds(details.remaining_s),
        "Tests passed" if details.tests_passed is not None else "Tests run": tests,
        "Coverage": details.coverage,
        "Commit": details.commit,
        "Pull request": details.pull_request,
        "Specification": details.spec_path,
        "Changelog": details.changelog,
        "Time at providers": _by_provider(details.provider_time),
        "Last restore point": details.last_checkpoint,
    }
    return [
        [name, cutter(f"details.{name}", str(value), SENTENCE if name == "Changelog" else NAME) or ""]
        for name, value in facts.items()
        if value is not None
    ]


def _moment(at: Micros | None) -> str | None:
    return None if at is None else f"{datetime.fromtimestamp(at / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:,.1f} s"


def _by_provider(times: dict[str, float] | None) -> str | None:
    return ", ".join(f"{name} {seconds:,.1f} s" for name, seconds in times.items()) if times else None
