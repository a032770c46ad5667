"""The reconnect policy of every wire: from a refused handshake, a close or an error to the next attempt.

The tables below judge a failure (`Verdict`). A `ReconnectPolicy` turns the verdict and the earlier failures into the
pause until the next attempt. `Reconnect` is the default of ``reconnect=``.

Giving up needs proof. A refusal from a server that has never served this client means a wrong token or address. The
same answer from a server that was live a moment ago may come from a gateway, or from a server that is starting.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

__all__ = [
    "AFRESH",
    "DENIED",
    "REFUSED",
    "RETRY",
    "STRANGE",
    "UNCLEAR",
    "UNTRUSTED",
    "LinkFailure",
    "Policy",
    "Reconnect",
    "ReconnectPolicy",
    "Verdict",
    "is_rate_limit",
    "is_refusal",
    "meaning",
    "of_close",
    "of_refusal",
    "of_status",
]

Verdict = Literal["retry", "doubt", "fatal"]
"""Try again; try again a bounded number of times; give up."""


class Policy(NamedTuple):
    """The verdicts on a failure of a server that has not served us yet (`first`), and of one that has (`later`)."""

    first: Verdict
    later: Verdict


class LinkFailure(NamedTuple):
    """A connection that could not be made, or that broke: the first argument of a reconnect policy.

    Attributes:
        reason: the failure, in one sentence without secrets.
        verdict: the judgement of runconsole's tables: ``"retry"``, ``"doubt"`` (it may be permanent: try a few times)
            or ``"fatal"`` (a new attempt cannot help).
        was_served: True if the server has accepted this console before.
        doubts: the number of doubtful failures since then, this one included.
        code: the WebSocket's close code or the HTTP status, where there was one.
        orderly: True if the server closed in good order.
    """

    reason: str
    verdict: Verdict
    was_served: bool = False
    doubts: int = 0
    code: int | None = None
    orderly: bool = False


ReconnectPolicy: TypeAlias = Callable[[LinkFailure, int], float | None]
"""A function of a failure and its number in the series of failures (from 1). It returns the seconds until the next
attempt, or None to give up. It is called on the I/O thread of runconsole, and must not block."""

_MOST_DOUBTS_FIRST = 4
"""Doubtful failures in a row of a server that has not served us yet."""
_MOST_DOUBTS_LATER = 6
"""Doubtful failures of a server that has: about 10 s at the usual pauses, enough for a gateway to restart."""


class Reconnect(Struct, frozen=True, kw_only=True):
    """The default reconnect policy: it gives up where a new attempt cannot help, else it waits longer each time.

    Attributes:
        first: seconds before the first new attempt; each further pause is twice as long.
        longest: seconds of the longest pause.
        jitter: the fraction by which a pause may be shortened at random, 0 to 1, so that clients do not retry in step.
        most: the largest number of new attempts in a row; None for any number.

    Raises ValueError for other values.
    """

    first: float = 0.5
    longest: float = 30.0
    jitter: float = 0.5
    most: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not _is_number(self.first, 0):
            raise ValueError(f"expected first= to be seconds, 0 or more, got {self.first!r}")
        if not _is_number(self.longest, self.first):
            raise ValueError(f"expected longest= to be seconds, `first` or more, got {self.longest!r}")
        if not _is_number(self.jitter, 0) or self.jitter > 1:
            raise ValueError(f"expected jitter= to be a part, 0 to 1, got {self.jitter!r}")
        if self.most is not None and (type(self.most) is not int or self.most < 0):
            raise ValueError(f"expected most= to be a whole number, 0 or more, got {self.most!r}")

    def __call__(self, failure: LinkFailure, attempt: int) -> float | None:
        """Return the seconds until the next attempt; None to give up."""
        most_doubts = _MOST_DOUBTS_LATER if failure.was_served else _MOST_DOUBTS_FIRST
        if failure.verdict == "fatal" or failure.doubts >= most_doubts:
            return None
        if self.most is not None and attempt > self.most:
            return None
        delay = min(self.longest, self.first * 2.0 ** min(attempt - 1, 30))
        return delay * (1 - self.jitter * random.random())  # noqa: S311 - no secret


def _is_number(value: object, least: float) -> bool:
    """Return whether a value is a finite number, `least` or more."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value < float("inf")


RETRY = Policy("retry", "retry")
STRANGE = Policy("doubt", "retry")
"""Another program answers: a wrong address, or a proxy while the server restarts."""
AFRESH = Policy("fatal", "retry")
"""A wrong address or request; from a server that was live, a restart."""
REFUSED = Policy("fatal", "doubt")
"""The server does not allow us in. A restarted gateway says so for a while, a revoked token for ever."""
UNTRUSTED = Policy("fatal", "doubt")
"""TLS failed. A gateway shows a certificate of its own while it restarts."""
UNCLEAR = Policy("doubt", "doubt")
DENIED = Policy("fatal", "fatal")
"""The server says in so many words that we are not allowed; or the given credentials can never be used."""

