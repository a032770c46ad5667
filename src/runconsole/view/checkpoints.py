"""Rows of checkpoints: the question for a person, and the state of our answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from runconsole.events import CheckpointOption, Micros
from runconsole.forms.answers import takes_values
from runconsole.forms.schema import Form, form_of
from runconsole.requests.options import AT_ONCE
from runconsole.state import Checkpoint, Decision, RunState
from runconsole.text.marks import escaped
from runconsole.view.contract import CheckpointRow, Context, OptionRow
from runconsole.view.irreversible import is_irreversible
from runconsole.view.requests import form_field, request_fields, request_rows
from runconsole.view.rows import (
    NAME,
    PROSE,
    SENTENCE,
    SPEC,
    Cutter,
    marked_sentence,
    ms,
    number,
    reference,
    referred,
    short,
)

__all__ = ["OPTIONS", "Question", "answered", "checkpoint_row", "option_rows", "question"]

OPTIONS = 50
"""The number of a question's options that are sent at once."""
_CHANGES = 100
_TEXTS = 8
_DESTRUCTIVE = re.compile(
    r"^(reject|cancel|abort|deny|decline|delete|discard|stop|terminate|rollback|roll_back)", re.IGNORECASE
)
_MODIFIES = re.compile(r"^(modify|edit|change|revise|adjust)", re.IGNORECASE)
_TEMPLATES = ("modifications", "proposal", "parameters", "arguments", "args")
"""Keys of a context for values that an answer may modify."""
_BODIES = ("diff", "patch", "preview")
_PATHS = ("path", "file", "filePath", "file_path")
_ACTIONS = ("action", "type", "change", "operation")
"""Keys of a change for its action."""


class Question(NamedTuple):
    """A checkpoint with the facts of other rows that its row shows."""

    checkpoint: Checkpoint
    ours: Decision | None
    task_name: str | None
    due_at: Micros | None


def question(checkpoint: Checkpoint, state: RunState) -> Question:
    """Return the checkpoint with our newest decision on it and its task's name."""
    task = state.tasks.get(checkpoint.task_id) if checkpoint.task_id else None
    ours = state.decisions.get(checkpoint.decision_id) if checkpoint.decision_id else None
    return Question(checkpoint, ours, task.name if task else None, state.due_at(checkpoint))


def checkpoint_row(item: Question, cutter: Cutter) -> CheckpointRow:
    """Return the row of a checkpoint."""
    row = _row(item, cutter)
    if cutter.rest:
        row["rest"] = cutter.rest
    return row


def _row(item: Question, cutter: Cutter) -> CheckpointRow:
    checkpoint, ours, task_name, due_at = item
    options = option_rows(checkpoint, cutter)
    modifies = any(_MODIFIES.match(option.action or option.id) for option in checkpoint.options)
    row: CheckpointRow = {
        "key": reference(checkpoint.checkpoint_id),
        "id": reference(checkpoint.checkpoint_id),
        "task": cutter("task", checkpoint.task_id, NAME),
        "task_name": cutter("task_name", task_name, NAME),
        "type": cutter("type", checkpoint.kind, NAME),
        "title": cutter("title", checkpoint.heading, NAME),
        "description": cutter("description", checkpoint.description, PROSE),
        "options": options,
        "options_total": len(checkpoint.options),
        "context": _context(checkpoint.context or {}, cutter, modifies=modifies),
        "default_action": _named(checkpoint.default_action),
        "deadline": ms(due_at),
        "reminded": checkpoint.reminded,
        "status": checkpoint.status,
        "delivery": ours.state if ours else None,
        "answer": _named(ours.option if ours else None),
        "decision": _named(checkpoint.decision or (ours.option if ours else None)),
        "decided_by": checkpoint.decided_by,
        "feedback": cutter("feedback", checkpoint.feedback, PROSE),
        "error": cutter("error", checkpoint.error, SENTENCE),
        "requested_at": ms(checkpoint.requested_at),
        "decided_at": ms(checkpoint.decided_at),
    }
    if checkpoint.offers == "text":
        row["free_text"] = True
        row["answer"] = None if ours is None else ""  # no option: the words are in `decision` and `feedback`
    if checkpoint.requests:
        _add_requests(row, checkpoint, cutter)
    form = form_of(checkpoint.schema)
    if form is not None:
        _add_form(row, form, checkpoint, cutter)
    if checkpoint.options_note is not None:
        row["options_note"] = checkpoint.options_note
    return row


def _add_requests(row: CheckpointRow, checkpoint: Checkpoint, cutter: Cutter) -> None:
    """Add the actions of a question to a row, and the fields of the decisions on them."""
    row["requests"] = request_rows(checkpoint.requests, cutter)
    fields = request_fields(checkpoint.requests, cutter)
    if fields:
        row["form"] = fields
    for option, offered in zip(row["options"], checkpoint.options, strict=False):
        option["modifies"] = False
        if offered.id not in AT_ONCE:
            option["fills"] = True


