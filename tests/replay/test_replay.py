"""A recording played: pace, pause, seek, speed, the end; and what a console says meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console, InvalidArgument, NotConnected
from runconsole.events import LinkChanged
from runconsole.recording import Entry, Header, decode_line, encode_line
from runconsole.recording.fact_codec import write_fact
from runconsole.state.dated import moment
from tests.servers.json_server import eventually
from tests.support.folding import START, execution
from tests.support.recordings import assert_same_frames, frames_of

STEP = 1_000_000


def recording(path: Path, *, events: int = 20, ends: bool = True, tail: bytes = b"", **header: Any) -> Path:
    """Write a recording of an execution, an event a second."""
    told = {"version": "0", "protocol": "json", "url": "ws://h/ws", "started_at": "2025-11-16T16:32:00Z"} | header
    lines = [encode_line(Header(1, **told)), _link(START, "connecting"), _link(START, "live")]
    frames = [execution("execution_started", 0, execution_id="e", total_tasks=events)]
    for number in range(1, events):
        counters = {"completed_tasks": number, "total_tasks": events}
        frames.append(execution("progress_update", number, task_id=f"t{number}", status="completed", **counters))
    frames += [execution("execution_completed", events, status="success")] if ends else []
    lines += [encode_line(Entry(START + number * STEP, "in", 1, frame)) for number, frame in enumerate(frames)]
    if ends:
        at = START + (events + 1) * STEP
        lines += [_link(at, "ended"), encode_line(Entry(at, "local", finished=True))]
    path.write_bytes(b"".join(lines) + tail)
    return path


def _link(at: int, status: Any) -> bytes:
    return encode_line(Entry(at, "local", fact=write_fact(LinkChanged(at, status))))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return recording(tmp_path / "run.jsonl")


@pytest.mark.parametrize("speed", [None, 0])
def test_a_recording_without_a_speed_is_loaded_at_once(path: Path, speed: float | None) -> None:
    with Console(path, speed=speed) as console:
        assert len(console.events) == 21
        assert (console.status, console.protocol, console.address) == ("ended", "replay", str(path))
        assert console.replay is not None
        assert (console.replay.duration, console.replay.position, console.replay.is_over) == (21, 21, True)
        assert console.wait(0)
        assert console.run.percent == 95
        assert console.now == moment(START + 21 * STEP)


def test_a_live_console_has_no_replay_and_takes_no_speed() -> None:
    assert Console("ws://localhost:1/ws", start=False).replay is None
    with pytest.raises(InvalidArgument, match="expected speed= beside the path of a recording only"):
        Console("ws://localhost:1/ws", speed=2, start=False)


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf"), "fast", True])
def test_a_speed_that_is_none_is_refused(path: Path, speed: Any) -> None:
    with pytest.raises(InvalidArgument, match="speed="):
        Console(path, speed=speed)


def test_a_url_is_no_recording_and_its_secrets_are_not_told() -> None:
    with pytest.raises(InvalidArgument, match="expected the path of a recording") as refused:
        Console("ws://h/ws?token=s3cret", protocol="replay")
    assert "s3cret" not in str(refused.value)


def test_a_recording_is_not_recorded(path: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="expected no record= beside a recording"):
        Console(path, record=tmp_path / "other.jsonl")


def test_it_plays_to_the_same_end_at_any_speed(path: Path) -> None:
    with Console(path) as whole, Console(path, speed=200) as played:
        assert played.wait(20)
        eventually(lambda: played.replay is not None and played.replay.is_over)
        assert_same_frames(frames_of(whole), frames_of(played))
        assert str(whole) == str(played)


def test_playing_shows_the_run_as_it_grew(path: Path) -> None:
    seen: list[tuple[str, float | None]] = []
    console = Console(path, speed=100, start=False)
    console._engine.attach(lambda _: seen.append((console.status, console.run.percent)))
    with console:
        assert console.wait(20)
    percents = [percent for _, percent in seen if percent is not None]
    assert percents == sorted(percents)
    assert {status for status, _ in seen} >= {"live", "ended"}


def test_pause_stands_still_and_play_goes_on(path: Path) -> None:
    with Console(path, speed=20) as console:
        replay = console.replay
        assert replay is not None
        eventually(lambda: len(console._engine.log) > 2)
        replay.pause()
        eventually(lambda: not replay.is_playing)
        position, count = replay.position, len(console._engine.log)
        assert not console.wait(0.2)
        assert (replay.position, len(console._engine.log)) == (position, count)
        assert console.now == moment(START + round(position * 1e6))
        replay.speed = 0
        replay.play()
        assert console.wait(20)


@pytest.mark.parametrize("target", [0, 0.5, 1, 7.2, 20, 21])
def test_seeking_shows_the_run_of_that_moment(path: Path, tmp_path: Path, target: float) -> None:
    with Console(path) as console, Console(path, speed=1) as other:
        for one in (console, other):
            replay = one.replay
            assert replay is not None
            replay.pause()
            replay.seek(target)
            eventually(lambda replay=replay: replay.position == target)  # type: ignore[misc]
            wanted = min(int(target) + 1, 21)
            eventually(lambda one=one, wanted=wanted: len(one._engine.log) == wanted)  # type: ignore[misc]
            assert one.run.completed_tasks == min(int(target), 19)
            assert one.status == ("live" if target < 20 else "ended")
        assert_same_frames(frames_of(console), frames_of(other))


def test_seeking_to_the_end_gives_the_frames_of_the_run(path: Path) -> None:
    with Console(path) as whole, Console(path, speed=1) as console:
        replay = console.replay
        assert replay is not None
        for target in (15, 3, 9, 0, 1_000_000, -5, 21):
            replay.seek(target)
        eventually(lambda: replay.is_over and len(console._engine.log) == 21)
        assert_same_frames(frames_of(whole), frames_of(console))


def test_a_backward_seek_leaves_old_frames_alone(path: Path) -> None:
    changes: list[str] = []
    with Console(path) as console:
        replay = console.replay
        assert replay is not None
        state, tasks = console._engine.state, console.tasks
        replay.on_change(lambda change: changes.append(f"{change} {threading.current_thread().name}"))
        replay.seek(5)
        eventually(lambda: "reset runconsole-io" in changes)
        assert console._engine.state is not state
        assert (len(tasks), len(console.tasks)) == (19, 5)
        assert not replay.is_playing
        replay.play()
        eventually(lambda: replay.is_playing)


def test_play_at_the_end_begins_again(path: Path) -> None:
    with Console(path) as console:
        replay = console.replay
        assert replay is not None
        replay.speed = 100
        replay.play()
        eventually(lambda: not replay.is_over)
        eventually(lambda: replay.is_over)
        assert len(console.events) == 21


def test_a_long_silence_is_not_waited_out(tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", ends=False)
    late = START + 86_400 * STEP
    frame = execution("execution_completed", 86_400, status="success")
    path.write_bytes(path.read_bytes() + encode_line(Entry(late, "in", 1, frame)))
    with Console(path, speed=50, start=False) as console:
        replay = console.replay
        assert replay is not None
        replay.longest_pause = 0.05
        assert console.wait(20)
        assert console.now == moment(late)


def test_nothing_can_be_sent_on_a_recording(path: Path) -> None:
    with Console(path, on_checkpoint=lambda _: "approve") as console:
        with pytest.raises(NotConnected, match="this is a recording: nothing can be sent"):
            console.decide("c", "approve")
        with pytest.raises(NotConnected, match="this is a recording"):
            console.cancel("t1")


def test_a_cut_recording_is_stopped_and_unfinished(tmp_path: Path) -> None:
    with Console(recording(tmp_path / "run.jsonl", ends=False)) as console:
        assert (console.status, console.wait(1)) == ("stopped", False)
        assert console.links["state"].tolist() == ["connecting", "live"]
        assert console.replay is not None
        assert console.replay.report is None


def test_a_stopped_replay_goes_on_where_it_was(path: Path) -> None:
    console = Console(path, speed=20)
    replay = console.replay
    assert replay is not None
    eventually(lambda: len(console._engine.log) > 2)
    console.stop()
    position, count = replay.position, len(console._engine.log)
    assert console.status == "stopped"
    assert console.wait(0) is False
    console.start()
    assert len(console._engine.log) >= count
    assert replay.position >= position
    replay.speed = 0
    assert console.wait(20)
    assert len(console.events) == 21
    console.stop()


def test_what_is_asked_before_the_start_happens_after_it(path: Path) -> None:
    console = Console(path, start=False)
    replay = console.replay
    assert replay is not None
    threads: set[str] = set()
    replay.on_change(lambda _: threads.add(threading.current_thread().name))
    replay.seek(5)
    assert (console.status, console.is_started, len(console._engine.log)) == ("idle", False, 0)
    console.start()
    eventually(lambda: replay.position == 5 and len(console._engine.log) == 6)
    console.stop()
    replay.seek(9)
    replay.play()
    assert (console.status, len(console._engine.log)) == ("stopped", 6)
    console.start()
    eventually(lambda: len(console._engine.log) >= 10)
    console.stop()
    assert threads == {"runconsole-io"}


def test_a_recording_that_is_read_leaves_no_thread_behind(path: Path) -> None:
    console = Console(path)
    assert not any(thread.name == "runconsole-io" for thread in threading.enumerate())
    assert len(console.events) == 21
    assert console.replay is not None
    console.replay.seek(3)
    eventually(lambda: len(console._engine.log) == 4)
    console.stop()


def test_the_header_tells_the_title_and_what_was_followed(tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl", title="Nightly", token_budget=5, task="t1")
    with Console(path) as console, Console(path, title="Mine") as mine:
        assert (console.run.title, console.run.token_budget) == ("Nightly", 5)
        assert console._engine.state.followed_task == "t1"
        assert (mine.run.title, mine.run.token_budget) == ("Mine", 5)


@pytest.mark.parametrize("tail", [b'{"at":1,"dir":"in","frame":"x', b"\0\0\0\0"])
def test_a_cut_tail_is_told(tmp_path: Path, tail: bytes) -> None:
    with Console(recording(tmp_path / "run.jsonl", ends=False, tail=tail)) as console:
        assert console.replay is not None
        words = f"the recording was cut in the middle of a line ({len(tail)} bytes of it were left out)"
        assert console.replay.report == words
        assert console.links["reason"].iloc[-1] == words
        assert console._engine.state.alerts[-1].text == words


def test_lines_that_cannot_be_read_are_counted_and_passed_over(tmp_path: Path) -> None:
    odd = [b"nonsense", b'{"at":1,"dir":"local","take":[99,0]}', b'{"at":1,"dir":"local","fact":{"is":"Odd"}}']
    frame = execution("execution_completed", 30, status="success")
    end = encode_line(Entry(START + 30 * STEP, "in", 1, frame))
    path = recording(tmp_path / "run.jsonl", ends=False, tail=b"\n".join(odd) + b"\n" + end)
    with Console(path) as console:
        assert console.replay is not None
        assert console.replay.report == "the recording has 3 lines that cannot be read"
        assert console.status == "ended"


def test_a_recording_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = recording(tmp_path / "run.jsonl")
    path.write_bytes(path.read_bytes().replace(b'{"runconsole":1,"version":"0"', b'{"runconsole":2,"version":"9.1"', 1))
    with pytest.raises(Exception, match=r"expected a recording of format 1, got 2: read it with runconsole 9\.1"):
        Console(path)


@pytest.mark.parametrize("content", [b"", b'{"runcon', b'{"runconsole":1,"version":"0","proto'])
def test_a_recording_cut_in_its_first_line_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with Console(path) as console:
        assert (len(console.events), console.status, console.wait(0)) == (0, "stopped", False)
        assert console.replay is not None
        assert (console.replay.report is None) == (content == b"")


def test_a_file_cut_at_any_byte_gives_a_prefix_of_the_run(tmp_path: Path) -> None:
    whole = recording(tmp_path / "whole.jsonl", events=4).read_bytes()
    path = tmp_path / "run.jsonl"
    with Console(tmp_path / "whole.jsonl") as console:
        payloads = console.events["payload"].tolist()
    before = 0
    for size in range(0, len(whole), 3):
        path.write_bytes(whole[:size])
        with Console(path) as console:
            found = console.events["payload"].tolist()
            assert console.replay is not None
            last = whole[:size].rpartition(b"\n")[2]
            assert (console.replay.report is None) == (not last or decode_line(last) is not None)
        assert found == payloads[: len(found)]
        assert len(found) >= before
        before = len(found)


def test_every_line_of_a_recording_is_json_of_one_kind(path: Path) -> None:
    kinds = [type(decode_line(line)) for line in path.read_bytes().splitlines()]
    assert kinds == [Header] + [Entry] * (len(kinds) - 1)
