"""Runs written as Parquet: every frame whole, once, under safe names, during other reads and writes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole import Console, InvalidArgument, history
from runconsole.dataset import History, RunInfo, write
from runconsole.dataset.directory import RunDirectory, fitting, is_fitting
from runconsole.dataset.schema import NAMES, partitions_of, schema_of
from runconsole.simulator import Simulator
from tests.support.folding import Folded, execution, fold, frames_of, task
from tests.support.streams import streams


def keep(folded: Folded, directory: Path | str, name: str | None = None, **about: Any) -> str:
    """Write a folded run."""
    return write(folded.tables, RunInfo(folded.state.run(), **about), directory, execution=name)


def assert_same(past: History, name: str, folded: Folded) -> None:
    """Assert that the history has every frame of a run exactly."""
    for frame in NAMES:
        pd.testing.assert_frame_equal(past.frame(frame, name), folded.tables.frame(frame), check_index_type=True)


def run(name: str, tasks: int = 2) -> Folded:
    """Return a small execution."""
    frames = [execution("execution_started", 0, execution_id=name, total_tasks=tasks)]
    frames += [
        execution("progress_update", n + 1, task_id=f"t{n}", phase=0, status="completed", duration_ms=500)
        for n in range(tasks)
    ]
    return fold(frames)


def files_of(directory: Path) -> set[str]:
    return {file.relative_to(directory).as_posix() for file in directory.rglob("*") if file.is_file()}


# ---- what is written -------------------------------------------------------------------------------------------------


@given(streams(most=30))
@settings(max_examples=25)
def test_the_frames_read_back_equal_those_of_the_run(
    tmp_path_factory: pytest.TempPathFactory, frames: list[str]
) -> None:
    folded = fold(frames)
    directory = tmp_path_factory.mktemp("runs")
    name = keep(folded, directory)
    assert_same(history(directory), name, folded)


@pytest.mark.parametrize("name", ["variants", "garbage", "seed-task", "seed-execution"])
def test_odd_events_and_questions_are_read_back_too(tmp_path: Path, name: str) -> None:
    folded = fold(frames_of(name))
    name = keep(folded, tmp_path)
    assert_same(history(tmp_path), name, folded)


def test_a_console_and_its_widget_write_the_run_they_follow(tmp_path: Path) -> None:
    with Simulator("execution", speed=0) as simulator, Console(simulator.url, title="auth") as console:
        assert console.wait(timeout=30)
        name = console.to_parquet(tmp_path)
    past = history(tmp_path)
    assert name == console.run.execution_id
    assert past.executions == [name]
    row: Any = past.runs.loc[name]
    assert (row["title"], row["status"], row["protocol"]) == ("auth", "completed", "json")
    assert row[["total_tasks", "events", "errors"]].tolist() == [120, len(console.events), len(console.errors)]
    pd.testing.assert_frame_equal(past.frame("tasks", name), console.tasks)


def test_no_secret_of_the_address_is_written(tmp_path: Path) -> None:
    with (
        Simulator("execution", speed=0) as simulator,
        Console(f"{simulator.url}?api_key=hidden", token="hidden") as console,
    ):
        assert console.wait(timeout=30)
        console.to_parquet(tmp_path)
    assert "hidden" not in history(tmp_path).runs.to_csv()
    assert all(b"hidden" not in file.read_bytes() for file in tmp_path.rglob("*.parquet"))


def test_every_file_of_a_frame_has_the_same_schema(tmp_path: Path) -> None:
    for number, folded in enumerate([fold(frames_of("variants")), run("e"), fold(frames_of("seed-task"))]):
        keep(folded, tmp_path, f"run {number}")
    for name in ("runs", *NAMES):
        in_file = [field for field in schema_of(name) if field.name not in partitions_of(name)]
        found = [pq.read_schema(file) for file in (tmp_path / name).rglob("*.parquet")]
        assert found or name == "decisions"
        assert all(schema.equals(pa.schema(in_file)) for schema in found)


def test_frames_are_partitioned_by_execution_events_by_type(tmp_path: Path) -> None:
    keep(run("exec 1"), tmp_path)
    folders = {str(Path(file).parent) for file in files_of(tmp_path)}
    assert folders == {
        "runs",
        *(f"{name}/execution=exec%201" for name in ("tasks", "phases", "links")),
        *(f"events/execution=exec%201/type={kind}" for kind in ("execution_started", "progress_update")),
    }


def test_surplus_types_share_a_partition(tmp_path: Path) -> None:
    folded = fold([task(f"kind.{n}") for n in range(300)])
    name = keep(folded, tmp_path)
    assert len(list((tmp_path / "events").glob("execution=*/type=*"))) == 201
    assert_same(history(tmp_path), name, folded)


# ---- what a run is called --------------------------------------------------------------------------------------------

ODD = [
    "a/b",
    "..",
    ".",
    "../../up",
    "00012",
    "2024-01-01",
    "ž é 漢",
    "%2F",
    "a=b",
    "x y+z",
    "'\"",
    "~t",
    "con.",
    "a\\b",
]
ODD += ["__HIVE_DEFAULT_PARTITION__", "null", " ", "*", "[a]", "A" * 400, "ž" * 100, "\n"]


def test_a_run_may_have_any_id(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    names = {odd: keep(run(odd), inside) for odd in ODD}
    past = history(inside)
    assert past.executions == sorted(names.values())
    assert set(past.runs["execution_id"]) == set(ODD)
    for odd, name in names.items():
        assert_same(past, name, run(odd))
        assert (name == odd) == is_fitting(odd)
    assert {file.name for file in tmp_path.iterdir()} == {"inside"}


def test_an_event_may_have_any_type(tmp_path: Path) -> None:
    folded = fold([task(odd) for odd in [*ODD, "", "~others"]])
    name = keep(folded, tmp_path)
    assert set(folded.tables.frame("events")["type"]) >= {"", *ODD}
    assert_same(history(tmp_path), name, folded)


@given(st.text(), st.text())
def test_names_in_paths_are_valid_and_unique(one: str, other: str) -> None:
    one, other = (text.encode("utf-8", "replace").decode() for text in (one, other))
    assert is_fitting(fitting(one))
    assert (fitting(one) == fitting(other)) == (one == other)


def test_a_run_is_named_by_execution_task_or_first_event(tmp_path: Path) -> None:
    unnamed = fold([task("task.started", 1), task("task.output", 2, data="x", stream="stdout")])
    assert keep(run("e"), tmp_path, task="t", execution="asked") == "e"
    assert keep(unnamed, tmp_path, task="t", execution="asked") == "asked"
    assert keep(unnamed, tmp_path, task="t", execution="") == "t"
    name = keep(unnamed, tmp_path, address="ws://here")
    assert name.startswith("run-")
    again = fold([task("task.started", 1), task("task.output", 3, data="later", stream="stdout")], at=7)
    assert keep(again, tmp_path, address="run.jsonl") == name
    assert keep(fold([task("task.started", 2)]), tmp_path) != name


def test_a_run_with_a_late_id_is_in_the_directory_once(tmp_path: Path) -> None:
    folded = fold([execution("progress_update", 1, task_id="t")])
    before = keep(folded, tmp_path)
    folded.feed([execution("execution_completed", 2, execution_id="e", status="success")])
    assert keep(folded, tmp_path) == "e"
    assert history(tmp_path).executions == ["e"] != [before]
    assert not any(before in file for file in files_of(tmp_path))


def test_names_that_were_given_stay(tmp_path: Path) -> None:
    folded = fold([execution("progress_update", 1, task_id="t")])
    derived = keep(folded, tmp_path)
    assert [keep(folded, tmp_path, name) for name in ("one", "other")] == ["one", "other"]
    assert history(tmp_path).executions == ["one", "other"]
    assert keep(folded, tmp_path) == derived
    assert sorted(history(tmp_path).executions) == sorted(["one", "other", derived])


def test_a_run_nothing_is_known_of_is_a_row_without_rows(tmp_path: Path) -> None:
    console = Console("ws://127.0.0.1:1/ws", start=False)
    name = console.to_parquet(tmp_path)
    past = history(tmp_path)
    assert past.runs.loc[name, "events"] == 0
    pd.testing.assert_frame_equal(past.frame("tasks", name), console.tasks)


# ---- again, at once, and in the middle ------------------------------------------------------------------------------


def test_writing_a_run_again_replaces_it(tmp_path: Path) -> None:
    folded = run("e", tasks=3)
    keep(run("other"), tmp_path)
    keep(folded, tmp_path)
    first = files_of(tmp_path)
    keep(folded, tmp_path)
    assert len(files_of(tmp_path)) == len(first)
    folded.feed([execution("execution_completed", 9, execution_id="e", status="success")])
    keep(folded, tmp_path)
    past = history(tmp_path)
    assert past.runs.loc["e", "status"] == "completed"
    assert len(past) == 2
    assert_same(past, "e", folded)
    assert_same(past, "other", run("other"))


def test_a_smaller_writing_leaves_nothing_of_a_larger_one(tmp_path: Path) -> None:
    keep(fold(frames_of("variants")), tmp_path, "e")
    keep(run("e"), tmp_path, "e")
    assert_same(history(tmp_path), "e", run("e"))


class Crash(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("step", ["write", "commit", "sweep"])
def test_a_writer_that_dies_leaves_the_old_run_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    old, new = run("e", tasks=2), run("e", tasks=5)
    keep(old, tmp_path)
    whole: Callable[..., None] = getattr(RunDirectory, step)
    left = 4 if step == "write" else 0

    def dies(*arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crash
        whole(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, step, dies)
        with pytest.raises(Crash):
            keep(new, tmp_path)
    left_behind = new if step == "sweep" else old
    assert_same(history(tmp_path), "e", left_behind)
    if step != "commit":
        history(tmp_path).tidy()
        assert len(pq.read_table(tmp_path / "tasks")) == len(left_behind.tables.frame("tasks"))
    keep(new, tmp_path)
    assert_same(history(tmp_path), "e", new)
    assert len(pq.read_table(tmp_path / "tasks")) == 5


def test_the_files_of_a_writer_without_a_row_are_tidied_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(store: RunDirectory, folder: str, *_: Any) -> None:
        store._name()
        raise Crash(folder)

    keep(run("e"), tmp_path)
    before = files_of(tmp_path)
    for name in ("e", "never whole"):
        with monkeypatch.context() as patched:
            patched.setattr(RunDirectory, "commit", dies)
            with pytest.raises(Crash):
                keep(run(name), tmp_path)
    history(tmp_path).tidy()
    assert files_of(tmp_path) > before  # they may yet be alive
    for file in tmp_path.rglob("*.parquet"):
        os.utime(file, (0, 0))
    assert history(tmp_path).executions == ["e"]
    history(tmp_path).tidy()
    assert files_of(tmp_path) == before


def test_a_killed_writers_file_is_never_read_and_removed(
    tmp_path: Path,
) -> None:
    keep(run("e"), tmp_path)
    [file] = (tmp_path / "tasks").rglob("*.parquet")
    part = file.with_name(f".000002-{'0' * 8}.parquet.part")
    part.write_bytes(file.read_bytes()[:50])
    assert len(history(tmp_path).frame("tasks")) == len(pq.read_table(tmp_path / "tasks")) == 2
    keep(run("e"), tmp_path)
    assert part.exists()  # a slow writer may still be at it
    os.utime(part, (0, 0))
    keep(run("e"), tmp_path)
    assert not part.exists()


def test_a_reader_sees_a_run_whole_during_writings(tmp_path: Path) -> None:
    stop, failed = threading.Event(), []
    keep(run("e", tasks=1), tmp_path)
    keep(run("still"), tmp_path)

    def write_on() -> None:
        try:
            for tasks in range(2, 40):
                keep(run("e", tasks), tmp_path)
        except Exception as error:  # noqa: BLE001 - carried to the test's thread
            failed.append(error)
        finally:
            stop.set()

    writer = threading.Thread(target=write_on)
    writer.start()
    past, seen = history(tmp_path), [0]
    while not stop.is_set():
        frame = past.frame("tasks")
        assert (frame["execution"] == "still").sum() == 2
        seen.append(int((frame["execution"] == "e").sum()))
        assert sorted(past.frame("events", "still").index) == [0, 1, 2]
    writer.join()
    assert failed == []
    assert seen == sorted(seen)
    assert 0 not in seen[1:]


def test_writers_of_different_runs_do_not_disturb_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.dataset.test_dataset import keep, run\n"
        "for n in range(5): keep(run(f'{sys.argv[2]}-{n}'), Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=root, env=environment)
        for name in ("a", "b")
    ]
    assert [writer.wait(50) for writer in writers] == [0, 0]
    past = history(tmp_path)
    assert past.executions == [f"{name}-{n}" for name in "ab" for n in range(5)]
    assert past.frame("tasks").groupby("execution").size().tolist() == [2] * 10


def test_threads_that_write_the_same_run_at_once_leave_it_once(tmp_path: Path) -> None:
    threads = [threading.Thread(target=keep, args=(run("e", 3), tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_same(history(tmp_path), "e", run("e", 3))


# ---- where -----------------------------------------------------------------------------------------------------------


def test_any_url_of_fsspec_will_do(tmp_path: Path) -> None:
    for url in ("memory://test-dataset/runs", f"file://{tmp_path}/a b", f"local://{tmp_path}/c"):
        name = keep(run("e"), url)
        keep(run("e"), url)
        keep(run("a/b"), url)
        assert_same(history(url), name, run("e"))
        assert len(history(url)) == 2
    assert (tmp_path / "a b" / "tasks").is_dir()


def test_a_directory_may_be_relative_or_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    keep(run("e"), "here/runs")
    keep(run("e"), "~/runs")
    assert len(history(tmp_path / "here" / "runs")) == len(history(tmp_path / "home" / "runs")) == 1


@pytest.mark.parametrize(
    ("directory", "match"),
    [
        ("", "expected a directory or a URL"),
        (7, "expected a directory or a URL"),
        ("nothing-like-it://user:hidden@host/runs", r"expected a URL that can be opened here.*pip install"),
    ],
)
def test_a_path_that_is_no_directory_is_refused(directory: Any, match: str) -> None:
    with pytest.raises(InvalidArgument, match=match) as refused:
        keep(run("e"), directory)
    assert "hidden" not in str(refused.value)


def test_a_file_in_the_directorys_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match="expected a directory, got the file"):
        keep(run("e"), tmp_path / "file")


def test_without_fsspec_a_url_names_the_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    keep(run("e"), tmp_path)
    keep(run("e"), f"file://{tmp_path}")
    assert len(history(tmp_path)) == 1
    with pytest.raises(InvalidArgument, match="pip install fsspec"):
        keep(run("e"), "memory://runs")


def test_a_directory_with_a_nul_in_its_name_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="with a NUL in it"):
        Console("ws://h/ws", start=False).to_parquet("a\0b")
