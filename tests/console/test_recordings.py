"""Runs recorded live, over real connections: the recording gives the run's frames, after any failure."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console, InvalidArgument, RecordingError
from runconsole.events import Answer
from runconsole.recording import Reader
from runconsole.simulator import Simulator
from runconsole.simulator.faults import Drop, Duplicate, Fault, Garbage, LoseReply
from tests.servers.json_server import JsonServer, eventually, in_turn, says
from tests.support.folding import execution, frames_of, task
from tests.support.personalities import KIND, STRICT, Personality, named
from tests.support.recordings import assert_replays, assert_same_frames
from tests.support.recordings import frames_of as frames_in

WIRES = ["json", "trpc", "socketio"]
SUFFIXES = {"json": "", "trpc": ".gz", "socketio": ".zst"}
SECRET = "s3cr3t-t0ken/+"
OPTIONS = [{"id": "approve", "label": "Go ahead"}]


def first_option(checkpoint: Any) -> str:
    option: str = checkpoint.options[0].id
    return option


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Reader(path)]


# ---- the frames of the replay are the frames of the run -------------------------------------------------------------


EXECUTIONS = [Personality(f"execution, {wire}", {"family": "execution", "wire": wire, "speed": 0}) for wire in WIRES]
QUICK_TASKS = {"speed": 60, "decision_timeout": 1.0}


@pytest.mark.parametrize("server", [*EXECUTIONS, *KIND, *STRICT], ids=named)
def test_recording_and_saved_file_give_the_runs_frames(server: Personality, tmp_path: Path) -> None:
    is_execution = server in EXECUTIONS
    faults: list[Fault] = [Drop(20), Duplicate(40, 5), Garbage(60), Drop(90)]
    faults += [] if is_execution else [LoseReply(1)]
    suffix = SUFFIXES[str(server.server["wire"])]
    path, copied, saved = (tmp_path / f"{name}.jsonl{suffix}" for name in ("run", "copied", "saved"))
    with (
        server.simulator(faults=faults, **({} if is_execution else QUICK_TASKS)) as simulator,
        server.console(simulator, record=path, on_checkpoint=first_option) as console,
        server.console(simulator) as other,
    ):
        assert console.wait(40)
        assert other.wait(40)
        other.save(saved)
        console.save(copied)
    assert_replays(console, path)
    assert_same_frames(frames_in(console), frames_in(Console(path)))
    with Console(copied) as replay:
        assert len(replay.events) <= len(console.events)
    assert other.status == "ended"
    other.save(saved)
    assert_replays(other, saved)
    if not is_execution:
        assert len(console.decisions) > 0
        assert any(line.get("fact", {}).get("is") == "DecisionRequested" for line in lines_of(path))


def test_every_frame_is_recorded_with_time_and_direction(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    frames = [*frames_of("seed-execution")[:5], *frames_of("garbage"), "ÿ\u2028 \ud7ff"]
    with JsonServer([*frames, b"\xff\xfe"]) as server, Console(server.url, record=path, subscribe={"hi": 1}) as console:
        eventually(lambda: len(console.events) >= len(frames) and console.events["payload"].iloc[-1] == "\\xff\\xfe")
    header, *lines = lines_of(path)
    assert header["runconsole"] == 1
    assert (header["protocol"], header["url"]) == ("json", server.url)
    assert [line["frame"] for line in lines if line["dir"] == "in" and "frame" in line] == frames
    assert next(line["frame"] for line in lines if line["dir"] == "out") == '{"hi":1}'
    times = [line["at"] for line in lines if line["dir"] == "in"]
    assert times == sorted(times)
    assert console.events["received_at"].astype("int64").iloc[0] == times[0]
    assert_replays(console, path)
    console.save(tmp_path / "saved.jsonl")
    assert_replays(console, tmp_path / "saved.jsonl")


def test_long_runs_are_saved_from_sealed_chunks_as_they_were(tmp_path: Path) -> None:
    events: list[Any] = []
    for number in range(5000):
        events.append(
            {"type": "task.output", "payload": {"taskId": "t", "stream": "stdout", "data": "same"}, "seq": number}
        )
        events[-1]["timestamp"] = "2025-11-16T16:32:00Z"
    events[10] = {"type": "error", "message": "you may not"}
    events[20] = {"type": "connected", "payload": {}}
    events[30] = {"type": "task.started", "payload": {}, "taskId": "beside"}
    events[40] = "nonsense"
    with JsonServer(events) as server, Console(server.url) as console:
        eventually(lambda: len(console._engine.log) == len(events))
    assert len(console.output) == len(events) - 4
    console.save(tmp_path / "run.jsonl.zst")
    with Console(tmp_path / "run.jsonl.zst") as replay:
        assert_same_frames(frames_in(console), frames_in(replay))
        counts = ("events", "unknown", "malformed")
        assert [replay.summary[count] for count in counts] == [console.summary[count] for count in counts]
        assert list(replay._engine.state.alerts) == list(console._engine.state.alerts)


def test_a_file_saved_in_mid_run_shows_that_moment(tmp_path: Path) -> None:
    with JsonServer([task("task.started"), task("task.progress", progress=40)]) as server:
        with Console(server.url) as console:
            eventually(lambda: console.run.percent == 40)
            console.save(tmp_path / "run.jsonl")
            before = frames_in(console)
        with Console(tmp_path / "run.jsonl", title="later") as replay:
            assert_same_frames(before, frames_in(replay))
            assert (replay.status, replay.wait(1), replay.run.title) == ("stopped", False, "later")


# ---- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("auth", ["header", "query", "message"])
def test_no_secret_is_in_a_recording_wherever_it_was(auth: str, suffix: str, tmp_path: Path) -> None:
    echoes: list[Any] = [
        execution("execution_started", execution_id="e", note=SECRET),
        {"type": "error", "message": f"Bearer {SECRET} is odd"},
        task("task.output", stream="stdout", data=f"curl -H 'Authorization: Bearer {SECRET}'"),
        task("task.hitl_required", checkpointId="c", title="Ship?", options=OPTIONS),
        SECRET,
        f"\xff{SECRET}".encode("latin-1"),
    ]
    path = tmp_path / f"run.jsonl{suffix}"
    options: dict[str, Any] = {"token": SECRET, "auth": auth, "title": f"with {SECRET}"}
    with JsonServer(echoes) as server, Console(f"{server.url}?api_key=k3y-in-url", record=path, **options) as console:
        eventually(lambda: len(console._engine.log) == len(echoes))
        eventually(lambda: console.pending)
        console._engine.call_soon(
            console._engine.decider.request,
            "d",
            "c",
            Answer("approve", f"with {SECRET}", {"modified": [f"by {SECRET}"]}),
        )
        eventually(lambda: "d" in console._engine.state.decisions)
        console.save(tmp_path / "copy.jsonl")
    console._engine._feed.leave()
    console.save(tmp_path / "saved.jsonl")
    for file in (path, tmp_path / "copy.jsonl", tmp_path / "saved.jsonl"):
        text = b"\n".join(Reader(file)).decode("utf-8", "replace")
        assert "***" in text
        assert "k3y-in-url" not in text
        assert SECRET not in text
        assert "s3cr3t" not in text
    events = frames_in(Console(path))["events"]
    assert events["payload"].tolist() == console.events["payload"].tolist()


# ---- going on with a recording --------------------------------------------------------------------------------------

_RECORD = """
import sys
from runconsole import Console
console = Console(sys.argv[1], record=sys.argv[2], on_checkpoint=lambda c: c.options[0].id)
print("started", flush=True)
console.wait()
"""


def record_until_killed(url: str, path: Path, seconds: float) -> None:
    """Record in a process of its own, which is killed at any moment."""
    with subprocess.Popen([sys.executable, "-c", _RECORD, url, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"started\n"
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)


def server_events(console: Console) -> set[tuple[str, str]]:
    """Return the server's events of its run, without its replies to one client: greetings, receipts, refusals."""
    events = console.events
    theirs = events[~events["type"].str.contains("connected|ack|joined|^error$")]
    return set(zip(theirs["type"], theirs["payload"], strict=True))


