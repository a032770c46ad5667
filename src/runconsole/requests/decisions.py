"""Decisions on the actions of a question, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from msgspec import structs

from runconsole.errors import InvalidArgument, UnfitValues
from runconsole.events import ActionDecision, ActionRequest, ActionVerb, Answer
from runconsole.forms.schema import form_of
from runconsole.requests.options import DECIDE, option_of
from runconsole.text.unicode import encodable_value
from runconsole.values import plain_argument

__all__ = ["decided_answer", "decisions_of"]

_VERBS: tuple[ActionVerb, ...] = get_args(ActionVerb)
_KNOWN = frozenset({"type", "args", "message", "edited_action"})


def decided_answer(requests: Sequence[ActionRequest], answer: Answer[Any]) -> Answer[str]:
    """Return an answer with one decision for each action, and with the option and the words that these are.

    Args:
        requests: the actions of the question.
        answer: with `decisions`, or with the id of an option that decides all of them alike.

    Raises:
        InvalidArgument: it is no list with one decision for each action, or holds something else than decisions.
        UnfitValues: a decision is not allowed, or lacks something; `fields` has the reasons.
    """
    decisions = decisions_of(requests, answer)
    is_alone = len(decisions) == 1
    return Answer(
        option_of(decisions),
        decisions[0].message if is_alone else answer.feedback,
        decisions[0].args if is_alone else None,
        decisions,
    )


def decisions_of(requests: Sequence[ActionRequest], answer: Answer[Any]) -> tuple[ActionDecision, ...]:
    """Return the decision on each action. As `decided_answer`."""
    decisions = _alike(requests, answer) if answer.decisions is None else _given(requests, answer)
    wrong: dict[str, str] = {}
    for at, (request, decision) in enumerate(zip(requests, decisions, strict=True)):
        wrong |= {f"{at}.{name}": reason for name, reason in _faults(request, decision).items()}
    if wrong:
        raise UnfitValues(wrong, "decisions that the question takes")
    return decisions


def _alike(requests: Sequence[ActionRequest], answer: Answer[Any]) -> tuple[ActionDecision, ...]:
    """Return the same decision on every action, from an answer by an option."""
    verb, changes, alone = answer.option, answer.modifications, len(requests) == 1
    if verb == DECIDE and not alone:
        raise InvalidArgument(f"expected decisions=, one for each of {_names(requests)}")
    if verb not in _VERBS:
        raise InvalidArgument(f"expected one of {', '.join(_VERBS)} for {_names(requests)}, got {verb!r}")
    if changes is not None and not alone:
        raise InvalidArgument(f"expected changed arguments in decisions=, one for each of {_names(requests)}")
    if alone and verb == "approve" and changes is not None and changes != requests[0].args:
        verb = "edit"  # an approval with changed arguments
    args = changes if verb == "edit" else None
    return tuple(ActionDecision(verb, args, answer.feedback) for _ in requests)


def _given(requests: Sequence[ActionRequest], answer: Answer[Any]) -> tuple[ActionDecision, ...]:
    given = answer.decisions
    if isinstance(given, str | Mapping | ActionDecision) or not isinstance(given, Sequence):
        raise InvalidArgument(f"expected decisions= to be a list, got a {type(given).__name__}")
    if len(given) != len(requests):
        raise InvalidArgument(
            f"expected decisions= with one decision for each of {_names(requests)} ({len(requests)}), got {len(given)}"
        )
    decisions = tuple(_read(each, request) for each, request in zip(given, requests, strict=True))
    if answer.option not in {None, "", DECIDE, option_of(decisions)}:
        raise InvalidArgument(
            f"expected an option or decisions=, got both: {answer.option!r} is not what these decisions are"
        )
    return decisions


def _read(given: Any, request: ActionRequest) -> ActionDecision:
    """Return a decision: one that is made, its fields, or its type. Raises InvalidArgument."""
    if isinstance(given, ActionDecision):
        given = structs.asdict(given)
    if isinstance(given, str):
        given = {"type": given}
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str) or not _KNOWN.issuperset(given):
        raise InvalidArgument(
            f"expected a decision on {request.name!r} as one of {', '.join(request.allowed)}, or a dict of type, args"
            f" and message, got {_shown(given)}"
        )
    fields: dict[str, Any] = encodable_value(plain_argument("decisions", dict(given)))
    edited, message = fields.get("edited_action"), fields.get("message")
    if isinstance(edited, dict):  # as LangChain names it
        if edited.get("name", request.name) != request.name:
            raise InvalidArgument(f"expected the edit of a call of {request.name!r}, got {edited['name']!r}")
        fields["args"] = edited.get("args")
    if not isinstance(message, str | None):
        raise InvalidArgument(f"expected the message of a decision as a text, got a {type(message).__name__}")
    return ActionDecision(fields["type"], fields.get("args"), message)


def _faults(request: ActionRequest, decision: ActionDecision) -> dict[str, str]:
    """Return the reasons why a decision cannot be sent, by the names of its parts."""
    verb, args = decision.type, decision.args
    if verb not in request.allowed:
        return {"type": f"expected one of {', '.join(request.allowed)} for {request.name!r}, got {verb!r}"}
    if verb == "respond" and not (decision.message or "").strip():
        return {"message": f"expected the answer in place of {request.name!r}, got none"}
    if verb != "edit":
        return {} if args is None else {"args": f"expected no arguments beside {verb!r}"}
    if args is None or (isinstance(request.args, Mapping) and not isinstance(args, dict)):
        return {"args": f"expected all arguments of {request.name!r} by name, got {_shown(args)}"}
    form = form_of(request.schema)
    misfits = [] if form is None else form.misfits(args)
    return {f"args.{misfit.field}" if misfit.field else "args": misfit.reason for misfit in misfits}


def _names(requests: Sequence[ActionRequest]) -> str:
    return ", ".join(repr(request.name) for request in requests)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) and len(value) < _SHORT else f"a {type(value).__name__}"


_SHORT = 60
