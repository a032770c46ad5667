"""The promises of questions: options to choose from, a deadline, and the option that is taken then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.actions import ACTIONS
from runconsole.checking.fields import is_time
from runconsole.checking.findings import Findings
from runconsole.decoding.times import read_deadline

__all__ = ["QUESTIONS", "check_question"]

QUESTIONS = frozenset({"task.hitl_required", "checkpoint.pending", "checkpoint.hitl_required"})
_PROMISED = "task.hitl_required"
"""The question of the task document; for the others a deadline and a default are advice."""
_DEADLINES = ("timeout", "expiresAt", "expires_at")
_DEFAULTS = ("defaultAction", "defaultOption", "default_action", "default_option")
_NAMES = ("label", "action")
"""Names of an option beside its id."""


def check_question(found: Findings, number: int, kind: str, data: Mapping[str, Any]) -> None:
    """Compare a question with its promises."""
    limits = data.get("timeout")
    known = {**(limits if isinstance(limits, Mapping) else {}), **data}
    for rule, names in (("a question has a deadline", _DEADLINES), ("a question has a default", _DEFAULTS)):
        if all(known.get(name) is None for name in names):
            level: Any = "broken" if kind == _PROMISED else "advice"
            found.add(rule, f"{names[0]} of every question", "none", event=number, type=kind, level=level)
    _check_deadline(found, number, kind, data)
    options = data.get("options")
    if isinstance(options, list) and (options or not data.get("actionRequests")):  # these are decided one by one
        _check_options(found, number, kind, options, next(filter(None, map(known.get, _DEFAULTS)), None))


def _check_deadline(found: Findings, number: int, kind: str, data: Mapping[str, Any]) -> None:
    for name in _DEADLINES:
        value = data.get(name)
        if value is None:
            continue
        deadline = read_deadline(value)
        is_readable = deadline.at is not None or deadline.in_s is not None
        if not (is_time(value) if kind == _PROMISED else is_readable):
            found.add("a deadline is a time", f"{name} as an ISO 8601 time", value, event=number, type=kind)


def _check_options(found: Findings, number: int, kind: str, options: list[Any], default: object) -> None:
    if not options:
        found.add("a question has options", "one or more options", "none", event=number, type=kind)
        return
    ids = [option.get("id") if isinstance(option, Mapping) else option for option in options]
    texts = [name for name in ids if isinstance(name, str)]
    if len(set(texts)) < len(texts):
        found.add("options differ", "another id for each option", ", ".join(texts), event=number, type=kind)
    told = [option.get(name) for option in options if isinstance(option, Mapping) for name in _NAMES]
    names = {*texts, *(name for name in told if isinstance(name, str))}
    if isinstance(default, str) and default not in names and default not in ACTIONS:
        expected = f"one of the options ({', '.join(texts)}) as the default"
        found.add("a default is an option", expected, default, event=number, type=kind)