@pytest.mark.parametrize("wire", WIRES)
def test_a_repeatedly_killed_recording_ends_complete(wire: Any, tmp_path: Path) -> None:
    dice = random.Random(wire)  # noqa: S311 - dice, not a secret
    path = tmp_path / f"run.jsonl{SUFFIXES[wire]}"
    with (
        Simulator("tasks", wire=wire, speed=8, decision_timeout=2) as simulator,
        Console(simulator.url) as witness,
    ):
        for _ in range(3):
            record_until_killed(simulator.url, path, dice.uniform(0.1, 1.2))
            with Console(path) as replay:
                assert replay.status in {"stopped", "ended"}
                assert server_events(replay) <= server_events(witness)
        with Console(simulator.url, record=path, on_checkpoint=first_option) as console:
            assert console.wait(40)
            assert witness.wait(40)
            eventually(lambda: server_events(console) >= server_events(witness))
    assert not console.events["event_id"].dropna().duplicated().any()
    assert server_events(console) == server_events(witness)
    assert_same_frames(frames_in(console), frames_in(Console(path)))


def test_recorded_events_are_there_before_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    said = [task("task.started", 1), task("task.progress", 2, progress=40)]
    with JsonServer(script=in_turn(says(*said), says(*said, task("task.progress", 3, progress=60)))) as server:
        with Console(server.url, record=path) as first:
            eventually(lambda: first.run.percent == 40)
        with Console(server.url, record=path) as second:
            assert second.run.percent in {40, 60}
            eventually(lambda: second.run.percent == 60)
    events = second.events
    assert events["type"].tolist() == ["task.started", "task.progress", "task.progress"]
    assert second.links["duplicates"].sum() == 2
    assert second.links["state"].tolist()[:4] == ["connecting", "live", "stopped", "connecting"]
    assert_replays(second, path)


