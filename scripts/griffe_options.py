"""For the reference of the documentation: the groups of options in a docstring become lists.

`help(Console)` groups the options under headings such as ``Options to follow:``, one ``name: text`` each. Docstring
readers know only one section of parameters and would join the options of a group into one paragraph.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_GROUP = re.compile(r"^(Options to [\w ]+):\n((?: {4}.*\n|\n)+)", re.MULTILINE)
_OPTION = re.compile(r"^ {4}(\w+): ", re.MULTILINE)


# Without Griffe, which only `make docs` needs, its class is of no known type.
class OptionGroups(griffe.Extension):  # type: ignore[misc,unused-ignore]
    """Writes each group as a heading in bold and a list of its options."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Rewrite the docstring of a class that has such groups."""
        if cls.docstring is not None and _GROUP.search(cls.docstring.value + "\n"):
            cls.docstring.value = grouped(cls.docstring.value + "\n")


def grouped(docstring: str) -> str:
    """Return a docstring with lists in the place of groups."""

    def listed(group: re.Match[str]) -> str:
        return f"**{group[1]}**\n\n" + _OPTION.sub(r"- `\1`: ", group[2])

    return _GROUP.sub(listed, docstring)
