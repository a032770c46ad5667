"""Options of a question that, by the server's own words, end or remove something for good."""

from __future__ import annotations

import re

from runconsole.events import CheckpointOption

__all__ = ["is_irreversible"]

_STEMS = (
    "abort|cancel|delet|destroy|discard|drop|eras|kill|overwrit|purg|remov|revok|terminat|truncat|uninstall|wip",
    r"force[\W_]+push|roll(?:ed|s|ing)?[\W_]*back|shut(?:s|ting)?[\W_]*down|hard[\W_]+reset",
)
_ENDINGS = "(?:e|es|ed|ing|ion|s|t|l?led|l?ling|p?ped|p?ping|ten|ate|ated)?"
_DENIALS = r"(?<!\bnot )(?<!n't )(?<!n\u2019t )(?<!\bnever )(?<!\bno )(?<!without )"
_WORDS = re.compile(rf"{_DENIALS}(?<![^\W_])(?:(?:{_STEMS[0]}){_ENDINGS}|{_STEMS[1]})(?![^\W_])")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def is_irreversible(option: CheckpointOption) -> bool:
    """Return whether the id, the label or the action of an option says that it ends or removes something for good.

    A plain refusal does not: the server asks again, or goes another way.
    """
    named = (option.id, option.label, option.action or "")
    return any(_WORDS.search(_HUMP.sub(" ", text).casefold()) for text in named)
