"""The door for decisions: checks the answer, hands it to the session, and follows what becomes of it."""

from __future__ import annotations

import concurrent.futures
import json
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from msgspec import structs

from runconsole.actions import action_of
from runconsole.clock import now_micros
from runconsole.engine.feed import Sender
from runconsole.engine.outcome import Outcome
from runconsole.engine.watchers import Watchers
from runconsole.errors import DecisionUnknown, InvalidArgument, NotConnected
from runconsole.events import Answer, CheckpointOption, DecisionRequested, DecisionTurnedDown
from runconsole.forms.answers import fitting
from runconsole.requests.decisions import decided_answer
from runconsole.state import WITHDRAWN, Checkpoint, Decision, RunState
from runconsole.store import Runs
from runconsole.text.unicode import encodable_value
from runconsole.values import plain_argument

__all__ = ["Decider", "answer_as_policy"]

_STOPPED = "the console is stopped: call start() first; nothing was sent"
_PATIENCE = 5.0


def _named(checkpoint: Any, option: Any) -> tuple[str, Any]:
    """Return the id of a question and the answer to it, whatever stands for them. Raises InvalidArgument."""
    checkpoint = getattr(checkpoint, "checkpoint_id", checkpoint)
    if not isinstance(checkpoint, str):
        raise InvalidArgument(
            f"expected the id of a checkpoint, or one of `pending`, got a {type(checkpoint).__name__}"
        )
    if isinstance(option, CheckpointOption):
        option = option.id
    return str(checkpoint), plain_argument("option", option)


def _chosen(checkpoint: Checkpoint, answer: Answer[Any]) -> tuple[CheckpointOption, Answer[str]]:
    """Return the option that was chosen, and the answer with its id. Raises InvalidArgument.

    The answer to a question without options is the words themselves.
    """
    if answer.decisions is not None:
        return _decided(checkpoint, answer)
    chosen, words = _option(checkpoint, answer)
    parts = {name: getattr(answer, name) for name in answer.__struct_fields__} | {"feedback": words}
    checked = Answer(**{name: encodable_value(value) for name, value in parts.items()} | {"option": chosen.id})
    return _decided(checkpoint, checked) if checkpoint.requests else (chosen, checked)


def _decided(checkpoint: Checkpoint, answer: Answer[Any]) -> tuple[CheckpointOption, Answer[str]]:
    """Return the option that an answer to a question about actions is, and the answer with a decision on each."""
    if not checkpoint.requests:
        raise InvalidArgument(
            f"expected decisions= for a question about actions, got {checkpoint.checkpoint_id!r}, which has no requests"
        )
    checked = decided_answer(checkpoint.requests, answer)
    chosen = checkpoint.option(checked.option)
    if chosen is None:
        raise InvalidArgument(f"expected one of the options of {checkpoint.checkpoint_id!r}, got {checked.option!r}")
    return chosen, checked


def _option(checkpoint: Checkpoint, answer: Answer[Any]) -> tuple[CheckpointOption, str | None]:
    """Return the option and the words beside it."""
    option, feedback = answer.option, answer.feedback
    chosen = checkpoint.option(option)
    if chosen is not None:
        return chosen, feedback
    name = repr(checkpoint.checkpoint_id)
    if checkpoint.offers == "text":
        words = next((words for words in (option, feedback) if isinstance(words, str) and words.strip()), None)
        if words is None and answer.modifications is not None:
            words = json.dumps(
                answer.modifications, ensure_ascii=False, default=str
            )  # for servers that read words alone
        if words is None:
            raise InvalidArgument(f"expected the answer to {name} in words or as modifications=, got {option!r}")
        return CheckpointOption(words, words), feedback or words
    if not checkpoint.options:
        why = checkpoint.options_note or "the server has told no options"
        raise InvalidArgument(f"expected a question with options to choose from, got {name}: {why}")
    alike = [offered.id for offered in checkpoint.options if offered.label == option]
    if len(alike) > 1:
        raise InvalidArgument(
            f"expected one option of {name}, got {option!r}, the label of several: pass one of {alike}"
        )
    offered = ", ".join(repr(offered.id) for offered in checkpoint.options)
    raise InvalidArgument(f"expected one of the options of {name} ({offered}), got {option!r}")


_ANSWERER: ContextVar[str] = ContextVar("answerer", default="you")


def answer_as_policy() -> None:
    """Let the answers that are given in this context from now on count as those of a policy."""
    _ANSWERER.set("policy")


