"""The answers that a question offers, in the shapes of the servers. No answer is ever invented.

Shapes: a list of texts, numbers, booleans, pairs ``[value, label]`` or objects; a mapping of values to labels; a text
with one answer a line, or with commas; an empty list, which asks for free text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from runconsole.decoding.payload import first, loads_encodable
from runconsole.events import CheckpointOption, Offers

__all__ = ["Choices", "name_of", "read_choices", "read_option"]

_APPROVE_OR_REJECT = (CheckpointOption("approve", "Approve"), CheckpointOption("reject", "Reject"))
_MEANS_APPROVAL = re.compile(
    r"approv|review|hitl|human|confirm|permission|permit|consent|authori[sz]|sign_?off|gate|architecture|spec(ification)?$",
    re.IGNORECASE,
)
"""Types of a question for yes or no, such as `spec_review` and `architecture`."""
_IDENTIFIER = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*", re.ASCII)

_VALUES = (
    *("id", "optionId", "option_id", "value", "key", "const", "code", "action", "name", "option", "choice"),
    *("label", "text", "title"),
)
"""Names of an option's value in an object, in order of preference."""
_LABELS = ("label", "text", "title", "displayName", "display_name", "name", "caption")
_DESCRIPTIONS = ("description", "detail", "details", "help", "hint")
_DEFAULTS = ("isDefault", "is_default", "default")
_LISTS = ("options", "choices", "items", "enum", "oneOf", "anyOf")
"""Names of the answers in a mapping that does not consist of the answers itself."""
_PAIR = 2
_LONGEST_SHOWN = 120


class Choices(NamedTuple):
    """The options of a question, and a note about those that cannot be read."""

    options: tuple[CheckpointOption, ...] = ()
    offers: Offers = "told"
    note: str | None = None


def read_choices(given: object, kind: str | None) -> Choices:
    """Return the options of a question of type `kind`; `given` is None where the server names no options.

    Without named options, a type that means approval (or no type at all) gives Approve and Reject.
    """
    if given is None:
        if kind is None or _MEANS_APPROVAL.search(kind):
            return Choices(_APPROVE_OR_REJECT, "assumed")
        return Choices(offers="text")
    listed = _listed(given)
    if listed is None:
        return Choices(offers="nothing", note=f"The options cannot be read: {_shown(given)}")
    if not listed:
        return Choices(offers="text")
    options = [read_option(item) for item in listed]
    known = tuple(_apart([option for option in options if option is not None]))
    missing = [item for item, option in zip(listed, options, strict=True) if option is None]
    if not missing:
        return Choices(known)
    lost = f"{len(missing)} of {len(listed)} options" if known else "The options"
    return Choices(known, "told" if known else "nothing", f"{lost} cannot be read: {_shown(missing)}")


def name_of(value: object) -> str | None:
    """Return the console's text for a server's value: the value itself, or its JSON; None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return None


def read_option(item: object) -> CheckpointOption | None:
    """Return one option; None where it cannot be read."""
    match item:
        case bool():
            return _option(item, str(item))
        case str():
            return _option(item, _label(item)) if item.strip() else None
        case int() | float():
            return _option(item, None) if math.isfinite(item) else None
        case Mapping():
            return _read_object(item)
        case [str() | int() | float() as value, str() as label, *_] if len(item) <= _PAIR + 1:
            description = item[_PAIR:]
            return _option(value, label, next((text for text in description if isinstance(text, str)), None))
    return None


def _read_object(item: Mapping[str, Any]) -> CheckpointOption | None:
    value = first(*(item.get(name) for name in _VALUES if item.get(name) != ""))
    if value is None:
        return None
    label = next((text for name in _LABELS if isinstance(text := item.get(name), str) and text), None)
    if label is None and "key" in item and isinstance(item.get("value"), str) and item.get("id") is None:
        value, label = item["key"], item["value"]  # {"key": "yes", "value": "Yes, go"}
    elif label is None:
        label = next((name for key in _LABELS if (name := name_of(item.get(key)))), None)
    description = next((text for name in _DESCRIPTIONS if isinstance(text := item.get(name), str)), None)
    action = item.get("action")
    return (
        None
        if name_of(value) is None
        else _option(
            value,
            label,
            description,
            action if isinstance(action, str) else None,
            is_default=any(item.get(name) in (True, "true") for name in _DEFAULTS),
        )
    )


def _option(
    value: Any,
    label: str | None,
    description: str | None = None,
    action: str | None = None,
    *,
    is_default: bool = False,
) -> CheckpointOption:
    name = str(name_of(value))
    own = None if isinstance(value, str) else value
    return CheckpointOption(name, label or name, description, action, is_default, own)


def _label(text: str) -> str:
    """Return the label of a button for a bare text: words for an identifier, any other text unchanged."""
    if not _IDENTIFIER.fullmatch(text):
        return text
    return text.replace("_", " ").replace("-", " ").capitalize()


def _listed(given: object) -> Sequence[object] | None:
    """Return the options one by one, from any known container; None for any other value."""
    if isinstance(given, str):
        return _split(given)
    if isinstance(given, Mapping):
        inside = next((given[name] for name in _LISTS if isinstance(given.get(name), list)), None)
        if inside is not None:
            return _listed(inside)
        if given.keys() & set(_LABELS) and given.keys() & {"id", "value", "key"}:
            return [given]  # a single option without a list
        return [_of_member(name, value) for name, value in given.items()]
    return given if isinstance(given, list) else None


def _split(text: str) -> Sequence[object] | None:
    """Return the answers in a text: JSON within JSON, one a line, or separated by commas."""
    if text.lstrip()[:1] in ("[", "{"):
        try:
            parsed = loads_encodable(text)
        except ValueError:
            pass
        else:
            return _listed(parsed)
    parts = text.splitlines() if len(text.strip().splitlines()) > 1 else text.split(",")
    return [part.strip() for part in parts if part.strip()]


def _of_member(name: str, value: object) -> object:
    """Return the option of a mapping's member: a value and its label, or an object with further details."""
    if isinstance(value, Mapping):
        return {"id": name, **value}
    return [name, value] if isinstance(value, str) and value else name


def _apart(options: list[CheckpointOption]) -> Iterator[CheckpointOption]:
    """Yield the options with unique ids, and without exact repetitions."""
    taken: dict[str, CheckpointOption] = {}
    copies: dict[str, int] = {}
    for option in options:
        known, name = taken.get(option.id), option.id
        if known is not None and known == option and type(known.value) is type(option.value):
            continue
        while name in taken:
            copies[option.id] = number = copies.get(option.id, 1) + 1
            name = f"{option.id}#{number}"
        if name != option.id:
            own = option.id if option.value is None else option.value
            option = msgspec.structs.replace(option, id=name, value=own)  # noqa: PLW2901 - the same option, told apart
        taken[name] = option
        yield option


def _shown(given: object) -> str:
    text = name_of(given) or "…"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… (all of it is in `events`)"