def _add_form(row: CheckpointRow, form: Form, checkpoint: Checkpoint, cutter: Cutter) -> None:
    """Add the fields of a form to a row; for a schema that is more than fields, its defaults as JSON to edit."""
    if form.note is not None:
        row["options_note"] = marked_sentence(form.note)
    if form.fields is not None:
        row["form"] = [form_field(field, cutter) for field in form.fields]
    elif "template" not in row["context"]:
        row["context"]["template"] = cutter.raw("context.template", _json(form.completed({})), PROSE)
    for option, offered in zip(row["options"], checkpoint.options, strict=False):
        if takes_values(offered):
            option["modifies" if form.fields is None else "fills"] = True


def option_rows(checkpoint: Checkpoint, cutter: Cutter, offset: int = 0, search: str = "") -> list[OptionRow]:
    """Return at most `OPTIONS` of a question's options: from an offset on, or with a text in id or label."""
    wanted = search.casefold()
    chosen = (
        (option, label)
        for option, label in zip(checkpoint.options, checkpoint.labels, strict=True)
        if not wanted or wanted in option.id.casefold() or wanted in option.label.casefold()
    )
    return [_option(*known, checkpoint, cutter) for known in islice(chosen, offset, offset + OPTIONS)]


def _option(option: CheckpointOption, label: str, checkpoint: Checkpoint, cutter: Cutter) -> OptionRow:
    name = option.action or option.id
    row: OptionRow = {
        "id": reference(option.id),
        "label": cutter("options", label, NAME),
        "description": cutter("options", option.description, SENTENCE),
        "is_default": option.is_default or option.id == checkpoint.default_action,
        "destructive": bool(_DESTRUCTIVE.match(name)),
        "modifies": bool(_MODIFIES.match(name)),
    }
    if is_irreversible(option):
        row["asks_twice"] = True
    return row


def answered(state: RunState, checkpoint: str, option: str) -> tuple[str, str]:
    """Return the ids for references of the page: the question's and the option's."""
    checkpoint_id = referred(checkpoint, state.checkpoints)
    known = state.checkpoints.get(checkpoint_id)
    return checkpoint_id, referred(option, () if known is None else (offered.id for offered in known.options))


def _named(option: str | None) -> str | None:
    return None if option is None else reference(option)


def _context(context: dict[str, Any], cutter: Cutter, *, modifies: bool) -> Context:
    """Return the parts of a checkpoint's context that have a place on the card, the rest as JSON text."""
    shown: Context = {}
    rest = dict(context)
    if isinstance(context.get("spec"), str):
        shown["spec"] = cutter("context.spec", rest.pop("spec"), SPEC)
    if isinstance(context.get("changes"), list):
        shown["changes"] = _changes(rest.pop("changes"), cutter)
    cost = context.get("cost")
    if isinstance(cost, (int, float)) and not isinstance(cost, bool):
        shown["cost"] = number(rest.pop("cost"), 6)
    if isinstance(context.get("risk"), str):
        shown["risk"] = cutter("context.risk", rest.pop("risk"), SENTENCE)
    template = next((name for name in _TEMPLATES if modifies and isinstance(rest.get(name), (dict, list))), None)
    if template is not None:
        shown["template"] = cutter.raw("context.template", _json(rest.pop(template)), PROSE)
    # As JSON, a text of several lines (a diff, a plan) would be one line full of \n.
    names = [name for name, value in rest.items() if isinstance(value, str) and "\n" in value.strip()]
    if names:
        shown["texts"] = [
            {"name": short(name), "text": cutter("context.texts", rest.pop(name), PROSE)} for name in names[:_TEXTS]
        ]
    if rest:
        shown["other"] = cutter.raw("context.other", _json(rest), PROSE)
    return shown


def _changes(changes: list[Any], cutter: Cutter) -> list[str]:
    """Return the changes as texts: all of them, or as many as keep the row short."""
    shown: list[str] = []
    for at, change in enumerate(changes):
        text = _change(change)
        if not cutter.whole and (at >= _CHANGES or cutter.is_full):
            cutter.leave("context.changes", 1 + text.count("\n"), len(text))
        else:
            shown.append(cutter("context.changes", text, SPEC) or "")
    return shown


def _change(change: Any) -> str:
    """Return a change as text: a line, or ``action path`` with its diff or the beginning of the new file below it."""
    if isinstance(change, str):
        return change
    if not isinstance(change, Mapping):
        return _json(change)
    body = next((change[name] for name in _BODIES if isinstance(change.get(name), str) and change[name]), None)
    path = next((change[name] for name in _PATHS if change.get(name)), None)
    action = next((change[name] for name in _ACTIONS if change.get(name)), None)
    named: str | None = None
    if isinstance(path, str) and (action is None or isinstance(action, str)):
        named = f"{action} {path}" if action else path
    if body is not None:
        says_it = named is None or (action is None and named in body.partition("@@")[0])
        return str(body) if says_it else f"{named}\n{body}"
    return named or escaped(json.dumps(change, ensure_ascii=False, default=str))


def _json(value: Any) -> str:
    return escaped(json.dumps(value, indent=2, ensure_ascii=False, default=str))
