"""The storage of a log's chunks: in memory, past a limit on disk, never dropped."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from runconsole.console import Console
from runconsole.errors import InvalidArgument
from runconsole.events import Logged, MalformedFrame, Received, UnknownEvent
from runconsole.log import CHUNK, EventLog
from runconsole.log import storage as storage_module
from runconsole.log.chunks import Packed
from runconsole.log.storage import LogStorage, sealer
from runconsole.tables import Tables
from tests.support.folding import Folded

CHUNKS = 3


def filled(storage: LogStorage, count: int = CHUNKS * CHUNK + 5) -> EventLog:
    """Return a log whose full chunks are sealed."""
    log = EventLog(storage)
    for number in range(count):
        fact = (Logged(f"t{number}"), UnknownEvent(), MalformedFrame("bad"))[number % 3]
        log.append(Received("x", fact, f'{{"n":{number}}}', number, event_id=str(number)))
    sealer().submit(int).result(30)
    return log


def numbers(log: EventLog) -> list[int]:
    return [int(payload[5:-1]) for payload in log.to_arrow()["payload"].to_pylist()]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder in which temporary directories are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path
    gc.collect()


def test_chunks_are_sealed_beside_the_thread_that_appends() -> None:
    threads: list[str] = []

    class Watched(LogStorage):
        def keep(self, packed: Packed) -> Callable[[], pa.RecordBatch]:
            threads.append(threading.current_thread().name)
            return super().keep(packed)

    filled(Watched())
    assert len(threads) == CHUNKS
    assert threading.current_thread().name not in threads


def test_without_a_limit_nothing_goes_to_disk(temporary: Path) -> None:
    storage = LogStorage()
    log = filled(storage)
    assert list(temporary.iterdir()) == []
    assert numbers(log) == list(range(CHUNKS * CHUNK + 5))
    assert storage.held > 0


@pytest.mark.parametrize("limit", [0, 200_000])
def test_past_the_limit_chunks_go_to_disk_and_nothing_is_lost(temporary: Path, limit: int) -> None:
    storage = LogStorage(limit)
    log = filled(storage)
    assert storage.held <= limit
    assert storage.directory is not None
    on_disk = len(list(storage.directory.iterdir()))
    assert on_disk == (CHUNKS if limit == 0 else CHUNKS - 1)
    assert numbers(log) == list(range(CHUNKS * CHUNK + 5))
    assert [event.event_id for _, event in log.read(CHUNK - 1, 2)] == [str(CHUNK - 1), str(CHUNK)]
    assert (log.unknown, log.malformed) == (CHUNKS * CHUNK // 3 + 2, CHUNKS * CHUNK // 3 + 1)


def test_a_log_on_disk_gives_the_same_frame_as_one_in_memory(temporary: Path) -> None:
    state = Folded().state
    there, here = (Tables(state, filled(LogStorage(limit))).frame("events") for limit in (0, None))
    assert there.equals(here)
    assert there.dtypes.equals(here.dtypes)


def test_the_directory_is_removed_with_the_log_frames_stay(temporary: Path) -> None:
    log = filled(LogStorage(0))
    frame = Tables(Folded().state, log).frame("events")
    assert len(list(temporary.iterdir())) == 1
    del log
    gc.collect()
    assert list(temporary.iterdir()) == []
    assert frame["payload"].iloc[CHUNK] == f'{{"n":{CHUNK}}}'


def test_chunks_the_disk_does_not_take_stay_in_memory(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary.rmdir()
    storage = LogStorage(0)
    log = filled(storage)
    assert storage.held > 0
    assert numbers(log) == list(range(CHUNKS * CHUNK + 5))


def test_a_disk_that_fills_up_leaves_no_piece_of_a_file(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pa.ipc, "new_file", full)
    storage = LogStorage(0)
    log = filled(storage)
    assert storage.directory is not None
    assert list(storage.directory.iterdir()) == []
    assert numbers(log) == list(range(CHUNKS * CHUNK + 5))


def test_an_unsealable_log_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_seal: object) -> None:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr(sealer(), "submit", refuse)
    log = EventLog(LogStorage())
    for number in range(CHUNK + 1):
        log.append(Received("x", Logged(), f'{{"n":{number}}}', number))
    assert numbers(log) == list(range(CHUNK + 1))
    assert [event.received_at for _, event in log.read(CHUNK - 1, 2)] == [CHUNK - 1, CHUNK]


# ---- whose directory it is ------------------------------------------------------------------------------------------

OWNER = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[1]
from runconsole.log import EventLog
from runconsole.log.storage import LogStorage
from tests.log.test_storage import filled

log = filled(storage := LogStorage(0))
{then}
"""
WAITS = "print(storage.directory, flush=True); sys.stdin.read()"
FORKS = """
child = os.fork()
if child == 0:
    sys.exit()
os.waitpid(child, 0)
print(storage.directory.is_dir(), flush=True)
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks on directories")


@contextmanager
def owner(folder: Path, then: str = WAITS) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start another process with a log on disk; yield it and its first line."""
    command = [sys.executable, "-c", OWNER.format(then=then), str(folder)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def directories(folder: Path) -> set[Path]:
    return set(folder.iterdir())


@posix
def test_only_a_killed_processs_directory_is_removed(temporary: Path) -> None:
    with owner(temporary) as (killed, gone), owner(temporary) as (_, lives):
        assert f"-{killed.pid}-" in Path(gone).name
        killed.kill()
        killed.wait()
        assert len(list(Path(gone).iterdir())) == CHUNKS
        storage = LogStorage(0)
        log = filled(storage)
        assert directories(temporary) == {Path(lives), storage.directory}
        assert len(list(Path(lives).iterdir())) == CHUNKS
        assert numbers(log) == list(range(CHUNKS * CHUNK + 5))


@posix
def test_a_process_number_that_was_given_again_keeps_nothing(temporary: Path) -> None:
    first = LogStorage(0)
    log = filled(first, CHUNK + 1)
    assert first.directory is not None
    name = first.directory.name
    leftover = first.directory.with_name(name[:-1] + ("a" if name.endswith("_") else "_"))
    leftover.mkdir()
    (leftover / "events-000000.arrow").write_bytes(b"")
    second = LogStorage(0)
    other = filled(second, CHUNK + 1)
    assert directories(temporary) == {first.directory, second.directory}
    assert len(log) == len(other)


@posix
def test_only_sure_leftovers_of_ours_are_removed(temporary: Path) -> None:
    storage = LogStorage(0)
    log = filled(storage, CHUNK + 1)
    assert storage.directory is not None
    begin = storage.directory.name.rpartition("-")[0]
    machine = begin.rpartition("-")[0]
    foreign = [
        "runconsole-abcdefgh",
        f"{machine}x-17-abcdefgh",
        f"{machine}-pid-abcdefgh",
        f"{begin}-abcdefgh.bak",
        f"{begin}-mixed",
        f"{begin}-nested",
    ]
    for name in foreign:
        (temporary / name).mkdir()
        (temporary / name / "events-000000.arrow").write_bytes(b"")
    (temporary / f"{begin}-mixed" / "mine.txt").write_text("keep me")
    (temporary / f"{begin}-nested" / "events-000001.arrow").mkdir()
    (temporary / f"{begin}-file").write_text("no directory")
    (temporary / f"{begin}-link").symlink_to(temporary / "runconsole-abcdefgh")
    before = set(temporary.rglob("*"))
    another = LogStorage(0)
    other = filled(another, CHUNK + 1)
    assert another.directory is not None
    assert set(temporary.rglob("*")) - before == {another.directory, *another.directory.iterdir()}
    assert before <= set(temporary.rglob("*"))
    assert len(log) == len(other)


@posix
def test_a_forked_process_leaves_the_directory_alone(temporary: Path) -> None:
    with owner(temporary, FORKS) as (_, still_there):
        assert still_there == "True"


def test_without_locks_a_directory_is_made_that_nobody_removes(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_module, "_lock", lambda _directory: None)
    storages = [LogStorage(0), LogStorage(0)]
    logs = [filled(storage, CHUNK + 1) for storage in storages]
    assert directories(temporary) == {storage.directory for storage in storages}
    assert [len(log) for log in logs] == [CHUNK + 1] * 2
    del logs, storages
    gc.collect()
    assert directories(temporary) == set()


# ---- the console's option --------------------------------------------------------------------------------------------


def test_the_memory_limit_of_a_console_is_that_of_its_log(temporary: Path) -> None:
    console = Console("ws://localhost:9/ws", memory_limit=0, start=False)
    for number in range(CHUNK + 1):
        console._engine.log.append(Received("x", Logged(), f'{{"n":{number}}}', number))
    sealer().submit(int).result(30)
    assert len(list(temporary.iterdir())) == 1
    assert [json.loads(text)["n"] for text in console.events["payload"]] == list(range(CHUNK + 1))


@pytest.mark.parametrize("limit", [-1, "1 GB", 1.5, True])
def test_a_memory_limit_that_is_no_number_of_bytes_is_refused(limit: object) -> None:
    with pytest.raises(InvalidArgument, match="memory_limit"):
        Console("ws://localhost:9/ws", memory_limit=limit, start=False)  # type: ignore[arg-type]
