"""Foreign files in the place of a recording: one sentence refuses each, soon and in little memory."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from runconsole import Console, InvalidArgument, RecordingError
from runconsole.recording import Reader
from runconsole.recording import compression as forms
from runconsole.recording.compression import codec_named
from tests.servers.json_server import JsonServer, eventually
from tests.support.folding import task

HEADER: dict[str, Any] = {
    "runconsole": 1,
    "version": "0",
    "protocol": "json",
    "url": "ws://h/ws",
    "started_at": "2026-01-01T00:00:00Z",
}
AT = 1_767_225_600_000_000
MIB = 2**20


def recording(path: Path, *lines: Any, **header: Any) -> Path:
    """Write a recording of these lines; text is written unchanged."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in (HEADER | header, *lines)]
    path.write_bytes(codec_named(path).pack("".join(text + "\n" for text in texts).encode()))
    return path


def frame(number: int, **more: Any) -> dict[str, Any]:
    return {
        "at": AT + number,
        "dir": "in",
        "link": 1,
        "frame": task("task.output", data=str(number), stream="stdout"),
    } | more


def show_everything(console: Console) -> None:
    """View every part of a run."""
    str(console)
    repr(console)
    for name in ("events", "tasks", "checkpoints", "decisions", "links", "errors", "output", "artifacts", "waves"):
        repr(getattr(console, name))
    json.dumps(console.summary, default=str)


# ---- headers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rooms", 2_000_000_000),
        ("rooms", -1),
        ("rooms", 10**30),
        ("token_budget", 10**30),
        ("expected_artifacts", -(10**400)),
        ("cost_limit", 1e300),
        ("transformer", "yaml"),
        ("protocol_options", {"rooms": -1}),
        ("protocol_options", {"rooms": "many"}),
        ("protocol_options", {"transformer": ["auto"]}),
        ("protocol_options", 5),
        ("protocol", "carrier pigeon"),
        ("runconsole", 0),
        ("runconsole", 10**30),
    ],
)
def test_a_senseless_header_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    for wire in ("socketio", "json"):
        path = recording(tmp_path / "run.jsonl", frame(1), **{"protocol": wire, name: value})
        with pytest.raises((RecordingError, InvalidArgument), match="expected") as failure:
            Console(path)
        assert len(str(failure.value)) < 400


