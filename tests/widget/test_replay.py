"""A recording in the panel, without a browser: its controls, and the messages to the page after a step back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runconsole.console import Console
from runconsole.recording import Entry, Header, encode_line
from runconsole.replay import Replay
from tests.servers.json_server import JsonServer, Message, eventually
from tests.support.folding import START, execution, task
from tests.support.page import Page, showing

LINES = 40

shows = pytest.fixture(showing)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a recording: a line of output each second, an artifact each tenth, a question at 20 s, the end at 41 s."""
    frames = [task("task.started", 0)]
    for number in range(1, LINES + 1):
        frames.append(task("task.output", number, data=f"line {number}\n", stream="stdout"))
        if number % 10 == 0:
            frames.append(execution("artifact_created", number, path=f"src/{number}.py", size=number))
        if number == 20:
            asked = {"checkpointId": "c", "title": "Ship?", "options": ["approve", "reject"]}
            frames.append(task("task.hitl_required", number, **asked))
    frames.append(execution("execution_completed", LINES + 1, status="success"))
    return recorded(tmp_path, frames)


def recorded(folder: Path, frames: list[str]) -> Path:
    path = folder / "run.jsonl"
    header = Header(1, version="0", protocol="json", url="ws://h/ws", started_at="2025-11-16T16:32:00Z")
    entries = [Entry(_at(frame), "in", 1, frame) for frame in frames]
    path.write_bytes(b"".join([encode_line(header), *(encode_line(entry) for entry in entries)]))
    return path


def _at(frame: str) -> int:
    return int(frame.rpartition(": ")[2].rstrip("}"))


def replay_of(page: Page) -> Replay:
    replay = page.widget.replay
    assert isinstance(replay, Replay)
    return replay


def controls(page: Page) -> Message:
    """Return the replay's last state in a patch or a snapshot for the page."""
    known: Message = {}
    for message in list(page.comm.sent):
        if message["kind"] == "snapshot":
            known = message["picture"]["head"]["replay"]
        elif message["kind"] == "patch" and "replay" in message["changes"].get("head", {}):
            known = message["changes"]["head"]["replay"]
    return known


def control(page: Page, action: Any, value: Any = None) -> Message:
    """Send a command; return its answer."""
    request = f"r{len(page.comm.sent)}-{action}-{value}"
    page.send(kind="replay", id=request, action=action, value=value)
    return page.answer(request)


def paused_at(page: Page, seconds: float) -> None:
    """Pause, go to a position, and wait for the page's message."""
    assert control(page, "pause")["ok"]
    assert control(page, "seek", seconds)["ok"]
    eventually(lambda: controls(page) and controls(page)["position_s"] == seconds)


def asks(page: Page, table: str, **more: Any) -> Message:
    request = f"p{len(page.comm.sent)}"
    page.send(kind="page", id=request, table=table, offset=0, limit=500, **more)
    return page.answer(request, "page")


def test_the_page_gets_the_position_of_a_replay(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path, speed=2)
    paused_at(page, 12.5)
    assert controls(page) == {
        "position_s": 12.5,
        "duration_s": 41.0,
        "speed": 2.0,
        "playing": False,
        "over": False,
    }
    patch = [message for message in list(page.comm.sent) if message["kind"] == "patch"][-1]
    assert patch["now"] == (START + 12_500_000) // 1000, "the time of the run, not of today"


def test_commands_one_after_the_other_at_the_end_all_reach_the_page(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path, speed=0)
    replay = replay_of(page)
    eventually(lambda: controls(page).get("over"))
    for seconds in range(1, 21):
        replay.seek(41)
        eventually(lambda: controls(page).get("over"))
        replay.pause()
        replay.seek(seconds)
        eventually(lambda at=seconds: controls(page)["position_s"] == at)  # type: ignore[misc]