def test_a_restarted_console_continues_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    said = [task("task.started", 1), task("task.progress", 2, progress=40)]
    with JsonServer(script=in_turn(says(*said), says(*said, task("task.completed", 3)))) as server:
        console = Console(server.url, record=path, task="t")
        eventually(lambda: console.run.percent == 40)
        console.stop()
        console.start()
        assert console.wait(20)
        console.stop()
    assert len(console.events) == 3
    assert_replays(console, path)


def test_the_next_run_begins_afresh_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    for name in ("first", "second"):
        run = [execution("execution_started", 1, execution_id=name), execution("execution_completed", 2)]
        with JsonServer(run) as server, Console(server.url, record=path) as console:
            assert console.wait(20)
        assert console.run.execution_id == name
        assert len(console.events) == 2
        assert_replays(console, path)
    assert [line.get("continues", False) for line in lines_of(path) if "runconsole" in line] == [False, False]


def test_a_cut_tail_is_repaired_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer([task("task.started", 1), task("task.progress", 2, progress=40)]) as server:
        with Console(server.url, record=path) as console:
            eventually(lambda: console.run.percent == 40)
        data = path.read_bytes()
        path.write_bytes(data + b'{"at":17,"dir":"in","fra')
        with Console(path) as replay:
            assert replay.replay is not None
            assert (
                replay.replay.report == "the recording was cut in the middle of a line (24 bytes of it were left out)"
            )
            assert "cut in the middle of a line" in replay.links["reason"].iloc[-1]
            assert "cut in the middle of a line" in replay._engine.state.alerts[-1].text
            assert_same_frames({**frames_in(console), "links": replay.links}, frames_in(replay))
        with Console(server.url, record=path) as second:
            eventually(lambda: second.status == "live")
            assert second.links["reason"].str.contains("24 bytes of it were dropped").sum() == 1
    assert_replays(second, path)


