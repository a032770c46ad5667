"""A relay that keeps its run in Redis: killed, cut off, restarted; one writer."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runconsole import Console, RecordingError, start_run
from runconsole.cli import cli
from runconsole.errors import InvalidArgument
from runconsole.redaction.secrets import Secret
from runconsole.relay.redis_store import RedisStore
from runconsole.relay.redis_stream import RedisStream, StreamTaken
from tests.servers.json_server import JsonServer, eventually
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer
from tests.support.relays import QUICK, RelayProcess, has_tasks, kill_between_tasks, relayed, same_events

FRAMES = ("tasks", "output", "phases", "errors", "subtasks", "artifacts", "checkpoints")


def store_of(server: RedisServer, said: list[str] | None = None, *, stream: str = "runconsole") -> RedisStore:
    return RedisStore(Secret(f"{server.url}?stream={stream}"), (said if said is not None else []).append)


def stream_of(server: RedisServer) -> RedisStream:
    return RedisStream(Secret(server.url))


def lines_of(server: RedisServer, stream: str = "runconsole") -> list[bytes]:
    entries = server.client.xrange(stream)
    assert [entry for entry, _ in entries] == [b"%d-0" % number for number in range(1, len(entries) + 1)]
    return [fields[b"line"] for _, fields in entries]


def run_relay(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["relay", *map(str, arguments)], prog_name="runconsole")


def test_a_killed_relay_goes_on_from_redis_with_every_viewer(redis_server: RedisServer, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with start_run("nightly") as run, Console(run.serve()) as direct:
        arguments = (run.serve(), "--store", redis_server.url, "--listen", f"127.0.0.1:{port}")
        with Console(f"ws://127.0.0.1:{port}/ws", reconnect=QUICK) as early:
            kill_between_tasks(run, early, *arguments, log=log, times=2)
            run.finish()
            with RelayProcess(*arguments, log=log) as relay:
                assert early.wait(60)
                with Console(relay.url) as late:
                    assert late.wait(60)
                assert relay.end() == 143
            with RelayProcess(*arguments, log=log) as relay:  # the lease was given back, the run has ended
                with Console(relay.url) as later:
                    assert later.wait(60)
                assert "its server is not asked" in relay.errors
                assert "just now" not in relay.errors  # a process that is gone is not waited for
        assert direct.wait(60)
        for console in (early, late, later):
            assert same_events(console, direct)
            for name in FRAMES:
                assert getattr(console, name).equals(getattr(direct, name)), name
            assert not console.links["missed"].fillna(0).any()
        run.stop_serving()
    assert len(set(lines_of(redis_server))) == len(lines_of(redis_server))


def test_a_killed_relay_leaves_no_temporary_file_to_the_next_one(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with start_run() as run:
        arguments = (run.serve(), "--store", redis_server.url)
        with RelayProcess(*arguments, log=tmp_path / "log") as relay:
            (left,) = temporary.iterdir()
            relay.kill()
        assert left.exists()
        with RelayProcess(*arguments, log=tmp_path / "log") as relay:
            (own,) = temporary.iterdir()
            assert own != left
            assert relay.end() == 143
        assert not list(temporary.iterdir())
        run.stop_serving()


def test_redis_may_go_and_come_back(redis_server: RedisServer) -> None:
    said: list[str] = []
    with start_run() as run, relayed(run.serve(), store_of(redis_server, said)) as relay:
        with Console(relay.url) as viewer:
            for number in range(3):
                with run.task(f"before {number}"):
                    run.output("line\n")
                redis_server.kill()
                with run.task(f"while {number}"):
                    run.output("line\n")
                eventually(lambda: sum("is away" in words for words in said) > number)  # noqa: B023 - waited for here
                redis_server.start()
                eventually(lambda: sum("is back" in words for words in said) > number)  # noqa: B023
            run.finish()
            assert viewer.wait(60)
            assert viewer.events["payload"].tolist() == run.events["payload"].tolist()
            assert viewer.tasks.equals(run.console.tasks)
        run.stop_serving()
    with relayed(run.serve(), store_of(redis_server)) as again:
        eventually(lambda: len(again.journal) == len(run.events))
        run.stop_serving()


def test_what_redis_has_lost_is_written_again(redis_server: RedisServer) -> None:
    said: list[str] = []
    with start_run() as run, relayed(run.serve(), store_of(redis_server, said)) as relay:
        with run.task("before"):
            pass
        eventually(lambda: len(relay.journal) >= 3)
        before = lines_of(redis_server)
        redis_server.client.flushall()
        with run.task("after"):
            pass
        run.finish()
        eventually(lambda: len(relay.journal) == len(run.events))
        run.stop_serving()
    assert lines_of(redis_server)[: len(before)] == before
    assert any(f"has lost {len(before):,} lines" in words for words in said)


def test_events_are_seen_only_when_redis_has_them(redis_server: RedisServer) -> None:
    said: list[str] = []
    with start_run() as run, relayed(run.serve(), store_of(redis_server, said)) as relay:
        eventually(lambda: len(relay.journal) == len(run.events))
        known = len(relay.journal)
        redis_server.kill()
        with run.task("unseen"):
            pass
        eventually(lambda: any("is away" in words for words in said))
        assert len(relay.console.events) > known
        assert len(relay.journal) == known
        redis_server.start()
        eventually(lambda: len(relay.journal) == len(run.events))
        run.stop_serving()


def test_a_second_relay_is_told_who_writes(redis_server: RedisServer) -> None:
    with start_run() as run, relayed(run.serve(), store_of(redis_server)):
        result = run_relay(run.serve(), "--store", redis_server.url)
        assert result.exit_code == 1
        assert f"another relay writes to redis://127.0.0.1:{redis_server.port}/0?stream=runconsole" in result.output
        assert f"process {os.getpid()}, since" in result.output
        with relayed(run.serve(), store_of(redis_server, stream="another")) as other:
            eventually(lambda: len(other.journal) == len(run.events))
        run.stop_serving()


def test_a_relay_whose_lease_was_taken_writes_nothing_more(redis_server: RedisServer) -> None:
    store = store_of(redis_server)
    with start_run() as run, relayed(run.serve(), store) as relay:
        eventually(lambda: len(relay.journal) == len(run.events))
        redis_server.client.set("runconsole:lease", "elsewhere, process 7 #secret")
        with run.task("t"):
            pass
        eventually(lambda: store.problem)
        assert "another relay writes to" in str(store.problem)
        assert "elsewhere, process 7" in str(store.problem)
        assert "secret" not in str(store.problem)
        run.stop_serving()
    assert redis_server.client.get("runconsole:lease") == b"elsewhere, process 7 #secret"


def test_a_line_is_there_once_however_often_it_is_sent(redis_server: RedisServer) -> None:
    one, other = stream_of(redis_server), stream_of(redis_server)
    one.claim(print)
    assert one.append(0, [b"a", b"b"]) == 0
    assert one.append(0, [b"a", b"b", b"c"]) == 2  # the reply was lost, and more has come
    assert one.append(3, []) == 3
    assert one.append(7, [b"h"]) == 3  # lost there: nothing is written
    assert lines_of(redis_server) == [b"a", b"b", b"c"]
    redis_server.client.delete("runconsole:lease")
    other.claim(print)
    with pytest.raises(StreamTaken, match="another relay writes to"):
        one.append(3, [b"d"])
    assert other.append(3, [b"x"]) == 3
    other.close()
    with pytest.raises(StreamTaken, match="has written to"):
        one.append(3, [b"d"])
    one.close()
    assert lines_of(redis_server) == [b"a", b"b", b"c", b"x"]


def test_a_stream_of_another_run_is_left_alone(redis_server: RedisServer, tmp_path: Path) -> None:
    with start_run() as run, relayed(run.serve(), store_of(redis_server)) as relay:
        eventually(lambda: len(relay.journal))
        run.stop_serving()
    before = lines_of(redis_server)
    result = run_relay("ws://127.0.0.1:9/ws", "--store", redis_server.url)
    assert result.exit_code == 2
    assert "which holds the run at ws://127.0.0.1:" in result.output
    assert lines_of(redis_server) == before
    assert redis_server.client.get("runconsole:lease") is None


def test_a_key_that_is_something_else_is_left_alone(redis_server: RedisServer) -> None:
    redis_server.client.set("runconsole", "text")
    redis_server.client.xadd("other", {"line": "x"})
    for stream in ("runconsole", "other"):
        result = run_relay("ws://127.0.0.1:9/ws", "--store", f"{redis_server.url}?stream={stream}")
        assert result.exit_code == 2
        assert "holds something else" in result.output
    assert redis_server.client.get("runconsole") == b"text"


def test_a_password_lets_in_and_is_never_shown(redis_path: str, tmp_path: Path) -> None:
    server = RedisServer(redis_path, tmp_path, password="hidden word")
    try:
        place = f"redis://:hidden%20word@127.0.0.1:{server.port}/0"
        with (
            JsonServer([{"type": "task.started", "payload": {"taskId": "t"}}]) as upstream,
            RelayProcess(upstream.url, "--store", place, log=tmp_path / "log") as relay,
        ):
            with Console(relay.url) as viewer:
                eventually(partial(has_tasks, viewer, 1))
            assert relay.end() == 143
            assert "hidden" not in relay.errors + relay.greeting
        for wrong in (f"redis://:wrong@127.0.0.1:{server.port}/0", server.url):
            result = run_relay("ws://127.0.0.1:9/ws", "--store", wrong)
            assert result.exit_code == 2
            assert "does not let us in" in result.output
            assert "wrong@" not in result.output
    finally:
        server.close()


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        ("redis://127.0.0.1:{port}/0", 1, "cannot reach the store redis://127.0.0.1:"),
        ("redis://127.0.0.1:http/0", 2, "got one that cannot be used"),
        ("redis://127.0.0.1:{port}/0?stream=", 2, "?stream= of --store"),
        ("redis://127.0.0.1:{port}/0?no_such_option=1", 2, "got one that cannot be used"),
    ],
)
def test_a_wrong_address_is_named(place: str, code: int, words: str) -> None:
    result = run_relay("ws://127.0.0.1:9/ws", "--store", place.format(port=free_port()))
    assert result.exit_code == code, result.output
    assert words in result.output


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    result = run_relay("ws://127.0.0.1:9/ws", "--store", "redis://127.0.0.1:1/0")
    assert result.exit_code == 1
    assert "pip install 'runconsole[relay]'" in result.output


def test_a_store_without_an_owner_that_expires_is_not_waited_for(redis_server: RedisServer) -> None:
    redis_server.client.set("runconsole:lease", "somebody")
    with pytest.raises(RecordingError, match="somebody"):
        store_of(redis_server).open()


@pytest.mark.parametrize("holder", ["elsewhere, process 1 #another-machine/1/ab", "unreadable #", "#/x/", "half #a/"])
def test_the_lease_of_a_relay_elsewhere_is_waited_for(redis_server: RedisServer, holder: str) -> None:
    said: list[str] = []
    redis_server.client.set("runconsole:lease", holder, px=400)
    store = store_of(redis_server, said)
    store.open()
    assert [words.partition(" just now")[1] for words in said] == [" just now"]
    store.close()


def test_a_closed_store_leaves_no_file_behind(redis_server: RedisServer) -> None:
    store = store_of(redis_server)
    store.open()
    directory = store.path.parent
    assert directory.is_dir()
    store.close()
    store.close()
    assert not directory.exists()
    assert redis_server.client.get("runconsole:lease") is None
    with pytest.raises(InvalidArgument):
        RedisStore(Secret("redis://127.0.0.1:1/0?stream=%20"), print)


def test_ci_has_redis_and_other_machines_may_lack_it(tmp_path: Path) -> None:
    """The tests above are skipped with a reason, but never in CI."""
    root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-p",
        "no:cacheprovider",
        f"--basetemp={tmp_path / 'inner'}",
    ]
    command.append("tests/relay/test_redis.py::test_a_line_is_there_once_however_often_it_is_sent")
    for in_ci, code, words in (("true", 1, "run scripts/get-redis"), ("", 0, "there is no redis-server")):
        known = os.environ | {"REDIS_SERVER": str(tmp_path / "none"), "CI": in_ci}
        done = subprocess.run(command, cwd=root, env=known, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == code, done.stdout
        assert words in done.stdout