def test_a_replays_position_moves_without_events(shows: Callable[..., Page], tmp_path: Path) -> None:
    frames = [task("task.started", 0), task("task.output", 3000, data="late", stream="stdout")]
    page = shows(recorded(tmp_path, frames), speed=1)
    positions: set[float] = set()

    def moved() -> bool:
        positions.add(controls(page).get("position_s", 0))
        return len(positions) > 4

    eventually(moved)
    clock = [message["changes"]["head"] for message in page.of("patch") if message["changes"].keys() == {"head"}]
    assert {"replay"} in [head.keys() for head in clock], "a tick tells where it is, and nothing else"


def test_a_live_run_has_nothing_to_control(shows: Callable[..., Page]) -> None:
    with JsonServer([task("task.started")]) as server:
        page = shows(server.url)
        eventually(lambda: page.picture and page.picture["tasks"]["total"] == 1)
        assert page.picture["head"]["replay"] is None
        answer = control(page, "play")
        assert (answer["ok"], answer["error"]) == (False, "expected a recording to play, got a live run")


def test_play_pause_speed_and_seek_do_what_they_say(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path, speed=1)
    assert control(page, "pause")["ok"]
    eventually(lambda: controls(page).get("playing") is False)
    assert control(page, "speed", 50)["ok"]
    eventually(lambda: controls(page)["speed"] == 50)
    assert control(page, "seek", 30)["ok"]
    eventually(lambda: controls(page)["position_s"] == 30)
    assert not controls(page)["playing"]
    assert control(page, "play")["ok"]
    eventually(lambda: controls(page)["over"])
    assert controls(page)["position_s"] == 41
    assert page.widget.wait(20)
    eventually(lambda: page.picture["head"]["status"] == "completed")


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("seek", None),
        ("seek", "12"),
        ("seek", True),
        ("seek", float("nan")),
        ("speed", -1),
        ("speed", float("inf")),
        ("speed", None),
        ("explode", 3),
        (None, None),
        (["play"], None),
    ],
)
def test_a_senseless_command_is_one_sentence(shows: Callable[..., Page], path: Path, action: Any, value: Any) -> None:
    page = shows(path, speed=1)
    paused_at(page, 5)
    answer = control(page, action, value)
    assert not answer["ok"]
    assert answer["error"].startswith("expected ")
    assert (replay_of(page).position, replay_of(page).speed, replay_of(page).is_playing) == (5, 1, False)


def test_going_back_shows_the_run_as_it_was_then(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path, speed=1)
    paused_at(page, 35)
    eventually(lambda: asks(page, "output")["total"] == 35)
    assert asks(page, "checkpoints")["total"] == 1
    version, heard = page.widget._view.version, len(page.comm.sent)
    paused_at(page, 15)
    whole = [message for message in list(page.comm.sent)[heard:] if message["kind"] == "snapshot"]
    assert len(whole) == 1
    assert whole[0]["version"] > version
    picture = whole[0]["picture"]
    totals = {name: picture[name]["total"] for name in ("tasks", "output", "artifacts", "checkpoints", "events")}
    assert totals == {"tasks": 1, "output": 15, "artifacts": 1, "checkpoints": 0, "events": 17}
    output, events, artifacts = (asks(page, name) for name in ("output", "events", "artifacts"))
    assert [row["text"] for row in output["rows"]] == [f"line {number}" for number in range(1, 16)]
    assert (output["total"], len(events["rows"]), events["total"]) == (15, 17, 17)
    assert [row["path"] for row in artifacts["rows"]] == ["src/10.py"]
    page.send(kind="detail", id="late", table="artifacts", key="2")
    assert page.answer("late", "detail")["row"] is None


def test_patches_after_a_way_back_build_on_its_snapshot(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path, speed=1)
    paused_at(page, 35)
    heard = len(page.comm.sent)
    paused_at(page, 15)
    paused_at(page, 25)
    sent = [message for message in list(page.comm.sent)[heard:] if message["kind"] in {"snapshot", "patch"}]
    back = next(at for at, message in enumerate(sent) if message["kind"] == "snapshot")
    version = sent[back]["version"]
    rows = {row["key"]: row["text"] for row in sent[back]["picture"]["output"]["rows"]}
    for message in sent[back + 1 :]:
        assert (message["kind"], message["base"]) == ("patch", version)
        version = message["version"]
        rows |= {row["key"]: row["text"] for row in message["changes"].get("output", {}).get("set", [])}
    assert list(rows.values()) == [f"line {number}" for number in range(1, 26)]


