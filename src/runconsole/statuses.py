"""What servers call a task's status."""

from __future__ import annotations

from runconsole.events import TaskStatus

__all__ = ["STATUS_OF", "read_status"]

_STATUS_WORDS = {
    TaskStatus.PENDING: "pending queued created waiting scheduled ready not_started idle",
    TaskStatus.RUNNING: "running in_progress started active processing executing retrying resumed",
    TaskStatus.PAUSED: "paused suspended blocked on_hold waiting_hitl awaiting_hitl hitl_required",
    TaskStatus.COMPLETED: "completed complete success succeeded successful done finished passed ok",
    TaskStatus.FAILED: "failed failure error errored timeout timed_out",
    TaskStatus.CANCELLED: "cancelled canceled aborted stopped terminated",
    TaskStatus.SKIPPED: "skipped skip",
}
STATUS_OF: dict[str | None, TaskStatus] = {
    word: status for status, words in _STATUS_WORDS.items() for word in words.split()
}
"""The console's word for each of theirs, spelled as usual; `read_status` knows the other spellings, too."""


def read_status(word: object) -> TaskStatus | None:
    """Return the console's word for a server's, or None where it says nothing known."""
    if not isinstance(word, str):
        return None
    return STATUS_OF.get(word) or STATUS_OF.get(word.strip().lower().replace("-", "_").replace(" ", "_"))
