"""The file of a recording, cut anywhere: whole lines are read, torn ones reported, and the file can be continued."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.errors import RecordingError
from runconsole.recording import FileWriter, Reader, decode_line, home_path, unrecorded

SUFFIXES = ["", ".gz", ".zst"]
UNITS = [
    [b'{"n":0}', b'{"n":1}'],
    [b'{"text":"a longer line, so that it can be cut within"}'],
    [b'{"n":3}', b'{"n":4}'],
]
LINES = [line for unit in UNITS for line in unit]


def written(path: Path) -> bytes:
    """Write the units; return the file."""
    writer = FileWriter(path)
    for unit in UNITS:
        writer.write(b"".join(line + b"\n" for line in unit))
    writer.close()
    return path.read_bytes()


def read(path: Path) -> tuple[list[bytes], Reader]:
    reader = Reader(path)
    return list(reader), reader


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_written_lines_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.jsonl{suffix}"
    data = written(path)
    lines, reader = read(path)
    assert lines == LINES
    assert (reader.sound, reader.cut) == (len(data), 0)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_at_any_byte_gives_a_prefix_and_continues(tmp_path: Path, suffix: str) -> None:
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
    writer = FileWriter(path)
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
    writer = FileWriter(path)
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


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_one_wrong_bit_loses_one_flush_and_is_reported(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.jsonl{suffix}"
    data = written(path)
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            lines, reader = read(path)
            whole = [line for line in lines if line in LINES]
            assert len(whole) >= len(LINES) - 2, (place, bit)
            assert lines == LINES or reader.cut or any(decode_line(line) is None for line in set(lines) - set(LINES))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_the_marker_of_damage_has_its_length_and_stays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.jsonl{suffix}"
    writer = FileWriter(path)
    sizes = []
    for unit in UNITS:
        writer.write(b"".join(line + b"\n" for line in unit))
        sizes.append(path.stat().st_size)
    writer.close()
    data = bytearray(path.read_bytes())
    data[sizes[0] + 20 : sizes[1] - 20] = bytes(sizes[1] - sizes[0] - 40)
    path.write_bytes(data)
    lines, reader = read(path)
    assert (lines[:2], lines[-2:]) == (UNITS[0], UNITS[2])
    assert f'{{"unreadable_bytes":{sizes[1] - sizes[0]}}}'.encode() in lines
    assert (reader.sound, reader.cut) == (len(data), 0)
    _goes_on(path, lines, reader.sound)


def test_a_zst_file_without_checks_of_ours_is_read_as_before(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.zst"
    data = written(path)
    bare = b"".join(unit[:-12] for unit in _units_of(path, data))
    assert len(bare) == len(data) - 12 * len(UNITS)
    path.write_bytes(bare)
    lines, reader = read(path)
    assert (lines, reader.sound, reader.cut) == (LINES, len(bare), 0)


def _units_of(path: Path, data: bytes) -> list[bytes]:
    """Return the file's units, each with its check."""
    ends = []
    for size in range(1, len(data) + 1):
        path.write_bytes(data[:size])
        if read(path)[1].sound == size and data[size - 12 : size - 8] == b"\x5c\x2a\x4d\x18":
            ends.append(size)
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def test_a_renamed_compressed_file_is_read_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "renamed.txt"
    path.write_bytes(gzip.compress(b'{"n":0}\n'))
    assert read(path)[0] == [b'{"n":0}']


def test_zeros_at_the_end_are_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    data = written(path)
    path.write_bytes(data + bytes(500))
    lines, reader = read(path)
    assert (lines, reader.sound, reader.cut) == (LINES, len(data), 500)


def test_a_last_line_that_is_no_text_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"n":0}\n' + b'{"\xc6":1}')
    lines, reader = read(path)
    assert (lines, reader.cut) == ([b'{"n":0}'], 7)


def test_a_line_longer_than_what_is_read_at_once_is_read_whole(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        path = tmp_path / f"long{suffix}"
        line = b'{"text":"' + b"abcdefghij" * 100_000 + b'"}'
        writer = FileWriter(path)
        writer.write(line + b"\n" + line + b"\n")
        writer.close()
        assert read(path)[0] == [line, line]


def test_two_cannot_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = FileWriter(path)
    with pytest.raises(RecordingError, match=r"another console records to .*run\.jsonl"):
        FileWriter(path)
    writer.close()
    FileWriter(path).close()


def test_a_file_being_recorded_cannot_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with unrecorded(path), unrecorded(path):
        pass
    writer = FileWriter(path)
    with (
        pytest.raises(RecordingError, match=r"a console records to .*run\.jsonl.*save to another file"),
        unrecorded(path),
    ):
        pass
    writer.close()
    with unrecorded(path), unrecorded(path), pytest.raises(RecordingError, match="another console records to"):
        FileWriter(path)


def test_a_writer_follows_its_file_to_any_place(tmp_path: Path) -> None:
    path, other = tmp_path / "run.jsonl", tmp_path / "other.jsonl"
    writer = FileWriter(path)
    writer.write(b'{"n":0}\n')
    seen = [writer.whereabouts]
    path.rename(other)
    seen.append(writer.whereabouts)
    path.write_bytes(b"")
    seen.append(writer.whereabouts)
    other.unlink()
    seen.append(writer.whereabouts)
    path.unlink()
    seen.append(writer.whereabouts)
    assert seen == ["here", "moved", "moved", "replaced", "deleted"]
    descriptor = writer.duplicate()
    writer.write(b'{"n":1}\n')
    writer.close()
    assert list(Reader(path, descriptor=descriptor)) == [b'{"n":0}', b'{"n":1}']
    os.close(descriptor)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_deleted_file_is_written_again_and_goes_on(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    writer = FileWriter(path)
    writer.write(b'{"n":0}\n')
    path.unlink()
    again = writer.again()
    again.write(b'{"n":1}\n')
    assert read(path)[0] == [b'{"n":0}', b'{"n":1}']
    with pytest.raises(RecordingError, match="File exists"):
        writer.again()
    assert read(path)[0] == [b'{"n":0}', b'{"n":1}']


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert home_path("~/a.jsonl") == tmp_path / "a.jsonl"
    assert home_path("./~/a.jsonl") == Path("~/a.jsonl")
    assert home_path("~nobody-of-that-name/a") == Path("~nobody-of-that-name/a")


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file or directory"):
        FileWriter(tmp_path / "nowhere" / "run.jsonl")


def test_a_refused_write_leaves_nothing_in_the_file(tmp_path: Path) -> None:
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
    writer = FileWriter(path)
    writer.write(b'{"n":0}\n')
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        writer.write(b'{"n":1}\n' * 1000)
    except OSError as error:
        results.put(error.strerror)
