"""Requests for a person's decision on actions, in the shapes of the libraries that send them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from runconsole.events import ActionRequest, ActionVerb

__all__ = ["Requests", "approval", "recognise"]

Shape = Literal["hitl", "tool_approval", "human_interrupt", "approval"]

_LANGCHAIN: tuple[ActionVerb, ...] = ("approve", "edit", "reject", "respond")
_WITHOUT_CONFIG: tuple[ActionVerb, ...] = ("approve", "edit", "reject")
"""The decisions that every version of LangChain's middleware takes, where a request does not name its own."""
_INBOX: dict[str, ActionVerb] = {
    "allow_accept": "approve",
    "allow_edit": "edit",
    "allow_respond": "respond",
    "allow_ignore": "ignore",
}


@dataclass(frozen=True, slots=True)
class Requests:
    """The actions of a question, and the shape of its answer.

    Attributes:
        shape: ``"hitl"``, a batch of LangChain's `HumanInTheLoopMiddleware`; ``"tool_approval"``, one call of the same;
            ``"human_interrupt"``, of agent-inbox; ``"approval"``, of AG-UI: ``approved`` with ``editedArgs``.
        actions: one or more.
        title: a question in words.
    """

    shape: Shape
    actions: tuple[ActionRequest, ...]

    @property
    def title(self) -> str:
        names = [action.name for action in self.actions]
        if self.shape == "human_interrupt":
            return ", ".join(names)  # there, a name is words for a person
        return f"Call {', '.join(names)}?"


def recognise(payload: Any, schema: Any = None) -> Requests | None:
    """Return the actions that a payload asks about; None for a payload of another shape.

    Args:
        payload: what LangGraph's ``interrupt`` was called with, as JSON or as Python objects.
        schema: the JSON Schema of its answer; None for none.
    """
    if isinstance(payload, Sequence) and not isinstance(payload, str | bytes):
        found = [_of_inbox(each) for each in payload]
        return _all("human_interrupt", found)
    if not isinstance(payload, Mapping):
        return None
    requested = payload.get("action_requests")
    if isinstance(requested, Sequence) and not isinstance(requested, str):
        allowed = _allowed_by_name(payload.get("review_configs"))
        return _all("hitl", [_of_batch(each, allowed) for each in requested])
    if payload.get("type") == "tool_approval":
        return _all("tool_approval", [_of_call(payload, schema)])
    return _all("human_interrupt", [_of_inbox(payload)]) if "action_request" in payload else None


def approval(schema: Mapping[str, Any], tool: str, arguments: Any, description: str | None = None) -> Requests | None:
    """Return the call that AG-UI asks to approve: an answer with the boolean ``approved``; None for another answer.

    Args:
        schema: the JSON Schema of the answer. With ``editedArgs`` among its properties, the arguments may be changed.
        tool: the name of the tool.
        arguments: of the call.
        description: words of the server about it.
    """
    properties = schema.get("properties")
    approved = properties.get("approved") if isinstance(properties, Mapping) else None
    if not isinstance(properties, Mapping) or not isinstance(approved, Mapping) or approved.get("type") != "boolean":
        return None
    edited = properties.get("editedArgs")
    takes_changes = isinstance(edited, Mapping) and isinstance(arguments, Mapping)
    allowed: tuple[ActionVerb, ...] = ("approve", "edit", "reject") if takes_changes else ("approve", "reject")
    known = _within(edited, schema) if takes_changes and isinstance(edited, Mapping) else None
    return Requests("approval", (ActionRequest(tool, arguments, description, allowed, _arguments_schema(known)),))


def _all(shape: Shape, found: Sequence[ActionRequest | None]) -> Requests | None:
    """Return the requests if each of them could be read: an answer to a part of them is none."""
    actions = tuple(action for action in found if action is not None)
    return Requests(shape, actions) if actions and len(actions) == len(found) else None


def _of_batch(given: Any, allowed: Mapping[str, tuple[ActionVerb, ...]]) -> ActionRequest | None:
    if not isinstance(given, Mapping) or not isinstance(name := given.get("name"), str):
        return None
    return _request(name, given.get("args", given.get("arguments")), given, allowed.get(name, _WITHOUT_CONFIG))