def test_the_durable_picture_goes_back_too(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path, speed=1)
    paused_at(page, 35)
    eventually(lambda: page.picture["output"]["total"] == 35)
    paused_at(page, 15)
    eventually(lambda: page.picture["output"]["total"] == 15)
    assert [row["key"] for row in page.picture["output"]["rows"]] == [str(number) for number in range(15)]
    assert page.picture["head"]["replay"]["position_s"] == 15
    assert page.picture["checkpoints"]["rows"] == []


def test_a_question_of_a_replay_takes_no_answer(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path, speed=1)
    paused_at(page, 25)
    eventually(lambda: page.widget.pending)
    page.send(kind="decide", id="d1", checkpoint="c", answer={"option": "approve"})
    answer = page.answer("d1")
    assert not answer["ok"]
    assert "recording" in answer["error"]
    assert page.widget.decisions.empty


def test_a_recording_that_is_there_at_once_still_hears_its_page(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path)
    assert page.widget.wait(0)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("runconsole")] == []
    page.send(kind="ready", have=-1)
    whole = page.of("snapshot")[-1]["picture"]
    assert whole["output"]["total"] == LINES
    assert (whole["head"]["replay"]["over"], whole["head"]["link"]) == (True, page.widget.status)
    assert asks(page, "output")["total"] == LINES


def test_marks_of_what_was_read_once_stay_on_the_way_back(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path)
    assert page.widget.wait(0)
    page.send(kind="ready", have=-1)
    assert page.of("snapshot")[-1]["picture"]["head"]["replay_marks"] == [[20.0, "question"]]
    assert control(page, "seek", 5)["ok"]
    eventually(lambda: page.picture["checkpoints"]["total"] == 0)
    assert page.picture["head"]["replay_marks"] == [[20.0, "question"]]


def test_a_loaded_recording_can_be_played_again(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path)
    for _ in range(2):
        assert control(page, "seek", 15)["ok"]
        eventually(lambda: controls(page) and controls(page)["position_s"] == 15)
        eventually(lambda: page.picture["output"]["total"] == 15)
        assert control(page, "speed", 100)["ok"]
        assert control(page, "play")["ok"]
        eventually(lambda: controls(page)["over"])
        eventually(lambda: page.picture["output"]["total"] == LINES)
    assert control(page, "speed", 0)["ok"]
    assert control(page, "play")["ok"]  # from the beginning, when at the end
    eventually(lambda: controls(page)["over"] and controls(page)["speed"] == 0)
    assert page.widget._view.snapshot()["output"]["total"] == LINES


def test_a_recording_has_nothing_to_connect_to(shows: Callable[..., Page], path: Path) -> None:
    page = shows(str(path), speed=1)
    page.send(kind="link", id="l", action="reconnect")
    assert "this is a recording" in page.answer("l")["error"]


def test_a_stopped_replay_refuses_to_play(shows: Callable[..., Page], path: Path) -> None:
    page = shows(path, speed=1)
    paused_at(page, 5)
    page.widget.stop()
    assert control(page, "play")["error"] == "the console is stopped: call start() in a cell"
    eventually(lambda: page.picture["head"]["link"] == "stopped")
    page.widget.start()
    assert control(page, "seek", 10)["ok"]
    eventually(lambda: controls(page)["position_s"] == 10)


def test_a_replay_stopped_amid_commands_stays_stopped(path: Path) -> None:
    for _ in range(40):
        console = Console(path)
        replay = console.replay
        assert replay is not None
        replay.seek(0)
        replay.play()
        replay.speed = 0
        console.stop()
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("runconsole")] == []
