"""The results of a check: `Finding` and `CheckReport`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from runconsole.text.length import shortened
from runconsole.text.marks import marked

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CheckReport", "Finding", "Findings"]

Level = Literal["broken", "advice"]
_MOST_KINDS = 1_000
"""Kinds of findings that are told apart; further ones are counted together."""
_MOST_SHOWN = 120
_LAST = 2**63


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that events break, or advice.

    Attributes:
        rule: the short name of the promise.
        level: ``"broken"``, or ``"advice"`` for what the documents recommend.
        event: the number of the first event, from 1 in the order of the stream; None for the stream as a whole.
        type: the type of the event; None for the stream.
        expected: what was promised.
        got: what came at first.
        count: the number of events with the same finding.
    """

    rule: str
    level: Level
    event: int | None
    type: str | None
    expected: str
    got: str
    count: int = 1

    def __str__(self) -> str:
        place = "stream" if self.event is None else f"event {self.event}"
        kind = f" {self.type}" if self.type else ""
        more = f" ({self.count:,} times)" if self.count > 1 else ""
        return _line(f"{self.level}: {place}{kind}: {self.rule}: expected {self.expected}, got {self.got}{more}")


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of a check. Its text has one line a finding, broken promises first.

    Attributes:
        source: the address or file, without secrets.
        family: ``"execution"``, ``"tasks"``, ``"both"``, or ``"none"`` where no event belongs to one of them.
        events: the number of events.
        ended: True if the stream holds the end of its run.
        findings: all of them, broken promises first, each kind once.
        reason: the reason why the stream could not be checked to its end; None where it was. Without an end, what is
            missing there is no finding.
    """

    source: str
    family: str
    events: int
    ended: bool
    findings: tuple[Finding, ...]
    reason: str | None = None

    @property
    def is_whole(self) -> bool:
        """True if the stream was checked to its end."""
        return self.reason is None

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The broken promises."""
        return tuple(finding for finding in self.findings if finding.level == "broken")

    @property
    def ok(self) -> bool:
        """True if no promise is broken."""
        return not self.broken

    @property
    def frame(self) -> pd.DataFrame:
        """The findings as a DataFrame, a row each."""
        import pandas as pd

        return pd.DataFrame([asdict(finding) for finding in self.findings], columns=list(Finding.__dataclass_fields__))

    def to_json(self) -> str:
        """Return the report as JSON text."""
        whole: dict[str, Any] = {
            "source": self.source,
            "family": self.family,
            "events": self.events,
            "ended": self.ended,
            "whole": self.is_whole,
            "reason": self.reason,
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
        }
        return json.dumps(whole, ensure_ascii=True)

    def __str__(self) -> str:
        advice = len(self.findings) - len(self.broken)
        lines = [str(finding) for finding in self.findings]
        told = f"{len(self.broken)} broken promises, {advice} pieces of advice"
        verdict = told if self.findings else "every promise is kept"
        verdict += "" if self.is_whole else f"; it could not be checked to its end: {self.reason}"
        return "\n".join([*lines, _line(f"{self.source}: {self.events:,} events ({self.family}): {verdict}")])


class Findings:
    """Collects findings; the same one of many events is one, with their number."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Level, str | None, str], list[Any]] = {}

    def add(
        self,
        rule: str,
        expected: str,
        got: object,
        *,
        event: int | None = None,
        type: str | None = None,  # noqa: A002 - the event's
        level: Level = "broken",
    ) -> None:
        """Note a finding."""
        kind = None if type is None else _short(type)
        if (rule, level, kind, expected) not in self._found and len(self._found) >= _MOST_KINDS:
            kind = None
        known = self._found.setdefault((rule, level, kind, expected), [event, _short(got), 0])
        known[-1] += 1

    def all(self) -> tuple[Finding, ...]:
        """Return the findings, broken promises first, in the order of the stream; those of the stream itself last."""
        return tuple(sorted(self._findings(), key=lambda found: (found.level != "broken", found.event or _LAST)))

    def _findings(self) -> Iterator[Finding]:
        for (rule, level, kind, expected), (event, got, count) in self._found.items():
            yield Finding(rule, level, event, kind, expected, got, count)


def _line(text: str) -> str:
    """Return a text as one line: a line break in it would begin a finding that is none."""
    return marked(text).replace("\n", "␊").replace("\t", "␉")


def _short(got: object) -> str:
    return shortened(got if isinstance(got, str) else repr(got), _MOST_SHOWN)
