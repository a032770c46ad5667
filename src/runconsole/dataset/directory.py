"""A directory of runs on any file system: the places of a run's files, and the version of a run that counts.

A version of a run is written under new names, then its row appears among `runs`: from then on it counts, and the files
of the version before are removed. So a reader of this module sees a run whole, old or new, and a writer that dies
leaves the old one. On a local disk no reader of any kind sees a file before all of them are written: the files of a
killed writer have names that begin with a dot.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from runconsole.errors import InvalidArgument
from runconsole.text.unicode import encodable_value

__all__ = ["RunDirectory", "RunFile", "Version", "fitting", "is_fitting"]

RUNS = "runs"
_VERSION = r"(?P<number>\d{6,})-(?P<mark>[0-9a-f]{8})"
_ROW = re.compile(rf"run-(.+)-{_VERSION}\.parquet")
_FILE = re.compile(rf"{_VERSION}\.parquet")
_PART = re.compile(rf"\.{_VERSION}\.parquet\.part")
_LONGEST = 150  # bytes of a name in a path: file systems take 255, with the text around it
_NULL = "__HIVE_DEFAULT_PARTITION__"
_ABANDONED_S = 3600.0
_FEW = 1000
_SMALL: dict[str, Any] = {"compression": "snappy", "use_dictionary": False, "write_statistics": False}
"""For few rows: there are thousands of such files, and these open in half the time."""
_LARGE: dict[str, Any] = {"compression": "zstd", "row_group_size": 131_072}
_TRIES = 20
_NAMES = 1 << 16
"""The number of file names whose meaning is cached: a directory is listed again and again."""


class Version(NamedTuple):
    """One writing of a run: later ones have higher numbers; `mark` tells those apart that began at once."""

    number: int
    mark: str

    def __str__(self) -> str:
        return f"{self.number:06d}-{self.mark}"


class RunFile(NamedTuple):
    """A file of a run; `size` in bytes."""

    path: str
    execution: str
    version: Version
    size: int


def is_fitting(name: str) -> bool:
    """Return whether a text can be the value of a partition unchanged."""
    return 0 < len(_segment(name)) <= _LONGEST and name != _NULL


def fitting(name: str) -> str:
    """Return a text that can be the value of a partition: the same one, else its beginning and a digest."""
    if is_fitting(name):
        return name
    return f"{name[:12]}~{hashlib.sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()[:16]}"


def _segment(value: str) -> str:
    """Return a value as part of a path: percent-encoded as every reader of Hive partitions decodes it."""
    text = quote(value, safe="", errors="replace")
    return f"{text[:-1]}%2E" if text.endswith(".") else text  # Windows drops a last dot


class RunDirectory:
    """The directory, on its file system.

    Args:
        directory: a path, or any URL of `fsspec` (or of Arrow itself, if `fsspec` is not installed).
        storage_options: passed on to `fsspec`.

    Raises:
        InvalidArgument: it is no directory, or no installed package can open such a URL.
    """

    def __init__(self, directory: str | os.PathLike[str], storage_options: Mapping[str, Any] | None = None) -> None:
        self.fs, self.root, self._fsspec = _resolve(directory, storage_options)
        self.shown = _shown(os.fspath(directory))
        self.is_local = isinstance(self.fs, pafs.LocalFileSystem)
        self._begun: list[tuple[str, str]] = []
        """Written files that have not got their names yet."""
        self._former: list[str] = []
        """The files of the versions before the one that is being written."""

    # ---- reading ------------------------------------------------------------------------------------------------

    def kind(self) -> pafs.FileType:
        """Return the type of the path: a directory, a file, or nothing."""
        self._look_afresh()
        return self.fs.get_file_info(self.root).type

    def names(self) -> set[str]:
        """Return the names in the directory."""
        selector = pafs.FileSelector(self.root, allow_not_found=True)
        return {info.base_name for info in self.fs.get_file_info(selector)}

    def rows(self) -> dict[str, RunFile]:
        """Return the file with the row of each run, of the version that counts."""
        newest: dict[str, RunFile] = {}
        # Twice: during a listing, the old row may vanish before it is reached, and the new one appear behind.
        for held in (*self._all_rows(), *self._all_rows()):
            known = newest.get(held.execution)
            if known is None or held.version > known.version:
                newest[held.execution] = held
        return newest

    def _all_rows(self) -> Iterator[RunFile]:
        for info in self._list(RUNS, recursive=False):
            named = _row_named(info.base_name) if info.type is pafs.FileType.File else None
            if named is not None:
                yield RunFile(info.path, *named, info.size or 0)

    def files(self, frame: str, executions: Iterable[str] | None = None) -> list[RunFile]:
        """Return the counting files of a frame, of these runs or of all, run by run.

        A run that is replaced meanwhile is returned whole, old or new.
        """
        wanted = None if executions is None else set(executions)
        rows, found = self.rows(), self._candidates(frame, wanted)
        for _ in range(_TRIES):
            now = self.rows()
            moved = {name for name in rows.keys() | now.keys() if _version_in(rows, name) != _version_in(now, name)}
            if wanted is not None:
                moved &= wanted
            if not moved:
                return [held for held in found if _version_in(now, held.execution) == held.version]
            kept = [held for held in found if held.execution not in moved]
            rows, found = now, sorted([*kept, *self._candidates(frame, moved)])
        raise InvalidArgument(
            f"expected runs that stay for a moment, got {self.shown} rewritten all the time: try again"
        )

    def _candidates(self, frame: str, executions: Iterable[str] | None) -> list[RunFile]:
        """Return the files of every version, in the order of their paths."""
        folders = [frame] if executions is None else [_folder(frame, name) for name in executions]
        return sorted(held for folder in folders for held in self._held(frame, folder))

    def _held(self, frame: str, folder: str) -> Iterator[RunFile]:
        depth = len(f"{self.root}/{frame}/")
        for info in self._list(folder, recursive=True):
            parts = info.path[depth:].split("/")
            version = _version_named(parts[-1])
            if version and len(parts) > 1 and parts[0].startswith("execution=") and info.type is pafs.FileType.File:
                execution = unquote(parts[0].removeprefix("execution="))
                yield RunFile(info.path, execution, version, info.size or 0)

    def _list(self, folder: str, *, recursive: bool) -> list[pafs.FileInfo]:
        self._look_afresh()
        selector = pafs.FileSelector(f"{self.root}/{folder}", allow_not_found=True, recursive=recursive)
        found: list[pafs.FileInfo] = self.fs.get_file_info(selector)
        return found

    def _look_afresh(self) -> None:
        if self._fsspec is not None:
            self._fsspec.invalidate_cache()

    # ---- writing ------------------------------------------------------------------------------------------------

    def next_version(self, execution: str, frames: Iterable[str]) -> Version:
        """Return a version later than every one of this run, including those that never counted."""
        known = [held for held in self._all_rows() if held.execution == execution]
        for frame in frames:
            known += self._held(frame, _folder(frame, execution))
        self._former = [held.path for held in known]
        return Version(max((held.version.number for held in known), default=0) + 1, secrets.token_hex(4))

    def write(self, frame: str, execution: str, version: Version, table: pa.Table, type_: str | None = None) -> None:
        """Write one file of a version that does not count yet."""
        folder = _folder(frame, execution) + ("" if type_ is None else f"/type={_segment(type_)}")
        self._put(folder, f"{version}.parquet", table)

    def commit(self, execution: str, version: Version, row: pa.Table) -> None:
        """Let the written version count: name its files, its row among `runs` last; remove the older ones."""
        self._put(RUNS, f"run-{_segment(execution)}-{version}.parquet", row)
        self._name()
        self._remove(self._former)

    def _name(self) -> None:
        while self._begun:
            os.replace(*self._begun.pop(0))  # noqa: PTH105 - Arrow's paths are text

    def _put(self, folder: str, name: str, table: pa.Table) -> None:
        path = f"{self.root}/{folder}"
        self.fs.create_dir(path, recursive=True)
        # An object appears when it is complete; a file exists from its first byte, so it gets its name at the end.
        begun = f"{path}/.{name}.part" if self.is_local else f"{path}/{name}"
        pq.write_table(table, begun, filesystem=self.fs, **(_SMALL if table.num_rows <= _FEW else _LARGE))
        if self.is_local:
            self._begun.append((begun, f"{path}/{name}"))

    def sweep(self, execution: str, frames: Iterable[str]) -> None:
        """Remove the files of a run that do not count: versions before the newest, and the rest of dead writers."""
        rows = [held for held in self._all_rows() if held.execution == execution]
        newest = max((held.version for held in rows), default=Version(0, ""))
        self._remove(held.path for held in rows if held.version < newest)
        for frame in frames:
            for info in self._list(_folder(frame, execution), recursive=True):
                match = _FILE.fullmatch(info.base_name)
                if match is None:
                    outdated = _PART.fullmatch(info.base_name) is not None and _is_abandoned(info)
                else:
                    version = _version(match)
                    outdated = version < newest or (version > newest and _is_abandoned(info))
                if outdated:
                    self._remove([info.path])

    def runs_of_files(self, frames: Iterable[str]) -> set[str]:
        """Return the runs that have files, including those that do not count."""
        return {held.execution for frame in frames for held in self._held(frame, frame)}

    def drop(self, execution: str, frames: Iterable[str]) -> None:
        """Remove a run: its row first, so that it stops counting."""
        self._remove(held.path for held in self._all_rows() if held.execution == execution)
        for frame in frames:
            self._remove(held.path for held in self._held(frame, _folder(frame, execution)))

    def _remove(self, paths: Iterable[str]) -> None:
        for path in list(paths):
            try:
                self.fs.delete_file(path)
            except (FileNotFoundError, PermissionError):  # another writer removed it; Windows: a reader has it open
                continue


def _folder(frame: str, execution: str) -> str:
    return f"{frame}/execution={_segment(execution)}"


@lru_cache(_NAMES)
def _row_named(name: str) -> tuple[str, Version] | None:
    """Return the run and version of a row's file, by its name."""
    match = _ROW.fullmatch(name)
    return None if match is None else (unquote(match[1]), _version(match))


