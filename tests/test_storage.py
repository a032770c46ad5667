"""Where a log's chunks are kept: in memory, past a limit on disk, never away."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from runconsole.console import Console
from runconsole.errors import InvalidArgument
from runconsole.events import Logged, MalformedFrame, Received, UnknownEvent
from runconsole.log import CHUNK, EventLog
from runconsole.log.chunks import Packed
from runconsole.storage import LogStorage, sealer
from runconsole.tables import Tables
from tests.folding import Folded

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


def test_the_directory_goes_with_the_log_and_frames_made_of_it_stay(temporary: Path) -> None:
    log = filled(LogStorage(0))
    frame = Tables(Folded().state, log).frame("events")
    assert len(list(temporary.iterdir())) == 1
    del log
    gc.collect()
    assert list(temporary.iterdir()) == []
    assert frame["payload"].iloc[CHUNK] == f'{{"n":{CHUNK}}}'


def test_what_the_disk_does_not_take_stays_in_memory(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_log_that_can_no_longer_be_sealed_is_complete_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_seal: object) -> None:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr(sealer(), "submit", refuse)
    log = EventLog(LogStorage())
    for number in range(CHUNK + 1):
        log.append(Received("x", Logged(), f'{{"n":{number}}}', number))
    assert numbers(log) == list(range(CHUNK + 1))
    assert [event.received_at for _, event in log.read(CHUNK - 1, 2)] == [CHUNK - 1, CHUNK]


# ---- the console's option --------------------------------------------------------------------------------------------


def test_the_memory_limit_of_a_console_is_that_of_its_log(temporary: Path) -> None:
    console = Console("ws://localhost:9/ws", memory_limit=0, start=False)
    for number in range(CHUNK + 1):
        console.log.append(Received("x", Logged(), f'{{"n":{number}}}', number))
    sealer().submit(int).result(30)
    assert len(list(temporary.iterdir())) == 1
    assert [json.loads(text)["n"] for text in console.events["payload"]] == list(range(CHUNK + 1))


@pytest.mark.parametrize("limit", [-1, "1 GB", 1.5, True])
def test_a_memory_limit_that_is_no_number_of_bytes_is_refused(limit: object) -> None:
    with pytest.raises(InvalidArgument, match="memory_limit"):
        Console("ws://localhost:9/ws", memory_limit=limit, start=False)  # type: ignore[arg-type]
