from __future__ import annotations

import pytest

from runconsole.events import CheckpointOption
from runconsole.view.irreversible import is_irreversible


@pytest.mark.parametrize(
    "option",
    [
        CheckpointOption("abort", "Abort"),
        CheckpointOption("1", "Cancel the run"),
        CheckpointOption("delete_branch", "Go"),
        CheckpointOption("deleteBranch", "Go"),
        CheckpointOption("x", "Drop table users"),
        CheckpointOption("x", "Discard all changes"),
        CheckpointOption("x", "Stop and terminate workers"),
        CheckpointOption("x", "Roll back"),
        CheckpointOption("rollback", "Back"),
        CheckpointOption("x", "Force-push"),
        CheckpointOption("x", "Yes", action="purge"),
        CheckpointOption("x", "Approve, deleting the old files"),
    ],
)
def test_options_that_end_or_remove_something_are_recognized(option: CheckpointOption) -> None:
    assert is_irreversible(option)


@pytest.mark.parametrize(
    "option",
    [
        CheckpointOption("reject", "Reject"),
        CheckpointOption("deny", "Deny"),
        CheckpointOption("skip", "Skip"),
        CheckpointOption("stop", "Stop here"),
        CheckpointOption("keep", "Do not delete"),
        CheckpointOption("keep", "Don't drop the table"),
        CheckpointOption("keep", "Continue without deleting anything"),
        CheckpointOption("x", "Open the dropdown"),
        CheckpointOption("x", "A skillful plan"),
        CheckpointOption("approve", "Approve"),
    ],
)
def test_refusals_and_other_words_are_not(option: CheckpointOption) -> None:
    assert not is_irreversible(option)