def test_a_console_goes_on_with_what_another_saved(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    said = [task("task.started"), task("task.output", 1, stream="stdout", data="a"), task("task.progress", progress=40)]
    with JsonServer(script=in_turn(says(*said), says(*said, task("task.completed", 3)))) as server:
        with Console(server.url) as first:
            eventually(lambda: first.run.percent == 40)
            first.save(path)
        with Console(server.url, record=path) as second:
            eventually(lambda: len(second._engine.log) == 4)
            eventually(lambda: second.links["duplicates"].sum() == 3)
    assert_replays(second, path)


@pytest.mark.parametrize("difference", ["port", "path", "query", "task", "execution"])
def test_another_run_begins_a_new_section(tmp_path: Path, difference: str) -> None:
    path = tmp_path / "run.jsonl"
    with (
        JsonServer([task("task.progress", 1, progress=40)]) as server,
        JsonServer([task("task.progress", 2, progress=60)]) as other,
    ):
        with Console(server.url, record=path) as first:
            eventually(lambda: len(first._engine.log) == 1)
        before = path.read_bytes()
        options: dict[str, Any] = {difference: "t"} if difference in {"task", "execution"} else {}
        url = {"port": other.url, "path": f"{server.url}/b", "query": f"{server.url}?room=b"}.get(
            difference, server.url
        )
        with Console(url, record=path, **options) as second:
            eventually(lambda: len(second._engine.log) == 1)
            assert second.links["state"].tolist()[:2] == ["connecting", "live"]
    assert len(second.events) == 1
    assert_replays(second, path)
    assert path.read_bytes().startswith(before)
    assert [line.get("continues", False) for line in lines_of(path) if "runconsole" in line] == [False, False]


def test_a_run_followed_with_another_secret_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer([task("task.progress", 1, progress=40)]) as server:
        url = f"{server.url}?room=7&access_token="
        with Console(f"{url}secret-1", token="secret-2", auth="message", record=path) as first:
            eventually(lambda: len(first._engine.log) == 1)
        with Console(f"{url}secret-3", token="secret-4", auth="message", record=path) as second:
            eventually(lambda: second.status == "live")
    assert second.links["state"].tolist()[:4] == ["connecting", "live", "stopped", "connecting"]
    assert "secret-" not in path.read_text()


def test_another_task_is_another_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer([task("task.started", 1), task("task.started", 2, taskId="u")]) as server:
        with Console(server.url, record=path, task="t") as first:
            eventually(lambda: len(first._engine.log) == 1)
        with Console(server.url, record=path, task="u") as second:
            eventually(lambda: len(second._engine.log) == 1)
    assert len(second.events) == 1
    assert_replays(second, path)


def test_decisions_of_a_dead_console_are_unknown_or_unsent(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    question = task("task.hitl_required", 1, checkpointId="c", title="Ship?", options=OPTIONS)
    with JsonServer([question]) as server:
        with Console(server.url, record=path) as console:
            eventually(lambda: console.pending)
            console._engine.call_soon(console._engine.decider.request, "d", "c", Answer("approve"))
            eventually(lambda: [d.state for d in console._engine.state.decisions.values()] == ["sent"])
            eventually(lambda: b'"DecisionSent"' in path.read_bytes())
            killed = path.read_bytes()
        path.write_bytes(killed)
        with Console(server.url, record=path) as second:
            assert second.decisions["state"].tolist() == ["unknown"]
            assert "the console ended before the answer" in second.decisions["error"].iloc[0]
            assert [c.status for c in second.pending] == ["unknown"]
    assert_replays(second, path)


# ---- what cannot be recorded ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b'{"cells": []}', b"\x1f\x8bnothing", b"{}\n"])
def test_a_file_that_is_no_recording_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "precious.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=r"expected a recording of runconsole or a new file, got .*precious\.csv"):
        Console("ws://localhost:1/ws", record=path)
    for kind in (InvalidArgument, RecordingError):
        with pytest.raises(kind, match="expected a recording of runconsole"):
            Console(path)
    with JsonServer() as server, Console(server.url) as console, pytest.raises(InvalidArgument, match="something else"):
        console.save(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_made_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="expected a directory that exists"):
        Console("ws://localhost:1/ws", record=tmp_path / "nowhere" / "run.jsonl")
    with pytest.raises(InvalidArgument, match="got the directory"):
        Console("ws://localhost:1/ws", record=tmp_path)
    with pytest.raises(InvalidArgument, match=r"cannot read the recording .*no\.jsonl"):
        Console(tmp_path / "no.jsonl")


def test_two_consoles_cannot_record_to_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer([task("task.started")]) as server, Console(server.url, record=path) as console:
        with pytest.raises(RecordingError, match="another console records to"):
            Console(server.url, record=path)
        eventually(lambda: len(console._engine.log) == 1)
    assert_replays(console, path)


def test_a_disk_that_takes_no_more_is_shown_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer([task("task.started")]) as server, Console(server.url, record=path) as console:
        eventually(lambda: len(console._engine.log) == 1)
        eventually(lambda: b"task.started" in path.read_bytes())

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        server.peer.send(task("task.progress", progress=50))
        eventually(lambda: any("No space left" in alert.text for alert in console._engine.state.alerts))
        monkeypatch.undo()
        server.peer.send(task("task.progress", progress=60))
        eventually(lambda: console.run.percent == 60)
        assert console.status == "live"
        links = console._engine.state.links
        assert any("the run goes on, and what comes is written" in (link.notice or "") for link in links)
        eventually(lambda: any("nothing is missing" in (link.notice or "") for link in console._engine.state.links))
        console.save(tmp_path / "saved.jsonl")
        before = frames_in(console)
    assert_same_frames(before, frames_in(Console(tmp_path / "saved.jsonl")))
    assert_replays(console, path)


# ---- what others do with the file -----------------------------------------------------------------------------------


def progress_to(percent: int) -> list[Any]:
    return [task("task.progress", number, progress=number) for number in range(percent + 1)]


_SAVE = """
import sys
from runconsole import Console, RecordingError
console = Console(sys.argv[1])
try:
    console.save(sys.argv[2])
except RecordingError as error:
    print(error)
"""


def test_only_the_console_itself_saves_onto_its_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with (
        JsonServer(progress_to(40)) as server,
        JsonServer(progress_to(40)) as another,
        Console(server.url, record=path) as console,
        Console(another.url) as other,
    ):
        eventually(lambda: console.run.percent == other.run.percent == 40)
        console.save(tmp_path / "finished.jsonl")
        with Console(tmp_path / "finished.jsonl") as replay:
            for one in (other, replay):
                with pytest.raises(RecordingError, match=r"a console records to .*run\.jsonl.*: stop it, or save to"):
                    one.save(path)
        outside = subprocess.run(
            [sys.executable, "-c", _SAVE, another.url, path], capture_output=True, text=True, check=True
        )
        assert "a console records to" in outside.stdout
        console.save(path)
        server.peer.send(task("task.progress", 41, progress=60))
        eventually(lambda: console.run.percent == 60)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "finished.jsonl", path]
    assert_replays(console, path)
    other.save(path)
    assert_replays(other, path)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_save_is_the_run_whatever_its_recording_holds(tmp_path: Path, suffix: str) -> None:
    path, saved, theirs = (tmp_path / f"{name}.jsonl{suffix}" for name in ("run", "saved", "theirs"))
    with (
        JsonServer(progress_to(40)) as server,
        JsonServer([task("task.failed", 1, error="theirs")]) as stranger,
        Console(stranger.url) as other,
        Console(server.url, record=path) as console,
    ):
        eventually(lambda: console.run.percent == 40 and len(other._engine.log) == 1)
        other.save(theirs)
        theirs.replace(path)
        console.save(saved)
        assert len(Console(saved).events) == 41
        replaced = path.read_bytes()
        server.peer.send(task("task.progress", 41, progress=41))
        eventually(lambda: any("another file is in its place" in alert.text for alert in console._engine.state.alerts))
        eventually(lambda: len(console._engine.log) == 42)
        console.save(saved)
        assert_same_frames(frames_in(console), frames_in(Console(saved)))
        assert path.read_bytes() == replaced
        assert sum("another file is in its place" in (link.notice or "") for link in console._engine.state.links) == 1
        console.stop()
        console.save(saved)
        assert_replays(console, saved)
        with console.start():
            eventually(lambda: console.status == "live")
    assert path.read_bytes() == replaced
    assert "not what this console has seen so far: nothing more is recorded" in " ".join(
        console.links["reason"].dropna()
    )


def test_an_incomplete_recording_is_not_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.jsonl"
    monkeypatch.setattr("runconsole.recording.recorder._PATIENCE", 1000)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with JsonServer([task("task.started")]) as server:
        with Console(server.url, record=path) as console:
            eventually(lambda: b"task.started" in path.read_bytes())
            with monkeypatch.context() as disk:
                disk.setattr(os, "write", full)
                server.peer.send(task("task.output", stream="stdout", data="x" * 2000))
                alerts = console._engine.state.alerts
                eventually(lambda: any("the run goes on without it" in alert.text for alert in alerts))
            eventually(lambda: b"the recording ends here" in path.read_bytes())
            size = path.stat().st_size
        with console.start():
            eventually(lambda: console.status == "live")
        assert path.stat().st_size == size
        assert "nothing more is recorded" in " ".join(console.links["reason"].dropna())
        with Console(path) as replay:
            assert replay.events["type"].tolist() == ["task.started"]
            assert "the rest could not be written (No space left on device)" in replay.links["reason"].iloc[-1]
        console.save(path)
        assert_replays(console, path)


def test_a_deleted_recording_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer(progress_to(40)) as server, Console(server.url, record=path) as console:
        eventually(lambda: console.run.percent == 40)
        console.save(path)
        path.unlink()
        console.save(tmp_path / "saved.jsonl")
        assert len(Console(tmp_path / "saved.jsonl").events) == 41
        server.peer.send(task("task.progress", 41, progress=60))
        links = console._engine.state.links
        eventually(lambda: any("it is there again, whole" in (link.notice or "") for link in links))
        server.peer.send(task("task.progress", 42, progress=80))
        eventually(lambda: console.run.percent == 80)
    assert_replays(console, path)


@pytest.mark.parametrize("wire", WIRES)
def test_an_emptied_recording_is_mended_by_a_save(wire: Any, tmp_path: Path) -> None:
    path = tmp_path / f"run.jsonl{SUFFIXES[wire]}"
    with (
        Simulator("tasks", wire=wire, speed=20, decision_timeout=1.0) as simulator,
        Console(simulator.url, record=path, on_checkpoint=first_option) as console,
    ):
        eventually(lambda: len(console._engine.log) > 5)
        os.truncate(path, 0)
        eventually(lambda: any("it is written anew" in (link.notice or "") for link in console._engine.state.links))
        os.truncate(path, 0)
        console.save(path)
        with Console(path) as replay:
            assert len(replay.events) > 5
        assert console.wait(40)
    assert_replays(console, path)


def test_a_file_continued_by_another_console_is_left(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with JsonServer([task("task.progress", 1, progress=40)]) as server:
        with Console(server.url, record=path) as first:
            eventually(lambda: first.run.percent == 40)
        with Console(server.url, record=path) as second:
            eventually(lambda: second.status == "live")
        with first.start():
            eventually(lambda: first.status == "live")
    assert_replays(second, path)
    assert "not what this console has seen so far" in " ".join(first.links["reason"].dropna())


# ---- tokens that are words, homes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["task", "test", "started", "progress", "17", "execution"])
def test_a_token_that_is_a_word_destroys_nothing(tmp_path: Path, token: str) -> None:
    said = [
        task("task.started", 1, name=f"{token} of the user"),
        task("task.progress", 2, progress=17),
        task("task.output", 3, stream="stdout", data=f"{token} test Bearer {token}"),
    ]
    options: dict[str, Any] = {"token": token, "auth": "message", "title": f"the {token}", "task": "t"}
    with (
        JsonServer(said) as server,
        Console(server.url, record=tmp_path / "run.jsonl", **options) as console,
        Console(server.url, **options) as bare,
        Console(server.url) as plain,
    ):
        eventually(lambda: len(console._engine.log) == len(bare._engine.log) == len(plain._engine.log) == 3)
    assert bare.events["payload"].tolist() == plain.events["payload"].tolist()
    assert console.events["type"].tolist() == plain.events["type"].tolist()
    assert console.tasks[["name", "progress"]].equals(plain.tasks[["name", "progress"]])
    assert console.output["text"].tolist() == [f"{token} test Bearer ***"]
    assert_replays(console, tmp_path / "run.jsonl")
    (sent,) = (line["frame"] for line in lines_of(tmp_path / "run.jsonl") if "auth" in line.get("frame", ""))
    assert json.loads(sent)["token"] == "***"
    bare.save(tmp_path / "saved.jsonl")
    with Console(tmp_path / "saved.jsonl") as replay:
        assert frames_in(replay)["tasks"].equals(bare.tasks)
        assert replay.events["payload"].tolist() == console.events["payload"].tolist()


def test_a_tilde_is_the_home_directory_wherever_a_path_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with JsonServer([task("task.started")]) as server, Console(server.url, record="~/run.jsonl") as console:
        eventually(lambda: len(console._engine.log) == 1)
        console.save("~/saved.jsonl")
        console.save(Path("~/other.jsonl.gz"))
    for path in ("~/run.jsonl", "~/saved.jsonl", Path("~/other.jsonl.gz")):
        assert len(Console(path).events) == 1
        assert len(Console(path, protocol="replay").events) == 1
    Console("~/run.jsonl").save("~/copy.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "copy.jsonl",
        "other.jsonl.gz",
        "run.jsonl",
        "saved.jsonl",
    ]
    with pytest.raises(InvalidArgument, match=r"ca\.pem"):
        Console("ws://localhost:1/ws", ssl="~/ca.pem")
    with pytest.raises(InvalidArgument, match=str(tmp_path)):
        Console("~/none.jsonl")
