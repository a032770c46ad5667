"""Values as a person types them at a terminal."""

from __future__ import annotations

import json
from typing import Any

from runconsole.forms.fields import Field, values_of
from runconsole.forms.schema import Form

__all__ = ["ask_for", "problem", "read_typed"]

_YES, _NO = frozenset({"y", "yes", "true", "1"}), frozenset({"n", "no", "false", "0"})


def ask_for(field: Field) -> str:
    """Return the words that ask for a field: its name, the choices or limits, and what Enter takes."""
    name = field.label if field.group is None else f"{field.group}: {field.label}"
    said = [field.limits]
    if field.choices:
        numbered = (f"{number} {label}" for number, (label, _) in enumerate(field.choices, 1))
        said.append(", ".join(numbered) + ("; several with commas" if field.kind == "choices" else ""))
    elif field.kind not in {"text", "lines"}:
        kinds = {"boolean": "yes or no", "datetime": "date and time", "json": "JSON"}
        said.insert(0, kinds.get(field.kind, field.kind))
    if field.default is not None:
        said.append(f"Enter for {_shown(field.default)}")
    elif not field.required:
        said.append("Enter for none")
    details = "; ".join(text for text in said if text)
    return f"{name} ({details})" if details else name


def read_typed(field: Field, text: str) -> Any:
    """Return the value that a text means; the default for an empty one. A text that means nothing is returned as it is.

    Raises ValueError for a text that is no JSON where that is wanted.
    """
    text = text.strip()
    if not text:
        return field.default
    if field.kind == "json":
        return json.loads(text)
    if field.kind == "choices":
        return [_choice(field, part.strip()) for part in text.split(",") if part.strip()]
    if field.kind == "choice":
        return _choice(field, text)
    if field.kind == "boolean":
        return True if text.lower() in _YES else False if text.lower() in _NO else text
    return _number(text, field.kind) if field.kind in {"number", "integer"} else text


def problem(form: Form, field: Field, value: Any) -> str | None:
    """Return why a value does not fit; None where it does, or may be left out."""
    if value is None and field.kind == "json":
        return None
    if value is None:
        return "a value is needed" if field.required else None
    misfits = form.misfits(values_of({field.path: value}))
    return next((misfit.reason for misfit in misfits if misfit.field.startswith(field.name)), None)


def _choice(field: Field, text: str) -> Any:
    if text.isdecimal() and 0 < int(text) <= len(field.choices):
        return field.choices[int(text) - 1][1]
    return next((value for label, value in field.choices if label.lower() == text.lower()), text)


def _number(text: str, kind: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text) if kind == "number" else text
    except ValueError:
        return text


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
