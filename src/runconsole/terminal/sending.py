"""Answers from a terminal: sent while its screen goes on."""

from __future__ import annotations

import queue
import threading

from runconsole.api.run import RunAPI
from runconsole.errors import RunConsoleError
from runconsole.events import Answer
from runconsole.view.screen import clean

__all__ = ["AnswerSender"]

_LONGEST = 500


class AnswerSender:
    """Sends answers, each on a thread of its own, and keeps their outcomes until they are asked for."""

    def __init__(self) -> None:
        self._news: queue.SimpleQueue[str] = queue.SimpleQueue()

    def send(self, console: RunAPI, checkpoint_id: str, answer: Answer[str], run_name: str = "") -> None:
        """Send an answer; returns at once. `run_name` stands before its outcome, where there are several runs."""
        # A daemon: Ctrl-C must not wait for the server's reply.
        threading.Thread(
            target=self._send, args=[console, checkpoint_id, answer, run_name], name="runconsole-answer", daemon=True
        ).start()

    def _send(self, console: RunAPI, checkpoint_id: str, answer: Answer[str], run_name: str) -> None:
        try:
            console.decide(checkpoint_id, answer)
        except (RunConsoleError, ValueError) as error:
            self._news.put(clean(f"{run_name}: {error}", _LONGEST) if run_name else clean(error))
        else:
            named = f"Answered {run_name}" if run_name else "Answered"
            self._news.put(f"{named}: {clean(answer.option)}. The server has it.")

    def news(self) -> str | None:
        """Return the outcome of the last answer, once."""
        news = None
        while not self._news.empty():
            news = self._news.get()
        return news
