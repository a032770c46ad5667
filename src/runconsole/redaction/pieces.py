"""Secrets in many pieces: text that a server streams word by word, each piece too short to recognize a secret.

Of a secret in two pieces, one holds at least half, which `Redactor` hides. In more pieces none may. So the pieces of
one stream are searched as one text here, and from half of the secret on its letters are hidden.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from msgspec import structs

from runconsole.events import Received, TaskOutput
from runconsole.redaction.secrets import HIDDEN, Redactor

__all__ = ["Seams"]

_MOST_STREAMS = 1000
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class Seams:
    """The ends of output streams, as far as a secret may begin there."""

    def __init__(self, redactor: Redactor) -> None:
        self._secrets = redactor.distinct
        self._letters = frozenset(letter for secret in self._secrets.reveal() for letter in secret[:-1])
        self._ends: dict[tuple[Any, ...], str] = {}

    def join(self, signals: Sequence[Any], frame: str | bytes) -> tuple[Sequence[Any], str | bytes]:
        """Return the signals of a frame, and the frame, without the completion of any secret.

        Most are returned unchanged.
        """
        for place, signal in enumerate(signals):
            if signal.__class__ is not Received or signal.fact.__class__ is not TaskOutput:
                continue
            joined = self.join_one(signal)
            if joined is not signal:
                signals = [*signals[:place], joined, *signals[place + 1 :]]
                if isinstance(frame, str):
                    frame = _reworded(frame, signal.fact.text, joined.fact.text)  # type: ignore[attr-defined]
        return signals, frame

    def join_one(self, event: Received) -> Received:
        """Return a piece of output without the completion of any secret, in its payload as well."""
        fact: TaskOutput = event.fact  # type: ignore[assignment]  # the caller has looked
        key = fact.task_id, fact.stream, fact.worker_id, fact.agent_id
        if not fact.text or (key not in self._ends and fact.text[-1] not in self._letters):
            return event
        text = self._hide(key, fact.text)
        if text == fact.text:
            return event
        payload = _reworded(event.payload, fact.text, text)
        return structs.replace(event, fact=structs.replace(fact, text=text), payload=payload)

    def _hide(self, key: tuple[Any, ...], text: str) -> str:
        before = self._ends.pop(key, "")
        joined = before + text
        end = ""
        for secret in self._secrets.reveal():
            found = joined.find(secret)
            if found >= 0:
                text = joined[len(before) : max(found, len(before))] + HIDDEN + joined[found + len(secret) :]
                continue
            known = _beginning(joined, secret)
            end = max(end, known, key=len)
            if 2 * len(known) >= len(secret):
                text = text[: max(0, len(text) - len(known))] + HIDDEN
        if end and len(self._ends) < _MOST_STREAMS:
            self._ends[key] = end
        return text


def _beginning(text: str, secret: str) -> str:
    """Return the longest proper prefix of a secret that a text ends with."""
    last = text[-1]
    lengths = (size for size in range(min(len(secret) - 1, len(text)), 0, -1) if secret[size - 1] == last)
    return next((secret[:size] for size in lengths if text.endswith(secret[:size])), "")


def _reworded(frame: str, before: str, after: str) -> str:
    """Return JSON text with one of its strings replaced."""

    def reword(match: re.Match[str]) -> str:
        try:
            return json.dumps(after) if json.loads(match[0]) == before else match[0]
        except ValueError:
            return match[0]

    return _STRING.sub(reword, frame)
