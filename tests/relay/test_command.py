"""`runconsole relay`: what it is given, what it keeps through a kill, and how it ends."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runconsole import Console, ConsoleFailed, start_run
from runconsole.cli import cli
from tests.servers.json_server import JsonServer, eventually
from tests.support.ports import free_port
from tests.support.relays import QUICK, RelayProcess, kill_between_tasks, relayed, same_events

SECRET = "a secret of viewers"
NOWHERE = "ws://127.0.0.1:9/ws"
EVERYWHERE = "0.0.0.0:0"


def run_relay(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["relay", *map(str, arguments)], prog_name="runconsole")


def test_a_killed_relay_goes_on_from_its_file_with_every_viewer(tmp_path: Path) -> None:
    port = free_port()
    store, log = tmp_path / "run.jsonl", tmp_path / "log"
    with start_run("nightly") as run, Console(run.serve()) as direct:
        arguments = (run.serve(), "--store", store, "--listen", f"127.0.0.1:{port}")
        with Console(f"ws://127.0.0.1:{port}/ws", reconnect=QUICK) as early:
            kill_between_tasks(run, early, *arguments, log=log, times=4)
            run.finish()
            with RelayProcess(*arguments, log=log) as relay:
                assert early.wait(60)
                with Console(relay.url) as late:
                    assert late.wait(60)
                assert relay.end() == 143
        assert direct.wait(60)
        for console in (early, late):
            assert same_events(console, direct)
            for name in ("tasks", "output", "phases", "errors"):
                assert getattr(console, name).equals(getattr(direct, name)), name
            assert not console.links["missed"].fillna(0).any()
        run.stop_serving()


def test_a_run_that_has_ended_is_served_from_the_store_alone(tmp_path: Path) -> None:
    store = tmp_path / "run.jsonl.gz"
    with start_run() as run:
        url = run.serve()
        with run.task("t"):
            run.output("line\n")
    with relayed(url, store) as relay, Console(relay.url) as before:
        assert before.wait(30)
    run.stop_serving()
    with RelayProcess(url, "--store", store, log=tmp_path / "log") as process:
        with Console(process.url) as after:
            assert after.wait(30)
        assert same_events(before, after)
        assert process.end(signal.SIGINT) == 130
        assert "its server is not asked" in process.errors
        assert "ended" in process.errors.splitlines()[-1]


def test_a_second_relay_of_a_file_is_refused(tmp_path: Path) -> None:
    with start_run() as run, relayed(run.serve(), tmp_path / "run.jsonl"):
        result = run_relay(run.serve(), "--store", tmp_path / "run.jsonl")
        assert result.exit_code == 1
        assert "another console records to" in result.output
        run.stop_serving()


def test_a_store_of_another_run_is_left_alone(tmp_path: Path) -> None:
    store = tmp_path / "run.jsonl"
    with start_run() as run, relayed(run.serve(), store) as relay:
        eventually(lambda: len(relay.journal))
        run.stop_serving()
    before = store.read_bytes()
    result = run_relay(NOWHERE, "--store", store)
    assert result.exit_code == 2
    assert "which holds the run at ws://127.0.0.1:" in result.output
    assert store.read_bytes() == before


def test_a_torn_store_is_mended_and_a_foreign_file_is_not_touched(tmp_path: Path) -> None:
    store, notes = tmp_path / "run.jsonl", tmp_path / "notes.txt"
    with start_run() as run:
        url = run.serve()
        with relayed(url, store) as relay:
            eventually(lambda: len(relay.journal))
        store.write_bytes(store.read_bytes() + b'{"at":17,"dir":"in","li')
        with run.task("t"):
            pass
        run.finish()
        with relayed(url, store) as relay, Console(relay.url) as viewer:
            assert viewer.wait(30)
            assert viewer.events["payload"].tolist() == run.events["payload"].tolist()
        run.stop_serving()
    notes.write_text("not a recording\n")
    result = run_relay(url, "--store", notes)
    assert result.exit_code == 2
    assert notes.read_text() == "not a recording\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--listen", EVERYWHERE), "expected --token beside the host of --listen"),
        (("--listen", "8765"), "expected --listen to be HOST:PORT"),
        (("--listen", "127.0.0.1:http"), "expected --listen to be HOST:PORT"),
        (("--listen", "127.0.0.1:70000"), "the port of --listen"),
        (("--listen", ":80"), "the host of --listen"),
        (("--token", "two\nlines"), "expected --token to be a text"),
        (("--store", "mongodb://u:hidden@localhost/x"), "a URL of the kind 'mongodb'"),
        (("--store", " "), "got nothing"),
        (("--store", "/"), "got the directory"),
        (("--store", "/no/such/directory/run.jsonl"), "directory that exists"),
        (("--auth", "nowhere"), "expected one of"),
        (("surplus",), "Got one more argument"),
    ],
)
def test_wrong_arguments_are_named_without_secrets(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    result = run_relay(NOWHERE, "--store", tmp_path / "run.jsonl", *arguments)
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert "hidden" not in result.output
    assert not (tmp_path / "run.jsonl").exists()


def test_the_path_of_a_recording_is_no_upstream(tmp_path: Path) -> None:
    with start_run(record=tmp_path / "other.jsonl"):
        pass
    result = run_relay(tmp_path / "other.jsonl", "--store", tmp_path / "run.jsonl")
    assert result.exit_code == 2
    assert "runconsole replay" in result.output


def test_a_store_is_needed() -> None:
    result = run_relay(NOWHERE)
    assert result.exit_code == 2
    assert "--store" in result.output


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, start_run() as run:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run_relay(run.serve(), "--store", tmp_path / "run.jsonl", "--listen", place)
        assert result.exit_code == 1
        assert f"Cannot listen on {place}" in result.output
        run.stop_serving()


def test_a_server_that_lets_nobody_in_ends_the_relay(tmp_path: Path) -> None:
    with JsonServer(refuse=[401] * 9) as server:
        result = run_relay(server.url, "--store", tmp_path / "run.jsonl", "--token", SECRET)
    assert result.exit_code == 1
    assert "cannot follow the run" in result.output
    assert SECRET not in result.output


def test_the_token_lets_viewers_in_and_is_never_shown(tmp_path: Path) -> None:
    with start_run() as run:
        url = run.serve(token="of the server itself")
        arguments = (url, "--store", tmp_path / "run.jsonl", "--token", SECRET)
        with RelayProcess(
            *arguments,
            "--upstream-token",
            "of the server itself",
            "--listen",
            "0.0.0.0:0",
            log=tmp_path / "log",
        ) as relay:
            place = relay.url.replace(EVERYWHERE.partition(":")[0], "127.0.0.1")
            with Console(place, token=SECRET) as viewer:
                run.finish()
                assert viewer.wait(30)
            with Console(place, token="of the server itself") as denied, pytest.raises(ConsoleFailed):
                denied.wait(30)
            assert relay.end() == 143
            for text in (relay.greeting, relay.errors, (tmp_path / "run.jsonl").read_text()):
                assert SECRET not in text
                assert "of the server" not in text
        run.stop_serving()


def test_one_token_is_that_of_both_sides(tmp_path: Path) -> None:
    with start_run() as run:
        url = run.serve(token=SECRET)
        with (
            RelayProcess(url, "--store", tmp_path / "run.jsonl", "--token", SECRET, log=tmp_path / "log") as relay,
            Console(relay.url, token=SECRET) as viewer,
        ):
            run.finish()
            assert viewer.wait(30)
        run.stop_serving()
