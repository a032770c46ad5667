"""A run as one HTML file: every moment of it, nothing but its own script, and no secret."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from runconsole import Console, InvalidArgument
from runconsole.onefile import moments
from tests.servers.json_server import JsonServer, eventually
from tests.support.folding import execution, frames_of, task
from tests.support.hostile import HOSTILE

DATA = re.compile(r'<script id="data" type="text/plain">([A-Za-z0-9+/=]*)</script>')
SCRIPT = re.compile(r'<script type="module">(.*?)</script>', re.DOTALL)
POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')

Data = dict[str, Any]


def data_of(file: Path) -> Data:
    """Return the data of a file."""
    found = DATA.search(file.read_text(encoding="utf-8"))
    assert found is not None
    data: Data = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return data


def rows_at(data: Data, name: str, moment: int = -1) -> list[Data]:
    """Return the rows of a table at a moment, as a browser puts them together."""
    rows: dict[str, Data] = {}
    last = range(len(data["moments"]))[moment]
    for one in data["moments"][: last + 1]:
        change = one.get(name, {})
        rows |= {row["key"]: row for row in change.get("set", ())}
        if "order" in change:
            rows = {key: rows[key] for key in change["order"]}
    return list(rows.values())


def head_at(data: Data, moment: int = -1) -> Data:
    head: Data = {}
    for one in data["moments"][: range(len(data["moments"]))[moment] + 1]:
        head |= one["head"]
    return head


def followed(frames: list[str], folder: Path, **options: Any) -> Data:
    """Return the data of the file of a finished run of these frames."""
    with JsonServer(frames) as server, Console(server.url, **options) as console:
        assert console.wait(20)
        console.to_html(folder / "run.html")
    return data_of(folder / "run.html")


def test_a_file_has_the_run_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    data = followed(frames_of("seed-execution"), tmp_path, title="authentication_feature")
    assert head_at(data)["status"] == "completed"
    assert head_at(data)["link"] == "ended"
    assert head_at(data)["title"] == "authentication_feature"
    assert head_at(data, 0)["status"] == "pending"
    assert rows_at(data, "phases", 0) == []
    assert [row["name"] for row in rows_at(data, "phases")] == [
        *("Discovery", "Analysis", "Planning", "Execution", "Validation"),
    ]
    assert [row["position_s"] for row in data["moments"]] == sorted(row["position_s"] for row in data["moments"])
    assert data["moments"][-1]["totals"]["errors"] == len(data["growing"]["errors"]) == 1
    assert data["timeline"]["phase"][0]["tasks"] > 0
    assert data["left_out"] == []


def test_a_question_stands_open_and_then_decided(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    frames = [
        task("task.hitl_required", checkpointId="c", title="Ship it?", options=["approve", "reject"]),
        task("checkpoint.resolved", checkpointId="c", decision="approve"),
        task("task.completed"),
    ]
    with JsonServer(frames) as server, Console(server.url, task="t", record=path) as console:
        assert console.wait(20)
    Console(path).to_html(tmp_path / "run.html")
    data = data_of(tmp_path / "run.html")
    (decided,) = rows_at(data, "checkpoints")
    assert decided["status"] == "decided"
    assert decided["title"] == "Ship it?"
    assert head_at(data)["url"].startswith("ws://")


def test_nothing_of_the_stream_is_markup_or_script(tmp_path: Path) -> None:
    frames = [
        execution("execution_started", execution_id=HOSTILE, phases=[{"number": 0, "name": HOSTILE, "tasks": 1}]),
        execution("progress_update", task_id=HOSTILE, task_name=HOSTILE, phase=0, status="failed"),
        execution("error", task_id=HOSTILE, message=HOSTILE, stack=HOSTILE),
        execution("artifact_created", path=HOSTILE),
        task("task.output", data=f"{HOSTILE}\n", stream="stdout"),
        task(HOSTILE),
        execution("execution_completed", status="success"),
    ]
    data = followed(frames, tmp_path, title=HOSTILE)
    made = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert made.count("<script") == made.count("</script") == 2
    assert made.count("</style") == made.count("<style") == 1
    assert "<img" not in made
    assert "<!--" not in made
    assert re.search("[\u2028\u2029\u202e\x00\x1b]", DATA.sub("", SCRIPT.sub("", made))) is None
    assert "window.owned=1" in json.dumps(data)


def test_the_policy_admits_its_own_script_alone(tmp_path: Path) -> None:
    followed([*frames_of("seed-task")[:3], task("task.completed", taskId="task-789")], tmp_path, task="task-789")
    made = (tmp_path / "run.html").read_text(encoding="utf-8")
    found, policy = SCRIPT.search(made), POLICY.search(made)
    assert found is not None
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    rules = html.unescape(policy[1])
    assert rules.split("; ")[:2] == ["default-src 'none'", f"script-src 'sha256-{digest}'"]
    assert re.search(r'\b(src|href)="', made.replace(found[1], "")) is None


def test_a_secret_is_in_no_file(tmp_path: Path) -> None:
    secret = "hunter22-canary"
    with JsonServer([task("task.started", title=f"password {secret}"), task("task.completed")]) as server:
        with Console(f"{server.url}?token={secret}", token=secret, task="t", title=f"of {secret}") as console:
            assert console.wait(20)
            console.to_html(tmp_path / "run.html")
        assert secret not in (tmp_path / "run.html").read_text(encoding="utf-8")
        assert secret not in json.dumps(data_of(tmp_path / "run.html"))


def test_a_run_that_goes_on_is_written_as_it_is(tmp_path: Path) -> None:
    with JsonServer([task("task.started", title="Fix it")]) as server, Console(server.url) as console:
        eventually(lambda: len(console.events) == 1)
        console.to_html(tmp_path / "run.html")
        data = data_of(tmp_path / "run.html")
        assert (head_at(data)["status"], head_at(data)["link"]) == ("running", "stopped")
        assert "the run was still going on at" in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_a_console_that_was_never_started_has_a_file_too(tmp_path: Path) -> None:
    Console("ws://127.0.0.1:9/ws", start=False, title="nothing").to_html(tmp_path / "run.html")
    assert head_at(data_of(tmp_path / "run.html"))["status"] == "pending"


def test_a_large_run_has_its_newest_rows_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "GROWING", moments.GROWING | {"output": 20, "events": 5})
    frames = [task("task.output", data=f"line {n}\n", stream="stdout") for n in range(100)]
    data = followed([*frames, task("task.completed")], tmp_path, task="t")
    lines = data["growing"]["output"]
    assert [lines[0]["text"], lines[0]["key"], lines[-1]["text"], lines[-1]["key"]] == ["line 80", "0", "line 99", "19"]
    assert data["moments"][-1]["totals"]["output"] == 20
    assert data["left_out"] == ["the newest 20 of 100 lines of output", "the newest 5 of 101 events"]


def test_a_run_with_too_many_changes_has_its_end_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "_CHANGES", 3)
    path = tmp_path / "run.jsonl"
    frames = [task("task.started", taskId=f"t{n}") for n in range(50)]
    with JsonServer(frames) as server, Console(server.url, record=path) as console:
        eventually(lambda: len(console.tasks) == 50)
    Console(path).to_html(tmp_path / "run.html")
    data = data_of(tmp_path / "run.html")
    assert len(rows_at(data, "tasks")) == 50
    assert data["left_out"] == ["the end of the run alone, without the way there"]


def test_long_texts_are_there_uncut(tmp_path: Path) -> None:
    frames = [execution("error", task_id="t", message="x" * 9000), execution("execution_completed", status="failed")]
    data = followed(frames, tmp_path)
    assert data["growing"]["errors"][0]["cut"] == ["message"]
    assert len(data["whole"]["errors"]["0"]["message"]) == 9000


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    console = Console("ws://127.0.0.1:9/ws", start=False)
    with pytest.raises(InvalidArgument, match=r"cannot write .*No such file or directory"):
        console.to_html(tmp_path / "nowhere" / "run.html")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_another_is_whole(tmp_path: Path) -> None:
    (tmp_path / "run.html").write_text("old")
    Console("ws://127.0.0.1:9/ws", start=False).to_html(tmp_path / "run.html")
    assert [file.name for file in tmp_path.iterdir()] == ["run.html"]
    assert data_of(tmp_path / "run.html")["format"] == 1
