"""Answers to questions that have a form: the values that go with an option, checked before they are sent."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from runconsole.actions import action_of
from runconsole.errors import UnfitValues
from runconsole.events import Answer, CheckpointOption
from runconsole.forms.schema import form_of

__all__ = ["fitting", "takes_values"]

_TAKING = frozenset({"approve", "modify"})
"""The meanings of an option whose answer needs the values of the form."""


def takes_values(option: CheckpointOption) -> bool:
    """Return whether the answer by an option needs the values of its question's form; a rejection needs none."""
    return action_of(option) in _TAKING


def fitting(answer: Answer[Any], schema: dict[str, Any] | None, option: CheckpointOption | None) -> Answer[Any]:
    """Return an answer with the defaults of its question's schema. `option` is the chosen one, None for free text.

    Raises:
        UnfitValues: the values do not fit the schema, or are missing.
    """
    form = form_of(schema)
    is_needed = option is not None and takes_values(option)
    if form is None or (answer.modifications is None and not is_needed):
        return answer
    values = form.completed(answer.modifications)
    misfits = form.misfits(values)
    if misfits:
        raise UnfitValues({misfit.field: misfit.reason for misfit in misfits})
    return structs.replace(answer, modifications=values if values or answer.modifications is not None else None)