Meaning = Literal["refusal", "busy", "unclear"]
"""The meaning of words: we are not allowed; not now; both at once."""

_CREDENTIAL = r"(?:token|jwt|credentials?|api key|password|signature|secret)\b"
_BAD = (
    r"(?:invalid|expired|revoked|malformed|missing|unknown|incorrect|wrong|bad|required|rejected|mismatch|not valid)\b"
)
_REFUSAL = re.compile(
    r"unauthori[sz]ed|unauthenticated|authenticat(?:e|ed|ion)\b|forbidden|\bdenied\b|rejected by server"
    r"|\bnot (?:allowed|permitted|authori[sz]ed|logged in)\b"
    r"|\b(?:log|sign) ?in required\b|\b(?:must|please) (?:log|sign) in"
    r"|\bauth(?:ori[sz]ation)? (?:failed|failure|required|error)\b"
    r"|\binsufficient (?:permissions?|scopes?|privileges?|rights)\b"
    rf"|\b(?:no|{_BAD}) (?:\w+ ){{0,3}}{_CREDENTIAL}|\b{_CREDENTIAL} (?:\w+ ){{0,3}}{_BAD}"
)
_RATE_LIMIT = re.compile(
    r"rate.?limit|too many|throttl|quota|\bbucket\b|slow down|limit (?:reached|exceeded)|\bretry after\b|exhausted"
)
_BUSY = re.compile(
    _RATE_LIMIT.pattern + r"|try again|\bretry\b|\blater\b|temporar|unavailable|overload|\bbusy\b|restart"
    r"|shutting down|shutdown|maintenance|starting|not ready|backend|upstream|timed? ?out|\bdown\b|deploy"
)
_FIRM = re.compile(
    r"unauthori[sz]ed|forbidden|(?:invalid|expired|revoked) (?:\w+ ){0,3}token"
    r"|token (?:\w+ ){0,3}(?:invalid|expired|revoked)"
)
"""Refusals that stand despite a hint to try again."""
_SPELLING = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_NOT_ALLOWED_STATUSES = frozenset({401, 403, 407, 511})
_NOT_READY_STATUSES = frozenset({408, 425, 429})
_STRANGE_STATUSES = frozenset({404, 426})
_NOT_ALLOWED_CLOSES = frozenset({1008, 3000, 3003, 4001, 4003, 4401, 4403})
"""Policy violation; the registered codes for unauthorized and forbidden; those of servers of the channel protocol."""
_OWN_TROUBLE_CLOSES = frozenset({1001, 1006, 1012, 1013, 1014, 3008})
"""The server leaves, restarts, or is not ready, whatever reason it adds."""


def meaning(*said: object) -> Meaning | None:
    """Return the meaning of a server's words (a reason, a code's name) for our access; None without one."""
    text = _SPELLING.sub(" ", " ".join(_CAMEL.sub(" ", str(part)) for part in said if part is not None)).lower()
    refuses, busy = _REFUSAL.search(text), _BUSY.search(text)
    if refuses and busy:
        return "unclear" if _FIRM.search(text) and not _RATE_LIMIT.search(text) else "busy"
    return "refusal" if refuses else "busy" if busy else None


def is_refusal(*said: object) -> bool:
    """Return whether the words mean that we are not allowed."""
    return meaning(*said) == "refusal"


def is_rate_limit(text: str) -> bool:
    """Return whether the words name a rate limit: it passes after a while, with any code beside it."""
    return _RATE_LIMIT.search(_SPELLING.sub(" ", text).lower()) is not None


def of_status(status: int) -> Policy:
    """Return the policy for an HTTP status in place of a handshake."""
    if status in _NOT_ALLOWED_STATUSES:
        return REFUSED
    if status >= 500 or status in _NOT_READY_STATUSES:
        return RETRY
    return STRANGE if status in _STRANGE_STATUSES else AFRESH


def of_close(code: int, reason: str = "") -> Policy:
    """Return the policy for a connection that the server closed."""
    said = meaning(reason)
    if said == "busy" or code in _OWN_TROUBLE_CLOSES:
        return RETRY
    if said == "unclear":
        return UNCLEAR
    if code in _NOT_ALLOWED_CLOSES:
        return DENIED if said == "refusal" else REFUSED
    if said == "refusal":
        return REFUSED
    if 4400 <= code < 4600:
        policy = of_status(code - 4000)
        # The server is up: it has accepted the connection before it closed it.
        return UNCLEAR if policy in (STRANGE, AFRESH) else policy
    return RETRY


def of_refusal(*said: object, status: int | None = None) -> Policy:
    """Return the policy for the words, and perhaps an HTTP status, of a server's refusal."""
    said_so = meaning(*said)
    if status in _NOT_ALLOWED_STATUSES and said_so != "busy":
        said_so = said_so or "refusal"
    return {"refusal": REFUSED, "unclear": UNCLEAR}.get(said_so or "", RETRY)
