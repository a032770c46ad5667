"""Decisions as procedures of tRPC: the task family has two for them, and a server has one of these or both.

``checkpoints.resolve`` takes an action alone, and silently drops all other input; ``checkpoints.decide`` takes the
action and the option's id. Where several options share an action, only the latter can tell them apart.
"""

from __future__ import annotations

from typing import Any, Final

from runconsole.errors import RunConsoleError
from runconsole.events import DecisionRequested
from runconsole.protocols.trpc.calls import decision_call

__all__ = ["DECIDE", "RESOLVE", "AnswerUnclear", "Dialect", "is_missing"]

RESOLVE: Final = "checkpoints.resolve"
DECIDE: Final = "checkpoints.decide"
_TAKES = {
    RESOLVE: ("approve", "reject", "modify", "defer"),
    DECIDE: ("approve", "reject", "modify", "retry", "skip", "escalate"),
}


class AnswerUnclear(RunConsoleError):
    """The server has no procedure that could take this answer. Nothing was sent."""


class Dialect:
    """The decision procedures of one server, as far as they are known."""

    def __init__(self) -> None:
        self._missing: set[str] = set()

    def choose(self, decision: DecisionRequested, named: str | None = None) -> tuple[str, dict[str, Any]]:
        """Return the procedure and its input. Raises AnswerUnclear where none can take the answer.

        `named`: the user's procedure; None chooses by the answer.
        """
        if named is not None and named not in _TAKES:
            return decision_call(named, decision)
        preferred = named or (RESOLVE if _is_plain(decision) else DECIDE)
        others = [path for path in _TAKES if path != preferred]
        known = [path for path in (preferred, *others) if path not in self._missing]
        if not known:
            raise AnswerUnclear(f"the server has neither {RESOLVE} nor {DECIDE}: name its procedure with decide=")
        for path in known:
            if _takes(path, decision):
                return path, _input(path, decision)
        raise AnswerUnclear(_why_not(known, decision))

    def note_missing(self, path: str) -> bool:
        """Remember that the server lacks a procedure; return whether another one may take its place."""
        if path not in _TAKES:
            return False
        self._missing.add(path)
        return self._missing != _TAKES.keys()


def is_missing(code: str, message: str) -> bool:
    """Return whether an error means that there is no such procedure: then nothing was done."""
    return code == "NOT_FOUND" and "procedure" in message.lower() and "path" in message.lower()


def _is_plain(decision: DecisionRequested) -> bool:
    """Return whether the action alone identifies the chosen option."""
    return _action(decision) == decision.option and not _is_shared(decision)


def _is_shared(decision: DecisionRequested) -> bool:
    return decision.shares_action or decision.shares_meaning


def _action(decision: DecisionRequested) -> str:
    return decision.action or decision.meaning or decision.option


def _takes(path: str, decision: DecisionRequested) -> bool:
    """Return whether a procedure takes the answer. An action in neither list is left to the server to judge."""
    action = _action(decision)
    is_known = any(action in actions for actions in _TAKES.values())
    return (action in _TAKES[path] or not is_known) and not (path == RESOLVE and _is_shared(decision))


def _input(path: str, decision: DecisionRequested) -> dict[str, Any]:
    action = _action(decision)
    chosen = {"decision": action} if path == RESOLVE else {"action": action, "selectedOption": decision.sent_value}
    return {"checkpointId": decision.checkpoint_id, **chosen, **decision.answer.details()}


def _why_not(known: list[str], decision: DecisionRequested) -> str:
    action = _action(decision)
    if known == [RESOLVE] and _is_shared(decision):
        return (
            f"the server takes only {RESOLVE}, which cannot tell {decision.option!r} from the other options that mean"
            f" {action!r}: nothing was sent; answer at the server, or name its procedure with decide="
        )
    taken = sorted({name for path in known for name in _TAKES[path]})
    return f"the server takes {', '.join(taken)}, not {action!r}: nothing was sent"
