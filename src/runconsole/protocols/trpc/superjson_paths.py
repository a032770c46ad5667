"""The `meta` of superjson: the types of values by path, and the paths that hold the same object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Note", "read_notes", "share_equals", "write_path"]

_MOST_COPIES = 100_000
"""The number of values that may be filled in by reference: a few bytes of meta must not become gigabytes."""


class Note:
    """The notes of the meta on one value: its type, if it has one, and the notes on the values in it."""

    __slots__ = ("children", "kind")

    def __init__(self) -> None:
        self.kind: str | None = None
        self.children: dict[str, Note] = {}

    def at(self, path: list[str]) -> Note:
        """Return the note at a path below, made if it is missing."""
        note = self
        for key in path:
            note = note.children.setdefault(key, Note())
        return note

    def kinds(self) -> set[str]:
        """Return the types named here and below, typed arrays and other composites by their first word."""
        found = {self.kind.partition("/")[0]} if self.kind else set()
        return found.union(*(child.kinds() for child in self.children.values()))


def read_notes(meta: dict[str, Any]) -> Note:
    """Return the notes of `meta.values` as one tree, without unreadable ones."""
    root = Note()
    try:
        _read_tree(meta.get("values"), root, escaped=_is_escaped(meta))
    except RecursionError:
        return Note()
    return root


def _read_tree(tree: Any, note: Note, *, escaped: bool) -> None:
    """Read ``[type]``, ``[type, {path: tree}]`` or ``{path: tree}``."""
    children = tree
    if isinstance(tree, list):
        if not tree:
            return
        note.kind = _kind(tree[0])
        children = tree[1] if len(tree) > 1 else None
    if isinstance(children, dict):
        for text, child in children.items():
            path = _read_path(text, escaped=escaped)
            if path is not None:
                _read_tree(child, note.at(path), escaped=escaped)


def _kind(kind: Any) -> str | None:
    if isinstance(kind, list) and all(isinstance(word, str) for word in kind):
        return "/".join(kind)
    return kind if isinstance(kind, str) else None


def _is_escaped(meta: dict[str, Any]) -> bool:
    """Return whether a backslash in a path is written twice: since superjson 2.2.3, which marks it by ``"v": 1``."""
    version = meta.get("v")
    return isinstance(version, (int, float)) and version >= 1


def write_path(key: str) -> str:
    """Return a key as one step of a path, in the form of ``"v": 1``."""
    return key.replace("\\", "\\\\").replace(".", "\\.")


def _read_path(text: Any, *, escaped: bool) -> list[str] | None:
    """Return the keys of a path; None if a backslash stands before neither a dot nor a backslash."""
    if not isinstance(text, str):
        return None
    path = [""]
    letters = iter(text)
    for letter in letters:
        if letter == ".":
            path.append("")
        elif letter != "\\":
            path[-1] += letter
        elif not _read_escape(letters, path, escaped=escaped):
            return None
    return path


def _read_escape(letters: Iterator[str], path: list[str], *, escaped: bool) -> bool:
    """Read the character after a backslash. Old paths escape dots only, so another backslash is just itself."""
    following = next(letters, "")
    if following == "." or (escaped and following == "\\"):
        path[-1] += following
        return True
    if escaped:
        return False
    path[-1] += "\\"
    if following == "\\":
        return _read_escape(letters, path, escaped=escaped)
    path[-1] += following
    return True


# ---- equal references ----------------------------------------------------------------------------------------------


def share_equals(value: Any, meta: dict[str, Any], notes: Note) -> Any:
    """Fill the nulls that stand for an object written elsewhere, as superjson's `dedupe` leaves them.

    `value` is changed in place. A null that would make a value contain itself stays null, and so does everything past
    `_MOST_COPIES` filled-in values.
    """
    left = _MOST_COPIES
    escaped = _is_escaped(meta)
    for source, targets in _equal_paths(meta.get("referentialEqualities"), escaped=escaped):
        original, note = _find(value, source), notes.at(source)
        for target in targets:
            if not target or target[: len(source)] == source:
                continue
            parent = _find(value, target[:-1])
            if original is None or not _is_null(parent, target[-1]):
                continue
            size = _count(original, parent, left)
            if size is None:
                continue
            left -= size
            parent[int(target[-1]) if isinstance(parent, list) else target[-1]] = original
            notes.at(target[:-1]).children[target[-1]] = note
    return value


def _equal_paths(equalities: Any, *, escaped: bool) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield each written object's path with the other paths that hold it. The root's are skipped: they are circular."""
    if isinstance(equalities, list):
        equalities = equalities[1] if len(equalities) > 1 else None
    if not isinstance(equalities, dict):
        return
    for text, others in equalities.items():
        source = _read_path(text, escaped=escaped)
        if source is not None and isinstance(others, list):
            targets = (_read_path(other, escaped=escaped) for other in others)
            yield source, [target for target in targets if target is not None]


def _find(value: Any, path: list[str]) -> Any:
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _is_null(parent: Any, key: str) -> bool:
    if isinstance(parent, dict):
        return key in parent and parent[key] is None
    return isinstance(parent, list) and key.isdecimal() and int(key) < len(parent) and parent[int(key)] is None


def _count(value: Any, parent: Any, limit: int) -> int | None:
    """Return the number of values in `value`; None if `parent` is among them or they are more than `limit`."""
    count, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        count += 1
        if item is parent or count > limit:
            return None
        if isinstance(item, (dict, list)):
            waiting.extend(item.values() if isinstance(item, dict) else item)
    return count
