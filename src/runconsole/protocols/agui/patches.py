"""JSON documents that patches change (RFC 6902). A patch that does not apply leaves its document as it was."""

from __future__ import annotations

from typing import Any

import msgspec

from runconsole.errors import MissingPackage

__all__ = ["Document", "PatchFailed"]

_MOST_SHOWN = 200
_MOST_PATCHES = 256
"""Patches after which a document is saved anew."""


class PatchFailed(ValueError):
    """A patch cannot be applied."""


class Document:
    """A JSON value and its patches.

    A patch is applied in place, which costs as much as the patch and not as much as the document. Where it fails, the
    document is made again from its last saved text and the patches since.
    """

    def __init__(self, value: Any = None) -> None:
        self.value = value
        self._saved = msgspec.json.encode(value)
        self._since: list[bytes] = []

    def apply(self, patch: Any) -> None:
        """Apply a patch, or nothing of it. Raises PatchFailed, and MissingPackage where jsonpatch is missing."""
        try:
            import jsonpatch
            import jsonpointer
        except ImportError:
            raise MissingPackage(
                'expected the package jsonpatch, which is not installed: pip install "runconsole[agents]"'
            ) from None
        if not isinstance(patch, list):
            raise PatchFailed("it is no list")
        written = msgspec.json.encode(patch)  # the document takes parts of the patch over, and changes them later
        try:
            self.value = jsonpatch.apply_patch(self.value, patch, in_place=True)
        except (
            jsonpatch.JsonPatchException,
            jsonpointer.JsonPointerException,
            TypeError,
            ValueError,
            KeyError,
        ) as error:
            self._restore()
            what = f"it names {error}, which is not there" if isinstance(error, KeyError) else str(error)
            raise PatchFailed(what[:_MOST_SHOWN] or type(error).__name__) from None
        self._since.append(written)
        if len(self._since) >= _MOST_PATCHES:
            self._saved, self._since = msgspec.json.encode(self.value), []

    def _restore(self) -> None:
        import jsonpatch

        self.value = msgspec.json.decode(self._saved)
        for written in self._since:
            self.value = jsonpatch.apply_patch(self.value, msgspec.json.decode(written), in_place=True)
