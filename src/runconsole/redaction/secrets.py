"""Secrets: a type that shows none, and the one rule that hides them in all text that is shown or kept.

A server may repeat a secret in any spelling: escaped as in JSON, quoted as in a URL or in HTML, in base64 or hex.

A secret that may also be a word of the server stays visible in the server's text: hiding it would destroy the run. It
is hidden where a name identifies it, and as a whole value of our own frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Self, TypeVar

import msgspec
from msgspec import Struct

from runconsole.events import DecisionRequested, Fact, Received
from runconsole.redaction import spellings

__all__ = ["HIDDEN", "NO_SECRETS", "Redactor", "Secret", "bare"]

HIDDEN: Final = "***"
_SHORT = 8
"""Characters; shorter secrets cannot be told apart from the words of a run."""

_SHORTEST_WORD = 4
_STRING = re.compile(r'"[^"\\\s]{1,200}"')
"""A string of JSON that may be an id."""
_MOST_IDS = 10_000
_NEVER = re.compile(r"(?!)")

T_co = TypeVar("T_co", covariant=True)


class Secret(Generic[T_co]):
    """A value that no repr, log, traceback with locals or pickle shows. `reveal` returns it: call it at the socket."""

    __slots__ = ("reveal",)
    reveal: Callable[[], T_co]

    def __init__(self, value: T_co | Secret[T_co]) -> None:
        # A closure: tools that list attributes (rich, cgitb, debuggers) show a function.
        self.reveal = value.reveal if isinstance(value, Secret) else lambda: value

    def __repr__(self) -> str:
        return f"Secret({HIDDEN!r})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, _spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and bool(self.reveal() == other.reveal())

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled: pass it anew")


def bare(value: Any) -> Any:
    """Return the value itself, unwrapped if it is in a `Secret`."""
    return value.reveal() if isinstance(value, Secret) else value


_LINE_WORDS = (  # noqa: SIM905 - a list of names reads best as words
    "runconsole version protocol url started_at continues content protocol_options transformer rooms task execution"
    " title token_budget cost_limit expected_artifacts prices at direction link frame base64 ops fact take wire closed"
    " connected finished type payload timestamp id seq offset correlation_id task_id reading run"
).split()


def _vocabulary() -> frozenset[str]:
    """Return the names in a recording's own lines, and in most events of a server."""
    from runconsole import events

    kinds = {
        name: kind
        for name, kind in vars(events).items()
        if isinstance(kind, type) and issubclass(kind, (Fact, Received)) and kind is not Fact
    }
    fields = (name for kind in kinds.values() for name in kind.__struct_fields__)
    return frozenset(word.lower() for word in (*kinds, *fields, *events.Answer.__struct_fields__, *_LINE_WORDS))


VOCABULARY = _vocabulary()

