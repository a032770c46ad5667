"""The link's states and times, and what was lost and came back, as rows of `links`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from runconsole.events import LinkChanged, LinkStatus, Micros
from runconsole.session.pace import Pace
from runconsole.store.gaps import Gaps
from runconsole.store.scope import Scope

__all__ = ["LinkLog"]

_FINAL = frozenset({"ended", "failed", "stopped"})
_LONGEST_RETURN = 30.0
"""Seconds after which a reconnect is reported, even while more of the past still comes."""


class LinkLog:
    """Keeps the link's times, and returns each change of it as facts to apply.

    Args:
        now: this machine's clock.
        gaps: knows which events are missing.
        pace: timeouts and intervals.
        gone_since: the time at which a console last had a link to the same run; 0 is never.
        scope: counts the events that are left out as another run's; None leaves out none.

    Attributes:
        status: the newest.
        is_live: True while the link is there.
        was_live: True once it was there.
        is_afresh: True where the next connection is like a first one.
        lasted_s: seconds for which the link was there, the last time.
    """

    def __init__(
        self, now: Callable[[], Micros], gaps: Gaps, *, pace: Pace, gone_since: Micros = 0, scope: Scope | None = None
    ) -> None:
        self._now = now
        self._gaps = gaps
        self._pace = pace
        self._scope = scope
        self.status: LinkStatus = "connecting"
        self.is_live = False
        self.was_live = False
        self.is_afresh = False
        self.lasted_s = 0.0
        self._live_since: Micros = 0
        self._lost_at = gone_since
        self._gone_s = 0.0
        self._recovered = 0

    def change(
        self,
        status: LinkStatus,
        *,
        attempt: int = 0,
        reason: str | None = None,
        notice: str | None = None,
        delay: float | None = None,
        interrupted: bool | None = None,
    ) -> list[LinkChanged]:
        """Note a change of the link; return it, after what has not been reported yet where nothing more comes.

        `delay` is the time until the next attempt, in seconds.
        """
        before, self.status = self.status, status
        changes: list[LinkChanged] = []
        if status in _FINAL and before not in _FINAL:
            # After the end the server may still bring what it has overtaken.
            changes += self._report(before, self._recent if status == "ended" else None)
        at = self._now()
        retry_at = None if delay is None else at + round(delay * 1e6)
        changes.append(
            LinkChanged(at, status, attempt, reason, retry_at=retry_at, notice=notice, interrupted=interrupted)
        )
        return changes

    def live(self) -> str | None:
        """Note that the link is there; return how to say so after a reconnect."""
        self._live_since = self._now()
        is_back = self._lost_at > 0 and not self.is_afresh
        self.is_afresh, self.is_live, self.was_live = False, True, True
        if not is_back:
            return None
        self._gone_s = (self._live_since - self._lost_at) / 1e6
        return f"reconnected after {_seconds(self._gone_s)}"

    def forget(self) -> None:
        """Note that the connection so far brought nothing, and the next one is the first."""
        self.is_afresh = True

    def went_down(self) -> None:
        """Note that the link is not there."""
        if self.is_live:
            self.lasted_s = self.age_s
            self._lost_at = self._now()
        self.is_live = False

    @property
    def age_s(self) -> float:
        """Seconds the link has been there; 0 while it is not."""
        return (self._now() - self._live_since) / 1e6 if self.is_live else 0.0

    def tick(self) -> list[LinkChanged]:
        """Return what a reconnect brought back and what it did not, a moment after it; and gaps whenever they show."""
        recovered, self._recovered = self._recovered, self._gaps.recovered
        if not self.is_live or self.status in _FINAL:
            return []
        if self._gaps.is_back:
            comes_more = self._gaps.recovered > recovered and self.age_s < _LONGEST_RETURN
            if self.age_s < self._pace.catching_up or comes_more:
                return []
        return list(self._report(self.status, self._recent))

    def close(self) -> list[LinkChanged]:
        """Return what is still to be reported: nothing more comes."""
        return list(self._report(self.status, None))

    @property
    def _recent(self) -> Micros:
        """Since when what is missing may have been merely overtaken, and still come."""
        return self._now() - round(self._pace.linger * 1e6)

    def _report(self, status: LinkStatus, before: Micros | None) -> Iterator[LinkChanged]:
        """Give what is known of lost events, if that is new, beside the link's present status."""
        notice = None if self._scope is None else self._scope.report(is_over=before is None)
        if notice is not None:
            yield LinkChanged(self._now(), status, 0, notice, notice=notice)
        losses = self._gaps.report(before)
        if losses is None:
            return
        when = f"reconnected after {_seconds(self._gone_s)}: " if losses.is_back and self.is_live else ""
        yield LinkChanged(
            self._now(),
            status,
            0,
            None,
            losses.missed,
            losses.recovered,
            notice=when + losses.words,
            filled=losses.filled or None,
        )


def _seconds(gone: float) -> str:
    return f"{gone:.0f} s" if gone >= 1 else "a moment"
