"""The command line's streams and signals: the run's exit code with streams of every kind, and the terminal restored."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runconsole import Console
from runconsole.cli import cli
from runconsole.simulator import Simulator
from runconsole.terminal.process import Output, prepared, terminal_of
from tests.servers.json_server import JsonServer, closes
from tests.support.folding import execution
from tests.terminal.test_following import Terminal, watching

MAIN = "from runconsole.cli import main; main()"
HOSTILE = "\x1b]52;c;aGk=\x07\x1b]0;title\x07\x1b[2J\x9b31m\u202egpj.exe\r\nError: all is well\x00"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the recording of a run that completed."""
    path = tmp_path_factory.mktemp("recorded") / "run.jsonl"
    with (
        Simulator("execution", speed=0) as simulator,
        Console(simulator.url, record=path, title="Größe → 🚀") as console,
    ):
        assert console.wait(40)
    assert console.run.status == "completed"
    return path


def replay(path: Path, redirection: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run `replay` by a shell, with `rest` behind it."""
    command = f'"$@" {redirection}'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command, "bash", sys.executable, "-c", MAIN, "replay", str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | environment,
        timeout=50,
        check=False,
    )


# ---- streams --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252", "koi8-r", "utf-8", "utf-16-le"])
def test_an_output_that_has_not_all_characters_gets_what_it_has(recorded: Path, encoding: str) -> None:
    result = replay(recorded, PYTHONIOENCODING=encoding)
    text = result.stdout.decode(encoding)
    assert (result.returncode, result.stderr.decode(encoding, "replace")) == (0, "")
    assert text.startswith("Completed")
    assert "Progress: [" in text
    assert text.count("█" if encoding.startswith("utf") or encoding == "koi8-r" else "#") >= 12
    if encoding == "ascii":
        assert "Completed Gr\\xf6\\xdfe \\u2192 \\U0001f680" in text


@pytest.mark.parametrize(
    "redirection", [">&-", "2>&-", "<&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-", "| head -c 1", "| true", "2>/dev/full"]
)
def test_a_closed_or_unread_output_changes_no_exit_code(recorded: Path, redirection: str) -> None:
    result = replay(recorded, redirection)
    assert (result.returncode, result.stderr) == (0, b"")


def test_an_output_without_space_exits_with_1(recorded: Path) -> None:
    result = replay(recorded, ">/dev/full")
    assert result.returncode == 1
    assert result.stderr == b"Error: Cannot write to the output (No space left on device).\n"


def test_a_recording_never_gets_the_number_of_a_closed_output(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with Simulator("execution", speed=0) as simulator:
        code = f"import sys; sys.argv[1:] = ['record', {simulator.url!r}, {str(path)!r}]; {MAIN}"
        command = ["bash", "-c", '"$@" <&- >&- 2>&-', "bash", sys.executable, "-c", code]
        assert subprocess.run(command, timeout=50, check=False).returncode == 0
    with Console(path) as console:
        assert console.run.status == "completed"
        assert console.replay is not None
        assert console.replay.report is None


def test_an_output_cleans_text_and_passes_drawings() -> None:
    stream = io.StringIO()
    output = Output(stream, is_needed=True)
    output.write(HOSTILE)
    assert stream.getvalue() == ("␛]52;c;aGk=␇␛]0;title␇␛[2J⟨U+009B⟩31m⟨U+202E⟩gpj.exe\nError: all is well␀")
    terminal_of(output).write("\x1b[1m")
    assert stream.getvalue().endswith("\x1b[1m")
    with pytest.raises(TypeError, match="expected text, got bytes"):
        output.write(b"")  # type: ignore[arg-type]


def test_the_streams_are_as_before_when_a_command_has_ended() -> None:
    before = (sys.stdout, sys.stderr, signal.getsignal(signal.SIGTERM))
    with prepared():
        assert isinstance(sys.stdout, Output)
        assert not sys.stderr.isatty()
    assert (sys.stdout, sys.stderr, signal.getsignal(signal.SIGTERM)) == before


# ---- text of servers ------------------------------------------------------------------------------------------------


def refuses(words: str) -> Any:
    return {"type": "error", "payload": {"code": "UNAUTHORIZED", "message": words}}


def assert_harmless(text: str) -> None:
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text) is None, text


@pytest.mark.parametrize(
    "script",
    [
        [refuses(HOSTILE)],
        closes(4001, HOSTILE[:40]),
        closes(1012, HOSTILE[:40]),
        [{"type": "system.alert", "payload": {"level": "error", "message": HOSTILE}}, closes(4001, "go")],
        [execution("execution_completed", status="failed", error=HOSTILE)],
        [execution("execution_started", execution_id=HOSTILE), closes(4001, "go")],
    ],
    ids=["refusal", "refused close", "retried close", "alert", "failure", "id"],
)
def test_no_text_of_a_server_is_a_command_to_the_terminal(script: Any) -> None:
    with JsonServer(script) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "watch", server.url, "--title", HOSTILE.replace("\x00", "")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        lines: list[str] = []
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line.decode())
            if b"retrying" in line or b"Error" in line:
                process.terminate()
                break
        out, err = process.communicate(timeout=50)
    assert_harmless("".join([*lines, out.decode(), err.decode()]).replace("\n", ""))


def test_refused_arguments_are_cleaned_too(tmp_path: Path) -> None:
    path = tmp_path / "x\x1b]0;t\x07\u202e.jsonl"
    path.write_text("no recording")
    for arguments in (["replay", str(path)], ["watch", HOSTILE[:-1]], ["watch", "ws://h", "--protocol", "\x1b[2J"]):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code in (1, 2)
        assert_harmless(result.output.replace("\n", ""))


def test_a_sentence_with_a_servers_words_is_one_line() -> None:
    with JsonServer([refuses("no\nError: all is well")]) as server:
        result = CliRunner().invoke(cli, ["watch", server.url])
    assert "Error: all is well" not in result.stderr.splitlines()


# ---- signals --------------------------------------------------------------------------------------------------------


def modes(terminal: Terminal) -> int:
    local: int = termios.tcgetattr(terminal.side)[3]
    return local & (termios.ICANON | termios.ECHO)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_that_ends_the_command_gives_the_terminal_back(number: signal.Signals, code: int) -> None:
    with Simulator("tasks", speed=200, decision_timeout=1e6) as sim, watching(sim.url) as terminal:
        given = modes(terminal)
        terminal.reads("Needs your decision")
        assert modes(terminal) == 0 != given
        terminal.process.send_signal(number)
        terminal.until(lambda: terminal.process.poll() is not None)
        assert terminal.process.returncode == code
        assert modes(terminal) == given
        terminal.until(lambda: terminal.raw.rfind("\x1b[?25h") > terminal.raw.rfind("\x1b[?25l"))


def test_a_suspended_command_gives_the_terminal_back() -> None:
    with Simulator("tasks", speed=200, decision_timeout=1e6) as sim, watching(sim.url, can_stop=True) as terminal:
        given = modes(terminal)
        terminal.reads("Needs your decision")
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.until(lambda: modes(terminal) == given)
        terminal.until(lambda: state_of(terminal.process.pid) == "T")
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until(lambda: modes(terminal) == 0)
        terminal.press("1")
        terminal.reads("Enter sends it")


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_hung_up_terminal_ends_the_command_quietly(tmp_path: Path) -> None:
    with Simulator("tasks", speed=200, decision_timeout=1e6) as sim:
        terminal = Terminal("watch", sim.url, stderr=tmp_path / "stderr")
        terminal.reads("Needs your decision")
        terminal.hang_up()
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.process.wait(50) == 129
        assert "Traceback" not in (tmp_path / "stderr").read_text()


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    code = (
        "import os, signal; from runconsole.terminal.process import prepared\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with prepared(): os.kill(os.getpid(), signal.SIGHUP); print('still here')"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True)
    assert answer.stdout == "still here\n"


def test_serve_ends_by_sigterm_in_good_order() -> None:
    command = [sys.executable, "-u", "-c", MAIN, "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "Serving a run" in process.stdout.readline()
        process.terminate()
        assert process.wait(50) == 143
        assert process.stderr is not None
        assert process.stderr.read() == ""
