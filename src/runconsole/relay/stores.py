"""The stores in which a relay keeps a run: a recording file, or a copy of one in Redis (`redis_store`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from runconsole.errors import InvalidArgument, RecordingError
from runconsole.options import Options
from runconsole.recording import Scan, check_recordable, home_path, scan_whole
from runconsole.redaction.secrets import Secret
from runconsole.replay import follows_same, goes_on, header_of

__all__ = ["FileStore", "Store", "check_run", "store_at"]


_REDIS = ("redis://", "rediss://", "unix://")


class Store(ABC):
    """Keeps the lines of a recording.

    Attributes:
        path: the file that the console of the relay records to.
        name: the store in words, without secrets.
        problem: the reason why nothing more can be kept; None while there is none.
    """

    path: Path
    name: str
    problem: str | None = None

    @abstractmethod
    def open(self) -> None:
        """Claim the store, and bring `path` up to date. Raises InvalidArgument, RecordingError."""

    @abstractmethod
    def keep(self, publish: Callable[[], None]) -> None:
        """Keep all that is in the file now; then call `publish`, on any thread. Does not wait."""

    @abstractmethod
    def close(self) -> None:
        """Keep the rest, and give the store back. Does nothing the second time."""


class FileStore(Store):
    """A recording file. The console that records to it locks it."""

    def __init__(self, path: Path) -> None:
        self.path = home_path(path)
        self.name = repr(str(path))

    def open(self) -> None:
        """Raise InvalidArgument where the file is no recording."""
        check_recordable(self.path)

    def keep(self, publish: Callable[[], None]) -> None:
        """Publish at once: what is in the file is kept."""
        publish()

    def close(self) -> None:
        """Do nothing: the console closes the file."""


def store_at(place: Secret[str], say: Callable[[str], None]) -> Store:
    """Return the store at a URL or path; `say` takes sentences about it. Raises InvalidArgument, MissingPackage."""
    text = place.reveal()
    if text.startswith(_REDIS):
        from runconsole.relay.redis_store import RedisStore

        return RedisStore(place, say)
    if "://" in text:
        kind = text.partition("://")[0][:12]
        raise InvalidArgument(f"expected --store to be redis://HOST:PORT or a file, got a URL of the kind {kind!r}")
    if not text.strip():
        raise InvalidArgument("expected --store to be redis://HOST:PORT or a file, got nothing")
    return FileStore(Path(text))


def check_run(store: Store, options: Options, now: int) -> bool:
    """Return whether an opened store holds a run that has ended.

    Raises InvalidArgument where it holds another run than that of `options`, RecordingError where nobody can go on
    with it.
    """
    try:
        found = _scanned(store.path)
    except OSError as error:
        raise RecordingError(f"cannot read the store {store.name} ({error.strerror or error})") from None
    if found.header is None:
        return False
    header = header_of(options, now)
    if not follows_same(found.header, header):
        raise InvalidArgument(
            f"expected a new store, or that of this run, got {store.name}, which holds the run at"
            f" {found.header.url}: choose another --store"
        )
    if not found.finished and not goes_on(found, header):
        raise RecordingError(f"cannot go on with {store.name}: it was saved by a console, without what was on the wire")
    return found.finished


def _scanned(path: Path) -> Scan:
    return scan_whole(path) if path.exists() else Scan()
