"""The file of a recording, cut anywhere: what is whole is read, what is torn is told, and one can go on."""

from __future__ import annotations

import gzip
import multiprocessing
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.errors import RecordingError
from runconsole.recording import Reader, Writer

SUFFIXES = ["", ".gz", ".zst"]
UNITS = [
    [b'{"n":0}', b'{"n":1}'],
    [b'{"text":"a longer line, so that it can be cut within"}'],
    [b'{"n":3}', b'{"n":4}'],
]
LINES = [line for unit in UNITS for line in unit]


def written(path: Path) -> bytes:
    """Write the units; return the file."""
    writer = Writer(path)
    for unit in UNITS:
        writer.write(b"".join(line + b"\n" for line in unit))
    writer.close()
    return path.read_bytes()


def read(path: Path) -> tuple[list[bytes], Reader]:
    reader = Reader(path)
    return list(reader), reader


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.jsonl{suffix}"
    data = written(path)
    lines, reader = read(path)
    assert lines == LINES
    assert (reader.sound, reader.cut) == (len(data), 0)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_at_any_byte_gives_a_prefix_says_what_was_cut_and_goes_on(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.jsonl{suffix}"
    data = written(path)
    before = 0
    for size in range(len(data) + 1):
        path.write_bytes(data[:size])
        lines, reader = read(path)
        assert lines == LINES[: len(lines)]
        assert len(lines) >= before, size
        before = len(lines)
        assert reader.sound <= size
        assert (reader.cut > 0) == (reader.sound < size and (bool(suffix) or data[size - 1 : size] != b"}")), size
        _goes_on(path, lines, reader.sound)


def _goes_on(path: Path, lines: list[bytes], sound: int) -> None:
    writer = Writer(path)
    writer.repair(sound)
    writer.write(b'{"more":true}\n')
    writer.close()
    again, reader = read(path)
    assert again == [*lines, b'{"more":true}']
    assert reader.cut == 0


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(units=st.lists(st.lists(st.text(max_size=50), min_size=1, max_size=5), max_size=5), cut=st.integers(0, 10_000))
@settings(max_examples=60)
def test_any_lines_cut_anywhere_give_a_prefix(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, units: list[list[str]], cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / f"run{suffix}"
    writer = Writer(path)
    lines: list[bytes] = []
    for unit in units:
        texts = [b'{"%d":"%s"}' % (len(lines) + n, text.encode().hex().encode()) for n, text in enumerate(unit)]
        writer.write(b"".join(text + b"\n" for text in texts))
        lines += texts
    writer.close()
    data = path.read_bytes()
    path.write_bytes(data[: cut % (len(data) + 1)])
    found, _ = read(path)
    assert found == lines[: len(found)]


@pytest.mark.parametrize(("suffix", "tool"), [(".gz", "gzip"), (".zst", "zstd")])
@pytest.mark.parametrize("how", ["packed by us", "packed by the tool"])
def test_other_tools_and_we_read_the_same_compressed_files(tmp_path: Path, suffix: str, tool: str, how: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    plain, packed = tmp_path / "run.jsonl", tmp_path / f"run.jsonl{suffix}"
    if how == "packed by us":
        written(packed)
        unpacked = subprocess.run([tool, "-dc", packed], capture_output=True, check=True).stdout
        assert unpacked.splitlines() == LINES
    else:
        written(plain)
        packed.write_bytes(subprocess.run([tool, "-c", plain], capture_output=True, check=True).stdout)
        assert read(packed)[0] == LINES
        # Cut within its only unit: what can be unpacked is read, and kept when the file goes on.
        packed.write_bytes(packed.read_bytes()[:-6])
        lines, reader = read(packed)
        assert reader.cut > 0
        _goes_on(packed, lines, reader.sound)


def test_a_compressed_file_under_another_name_is_read_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "renamed.txt"
    path.write_bytes(gzip.compress(b'{"n":0}\n'))
    assert read(path)[0] == [b'{"n":0}']


def test_zeros_at_the_end_are_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    data = written(path)
    path.write_bytes(data + bytes(500))
    lines, reader = read(path)
    assert (lines, reader.sound, reader.cut) == (LINES, len(data), 500)


def test_a_line_longer_than_what_is_read_at_once_is_read_whole(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        path = tmp_path / f"long{suffix}"
        line = b'{"text":"' + b"abcdefghij" * 100_000 + b'"}'
        writer = Writer(path)
        writer.write(line + b"\n" + line + b"\n")
        writer.close()
        assert read(path)[0] == [line, line]


def test_two_cannot_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = Writer(path)
    with pytest.raises(RecordingError, match=r"another console records to .*run\.jsonl"):
        Writer(path)
    writer.close()
    Writer(path).close()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file or directory"):
        Writer(tmp_path / "nowhere" / "run.jsonl")


def test_a_write_that_the_disk_refuses_leaves_nothing_of_it_in_the_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    child = context.Process(target=_fill, args=(tmp_path / "run.jsonl", results))
    child.start()
    child.join(50)
    assert results.get(timeout=10) == "File too large"
    assert (tmp_path / "run.jsonl").read_bytes() == b'{"n":0}\n'


def _fill(path: Path, results: Any) -> None:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = Writer(path)
    writer.write(b'{"n":0}\n')
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        writer.write(b'{"n":1}\n' * 1000)
    except OSError as error:
        results.put(error.strerror)
