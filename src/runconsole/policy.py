"""Answers by code: a function that is asked about each checkpoint, for runs without a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from runconsole.clock import now_micros
from runconsole.deciding import Decider
from runconsole.errors import InvalidArgument
from runconsole.events import Alert, Received
from runconsole.state import Checkpoint, RunState

__all__ = ["Answer", "Policy"]

Answer = str | tuple[str, str] | Mapping[str, Any] | None
"""An option; an option with feedback; a mapping with `option`, `feedback`, `modifications`; None: people decide."""


class Policy:
    """Asks `decide` about each checkpoint once, in a thread of its own: it may take its time.

    What it raises is an alert in the panel and never ends the run; the checkpoint stays open for people.
    """

    def __init__(
        self,
        decide: Callable[[Checkpoint], Answer],
        state: RunState,
        decider: Decider,
        report: Callable[[Received], None],
    ) -> None:
        self._decide = decide
        self._state = state
        self._decider = decider
        self._report = report
        self._asked: set[str] = set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="runconsole-policy")

    def look(self) -> None:
        """Ask about what is newly open. On the I/O thread."""
        for checkpoint in self._state.open_checkpoints:
            if checkpoint.checkpoint_id not in self._asked:
                self._asked.add(checkpoint.checkpoint_id)
                self._pool.submit(self._ask, checkpoint)

    def close(self) -> None:
        """Ask no more. A question being asked is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, checkpoint: Checkpoint) -> None:
        try:
            answer = _read(self._decide(checkpoint))
            if answer is not None:
                option, feedback, modifications = answer
                outcome = self._decider.submit(checkpoint.checkpoint_id, option, feedback, modifications, by="policy")
                self._decider.result(outcome, 60.0)
        except Exception as error:  # noqa: BLE001 - said in the panel: a policy never ends a run
            text = f"on_checkpoint failed for {checkpoint.checkpoint_id!r} ({type(error).__name__}: {error})"
            self._report(Received("on_checkpoint", Alert("error", text), "", now_micros()))


def _read(answer: Any) -> tuple[str, str | None, Any] | None:
    match answer:
        case None:
            return None
        case str():
            return answer, None, None
        case (str() as option, str() | None as feedback):
            return option, feedback, None
        case {"option": str() as option}:
            return option, answer.get("feedback"), answer.get("modifications")
        case _:
            raise InvalidArgument(
                f"expected on_checkpoint to return an option, (option, feedback), a dict or None, got {answer!r}"
            )
