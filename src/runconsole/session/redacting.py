"""Reading frames that may hold a secret: what they mean is without it, and payloads stay as they came."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from runconsole.events import Micros, Received
from runconsole.protocols.base import Signal, Wire
from runconsole.redaction.secrets import Redactor, replaced, unreplaced

__all__ = ["redacting"]

Read = Callable[[str | bytes, Micros], Sequence[Signal]]


def redacting(redactor: Redactor, wire: Wire) -> Read:
    """Return what stands in for a wire's `receive`: the wire reads frames without secrets.

    So everything that is made of a frame (rows, questions, answers, refusals) is without them. The payloads of its
    events, for the log alone, are put back byte for byte where they are a piece of the frame; else they stay hidden.
    """

    def read(frame: str | bytes, at: Micros) -> Sequence[Signal]:
        text = frame if isinstance(frame, str) else frame.decode("utf-8", "surrogateescape")
        spans = redactor.spans(text)
        if not spans:
            return wire.receive(frame, at)
        hidden = replaced(text, spans)
        redactor.note(text, hidden)
        signals = wire.receive(hidden if isinstance(frame, str) else hidden.encode("utf-8", "surrogateescape"), at)
        restored: list[Signal] = []
        place = 0
        for signal in signals:
            found = hidden.find(signal.payload, place) if isinstance(signal, Received) else -1
            if found < 0 or not isinstance(signal, Received):
                restored.append(signal)
                continue
            place = found + len(signal.payload)
            restored.append(structs.replace(signal, payload=unreplaced(text, spans, found, place)))
        return restored

    return read