@lru_cache(_NAMES)
def _version_named(name: str) -> Version | None:
    match = _FILE.fullmatch(name)
    return None if match is None else _version(match)


def _version(match: re.Match[str]) -> Version:
    return Version(int(match["number"]), match["mark"])


def _version_in(rows: Mapping[str, RunFile], execution: str) -> Version | None:
    return rows[execution].version if execution in rows else None


def _is_abandoned(info: pafs.FileInfo) -> bool:
    return info.mtime is not None and time.time() - info.mtime.timestamp() > _ABANDONED_S


def _shown(text: str) -> str:
    from runconsole.transports.address import shown_address

    return shown_address(text) if "://" in text else text


def _resolve(directory: str | os.PathLike[str], options: Mapping[str, Any] | None) -> tuple[Any, str, Any]:
    """Return the file system, the directory's path on it, and the fsspec file system behind it, if one is."""
    given: object = directory
    text = os.fspath(directory) if isinstance(given, (str, os.PathLike)) else ""
    if not text.strip():
        raise InvalidArgument(f"expected a directory or a URL, got {directory!r}: pass for example 'runs'")
    if encodable_value(text) != text:
        raise InvalidArgument(f"expected the name of a directory in UTF-8, which Arrow needs, got {text!r}")
    if "\0" in text:
        raise InvalidArgument(f"expected a directory or a URL, got {text[:_LONGEST]!r}, with a NUL in it")
    if "://" not in text:
        return pafs.LocalFileSystem(), Path(text).expanduser().absolute().as_posix(), None
    if text.startswith("file://"):
        fs, path = pafs.FileSystem.from_uri(quote(unquote(text), safe=":/"))
        return fs, path, None
    try:
        import fsspec

        found, path = fsspec.core.url_to_fs(text, **(options or {}))
    except (ImportError, ValueError) as error:
        return *_arrows_own(text, options, error), None
    return pafs.PyFileSystem(pafs.FSSpecHandler(found)), path.rstrip("/"), found


def _arrows_own(text: str, options: Mapping[str, Any] | None, error: Exception) -> tuple[Any, str]:
    """Open a URL that Arrow itself supports (S3, Google Cloud Storage, HDFS), if fsspec cannot."""
    package = "fsspec" if getattr(error, "name", None) == "fsspec" else "its package for fsspec"
    refusal = InvalidArgument(
        f"expected a URL that can be opened here, got {_shown(text)!r} ({error}): install {package},"
        " for example pip install fsspec s3fs"
    )
    if options:
        raise refusal from None
    try:
        fs, path = pafs.FileSystem.from_uri(text)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise refusal from None
    if not path.strip("/"):
        raise InvalidArgument(f"expected a URL with a bucket, got {_shown(text)!r}: pass for example s3://bucket/runs")
    return fs, path.rstrip("/")
