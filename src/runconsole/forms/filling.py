"""`Filling`: a form that is filled in at a terminal, one field after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from runconsole.forms.fields import Field, values_of
from runconsole.forms.schema import Form, form_of
from runconsole.forms.typed import ask_for, problem, read_typed

__all__ = ["Filling"]


class Filling:
    """The values so far, and the field that is asked for.

    Attributes:
        wrong: the reason why the last text was not taken; None where it was.
    """

    def __init__(self, form: Form, fields: tuple[Field, ...]) -> None:
        self._form = form
        self._left = list(fields)
        self._given: list[tuple[Field, Any]] = []
        self.wrong: str | None = None

    @classmethod
    def of(cls, schema: Mapping[str, Any] | None) -> Self | None:
        """Return the beginning of a form; None for a schema without fields that can be asked for."""
        form = form_of(schema)
        return None if form is None or form.fields is None else cls(form, form.fields)

    @property
    def is_done(self) -> bool:
        """True if every field has a value, or is left out."""
        return not self._left

    @property
    def asked(self) -> str:
        """The words that ask for the next field."""
        return ask_for(self._left[0])

    @property
    def values(self) -> dict[str, Any]:
        """The values as the object of the answer."""
        return values_of({field.path: value for field, value in self._given})

    @property
    def lines(self) -> list[str]:
        """The values so far, as ``label: value``, and the reason why the last text was not taken."""
        given = [f"{field.label}: {value}" for field, value in self._given]
        return given if self.wrong is None else [*given, f"! {self.wrong}"]

    def enter(self, text: str) -> None:
        """Take the text for the field that is asked for; a value that does not fit is asked for again."""
        field = self._left[0]
        try:
            value = read_typed(field, text)
        except (ValueError, RecursionError):
            self.wrong = "this is not JSON"
            return
        self.wrong = problem(self._form, field, value)
        if self.wrong is not None:
            return
        del self._left[0]
        is_null = field.required if field.kind == "json" else field.kind == "choice" and text.strip() != ""
        if value is not None or is_null:
            self._given.append((field, value))
