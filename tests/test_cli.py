"""The command line: its output and its exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result
from websockets.sync.client import connect

from runconsole import agui, start_run
from runconsole.cli import cli
from runconsole.simulator import Simulator
from tests.servers.json_server import JsonServer, closes, does, says
from tests.support.folding import execution, task

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "open sesame"


def run(*arguments: str, **environment: str) -> Result:
    """Run a command without a terminal."""
    return CliRunner().invoke(cli, arguments, prog_name="runconsole", env=environment)


@contextlib.contextmanager
def process_of(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process of its own, which gets its Ctrl-C whatever shell started the tests."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from runconsole.cli import main; main()"
    )
    command = [sys.executable, "-u", "-c", code, *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines_until(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            break
    return lines


# ---- watch ----------------------------------------------------------------------------------------------------------


def test_watch_follows_a_run_and_writes_the_last_screen() -> None:
    with Simulator("execution", speed=120) as sim:
        result = run("watch", sim.url, "--title", "authentication_feature", "--token-budget", "100000")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Completed authentication_feature\n")
    assert "100% (70/70 tasks)" in result.stdout
    assert re.search(r"Tokens Used: 6\d,\d{3} / 100,000 \(6\d%\)", result.stdout)
    assert re.search(r"^live \d0%$", result.stderr, re.MULTILINE)


def test_watch_follows_a_task_of_a_strict_server_to_its_end() -> None:
    with Simulator("tasks", wire="trpc", strict=True, speed=100) as sim:
        result = run("watch", sim.url, "--task", "task-103")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Completed")
    assert "tests/test_invoice.py::test_rounding" in result.stdout


def test_watch_of_a_run_with_failures_exits_with_1() -> None:
    with Simulator("execution", speed=0, failures=2) as sim:
        result = run("watch", sim.url)
    assert result.exit_code == 1
    assert "Errors: " in result.stdout
    assert "Error: " not in result.stderr


def test_watch_of_an_interrupted_run_exits_with_3() -> None:
    frames = [
        execution("execution_started", total_tasks=53),
        execution("progress_update", task_id="t", status="completed", completed_tasks=1),
    ]
    with JsonServer(does(says(*frames), closes(1000))) as server:
        result = run("watch", server.url)
    assert result.exit_code == 3
    assert result.stdout.startswith("Interrupted: ")
    assert "in good order 4 times with 1 of 53 tasks done" in result.stderr


def test_watch_takes_its_secret_from_the_environment() -> None:
    with Simulator("execution", speed=0, token=SECRET) as sim:
        let_in = run("watch", sim.url, RUNCONSOLE_TOKEN=SECRET)
        refused = run("watch", sim.url, "--token", SECRET + "!")
    assert let_in.exit_code == 0
    assert refused.exit_code == 1
    assert re.search(r"^Error: .+$", refused.stderr, re.MULTILINE)
    assert SECRET not in let_in.output + refused.output


def test_inbox_lists_the_open_questions_of_several_runs() -> None:
    options = [{"id": "go", "label": "Go \x1b[31m"}, {"id": "stop", "label": "Stop"}]
    question: dict[str, Any] = {"taskId": "t", "checkpointId": "c", "title": "Ship it?", "options": options}
    started = task("task.started", taskId="t")
    with JsonServer([started, task("task.hitl_required", **question)]) as asks, JsonServer([started]) as works:
        listed = run("inbox", "--list", asks.url, works.url)
        none = run("inbox", "--list", works.url)
    assert (listed.exit_code, none.exit_code) == (4, 0)
    assert re.fullmatch(r"run: Ship it\? \(asked .* ago\): Go \S*\[31m \| Stop\n", listed.stdout)
    assert "\x1b" not in listed.output
    assert listed.stderr.splitlines() == ["run · waiting for you · 1 · 0 of 1", "run · running · 0 of 1"]
    assert none.stdout == ""


def test_inbox_of_a_run_that_cannot_be_followed_exits_with_1() -> None:
    with JsonServer() as server:
        url = server.url
    result = run("inbox", "--list", "--wait", "1", url)
    assert result.exit_code == 1
    assert f"Error: cannot follow {url}: " in result.stderr


def test_prices_act_wherever_a_run_is_shown(tmp_path: Path) -> None:
    path, page = tmp_path / "run.jsonl", tmp_path / "run.html"
    used = {"inputTokens": 1_000_000, "outputTokens": 100_000, "cachedTokens": 800_000}
    price = ("--price", "maker/m:1=1,10,0.5", "--price", "other=7,7")
    with start_run("priced", record=path, show=False) as told:
        url = told.serve()
        told.emit("agent.usage", {"agentId": "a", "model": "maker/m:1", "usage": used})
    assert "$1.60" in run("watch", url, *price).stdout
    told.stop_serving()
    assert "$1.60" in run("replay", str(path), *price).stdout
    assert "$2.00" in run("replay", str(path), RUNCONSOLE_PRICES="maker/m:1=1,10\nother=7,7\n").stdout
    assert run("report", str(path), "-o", str(page), *price).exit_code == 0
    assert "$1.60" in page.read_text(encoding="utf-8")


def test_a_tilde_is_the_home_directory_in_every_path(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    with Simulator("execution", speed=0) as sim:
        assert run("record", sim.url, "~/run.jsonl", **home).exit_code == 0
    assert (tmp_path / "run.jsonl").is_file()
    assert run("replay", "~/run.jsonl", **home).exit_code == 0
    assert run("watch", "~/run.jsonl", **home).exit_code == 0
    assert str(tmp_path / "ca.pem") in run("watch", "wss://h/ws", "--ca-file", "~/ca.pem", **home).stderr


def test_watch_sends_headers_and_subscriptions() -> None:
    with Simulator("tasks", speed=100, delivery="subscribe", token=SECRET) as sim:
        channel = json.dumps({"type": "subscribe", "payload": {"channel": "task.task-103"}})
        result = run("watch", sim.url, "--header", f"Authorization: Bearer {SECRET}", "--subscribe", channel)
    assert "tests/test_invoice.py::test_rounding" in result.stdout
    assert "task-101" not in result.stdout


def test_every_secret_option_has_an_environment_variable(tmp_path: Path) -> None:
    channel = json.dumps({"type": "subscribe", "payload": {"channel": "task.task-103"}})
    with Simulator("tasks", speed=100, delivery="subscribe", token=SECRET) as sim:
        headers = f"X-Client: test\n\nAuthorization: Bearer {SECRET}\n"
        environment = {"RUNCONSOLE_URL": sim.url, "RUNCONSOLE_HEADERS": headers, "RUNCONSOLE_SUBSCRIBE": channel}
        watched = run("watch", **environment)
        recorded = run("record", str(tmp_path / "run.jsonl"), **environment)
    assert "tests/test_invoice.py::test_rounding" in watched.stdout
    assert "tests/test_invoice.py::test_rounding" in recorded.stdout
    assert (tmp_path / "run.jsonl").is_file()
    assert "Missing argument 'FILE'" in run("record", "run.jsonl").stderr
    for variable in ("RUNCONSOLE_URL", "RUNCONSOLE_TOKEN", "RUNCONSOLE_HEADERS", "RUNCONSOLE_SUBSCRIBE"):
        assert variable in run("watch", "--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["localhost:8000/ws?token=s3cret-value"],
        ["ws://h/ws", "--auth", "s3cret-value", "--token", "header"],
        ["ws://h/ws", "--header", "Authorization:", "Bearer", "s3cret-value"],
        ["ws://h/ws", "--header", "s3cret-value"],
        ["ws://h/ws", "--subscribe", "s3cret-value"],
        ["ws://h/ws", "--token", "s3cret-value\nand more"],
        ["ws://h/ws", "--tokn=s3cret-value"],
        ["u:s3cret-value@h/run.jsonl"],
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(arguments: list[str]) -> None:
    result = run("watch", *arguments)
    assert result.exit_code in {1, 2}
    assert re.search(r"^Error: \S.+$", result.stderr, re.MULTILINE)
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["ftp://example.org"],
        ["ws://127.0.0.1/ws", "--protocol", "telepathy"],
        ["ws://127.0.0.1/ws", "--token-budget", "many"],
        ["ws://127.0.0.1/ws", "--price", "model-1"],
        ["ws://127.0.0.1/ws", "--price", "model-1=1"],
        ["ws://127.0.0.1/ws", "--price", "=1,2"],
        ["ws://127.0.0.1/ws", "--subscribe", "{"],
        ["ws://127.0.0.1/ws", "--header", "no colon"],
        ["wss://127.0.0.1/ws", "--ca-file", "/nowhere.pem"],
    ],
)
def test_an_unwatchable_url_is_one_sentence(arguments: list[str]) -> None:
    result = run("watch", *arguments)
    assert result.exit_code in {1, 2}
    assert isinstance(result.exception, SystemExit)
    assert re.search(r"^Error: \S.+$", result.stderr, re.MULTILINE)
    assert "Traceback" not in result.output


def test_ctrl_c_leaves_the_screen_and_exits_with_130() -> None:
    with Simulator("tasks", speed=100, decision_timeout=1e6) as sim, process_of("watch", sim.url) as watch:
        while not sim.checkpoints:
            assert watch.poll() is None
            time.sleep(0.01)
        watch.send_signal(signal.SIGINT)
        output, _ = watch.communicate(timeout=30)
    assert watch.returncode == 130
    assert "Traceback" not in output


@pytest.mark.parametrize("place", ["runconsole.console.Console", "runconsole.terminal.show"])
def test_ctrl_c_exits_with_130_whenever_it_comes(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with Simulator("execution", speed=0) as sim:
        monkeypatch.setattr(place, interrupted)
        assert run("watch", sim.url).exit_code == 130


# ---- serve ----------------------------------------------------------------------------------------------------------


def test_serve_says_where_it_is_and_plays_until_ctrl_c() -> None:
    with process_of("serve", "--port", "0", "--speed", "0", "--seed", "5") as serve:
        greeting = "".join(lines_until(serve, "Press Ctrl-C"))
        [url] = set(re.findall(r"ws://127\.0\.0\.1:\d+/ws", greeting))
        with connect(url, max_queue=None) as client:
            assert json.loads(client.recv(timeout=30))["type"] == "execution_started"
            lines_until(serve, "The run is over")
        serve.send_signal(signal.SIGINT)
        output, _ = serve.communicate(timeout=30)
    assert (serve.returncode, output) == (0, "Ended.\n")


@pytest.mark.parametrize(
    ("wire", "address"), [("trpc", r"ws://127\.0\.0\.1:\d+/trpc"), ("socketio", r"http://[\d.:]+")]
)
def test_serve_speaks_the_other_wires_and_has_faults_on_request(wire: str, address: str) -> None:
    arguments = ["--wire", wire, "--port", "0", "--speed", "0", "--fault", "drop:20", "--fault", "crash:40:0.1"]
    with process_of("serve", *arguments) as serve:
        greeting = "".join(lines_until(serve, "Press Ctrl-C"))
        [url] = set(re.findall(address, greeting))
        result = run("watch", url)
    assert result.exit_code == 0, result.output
    assert "retrying: the connection to" in result.stderr


def test_serve_is_an_agui_endpoint_on_request() -> None:
    arguments = ["--family", "tasks", "--wire", "agui", "--dialect", "on_interrupt", "--port", "0", "--speed", "0"]
    with process_of("serve", *arguments) as serve:
        greeting = "".join(lines_until(serve, "Press Ctrl-C"))
        assert "Every client begins a run of its own" in greeting
        [url] = set(re.findall(r"runconsole watch (http://[\d.:]+/agui) --input go", greeting))
        found = asyncio.run(_events_of(url))
    assert found[-2:] == ["CUSTOM", "RUN_FINISHED"]


def test_serve_is_an_agent_server_of_langgraph_on_request() -> None:
    arguments = ["--family", "tasks", "--wire", "langgraph", "--dialect", "protocol", "--port", "0", "--autostart"]
    with process_of("serve", *arguments) as serve:
        greeting = "".join(lines_until(serve, "Press Ctrl-C"))
        [url] = set(re.findall(r"runconsole watch (http://[\d.:]+/threads/[\w-]+)\n", greeting))
        with urlopen(f"{url}/runs") as response:  # noqa: S310 - loopback
            assert [run["status"] for run in json.load(response)] == ["running"]


async def _events_of(url: str) -> list[str]:
    return [str(event.type.value) async for event in agui.connect(url, "go")]


def test_serve_never_writes_its_token() -> None:
    with process_of("serve", "--family", "tasks", "--port", "0", "--token", SECRET) as serve:
        greeting = "".join(lines_until(serve, "Press Ctrl-C"))
    assert "token=..." in greeting
    assert SECRET not in greeting


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with Simulator() as sim:
        result = run("serve", "--port", str(sim.port))
    assert result.exit_code == 1
    assert f"Cannot listen on 127.0.0.1:{sim.port} (address already in use)" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--family", "tasks", "--failures", "2"], "failures is an option of the 'execution' family"),
        (["--speed", "-1"], "speed must be 0 (without waiting) or more"),
        (["--family", "chess"], "'chess' is not one of 'execution', 'tasks'"),
        (["--port", "70000"], "70000 is not in the range"),
        (["--wire", "pigeon"], "'pigeon' is not one of 'json', 'trpc', 'socketio', 'agui', 'langgraph'"),
        (["--superjson"], "superjson is an option of the wire 'trpc', not of 'json'"),
        (["--fault", "flood:3"], "Invalid value for --fault: expected one of drop, freeze"),
        (["--fault", "ask-reconnect:3"], "only the wire 'trpc' can ask clients to reconnect"),
    ],
)
def test_options_that_make_no_sense_are_wrong_usage(arguments: list[str], words: str) -> None:
    result = run("serve", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


# ---- record and replay ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz", "run.jsonl.zst"])
def test_record_writes_a_file_that_replay_shows(tmp_path: Path, name: str) -> None:
    file = str(tmp_path / name)
    with Simulator(speed=0, failures=0) as sim:
        recorded = run("record", sim.url, file, "--title", "authentication_feature")
    assert recorded.exit_code == 0, recorded.output
    for arguments in ([], ["--speed", "0"], ["--speed", "1000000"]):
        replayed = run("replay", file, *arguments)
        assert replayed.exit_code == 0, replayed.output
        assert replayed.stdout == recorded.stdout
    assert "nightly" in run("replay", file, "--title", "nightly").stdout


def test_record_goes_on_with_a_file_and_ends_as_the_run_did(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with Simulator("tasks", speed=100, decision_timeout=1e6) as sim, process_of("record", sim.url, str(file)) as record:
        while not (file.exists() and b"hitl" in file.read_bytes()):
            assert record.poll() is None
            time.sleep(0.05)
        record.kill()
        record.wait(30)
        stopped = run("replay", str(file))
        assert stopped.exit_code == 1
        with process_of("record", sim.url, str(file)) as again:
            while b'"continues":true' not in file.read_bytes():
                assert again.poll() is None
                time.sleep(0.05)


def test_a_file_that_is_no_recording_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("precious")
    for arguments in (["record", "ws://127.0.0.1:1/ws", str(file)], ["replay", str(file)]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "expected a recording of runconsole" in result.stderr
    missing = run("replay", str(tmp_path / "missing.jsonl"))
    assert (missing.exit_code, "cannot read the recording" in missing.stderr) == (2, True)
    assert file.read_text() == "precious"


def test_report_writes_the_recorded_run_to_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Simulator(speed=0, failures=0) as sim:
        assert run("record", sim.url, "night.jsonl.zst").exit_code == 0
    result = run("report", "night.jsonl.zst", "--title", "nightly <b>")
    assert (result.exit_code, result.stdout.partition(":")[0]) == (0, "night.html")
    assert "<title>nightly &lt;b&gt;</title>" in (tmp_path / "night.html").read_text(encoding="utf-8")
    assert run("report", "night.jsonl.zst", "-o", "other.html").stdout.startswith("other.html: ")
    missing = run("report", "missing.jsonl")
    assert (missing.exit_code, "cannot read the recording" in missing.stderr) == (2, True)
    nowhere = run("report", "night.jsonl.zst", "-o", "nowhere/run.html")
    assert (nowhere.exit_code, "cannot write 'nowhere/run.html'" in nowhere.stderr) == (2, True)


def test_open_serves_the_panel_until_ctrl_c() -> None:
    with (
        JsonServer([execution("execution_started", execution_id="e", total_tasks=2)]) as server,
        process_of("open", server.url, "--no-browser") as process,
    ):
        assert process.stdout is not None
        first = process.stdout.readline()
        server.connected(1)
        found = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{40,}/", first)
        assert found is not None, first
        with urlopen(found[0]) as page:  # noqa: S310 - http, of this machine
            assert b"<title>runconsole</title>" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout.read().endswith("Ended.\n")


def test_open_on_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("open", "ws://127.0.0.1:9/ws", "--no-browser", "--port", port)
    assert result.exit_code == 1
    assert f"Cannot listen on 127.0.0.1:{port} (" in result.stderr
    assert "Traceback" not in result.output


# ---- the rest -------------------------------------------------------------------------------------------------------


def test_the_version_is_the_packages_own() -> None:
    assert re.fullmatch(r"runconsole, version \d+\.\d+\.\d+\S*\n", run("--version").stdout)


@pytest.mark.parametrize("command", ["watch", "record", "replay", "report", "open", "serve", "demo"])
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert command in run("--help").stdout
    assert "Options:" in result.stdout


def test_an_unknown_command_is_wrong_usage() -> None:
    result = run("dance")
    assert result.exit_code == 2
    assert "No such command 'dance'" in result.stderr


def test_a_demo_that_cannot_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    result = run("demo", "--no-browser")
    assert result.exit_code == 1
    assert result.stderr == "Error: JupyterLab is not installed; install it with: pip install 'runconsole[demo]'\n"