_NAMES = ("token", "secret", "passw", "apikey", "api_key", "authorization", "credential", "jwt", "bearer ")
_TELLING = r"(?:token|secret|passw|api_?key|authorization|credential|jwt)"
"""Part of a name whose value is a secret."""
_NAMED = re.compile(rf'("[^"]*{_TELLING}[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)

_WORDS = frozenset({"reason", "notice", "text", "message", "feedback", "modifications"})
"""Fields of our own facts that hold free text."""


class Redactor:
    """Replaces each of some secrets by `HIDDEN`, in every spelling of `spellings`.

    An ambiguous secret (shorter than eight characters, or a word of `VOCABULARY`) is found only under a name like
    ``token``, behind ``Bearer`` (in base64, too), and as a whole value of our own frames.

    A text without a secret costs one search for each of a few `needles`; patterns are compiled when one is found.
    """

    def __init__(self, secrets: Iterable[str | Secret[str]] = ()) -> None:
        given = {secret for secret in map(bare, secrets) if secret}
        distinct = {secret for secret in given if _is_distinct(secret)}
        self._common = given - distinct
        self._distinct = distinct
        self.distinct = Secret(tuple(distinct))
        """The unambiguous secrets."""
        self._bearers = {f"Bearer {secret}" for secret in self._common}
        found = [spellings.needles(secret) for secret in distinct]
        found += [spellings.needles(bearer, only_coded=True) or [] for bearer in self._bearers]
        known = dict.fromkeys(needle for needles in found for needle in needles or ())
        self._needles = tuple((spellings.rarest(needle), needle) for needle in known)
        self._is_escapable = bool(distinct)
        self._always = any(needles is None for needles in found)
        self._spelled: list[spellings.Spelled] | None = None
        self._named_common: re.Pattern[str] | None = None
        self._as_value: re.Pattern[str] | None = None
        self._as_word: re.Pattern[str] | None = None
        self._ids: dict[str, str] = {}
        self.is_needed = bool(given)
        """True if there is any secret to hide."""

    # ---- whether ----------------------------------------------------------------------------------------------------

    def may_hold(self, text: str) -> bool:
        """Return whether a text may hold a secret: False is certain, and cheap."""
        if not self.is_needed:
            return False
        for letter, needle in self._needles:
            if letter in text and needle in text:
                return True
        if self._is_escapable and (
            ("\\" in text and spellings.ESCAPED.search(text)) or ("%" in text and spellings.QUOTED.search(text))
        ):
            return True
        if self._always:
            return True
        return any(secret in text for secret in self._common) and any(name in text.lower() for name in _NAMES)

    def may_hold_any(self, frames: Sequence[str | bytes]) -> bool:
        """Return whether any of some frames may hold a secret. One search over all is cheaper than one over each."""
        if not self.is_needed:
            return False
        try:
            return self.may_hold(frames[0] if len(frames) == 1 else "\n".join(frames))  # type: ignore[arg-type]
        except TypeError:  # bytes among them
            return any(self.may_hold(_text(frame)) for frame in frames)

    # ---- hiding -----------------------------------------------------------------------------------------------------

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of secrets in a text, in order and disjoint."""
        if not self.may_hold(text):
            return []
        if self._spelled is None:
            self._spelled = [spellings.compiled(secret) for secret in self._distinct]
            self._spelled += [spellings.compiled(bearer, only_coded=True) for bearer in self._bearers]
        if self._named_common is None and self._common:
            self._named_common = re.compile(_named_pattern(_either_common(self._common)))
        found = [span for spelled in self._spelled for span in spelled.spans(text)]
        if self._named_common is not None:
            found += [(match.end(1), match.end()) for match in self._named_common.finditer(text)]
        return _apart(found)

    def hide(self, text: str) -> str:
        """Return a text, of the server or ours, without the unambiguous secrets."""
        return replaced(text, self.spans(text))

    def hide_said(self, text: str) -> str:
        """Return a sentence about the link or an answer as `hide` does, and without ambiguous secrets."""
        text = self.hide(text)
        if self._as_word is None:
            numbers = {secret for secret in self._distinct if secret.isdecimal()}
            known = _longest_first(self._common | numbers)
            words = [re.escape(secret) for secret in known if len(secret) >= _SHORTEST_WORD]
            self._as_word = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") if words else _NEVER
        return self._as_word.sub(HIDDEN, text)

    def hide_line(self, line: bytes) -> bytes:
        """Return bytes, UTF-8 as far as they are text, as `hide` does."""
        text = line.decode("utf-8", "surrogateescape") if self.is_needed else ""
        spans = self.spans(text)
        return replaced(text, spans).encode("utf-8", "surrogateescape") if spans else line

    def hide_sent(self, frame: str) -> str:
        """Return a frame of ours without secrets, and without any value under a name like ``token``."""
        frame = self.hide(frame)
        if self._common:
            if self._as_value is None:
                self._as_value = re.compile(_value_pattern(_either_common(self._common)))
            frame = self._as_value.sub(HIDDEN, frame)
        return _NAMED.sub(rf'\1"{HIDDEN}"', frame)

    def hide_frame(self, frame: str | bytes) -> str | bytes:
        """Return a frame of the server as `hide` does; one in UTF-8 becomes text."""
        try:
            text = frame if isinstance(frame, str) else frame.decode()
        except UnicodeDecodeError:
            return self.hide_line(frame)  # type: ignore[arg-type]  # only bytes are decoded
        hidden = self.hide(text)
        self.note(text, hidden)
        return hidden

    def note(self, frame: str, hidden: str) -> None:
        """Remember the ids of a frame that hold a secret: an answer to them must use the server's spelling."""
        if hidden == frame:
            return
        for before, after in zip(_STRING.findall(frame), _STRING.findall(hidden), strict=False):
            is_id = after not in {before, f'"{HIDDEN}"'} and self.hide(before) == after
            if is_id and len(self._ids) < _MOST_IDS:
                self._ids[after] = before if self._ids.get(after, before) == before else after

    def name(self, frame: str) -> str:
        """Return an outgoing frame with ids in the server's spelling."""
        if not self._ids or HIDDEN not in frame:
            return frame
        return _STRING.sub(lambda match: self._ids.get(match[0], match[0]), frame)

    def hide_event(self, event: Received) -> Received:
        """Return an event with its payload as `hide` does; its fact was redacted when it came."""
        payload = self.hide(event.payload)
        return event if payload is event.payload else msgspec.structs.replace(event, payload=payload)

    def hide_fact(self, fact: F) -> F:
        """Return a fact of our own with its free text as `hide` does."""
        if not self.is_needed:
            return fact
        if isinstance(fact, Received):
            inner = self.hide_fact(fact.fact)
            return fact if inner is fact.fact else msgspec.structs.replace(fact, fact=inner)
        words = {name: getattr(fact, name) for name in fact.__struct_fields__ if name in _WORDS}
        hidden = {name: self.hide_in(value, self.hide_said) for name, value in words.items()}
        if isinstance(fact, DecisionRequested):
            words, hidden = words | {"answer": fact.answer}, hidden | {"answer": self.hide_fact(fact.answer)}
        return fact if hidden == words else msgspec.structs.replace(fact, **hidden)

    def hide_in(self, value: Any, hide: Callable[[str], str] | None = None) -> Any:
        """Return a value made of dicts, lists and texts with every text in it as `hide` does."""
        hide = hide or self.hide
        if isinstance(value, str):
            return hide(value)
        if isinstance(value, Mapping):
            return {self.hide_in(key, hide): self.hide_in(member, hide) for key, member in value.items()}
        if type(value) in {list, tuple}:
            return type(value)(self.hide_in(member, hide) for member in value)
        return value


F = TypeVar("F", bound=Struct)

NO_SECRETS = Redactor()


def replaced(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return a text with `HIDDEN` in the place of each span."""
    if not spans:
        return text
    parts, end = [], 0
    for begin, until in spans:
        parts += [text[end:begin], HIDDEN]
        end = until
    return "".join([*parts, text[end:]])


def unreplaced(text: str, spans: Sequence[tuple[int, int]], begin: int, end: int) -> str:
    """Return the original text at `begin` to `end` of the result of `replaced`."""

    def place(hidden: int) -> int:
        shift = 0
        for first, until in spans:
            if first + len(HIDDEN) > hidden + shift:
                break
            shift += until - first - len(HIDDEN)
        return hidden + shift

    return text[place(begin) : place(end)]


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in order, overlapping ones merged."""
    apart: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if apart and begin < apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((begin, end))
    return apart


def _text(frame: str | bytes) -> str:
    return frame if isinstance(frame, str) else frame.decode("utf-8", "surrogateescape")


def _is_distinct(secret: str) -> bool:
    return len(secret) >= _SHORT and not any(secret.lower() in word for word in VOCABULARY)


def _longest_first(secrets: Iterable[str]) -> list[str]:
    return sorted(secrets, key=len, reverse=True)


def _either_common(secrets: Iterable[str]) -> str:
    forms = {form for secret in secrets for form in spellings.plain_forms(secret)}
    return "|".join(map(re.escape, _longest_first(forms)))


def _named_pattern(forms: str) -> str:
    return rf'(?i:({_TELLING}[\w-]*(?:\\?"\s*:\s*\\?"|=)(?:Bearer )?|\bBearer ))(?:{forms})(?=[\s\\"&]|$)'


def _value_pattern(forms: str) -> str:
    return rf'(?:(?<=["=])|(?<=Bearer ))(?:{forms})(?=\\?["&]|$)(?!\\?"\s*:)'
