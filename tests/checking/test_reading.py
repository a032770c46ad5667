"""Sources of a check: recordings whole, cut and damaged; servers that end, end too early, fall silent, or are left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import runconsole
from runconsole import Console, start_run
from runconsole.checking import reading
from runconsole.checking.reading import check, checked
from runconsole.cli import cli
from runconsole.engine.engine import Engine
from runconsole.errors import NotARecording
from tests.servers.json_server import JsonServer, Peer, does, eventually, says
from tests.support.promises import STARTED, completed, done, execution, lines

TWO = execution("execution_started", execution_id="e", total_tasks=2, phases=[])
HALF = done(total_tasks=2, progress_percent=50.0)


def run_check(source: Path | str, *more: str) -> Result:
    return CliRunner().invoke(cli, ["check", str(source), *more])


def stays(peer: Peer) -> None:
    peer.closed.wait(60)


def recorded(file: Path, *events: Any) -> list[str]:
    """Record a whole run of a server; return the lines of the file."""
    with JsonServer(does(says(*events), stays)) as server, Console(server.url, record=file) as console:
        console.wait(30)
    return file.read_text().splitlines()


def test_a_recording_that_was_cut_is_said_and_exits_with_3(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    whole = recorded(file, STARTED, done(), completed())
    assert run_check(file).exit_code == 0
    cut = next(number for number, line in enumerate(whole) if "execution_completed" in line)
    file.write_text("\n".join(whole[:cut]) + "\n")
    result = run_check(file)
    assert result.exit_code == 3
    assert "every promise is kept; it could not be checked to its end: it ends before its run does" in result.output
    assert json.loads(run_check(file, "--json").output)["reason"] == "it ends before its run does"


def test_a_broken_promise_in_a_recording_that_was_cut_exits_with_1(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    whole = recorded(file, STARTED, done(progress_percent=700), completed())
    cut = next(number for number, line in enumerate(whole) if "execution_completed" in line)
    file.write_text("\n".join(whole[:cut]) + "\n")
    assert run_check(file).exit_code == 1


def test_lines_that_cannot_be_read_are_named_and_nothing_is_counted_after_them(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    whole = recorded(file, TWO, HALF, done(task_id="b", completed_tasks=2, progress=2, total_tasks=2),
                     completed(total_tasks=2, completed_tasks=2))  # fmt: skip
    damaged = next(number for number, line in enumerate(whole) if "progress_update" in line)
    file.write_text("\n".join([*whole[:damaged], whole[damaged][:20], *whole[damaged + 1 :]]) + "\n")
    result = run_check(file)
    assert result.exit_code == 3
    assert result.output.splitlines() == [
        (
            "advice: stream: the recording can be read: expected a recording whose lines can be read, got 1 lines that"
            f" cannot be, line {damaged + 1} for one; what they held is not checked"
        ),
        (
            f"{file}: 3 events (execution): 0 broken promises, 1 pieces of advice; it could not be checked to its end:"
            " lines of the recording cannot be read"
        ),
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run_check(tmp_path / "nothing.jsonl")
    assert result.exit_code == 2
    assert "cannot read the recording" in result.output
    assert "record=" not in result.output
    with pytest.raises(NotARecording, match="No such file"):
        check("nothing.jsonl")


def test_a_server_that_ends_its_stream_without_the_end_breaks_a_promise() -> None:
    def end(peer: Peer) -> None:
        peer.close(1000)

    with JsonServer(does(says(TWO, HALF), end)) as server:
        found = check(server.url)
    assert found.is_whole
    assert lines(found) == [
        "broken: stream: the end is sent: expected execution_completed at the end, got none",
    ]


def test_a_server_that_falls_silent_after_its_last_task_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PATIENCE_S", 0.2)
    with JsonServer(does(says(STARTED, done()), stays)) as server:
        found = check(server.url)
    assert found.is_whole
    assert lines(found) == [
        "broken: stream: the end is sent: expected execution_completed at the end, got none",
    ]


def test_an_end_after_a_silence_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PATIENCE_S", 20)
    seen: list[Console] = []
    follow = reading._follow

    def seen_by_us(console: Console) -> bool:
        seen.append(console)
        return follow(console)

    monkeypatch.setattr(reading, "_follow", seen_by_us)

    def ends_late(peer: Peer) -> None:
        eventually(lambda: seen and seen[0].wait(0, until="done"))
        peer.send(completed())
        stays(peer)

    with JsonServer(does(says(STARTED, done()), ends_late)) as server:
        assert lines(check(server.url)) == []


def test_two_runs_over_one_stream_are_checked_each(tmp_path: Path) -> None:
    other = execution("execution_started", execution_id="f", total_tasks=1, phases=[])
    events = (STARTED, done(), completed(), other, done(), completed(execution_id="f"))
    file = tmp_path / "run.jsonl"
    recorded(file, *events)
    assert lines(check(file)) == []


def test_a_check_that_is_interrupted_says_what_was_found_so_far() -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from runconsole.cli import main; main()"
    )
    answered: list[Peer] = []

    def waits(peer: Peer) -> None:
        answered.append(peer)
        stays(peer)

    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        answered.clear()
        with JsonServer(does(says(TWO, done(total_tasks=2, progress_percent=700)), waits)) as server:
            command = [sys.executable, "-c", code, "check", server.url, "--json"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                try:
                    eventually(lambda: answered and _has_read(process.pid))
                    process.send_signal(number)
                    output, _ = process.communicate(timeout=60)
                finally:
                    process.kill()
        assert process.returncode == status
        found = json.loads(output)
        assert [finding["got"] for finding in found["findings"]] == ["700"]
        assert (found["whole"], found["reason"]) == (False, "it was interrupted")


def _has_read(process: int) -> bool:
    """Return whether a check has written the second event to its recording."""
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = link.readlink()
            if target.name == "run.jsonl" and "700" in target.read_text():
                return True
        except OSError:
            continue
    return False


def test_an_interruption_goes_on_its_way_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(reading, "_follow", interrupted)
    with JsonServer(stays) as server:
        with pytest.raises(KeyboardInterrupt):
            check(server.url)
        found, interruption = checked(server.url)
    assert isinstance(interruption, KeyboardInterrupt)
    assert found.reason == "it was interrupted"


def test_a_live_check_bounds_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int | None] = []
    start = Engine.start

    def started(engine: Engine) -> None:
        limits.append(engine.options.memory_limit)
        start(engine)

    monkeypatch.setattr(Engine, "start", started)
    with JsonServer(does(says(STARTED, done(), completed()), stays)) as server:
        assert check(server.url).ok
        assert check(server.url, memory_limit=5_000_000).ok
    assert limits == [64 * 2**20, 5_000_000]


def test_a_served_run_keeps_the_promises() -> None:
    with start_run("own", show=False, total_tasks=3, phases=["A", "B"]) as run:
        url = run.serve()
        with run.wave():
            for name in run.track("ab", "letters", phase="A"):
                run.output(name)
            with run.task("t", phase="B") as task:
                task.artifact("a.py", size=3)
                task.progress(0.5, tokens=3)
                run.ask("Go?", options=["yes", "no"], default="yes", timeout=0.05)
        with pytest.raises(ValueError, match="x"), run.task("u", phase="B"):
            raise ValueError("x")
        run.finish("partial_success")
        found = runconsole.check(url)
        run.stop_serving()
    assert lines(found) == []
