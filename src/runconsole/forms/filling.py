"""`Filling`: a form that is filled in at a terminal, one field after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from runconsole.forms.fields import Field, fields_of, values_of
from runconsole.forms.schema import Form, form_of
from runconsole.forms.typed import ask_for, problem, read_typed

__all__ = ["Filling"]


class Filling:
    """The values so far, and the field that is asked for.

    Attributes:
        is_done: True if every field has a value, or is left out.
        lines: the values so far, as ``label: value``, and what is wrong with the last one.
    """

    def __init__(self, form: Form, fields: tuple[Field, ...]) -> None:
        self._form = form
        self._fields = fields
        self._given: dict[tuple[str, ...], Any] = {}
        self._next = 0
        self.lines: list[str] = []

    @classmethod
    def of(cls, schema: Mapping[str, Any] | None) -> Self | None:
        """Return the beginning of a form; None for a schema without fields that can be asked for."""
        form, fields = form_of(schema), fields_of(schema)
        return None if form is None or form.note is not None or fields is None else cls(form, fields)

    @property
    def is_done(self) -> bool:
        return self._next >= len(self._fields)

    @property
    def asked(self) -> str:
        """The words that ask for the next field."""
        return ask_for(self._fields[self._next])

    @property
    def values(self) -> dict[str, Any]:
        """The values as the object of the answer."""
        return values_of(self._given)

    def enter(self, text: str) -> None:
        """Take the text for the field that is asked for; a value that does not fit is asked for again."""
        field = self._fields[self._next]
        value = read_typed(field, text)
        wrong = problem(self._form, field, value)
        self.lines = [line for line in self.lines if not line.startswith("! ")]
        if wrong is not None:
            self.lines.append(f"! {wrong}")
            return
        self._next += 1
        if value is not None:
            self._given[field.path] = value
            self.lines.append(f"{field.label}: {value}")
