"""The actions that an answer may mean, for servers that name their options freely."""

from __future__ import annotations

import re
from typing import Protocol

__all__ = ["ACTIONS", "action_of"]

ACTIONS = ("approve", "reject", "modify", "defer", "retry", "skip", "escalate")
"""Every action that a decision procedure of the task family takes."""

_WORDS = {
    "reject": (
        r"reject\w*|den(?:y|ied)|declin\w*|refus\w*|no|cancel\w*|abort\w*|stop\w*|discard\w*|disapprov\w*|rollback"
    ),
    "modify": r"modif\w*|edit\w*|chang\w*|revis\w*|adjust\w*|amend\w*",
    "defer": r"defer\w*|later|postpon\w*|wait\w*|snooz\w*",
    "retry": r"retry\w*|again|rerun\w*",
    "skip": r"skip\w*|ignor\w*",
    "escalate": r"escalat\w*",
}
_MEANINGS = [
    (action, re.compile(rf"(?:^|[\W_])(?:{words})(?:$|[\W_])", re.IGNORECASE)) for action, words in _WORDS.items()
]


class _Option(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def action(self) -> str | None: ...


def action_of(option: _Option) -> str:
    """Return the action of an option: the server's word, else the option's id, else a word of its id and label.

    An option without any of these words chooses something, and that approves it.
    """
    if option.action is not None:
        return option.action
    if option.id.lower() in ACTIONS:
        return option.id.lower()
    words = f"{option.id} {option.label}"
    return next((action for action, meaning in _MEANINGS if meaning.search(words)), "approve")
