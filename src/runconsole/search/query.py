"""The question of a page to a log: the wanted rows, and the test of rows for it.

Patterns are RE2's (by way of Arrow): their time is linear in the text whatever the pattern, and Python's threads run on
meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from runconsole.errors import InvalidArgument

if TYPE_CHECKING:
    from runconsole.search.matches import Columns, Mask, Part

__all__ = ["LogQuery", "Search", "labels_of", "tasks_like"]

LONGEST = 1000
"""Characters of a searched text."""
_ERRORS = r"\b(error|exception|traceback|fatal|panic|panicked|critical|failed|failure)\b"
_NO_ERRORS = r"\b(0|no|without) (error|exception|failed|failure)"
_HEARTBEATS = r"(^|[._:-])(heart[_-]?beat|keep[_-]?alive|health[_-]?check|ping|pong|hb)s?$"
"""As `HEARTBEATS` of `js/src/tabs/events.tsx`."""


class LogQuery(msgspec.Struct, frozen=True):
    """The lines of the output, or the events, that a page wants. Empty fields choose everything."""

    text: str = ""
    """A part of a line, in any case; of an event a part of its type, task or payload."""
    regex: bool = False
    """`text` is a regular expression (RE2)."""
    errors: bool = False
    """Lines of stderr, or that look like an error: of several in a row the first."""
    task: str = ""
    """The id of a task, its label, or a part of either."""
    stream: str = ""
    types: Annotated[tuple[str, ...], list[str]] = ()
    """Only events of these types."""
    heartbeats: bool = False
    """Heartbeats, too, where no types are given."""

    @property
    def is_all(self) -> bool:
        """True if the query chooses every line of output."""
        return not (self.text or self.errors or self.task or self.stream)

    def and_text(self, text: str, *, regex: bool, errors: bool) -> LogQuery:
        """Return the query for those of its rows that match a text, too."""
        return msgspec.structs.replace(self, text=text, regex=regex, errors=errors)


class Search:
    """The test of a log's parts for a query.

    Args:
        query: the query.
        tasks: the ids of its tasks; None for any task.
        fields: the columns of text in which its text may be.

    Raises:
        InvalidArgument: the text is too long, or no regular expression.
    """

    def __init__(self, query: LogQuery, tasks: Collection[str] | None, fields: Collection[str]) -> None:
        if len(query.text) > LONGEST:
            raise InvalidArgument(f"expected a text of at most {LONGEST:,} characters, got {len(query.text):,}")
        self.query = query
        self.tasks = None if tasks is None else frozenset(tasks)
        self._fields = fields
        if query.regex:
            _check_pattern(query.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Search) and (self.query, self.tasks) == (other.query, other.tasks)

    def __hash__(self) -> int:
        return hash((self.query, self.tasks))

    def narrows(self, other: Search) -> bool:
        """Return whether every row that this one chooses is also chosen by another, as far as can be told."""
        mine, its = self.query, other.query
        same = msgspec.structs.replace(mine, text=its.text) == its and self.tasks == other.tasks
        return same and not (mine.regex or mine.errors) and its.text in mine.text

    def chosen(self, part: Part) -> Mask:
        """Return for each row of a part whether it is chosen; of errors in a row every one."""
        import numpy as np

        query, found = self.query, np.ones(part.size, bool)
        if query.is_all and "type" not in self._fields:
            return found
        columns = part.open()
        if self.tasks is not None:
            found &= columns.among("task_id", self.tasks)
        if query.stream:
            found &= columns.among("stream", {query.stream})
        if query.types:
            found &= columns.among("type", set(query.types))
        elif "type" in self._fields and not query.heartbeats:
            found &= ~_matching(columns.texts("type"), _HEARTBEATS)
        if query.text and found.any():
            found &= self._has_text(columns, part.size)
        if query.errors and found.any():
            found &= columns.among("stream", {"stderr"}) | _looks_bad(columns.texts("text"))
        return found

    def _has_text(self, columns: Columns, size: int) -> Mask:
        import numpy as np

        found = np.zeros(size, bool)
        for field in self._fields:
            found |= _matching(columns.texts(field), self.query.text, regex=self.query.regex)
        return found


def _looks_bad(texts: Any) -> Mask:
    return _matching(texts, _ERRORS) & ~_matching(texts, _NO_ERRORS)


def _matching(texts: Any, pattern: str, *, regex: bool = True) -> Mask:
    import numpy as np
    import pyarrow.compute as pc

    match = pc.match_substring_regex if regex else pc.match_substring
    found: Mask = np.asarray(
        match(texts, pattern, ignore_case=True).fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003 - Arrow's
    )
    return found


def _check_pattern(pattern: str) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern, ignore_case=True)
    except pa.ArrowInvalid as error:
        problem = str(error).removeprefix("Invalid regular expression: ").partition("\n")[0]
        raise InvalidArgument(f"expected a regular expression: {problem}") from None


def labels_of(tasks: Iterable[str], names: Mapping[str, str | None]) -> dict[str, str]:
    """Return the label of each task by its id: its name and its id."""
    return {task: f"{names[task]} · {task}" if names.get(task) not in {None, "", task} else task for task in tasks}


def tasks_like(text: str, labels: Mapping[str, str]) -> list[str]:
    """Return the ids of the tasks that a text means: the one of this id or label, else those that it is a part of."""
    if text in labels:
        return [text]
    exact = [task for task, label in labels.items() if label == text]
    wanted = text.casefold().strip()
    return exact or [task for task, label in labels.items() if wanted in label.casefold()]
