"""The action of an option, for servers that name their options freely."""

from __future__ import annotations

import pytest

from runconsole.actions import action_of
from runconsole.events import CheckpointOption


@pytest.mark.parametrize(
    ("option", "action"),
    [
        (CheckpointOption("postgresql", "PostgreSQL", action="approve"), "approve"),
        (CheckpointOption("x", "No", action="escalate"), "escalate"),
        (CheckpointOption("Reject", "Go on"), "reject"),
        (CheckpointOption("opt-2", "No, stop here"), "reject"),
        (CheckpointOption("reject_all", "All of it"), "reject"),
        (CheckpointOption("opt-3", "Edit the plan"), "modify"),
        (CheckpointOption("later", "Ask me tomorrow"), "defer"),
        (CheckpointOption("opt-4", "Try again"), "retry"),
        (CheckpointOption("mongodb", "MongoDB"), "approve"),
        (CheckpointOption("notify", "Notify the team"), "approve"),
    ],
)
def test_an_option_means_an_action(option: CheckpointOption, action: str) -> None:
    assert action_of(option) == action
