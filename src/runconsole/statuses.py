"""The servers' words for a task's status."""

from __future__ import annotations

import re

from runconsole.events import TaskStatus

__all__ = ["STATUS_OF", "read_status", "unknown_status"]

_STATUS_WORDS = {
    TaskStatus.PENDING: (
        "pending queued created waiting scheduled ready not_started idle enqueued submitted accepted received"
        " registered new todo open late none no_status requested init initial initialized backlog planned to_do"
    ),
    TaskStatus.RUNNING: (
        "running in_progress started active processing executing retrying resumed progress working busy ongoing"
        " starting up_for_retry up_for_reschedule awaiting_retry retry restarting rescheduled cancelling canceling"
        " container_creating pod_initializing doing continued_as_new pausing stopping finishing streaming in_flight"
    ),
    TaskStatus.PAUSED: (
        "paused suspended blocked on_hold waiting_hitl awaiting_hitl hitl_required deferred interrupted halted frozen"
        " input_required requires_action awaiting_input awaiting_approval waiting_for_approval waiting_approval"
        " pending_approval action_required requires_input needs_input"
    ),
    TaskStatus.COMPLETED: (
        "completed complete success succeeded successful done finished passed ok cached closed resolved neutral"
    ),
    TaskStatus.FAILED: (
        "failed failure error errored timeout timed_out crashed killed expired upstream_failed dead broken exception"
        " unhealthy lost fault faulted rejected oom_killed crash_loop_back_off image_pull_back_off err_image_pull"
        " startup_failure evicted invalid not_ok unsuccessful dead_letter fatal deadline_exceeded preempted rolled_back"
    ),
    TaskStatus.CANCELLED: "cancelled canceled aborted stopped terminated revoked removed deleted discarded abandoned",
    TaskStatus.SKIPPED: "skipped skip ignored omitted not_run bypassed not_applicable stale",
}
STATUS_OF: dict[str | None, TaskStatus] = {
    word: status for status, words in _STATUS_WORDS.items() for word in words.split()
}
"""The console's word for each of theirs in its usual spelling; `read_status` knows the other spellings, too."""


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PREFIX = re.compile(r"^(?:(?:task|run|job|workflow|execution|step|state|status|ti)[._])+")
_OTHER = re.compile(r"[^a-z0-9.]+")
_LONGEST = 100


def read_status(word: object) -> TaskStatus | None:
    """Return the console's word for a server's, or None for an unknown one.

    The server's word may be in camelCase, kebab-case or upper case, and have the name of its enumeration before it
    (``WORKFLOW_EXECUTION_STATUS_TIMED_OUT``).
    """
    if not isinstance(word, str):
        return None
    known = STATUS_OF.get(word)
    if known is not None or len(word) > _LONGEST:
        return known
    plain = (_OTHER.sub("_", text.lower()).strip("_.") for text in (word, _HUMP.sub("_", word)))
    found = (STATUS_OF.get(text) or STATUS_OF.get(_PREFIX.sub("", text)) for text in plain)
    return next((status for status in found if status is not None), None)


def unknown_status(word: object) -> str | None:
    """Return an unknown status word as the server spells it; None for a known one, or none at all."""
    if not isinstance(word, str) or not word.strip() or len(word) > _LONGEST or read_status(word) is not None:
        return None
    return word.strip()