class Decider:
    """Takes answers from people and code, from any thread.

    Args:
        runs: returns what is asked: a question of the newest run comes before one of the same id of an earlier one.
        sender: returns what sends, None while the console is stopped.
        call_soon: runs a function on the I/O thread.
        watchers: the callbacks to run when a decision changes.
    """

    def __init__(
        self,
        runs: Callable[[], Runs],
        sender: Callable[[], Sender | None],
        call_soon: Callable[[Callable[[], object]], None],
        watchers: Watchers,
    ) -> None:
        self._runs = runs
        self._sender = sender
        self._call_soon = call_soon
        self._watchers = watchers

    def request(
        self,
        decision_id: str,
        checkpoint_id: str,
        answer: Answer[Any],
        *,
        by: str = "you",
    ) -> None:
        """Check an answer and apply it, on the I/O thread. Raises InvalidArgument, NotConnected."""
        decision_id, checkpoint_id, option = encodable_value((decision_id, checkpoint_id, answer.option))
        runs = self._runs()
        asking = runs.asking(checkpoint_id)
        if asking is None:
            known = ", ".join(repr(c.checkpoint_id) for c in runs.state.open_checkpoints) or "none is open"
            raise InvalidArgument(f"expected the id of a checkpoint of this run ({known}), got {checkpoint_id!r}")
        checkpoint = asking.state.checkpoints[checkpoint_id]
        chosen, checked = _chosen(checkpoint, structs.replace(answer, option=option))
        checked = fitting(checked, checkpoint.schema, None if checkpoint.offers == "text" else chosen)
        sender = self._sender()
        if sender is None:
            raise NotConnected(_STOPPED)
        action, meaning = chosen.action, None if checkpoint.offers == "text" else action_of(chosen)
        shares_action = action is not None and sum(option.action == action for option in checkpoint.options) > 1
        shares_meaning = meaning is not None and sum(action_of(o) == meaning for o in checkpoint.options) > 1
        sender.decide(
            DecisionRequested(
                now_micros(),
                decision_id,
                checkpoint_id,
                checked,
                action,
                by,
                shares_action,
                meaning,
                shares_meaning,
                chosen.value,
                checkpoint.command,
            )
        )

    def asks(self, state: RunState, checkpoint_id: str) -> bool:
        """Return whether an answer to a question of this id goes to this run."""
        asking = self._runs().asking(checkpoint_id)
        return asking is not None and asking.state is state

    def submit(
        self,
        checkpoint_id: str | Checkpoint,
        answer: Answer[Any],
        *,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Outcome:
        """Request a decision from any thread; return its outcome, a future.

        It is a person's answer, or a policy's after `answer_as_policy` in the same context.

        `is_wanted` is asked on the I/O thread, right before the decision is made; where it is not, nothing happens.
        """
        if self._sender() is None:
            raise NotConnected(_STOPPED)
        checkpoint_id, option = _named(checkpoint_id, answer.option)
        modifications = plain_argument("modifications", answer.modifications)
        answer = structs.replace(answer, option=option, modifications=modifications)
        if not isinstance(answer.feedback, str | None):
            raise InvalidArgument(f"expected feedback= to be a string, got a {type(answer.feedback).__name__}")
        outcome, by = Outcome(str(uuid.uuid4()), checkpoint_id), _ANSWERER.get()

        def look() -> bool:
            decision = self._runs().decision(outcome.decision_id)
            if decision is not None:
                outcome.resolve(decision)
            return outcome.future.done()

        def request() -> None:
            if not is_wanted():
                outcome.fail(NotConnected("nobody wants this answer any more: nothing was sent"))
                return
            try:
                self.request(outcome.decision_id, checkpoint_id, answer, by=by)
            except Exception as error:  # noqa: BLE001 - carried to the caller's thread
                outcome.fail(error)
            else:
                self._watchers.add_here(look)

        self._call_soon(request)
        return outcome

    def result(self, outcome: Outcome, timeout: float) -> Decision:
        """Return how a decision ended; give up after `timeout` seconds. Raises what `Outcome` holds."""
        try:
            return outcome.future.result(timeout)
        except TimeoutError:
            if outcome.future.done():
                raise
            return self.give_up(outcome, timeout)

    def give_up(self, outcome: Outcome, timeout: float) -> Decision:
        """Withdraw a decision that has not left yet; of one that has, say that its end is unknown."""
        done: concurrent.futures.Future[None] = concurrent.futures.Future()

        def withdraw() -> None:
            decision, sender = self._runs().decision(outcome.decision_id), self._sender()
            if decision is not None and decision.state == "queued" and sender is not None:
                # First: applying the withdrawal resolves an open outcome as a refusal.
                outcome.fail(NotConnected(f"there was no live link within {timeout:g} s: nothing was sent"))
                sender.apply(
                    DecisionTurnedDown(
                        now_micros(), outcome.decision_id, f"withdrawn: no link within {timeout:g} s", WITHDRAWN
                    )
                )
            outcome.fail(unknown)
            done.set_result(None)

        unknown = DecisionUnknown(
            f"no answer to the decision on {outcome.checkpoint_id!r} within {timeout:g} s: it may or may not count; see"
            " `decisions`",
            outcome.checkpoint_id,
        )
        self._call_soon(withdraw)
        try:
            done.result(_PATIENCE)
            return outcome.future.result(0)
        except TimeoutError:  # the I/O thread is busy with something that does not end
            raise unknown from None