def _of_call(given: Mapping[str, Any], schema: Any) -> ActionRequest | None:
    name = given.get("name")
    if not isinstance(name, str):
        return None
    known = dict(_branches(schema)) if isinstance(schema, Mapping) else {}
    verbs = tuple(verb for verb in _LANGCHAIN if verb in known) or _WITHOUT_CONFIG
    return _request(name, given.get("args"), given, verbs, _edited(known.get("edit"), schema))


def _of_inbox(given: Any) -> ActionRequest | None:
    action = given.get("action_request") if isinstance(given, Mapping) else None
    if not isinstance(action, Mapping) or not isinstance(name := action.get("action"), str):
        return None
    config = given.get("config")
    config = config if isinstance(config, Mapping) else {}
    return _request(name, action.get("args"), given, tuple(verb for key, verb in _INBOX.items() if config.get(key)))


def _request(
    name: str,
    args: Any,
    given: Mapping[str, Any],
    allowed: tuple[ActionVerb, ...],
    schema: dict[str, Any] | None = None,
) -> ActionRequest | None:
    """Return a request; None for one that takes no decision that is known here."""
    words = given.get("description")
    words = (
        words.removesuffix(f"Tool: {name}\nArgs: {args}").strip() if isinstance(words, str) else ""
    )  # they are shown
    described = words or None
    return ActionRequest(name, {} if args is None else args, described, allowed, schema) if allowed else None


def _allowed_by_name(configs: Any) -> dict[str, tuple[ActionVerb, ...]]:
    """Return the decisions that each action takes, by its name."""
    allowed: dict[str, tuple[ActionVerb, ...]] = {}
    for config in configs if isinstance(configs, Sequence) else ():
        verbs = config.get("allowed_decisions") if isinstance(config, Mapping) else None
        if isinstance(verbs, Sequence) and isinstance(name := config.get("action_name"), str):
            allowed[name] = tuple(verb for verb in _LANGCHAIN if verb in verbs)
    return allowed


# ---- schemas of answers ---------------------------------------------------------------------------------------------


def _branches(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the kinds of decision in the schema of one decision, each with its own schema."""
    one_of = next((schema[name] for name in ("oneOf", "anyOf") if isinstance(schema.get(name), list)), [schema])
    for given in one_of:
        branch = _resolved(given, schema)
        kind = _property(branch, "type", schema)
        values = [kind.get("const"), *(kind.get("enum") or ())]
        for verb in get_args(ActionVerb):
            if verb in values:
                yield verb, branch


def _edited(branch: Mapping[str, Any] | None, root: Any) -> dict[str, Any] | None:
    """Return the schema of the arguments in that of an edit."""
    if branch is None:
        return None
    return _arguments_schema(_within(_property(_property(branch, "edited_action", root), "args", root), root))


def _property(schema: Mapping[str, Any], name: str, root: Any) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return _resolved(properties.get(name), root) if isinstance(properties, Mapping) else {}


def _resolved(part: Any, root: Any) -> Mapping[str, Any]:
    """Return a schema, or the one that its reference into ``$defs`` leads to; {} for what is none."""
    if not isinstance(part, Mapping):
        return {}
    reference = part.get("$ref")
    if not isinstance(reference, str):
        return part
    found = _definitions(root).get(reference.removeprefix("#/$defs/"))
    return found if isinstance(found, Mapping) else {}


def _definitions(root: Any) -> Mapping[str, Any]:
    found = root.get("$defs") if isinstance(root, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _within(part: Mapping[str, Any], root: Any) -> dict[str, Any]:
    """Return a part of a schema as one of its own: references in it still lead somewhere."""
    definitions = _definitions(root)
    return {**_resolved(part, root), **({"$defs": dict(definitions)} if definitions else {})}


def _arguments_schema(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the schema of arguments; None for one that says nothing about them."""
    return schema if schema and schema.get("properties") else None
