"""Size, kind and language of a file that was made, by its name and place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["described"]

_LANGUAGES = {
    "bash": "sh bash",
    "c": "c h",
    "cpp": "cc cpp cxx hpp",
    "css": "css scss",
    "csv": "csv tsv",
    "go": "go",
    "html": "html htm",
    "java": "java",
    "javascript": "js mjs cjs jsx",
    "json": "json jsonl ipynb",
    "julia": "jl",
    "kotlin": "kt",
    "markdown": "md",
    "python": "py pyi",
    "r": "r rmd",
    "ruby": "rb",
    "rust": "rs",
    "sql": "sql",
    "swift": "swift",
    "text": "txt log",
    "toml": "toml",
    "typescript": "ts tsx",
    "xml": "xml svg",
    "yaml": "yaml yml",
}
_BY_ENDING = {ending: language for language, endings in _LANGUAGES.items() for ending in endings.split()}


def described(
    path: str | os.PathLike[str],
    *,
    size: int | None,
    type: str | None,  # noqa: A002 - the wire's name
    language: str | None,
) -> dict[str, Any]:
    """Return a file as the data of its event; its size and kind are looked up where it is there."""
    text = os.fspath(path)
    try:
        found = Path(text).stat()
    except (OSError, ValueError):
        found = None
    is_folder = found is not None and Path(text).is_dir()
    return {
        "path": text,
        "size": size if size is not None or found is None or is_folder else found.st_size,
        "type": type or ("directory" if is_folder else "file"),
        "language": language or _BY_ENDING.get(Path(text).suffix.lower().removeprefix(".")),
    }