def test_a_later_header_is_looked_at_as_the_first_is(tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", frame(1), HEADER | {"protocol": "socketio", "rooms": 10**9})
    with pytest.raises(RecordingError, match="rooms 1000000000"):
        Console(path)


@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_reformatted_recording_is_read(tmp_path: Path, begin: bytes, suffix: str) -> None:
    lines = [HEADER | {"title": "T", "execution": "e"}, frame(1), frame(2)]
    text = "".join(json.dumps(line, sort_keys=True) + "\r\n" for line in lines).encode()
    path = tmp_path / f"run.jsonl{suffix}"
    path.write_bytes(codec_named(path).pack(begin + text))
    with Console(path) as console:
        assert console.output["text"].tolist() == ["1", "2"]
        assert console._engine.title == "T"
        assert console.replay is not None
        assert console.replay.report is None


# ---- lines ----------------------------------------------------------------------------------------------------------

FACTS: list[Any] = [
    {"is": "Received"},
    {"is": "Received", "fact": None},
    {"is": "Received", "fact": {"is": "Received"}, "type": "t", "payload": ""},
    {"is": "Received", "fact": {"is": "Alert", "level": "e", "text": "x"}, "type": 5, "payload": []},
    {"is": "LinkChanged"},
    {"is": "LinkChanged", "at": 2**70, "status": "live"},
    {"is": "LinkChanged", "at": AT, "status": "sideways"},
    {"is": "LinkChanged", "at": AT, "status": "live", "missed": 10**40},
    {"is": "WaveCompleted", "wave": 10**40},
    {"is": "ExecutionStarted", "phases": [{"number": 10**40}]},
    {"is": "TaskProgressed", "task_id": ["t"], "progress": "half"},
    {"is": "DecisionRequested", "at": AT},
    {"is": "Teleported"},
    {"is": ["LinkChanged"]},
    {"is": {}},
    {},
    {"at": AT},
]
LINES: list[Any] = [
    *({"at": AT, "dir": "local", "fact": fact} for fact in FACTS),
    *(frame(1, ops=[0, fact]) for fact in FACTS),
    *(frame(1, at=at) for at in (2**63, 2**70, -(2**70), 1.5, "now", None, True, 3 * 10**17)),
    frame(1, timestamp=2**70, type="task.output", payload="{}"),
    frame(1, ops=[5]),
    frame(1, ops=[2**70]),
    frame(1, link=2**70),
    {"at": AT, "dir": "in", "base64": "%%%"},
    {"at": AT, "dir": "local", "take": [0, 7]},
    {"at": AT, "dir": "local", "take": [2**70, 0]},
    {"at": AT, "dir": "local", "wire": -3},
    {"at": AT, "dir": "local", "wire": 2**70, "link": -1},
    {"at": AT, "dir": "local", "connected": {"back_at": "yesterday"}},
    {"at": AT, "dir": "local", "connected": {"back_at": 2**70}},
    {"at": AT, "dir": "sideways"},
    '{"at":NaN,"dir":"local","finished":true}',
    '{"at":1,"dir":"local","fact":{"is":"TaskProgressed","task_id":"t","progress":NaN}}',
    '{"at":1,"dir":"local","fact":{"is":"TaskProgressed","task_id":"t","progress":1e999}}',
    "[" * 100_000,
    '{"at":' * 100_000,
    "nonsense",
    "\x00\x01\x02",
]


@pytest.mark.parametrize("line", LINES, ids=[f"{number}" for number in range(len(LINES))])
def test_a_senseless_line_harms_no_other(tmp_path: Path, line: Any) -> None:
    path = recording(tmp_path / "run.jsonl", frame(1), line, frame(2))
    with Console(path) as console:
        texts = console.output["text"].tolist()
        assert (texts[0], texts[-1]) == ("1", "2")
        show_everything(console)
        assert console.replay is not None
        console.save(tmp_path / "copy.jsonl")
    with Console(tmp_path / "copy.jsonl") as copy:
        assert copy.output["text"].tolist() == texts


def test_a_recording_cannot_ask_for_any_number_of_wires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runconsole.replay.playback._MOST_WIRES", 50)
    lines = [{"at": AT, "dir": "local", "link": number, "wire": number} for number in range(500)]
    path = recording(tmp_path / "run.jsonl", *lines, protocol="trpc")
    with Console(path) as console:
        assert console.replay is not None
        fold = console.replay._playback
        assert fold is not None
        assert (len(fold.wires), fold.misread) == (50, 450)


def test_unreadable_lines_are_counted_and_reported(tmp_path: Path) -> None:
    bad = [{"at": AT, "dir": "local", "fact": fact} for fact in FACTS]
    with Console(recording(tmp_path / "run.jsonl", frame(1), *bad)) as console:
        assert console.replay is not None
        assert console.replay.report == f"the recording has {len(FACTS)} lines that cannot be read"


# ---- files that unpack to more than a memory holds ------------------------------------------------------------------


def test_a_file_that_unpacks_to_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runconsole.recording.files.LONGEST_LINE", MIB)
    monkeypatch.setattr(Reader.__init__, "__kwdefaults__", {"descriptor": None, "longest": MIB})
    for suffix in (".gz", ".zst", ""):
        path = tmp_path / f"run.jsonl{suffix}"
        begin = recording(path, frame(1)).read_bytes()
        path.write_bytes(begin + codec_named(path).pack(b" " * (4 * MIB)))
        with pytest.raises(RecordingError, match=r"run.jsonl.*, got a line of more than 1 MiB"):
            Console(path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_file_is_unpacked_in_small_pieces(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(codec_named(path).pack(b"x" * (64 * MIB)))
    assert path.stat().st_size < MIB
    with path.open("rb") as file:
        sizes = [len(piece) for piece, _ in codec_named(path).pieces(file)]
    assert sum(sizes) == 64 * MIB
    assert max(sizes) <= MIB


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_that_unpacks_to_many_times_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("runconsole.recording.files._MUCH", MIB)
    monkeypatch.setattr("runconsole.recording.files._DENSEST", 80)
    path = recording(tmp_path / f"run.jsonl{suffix}", *[frame(1)] * 20_000)
    with pytest.raises(RecordingError, match=r"unpacks to more than .* unpack it by hand if you trust it"):
        Console(path)
    path = recording(tmp_path / f"honest.jsonl{suffix}", *(frame(number * 7919 % 100_003) for number in range(9000)))
    assert sum(map(len, Reader(path))) > MIB
    with Console(path) as console:
        assert len(console.events) == 9000


def test_a_large_zst_frame_with_a_wrong_check_gives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_MOST_KEPT", 1000)
    path = tmp_path / "run.zst"
    lines = b"".join(b'{"number":%d}\n' % number for number in range(10_000))
    packed = codec_named(path).pack(lines)
    path.write_bytes(packed)
    assert b"".join(line + b"\n" for line in Reader(path)) == lines
    path.write_bytes(packed[:-1] + b"\x00")
    assert list(Reader(path)) == []


def test_very_many_damaged_parts_are_passed_over_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_MOST_DAMAGE", 100)
    for suffix, begin in ((".gz", forms._GZIP_BEGIN), (".zst", forms.ZSTD_MAGIC)):
        path = recording(tmp_path / f"run.jsonl{suffix}", frame(1))
        path.write_bytes(path.read_bytes() + begin * 5000)
        assert len(list(Reader(path))) <= 2 + 101


# ---- what is no file ------------------------------------------------------------------------------------------------


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def a_socket(folder: Path) -> Path:
    where = os.open(folder, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{where}/socket")  # the folder's own name is too long for a socket's
    finally:
        os.close(where)
    return folder / "socket"


def loop(folder: Path) -> Path:
    (folder / "loop").symlink_to("loop")
    return folder / "loop"


def directory(folder: Path) -> Path:
    (folder / "directory").mkdir()
    return folder / "directory"


PLACES: list[Callable[[Path], Path]] = [
    fifo,
    a_socket,
    loop,
    directory,
    lambda _: Path("/dev/zero"),
    lambda _: Path("/dev/full"),
    lambda _: Path("/dev/null"),
    lambda folder: folder / ("x" * 5000),
    lambda folder: folder / "nul\0.jsonl",
    lambda folder: folder / "nowhere" / "run.jsonl",
]
NAMES = ["fifo", "socket", "loop", "directory", "zero", "full", "null", "long", "nul", "nowhere"]


@pytest.mark.parametrize("place", PLACES, ids=NAMES)
def test_a_path_that_is_no_file_is_refused_everywhere(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    path = place(tmp_path)
    recorded = recording(tmp_path / "run.jsonl", frame(1))
    for use in (
        lambda: Console(path),
        lambda: Console(str(path), protocol="replay", speed=1),
        lambda: Console("ws://127.0.0.1:1/ws", record=path),
        lambda: Console("ws://127.0.0.1:1/ws", start=False).save(path),
        lambda: Console(recorded).save(path),
    ):
        with pytest.raises((RecordingError, InvalidArgument)) as failure:
            use()
        assert len(str(failure.value)) < 600
    assert not [name for name in tmp_path.iterdir() if name.name.endswith(".part")]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_forbidden_file_is_reported(tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", frame(1))
    path.chmod(0)
    uses: list[Callable[[], object]] = [lambda: Console(path), lambda: Console("ws://127.0.0.1:1/ws", record=path)]
    for use in uses:
        with pytest.raises(InvalidArgument, match="Permission denied"):
            use()


def test_a_forbidden_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.jsonl"
    console = Console("ws://127.0.0.1:1/ws", start=False)
    monkeypatch.setattr(Path, "stat", Mock(side_effect=PermissionError(13, "Permission denied")))
    uses: list[Callable[[], object]] = [lambda: Console(path), lambda: Console("ws://h/ws", record=path)]
    uses.append(lambda: console.save(path))
    for use in uses:
        with pytest.raises(InvalidArgument, match="Permission denied"):
            use()


def test_the_longest_file_name_is_recorded_and_saved_to(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    Console(recording(tmp_path / "run.jsonl", frame(1))).save(path)
    assert len(Console(path).events) == 1


def test_a_pipe_on_standard_input_is_reported_in_the_terminal(tmp_path: Path) -> None:
    packed = recording(tmp_path / "run.jsonl", frame(1)).read_bytes()
    command = [sys.executable, "-c", "from runconsole.cli import main; main()", "replay", "/dev/stdin"]
    answer = subprocess.run(command, input=packed, capture_output=True, timeout=50, check=False)
    assert answer.returncode == 2
    assert b"which is a named pipe" in answer.stderr
    assert b"Traceback" not in answer.stderr


# ---- relative paths -------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "there"


def test_a_relative_path_is_resolved_at_once(elsewhere: Path) -> None:
    with JsonServer([task("task.started", 1)]) as server, Console(server.url, record="run.jsonl") as console:
        os.chdir(elsewhere)
        eventually(lambda: len(console._engine.log) == 1)
        server.peer.send(task("task.progress", 2, progress=60))
        eventually(lambda: console.run.percent == 60)
        console.stop()
        assert not console.links["notice"].notna().any() if "notice" in console.links else True
        console.start()
        eventually(lambda: console.status == "live")
    path = elsewhere.parent / "here" / "run.jsonl"
    assert not list(elsewhere.iterdir())
    os.chdir(path.parent)
    replay = Console("run.jsonl", speed=1, start=False)
    os.chdir(elsewhere)
    with replay:
        replay.save("copy.jsonl")
    assert (elsewhere / "copy.jsonl").exists()


def test_a_gzip_of_other_tools_with_members_of_any_size_is_read(tmp_path: Path) -> None:
    lines = b"".join(b'{"number":%d}\n' % number for number in range(100_000))
    path = tmp_path / "run.gz"
    path.write_bytes(gzip.compress(lines) + gzip.compress(b"") + gzip.compress(b'{"last":1}\n'))
    reader = Reader(path)
    assert b"".join(line + b"\n" for line in reader) == lines + b'{"last":1}\n'
    assert reader.cut == 0
