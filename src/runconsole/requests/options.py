"""The options of a question about actions: one for each decision that fits all of them, and one for the others."""

from __future__ import annotations

from collections.abc import Sequence

from runconsole.events import ActionDecision, ActionRequest, ActionVerb, CheckpointOption

__all__ = ["AT_ONCE", "DECIDE", "option_of", "options_of"]

DECIDE = "decide"
"""The id of the option that decides each of several actions by itself."""
AT_ONCE: tuple[ActionVerb, ...] = ("approve", "reject", "ignore")
"""Decisions that need nothing more, and can therefore be made on several actions at once."""
_ONE: dict[ActionVerb, CheckpointOption] = {
    "approve": CheckpointOption("approve", "Approve", action="approve"),
    "edit": CheckpointOption("edit", "Approve with changes", action="modify"),
    "respond": CheckpointOption("respond", "Respond", action="modify"),
    "reject": CheckpointOption("reject", "Reject", action="reject"),
    "ignore": CheckpointOption("ignore", "Ignore", action="skip"),
}
_ALL: dict[ActionVerb, CheckpointOption] = {
    "approve": CheckpointOption("approve", "Approve all", action="approve"),
    "reject": CheckpointOption("reject", "Reject all", action="reject"),
    "ignore": CheckpointOption("ignore", "Ignore all", action="skip"),
}
_EACH = CheckpointOption(DECIDE, "Decide each", action="modify")


def options_of(requests: Sequence[ActionRequest]) -> tuple[CheckpointOption, ...]:
    """Return the options of a question about these actions."""
    shared = [verb for verb in _ONE if all(verb in request.allowed for request in requests)]
    if len(requests) == 1:
        return tuple(_ONE[verb] for verb in shared)
    return (*(_ALL[verb] for verb in shared if verb in _ALL), _EACH)


def option_of(decisions: Sequence[ActionDecision]) -> str:
    """Return the id of the option that these decisions are."""
    verbs = {decision.type for decision in decisions}
    only = next(iter(verbs)) if len(verbs) == 1 else None
    return only if only is not None and (len(decisions) == 1 or only in AT_ONCE) else DECIDE
