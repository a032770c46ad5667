"""The actions of a question in its row: each with its arguments, and the fields of the decision on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from runconsole.events import ActionRequest, ActionVerb
from runconsole.forms.fields import Field
from runconsole.requests.arguments import argument_fields
from runconsole.requests.options import AT_ONCE
from runconsole.text.marks import escaped
from runconsole.view.contract import ChoiceRow, ContextText, FormField, RequestRow
from runconsole.view.rows import NAME, PROSE, SENTENCE, Cutter

__all__ = ["form_field", "request_fields", "request_rows"]

_MOST = 40
"""Actions of one question that are decided one by one in the panel."""
_LARGEST = 2**53 - 1
"""The largest whole number that a browser holds exactly."""
_LABELS: dict[ActionVerb, str] = {
    "approve": "Approve",
    "edit": "Edit",
    "reject": "Reject",
    "respond": "Respond",
    "ignore": "Ignore",
}


def request_rows(requests: Sequence[ActionRequest], cutter: Cutter) -> list[RequestRow]:
    """Return the actions, each with all of its arguments as text."""
    return [
        {
            "name": cutter("requests", request.name, NAME),
            "description": cutter("requests", request.description, PROSE),
            "args": list(_args(request.args, cutter)),
        }
        for request in requests
    ]


def _args(args: Any, cutter: Cutter) -> Iterator[ContextText]:
    named = args.items() if isinstance(args, dict) else [("", args)]
    for name, value in named:
        yield {"name": cutter("requests", name, NAME), "text": _text(value, cutter)}


def _text(value: Any, cutter: Cutter) -> str:
    """Return a value as a person reads it: a text as it is, unless it could be taken for another value."""
    if isinstance(value, str):
        words = value.strip()
        if words and (words == value or "\n" in words) and not _is_json(value):
            return cutter("requests", value, PROSE)
    return cutter.raw("requests", escaped(json.dumps(value, indent=2, ensure_ascii=False, default=str)), PROSE)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def request_fields(requests: Sequence[ActionRequest], cutter: Cutter) -> list[FormField]:
    """Return the fields of the decisions, by the numbers of their actions; [] where options alone can decide all."""
    if len(requests) > _MOST or (len(requests) == 1 and set(requests[0].allowed) <= set(AT_ONCE)):
        return []
    return [form_field(field, cutter, str(at)) for at, request in enumerate(requests) for field in _fields(request)]


def _fields(request: ActionRequest) -> Iterator[Field]:
    editable = _is_exact(request.args)
    offered = tuple(
        (_LABELS[verb], verb) for verb in _LABELS if verb in request.allowed and (editable or verb != "edit")
    )
    yield Field(("type",), "choice", "Decision", required=True, choices=offered)
    if editable and "edit" in request.allowed:
        yield from argument_fields(request)
    if not {"reject", "respond"}.isdisjoint(request.allowed):
        yield Field(("message",), "lines", "Reason")


def _is_exact(value: Any) -> bool:
    """Return whether a browser can hold all numbers of a value: others would come back changed."""
    match value:
        case dict():
            return all(map(_is_exact, value.values()))
        case list():
            return all(map(_is_exact, value))
        case int():
            return abs(value) <= _LARGEST
    return True


def form_field(field: Field, cutter: Cutter, number: str = "") -> FormField:
    """Return a field as the page has it; `number` is that of its action."""
    return {
        "key": f"{number}.{field.name}" if number else field.name,
        "path": list(field.path),
        "kind": field.kind,
        "label": cutter("form", field.label, NAME) or field.path[-1],
        "description": cutter("form", field.description, SENTENCE),
        "group": cutter("form", field.group, NAME),
        "required": field.required,
        "choices": _choices(field, cutter, is_argument=number != ""),
        "start": _start(field, cutter),
        "limits": cutter("form", field.limits, SENTENCE) or "",
    }


def _choices(field: Field, cutter: Cutter, *, is_argument: bool) -> list[ChoiceRow]:
    """Return the choices of a field; an argument that has a value and may be left out has one for that, too."""
    rows: list[ChoiceRow] = [
        {"label": cutter("form", label, NAME) or label, "value": json.dumps(value)} for label, value in field.choices
    ]
    if is_argument and field.kind == "choice" and not field.required and field.default is not None:
        rows.append({"label": "none", "value": ""})
    return rows


def _start(field: Field, cutter: Cutter) -> str | None:
    """Return the default as JSON; None where the row has no room for all of it."""
    if field.default is None:
        return None
    text = json.dumps(field.default, ensure_ascii=False, default=str, indent=2 if field.kind == "json" else None)
    text = escaped(text) if field.kind == "json" else text
    return text if cutter.raw("form", text, PROSE) == text else None
