"""Many runs read lazily: as frames, and in Dask, Polars and DuckDB, through the history and without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import runconsole
from runconsole import InvalidArgument, MissingPackage, RecordingError, history
from runconsole.dataset import History
from runconsole.dataset.schema import LONG_TYPE, NAMES, schema_of
from tests.dataset.test_dataset import keep
from tests.support.folding import Folded, execution, fold, frames_of, task

COUNT = 40
LONG = "x" * 300


def numbered(number: int) -> Folded:
    """Return an execution of `number % 5` + 1 tasks of `number` seconds; every fourth has a task that fails."""
    frames = [execution("execution_started", 0, execution_id=f"{number:04d}", phases=[{"number": 0, "name": "Plan"}])]
    for n in range(number % 5 + 1):
        status = "failed" if n == 0 and number % 4 == 0 else "completed"
        fields = {
            "task_id": f"t{n}",
            "phase": 0,
            "phase_name": "Plan",
            "status": status,
            "duration_ms": 1000.0 * number,
        }
        frames.append(execution("progress_update", 1000 * (n + 1), **fields))
    frames.append(execution("execution_completed", 9000, status="success", tokens_used=number, cost_usd=number / 100))
    return fold(frames)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of many small runs and a rich one."""
    root = tmp_path_factory.mktemp("runs")
    for number in range(COUNT):
        keep(numbered(number), root)
    keep(fold([*frames_of("variants"), task(LONG)]), root, "rich/one")
    return root


@pytest.fixture
def past(directory: Path) -> History:
    return history(directory)


# ---- runs and frames -------------------------------------------------------------------------------------------------


def test_runs_are_rows_by_their_start(past: History) -> None:
    runs: Any = past.runs
    assert len(past) == len(runs) == COUNT + 1
    assert runs.loc["0007", ["status", "tokens_used", "cost_usd", "total_tasks"]].tolist() == ["completed", 7, 0.07, 3]
    assert {name: str(dtype) for name, dtype in runs.dtypes.items() if name in {"started_at", "title", "events"}} == {
        "started_at": "datetime64[us, UTC]",
        "title": "string",
        "events": "Int64",
    }
    assert runs["started_at"].is_monotonic_increasing
    assert past.executions == [*(f"{number:04d}" for number in range(COUNT)), "rich/one"]
    assert repr(past) == f"History({past._store.shown!r}, runs={COUNT + 1})"


def test_a_notebook_shows_the_table_of_the_runs(past: History) -> None:
    shown = past._repr_html_()
    assert f"runs={COUNT + 1})" in shown
    assert shown.count("<tr") > COUNT
    assert "<th>0007</th>" in shown
    with pd.option_context("display.max_rows", 4):
        assert "<th>0007</th>" not in past._repr_html_()


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_of_many_runs_has_rows_and_dtypes_of_each(past: History, name: str) -> None:
    frame = past.frame(name)
    one = past.frame(name, "rich/one")
    assert frame.columns.tolist() == ["execution", *one.columns]
    assert frame.index.names == one.index.names
    assert frame[one.columns].dtypes.to_dict() == one.dtypes.to_dict()
    own = frame[frame["execution"] == "rich/one"].drop(columns="execution")
    pd.testing.assert_frame_equal(own.reset_index(drop=True), one.reset_index(drop=True))
    assert len(past.frame(name, ["0001", "0002"])) == len(past.frame(name, "0001")) + len(past.frame(name, "0002"))


def test_less_is_read_when_less_is_asked_for(past: History) -> None:
    failed = past.frame("tasks", columns=["status", "duration_s"], filter=pc.field("status") == "failed")
    failed = failed[failed["execution"] != "rich/one"]
    assert failed.columns.tolist() == ["execution", "status", "duration_s"]
    assert failed["execution"].tolist() == [f"{number:04d}" for number in range(0, COUNT, 4)]
    same = past.frame("tasks", filter=[("status", "==", "failed"), ("execution", "<", "0009")])
    assert same["execution"].tolist() == ["0000", "0004", "0008"]
    ended = past.frame("events", "0003", columns=["payload"], filter=[("type", "==", "execution_completed")])
    assert (ended.columns.tolist(), ended.index.tolist()) == (["payload"], [5])


def test_a_long_type_of_event_is_whole_everywhere(past: History) -> None:
    found: dict[str, Any] = {
        "frame": past.frame("events")["type"].tolist(),
        "one column": past.frame("events", "rich/one", columns=["type"])["type"].tolist(),
        "dask": past.to_dask()["type"].compute().tolist(),
        "polars": past.to_polars().select("type").collect()["type"].to_list(),
        "duckdb": [row[0] for row in past.duckdb().sql("SELECT type FROM events").fetchall()],
    }
    assert {name: types.count(LONG) for name, types in found.items()} == dict.fromkeys(found, 1)


@pytest.mark.parametrize("name", [None, "rich/one", ["rich/one"]])
def test_a_filter_sees_long_types_of_events(past: History, name: Any) -> None:
    found = past.frame("events", name, columns=["type", "payload"], filter=[("type", "==", LONG)])
    assert found["type"].tolist() == [LONG]
    assert past.frame("events", name, columns=["payload"], filter=pc.field("type") == LONG).shape[0] == 1
    kept = past.frame("events", name, filter=[("type", "!=", "progress_update")])
    every = past.frame("events", name)
    pd.testing.assert_frame_equal(kept, every[every["type"] != "progress_update"], check_index_type=False)
    assert past.frame("events", name, filter=[("type", "==", "~others")]).empty


def test_nothing_is_read_before_it_is_asked_for(past: History, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr("runconsole.dataset.reading.to_frame", read)
    data = past.dataset("events")
    assert data.schema.equals(schema_of("events"))
    assert (len(past), len(past.executions)) == (COUNT + 1, COUNT + 1)
    past.to_polars("tasks")
    past.duckdb()


def test_a_history_sees_runs_written_later(tmp_path: Path) -> None:
    keep(numbered(1), tmp_path)
    past = history(tmp_path)
    assert past.executions == ["0001"]
    keep(numbered(2), tmp_path)
    assert past.executions == past.runs.index.tolist() == ["0001", "0002"]


# ---- engines ---------------------------------------------------------------------------------------------------------


def test_dask_computes_over_many_runs_what_pandas_does(past: History) -> None:
    lazy: Any = past.to_dask("tasks")
    expected = past.frame("tasks")
    found = lazy.groupby("status")["duration_s"].sum().compute().sort_index()
    pd.testing.assert_series_equal(found, expected.groupby("status")["duration_s"].sum(), check_index_type=False)
    whole = lazy.compute()
    assert whole.dtypes.to_dict() == lazy.dtypes.to_dict()
    assert (len(whole), len(past.to_dask("tasks", "0004"))) == (len(expected), 5)


@pytest.mark.parametrize("name", ["runs", *NAMES])
def test_every_frame_is_open_to_dask_polars_and_duckdb(past: History, name: str) -> None:
    count = len(past.frame(name))
    columns = [column for column in schema_of(name).names if column != LONG_TYPE]
    lazy, scanned = past.to_dask(name), past.to_polars(name)
    assert past.dataset(name).count_rows() == count > 0 or name == "decisions"
    assert (len(lazy), lazy.columns.tolist()) == (count, columns)
    collected = scanned.collect()
    assert (collected.height, collected.columns) == (count, columns)
    counted = past.duckdb().table(name).pl()
    assert (counted.height, counted.columns) == (count, columns)


def test_duckdb_joins_frames_of_many_runs(past: History) -> None:
    found = past.duckdb().sql(
        "SELECT runs.execution, count(*), any_value(runs.cost_usd) FROM tasks JOIN runs USING (execution)"
        " WHERE runs.execution BETWEEN '0005' AND '0007' GROUP BY 1 ORDER BY 1"
    )
    assert found.fetchall() == [("0005", 1, 0.05), ("0006", 2, 0.06), ("0007", 3, 0.07)]
    [(started,)] = past.duckdb().sql("SELECT min(started_at) FROM runs").fetchall()
    assert started == past.runs["started_at"].min()
    with duckdb.connect() as mine:
        assert past.duckdb(mine) is mine
        assert mine.sql("SELECT count(*) FROM phases").fetchall() == [(len(past.frame("phases")),)]


def test_polars_filters_and_groups_lazily(past: History) -> None:
    found = (
        past.to_polars("tasks")
        .filter(pl.col("execution") < "0010", pl.col("status") == "failed")
        .select("execution", "duration_s")
        .collect()
    )
    assert found.rows() == [("0000", 0.0), ("0004", 4.0), ("0008", 8.0)]


def test_questions_are_json_text_to_the_engines(past: History) -> None:
    options = (
        past.to_polars("checkpoints")
        .select("options")
        .collect()["options"]
        .str.json_decode(pl.List(pl.Struct({"id": pl.String})))
    )
    expected = [[option["id"] for option in row] for row in past.frame("checkpoints")["options"]]
    assert [[option["id"] for option in row] for row in options.to_list()] == expected


def test_all_of_it_works_on_a_file_system_of_fsspec() -> None:
    url = "memory://test-history/runs"
    for number in range(3):
        keep(numbered(number), url)
    past = history(url)
    assert len(past.frame("tasks")) == len(past.to_dask("tasks")) == 6
    assert past.to_polars("tasks").collect().height == 6
    assert past.duckdb().sql("SELECT count(*) FROM events").fetchall() == [(12,)]


def test_readers_without_this_package_read_the_same(directory: Path, past: History) -> None:
    tasks, events = len(past.frame("tasks")), len(past.frame("events"))
    assert (len(pq.read_table(directory / "tasks")), len(pq.read_table(directory / "events"))) == (tasks, events)
    assert len(pd.read_parquet(directory / "tasks")) == tasks
    assert (len(dd.read_parquet(directory / "tasks")), len(dd.read_parquet(directory / "events"))) == (tasks, events)
    assert pl.scan_parquet(directory / "events").select(pl.len()).collect().item() == events
    found: Any = duckdb.sql(
        f"SELECT type, count(*) FROM '{directory}/events/**/*.parquet'"  # noqa: S608 - a path of the test's own
        " WHERE execution IN ('0003', 'rich/one') AND type = 'execution_completed' GROUP BY 1"
    )
    ended = past.frame("events", ["0003", "rich/one"])["type"].eq("execution_completed").sum()
    assert found.fetchall() == [("execution_completed", ended)]
    assert len(pd.read_parquet(directory / "runs")) == COUNT + 1


@pytest.mark.parametrize(
    ("method", "package"), [("to_dask", "dask[dataframe]"), ("to_polars", "polars"), ("duckdb", "duckdb")]
)
def test_an_engine_that_is_missing_is_named_with_its_command(
    past: History, monkeypatch: pytest.MonkeyPatch, method: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, "dask.dataframe" if method == "to_dask" else package, None)
    with pytest.raises(MissingPackage) as missing:
        getattr(past, method)()
    assert f"pip install '{package}'" in str(missing.value)
    assert isinstance(missing.value, ImportError)


# ---- comparing -------------------------------------------------------------------------------------------------------


def test_two_runs_are_compared_as_a_whole_and_by_phase(past: History) -> None:
    found: Any = past.compare("0004", "0008")
    assert found.index.names == ["phase", "measure"]
    assert found.columns.tolist() == ["a", "b", "difference", "ratio"]
    assert found.loc[("(run)", "cost_usd")].tolist() == [0.04, 0.08, 0.04, 2.0]
    assert found.loc[("(run)", "tokens"), "difference"] == 4
    assert found.loc[("Plan", "tasks")].tolist() == [5, 4, -1, 0.8]
    assert found.loc[("Plan", "failures")].tolist() == [1, 1, 0, 1]
    assert found.loc[("Plan", "duration_s"), "a"] == past.frame("phases", "0004")["duration_s"].iloc[0]


def test_a_comparison_is_shown_under_the_names_of_its_runs(past: History) -> None:
    found: Any = past.compare("0004", "0008")
    shown = found._repr_html_()
    assert ">0004</th>" in shown
    assert ">0008</th>" in shown
    assert "$0.04</td>" in shown
    assert "× 2</td>" in shown
    assert type(found.loc["(run)"]) is type(found[["a"]]) is pd.DataFrame
    assert not hasattr(found[["a"]], "runs")


def test_an_empty_run_is_compared_with_itself(tmp_path: Path) -> None:
    keep(numbered(4), tmp_path)
    keep(Folded(), tmp_path, "empty")
    past = history(tmp_path)
    found: Any = past.compare("0004", "0004")
    assert found["difference"].dropna().eq(0).all()
    assert found["ratio"].dropna().eq(1).all()
    assert found["ratio"].isna().tolist() == found["a"].fillna(0).eq(0).tolist()
    assert found.loc[("(run)", "tokens")].tolist() == [4, 4, 0, 1]
    assert past.compare("empty", "empty")["ratio"].isna().all()


def test_compared_runs_have_the_retries_that_their_events_tell(tmp_path: Path) -> None:
    started = task("task.started", 0), task("task.started", 8)
    keep(fold([started[0], task("task.failed", 5), started[1], task("task.completed", 9)]), tmp_path, "retried")
    keep(fold([started[0], task("task.completed", 9)]), tmp_path, "smooth")
    found: Any = history(tmp_path).compare("retried", "smooth")
    assert found.loc[("(run)", "retries")].tolist() == [1, 0, -1, 0]


# ---- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["e" * 300, "ž/" * 60])
def test_a_run_is_found_by_its_long_id(tmp_path: Path, name: str) -> None:
    frames = [execution("execution_started", 0, execution_id=name), execution("progress_update", 1, task_id="t")]
    key = keep(fold(frames), tmp_path)
    keep(numbered(1), tmp_path)
    past = history(tmp_path)
    assert key != name
    assert key in past.executions
    for frame in ("runs", *NAMES):
        pd.testing.assert_frame_equal(past.frame(frame, name), past.frame(frame, key))
        assert past.dataset(frame, name).files == past.dataset(frame, key).files
    assert sorted(past.frame("tasks", [name, key, "0001"])["execution"]) == sorted([key, "0001", "0001"])
    assert past.frame("runs", [name, key])["execution"].tolist() == [key]
    assert len(past.to_dask("tasks", name)) == past.to_polars("tasks", name).collect().height == 1
    assert past.compare(name, key).equals(past.compare(key, key))
    assert past.runs.loc[key, "execution_id"] == name


def test_runs_may_be_named_by_any_iterable(tmp_path: Path, past: History) -> None:
    assert len(past.frame("tasks", iter(["0001", "0002"]))) == len(past.frame("tasks", ["0001", "0002"])) == 5


# ---- directories -----------------------------------------------------------------------------------------------------


def test_an_empty_directory_is_a_history_without_runs(tmp_path: Path) -> None:
    past = history(tmp_path)
    assert (len(past), past.executions, len(past.runs)) == (0, [], 0)
    for name in NAMES:
        frame = past.frame(name)
        own = Folded().tables.frame(name)
        assert frame.empty
        assert frame.drop(columns="execution").dtypes.to_dict() == own.dtypes.to_dict()
        lazy: Any = past.to_dask(name)
        assert lazy.compute().empty
        assert past.to_polars(name).collect().is_empty()
        assert past.duckdb().table(name).fetchall() == []


@pytest.mark.parametrize("make", [lambda _: None, lambda path: path.touch()], ids=["nothing", "a file"])
def test_anything_but_a_directory_is_refused(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "runs")
    with pytest.raises(InvalidArgument, match=r"expected a directory of runs, got .*to_parquet"):
        history(tmp_path / "runs")


def test_other_files_are_refused_or_ignored(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="with other files in it"):
        history(tmp_path)
    name = keep(numbered(1), tmp_path)
    for place in ("runs/mine.parquet", "tasks/mine.parquet", f"tasks/execution={name}/mine.parquet", "tasks/.DS_Store"):
        (tmp_path / place).write_text("no Parquet")
    past = history(tmp_path)
    assert (past.executions, len(past.frame("tasks"))) == ([name], 2)
    keep(numbered(1), tmp_path)
    assert (tmp_path / "tasks" / f"execution={name}" / "mine.parquet").exists()


def _garbage(path: Path) -> None:
    path.write_bytes(b"PAR1 no Parquet at all PAR1")


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _of_other_types(path: Path) -> None:
    pq.write_table(pa.table({"execution": ["0002"], "started_at": ["yesterday"]}), path)


@pytest.mark.parametrize("harm", [_garbage, _half, _of_other_types])
def test_an_unreadable_file_is_a_warning_beside_other_runs(tmp_path: Path, harm: Any) -> None:
    for number in (1, 2, 3):
        keep(numbered(number), tmp_path)
    (row,) = (tmp_path / "runs").glob("run-0002-*")
    harm(row)
    past = history(tmp_path)
    with pytest.warns(UserWarning, match=r"1 of 3 files of runs in .* cannot be read and are left out: 'run-0002-.*\("):
        runs = past.runs
    assert runs.index.tolist() == ["0001", "0003"]
    assert (len(past), len(past.frame("tasks"))) == (3, 2 + 3 + 4)
    (tasks,) = (tmp_path / "tasks" / "execution=0003").iterdir()
    _garbage(tasks)
    with pytest.warns(UserWarning, match="1 of 3 files of tasks"):
        assert set(past.frame("tasks")["execution"]) == {"0001", "0002"}
    with pytest.raises(RecordingError, match="cannot read tasks of '0003'"):
        past.frame("tasks", "0003")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_special_files_among_the_runs_are_never_opened(tmp_path: Path) -> None:
    keep(numbered(1), tmp_path)
    os.mkfifo(tmp_path / "runs" / "run-pipe-000001-0123abcd.parquet")
    (tmp_path / "runs" / "run-zero-000001-0123abcd.parquet").symlink_to("/dev/zero")
    (tmp_path / "runs" / "run-loop-000001-0123abcd.parquet").symlink_to("run-loop-000001-0123abcd.parquet")
    past = history(tmp_path)
    assert past.executions == ["0001"]
    assert len(past.runs) == 1


@pytest.mark.parametrize("name", ["x" * 5000, "nul\0", "loop", "pipe", "/dev/zero"])
def test_an_unopenable_directory_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidArgument) as failure:
        history(tmp_path / name)
    assert len(str(failure.value)) < 600


@pytest.mark.parametrize(
    ("ask", "match"),
    [
        (lambda past: past.frame("task"), "expected a frame, got 'task': there are runs, events"),
        (lambda past: past.dataset("../tasks"), "expected a frame"),
        (lambda past: past.to_dask("task"), "expected a frame"),
        (lambda past: past.to_polars("task"), "expected a frame"),
        (lambda past: past.frame("tasks", "9999"), "expected a run in .*, got '9999': see .executions"),
        (lambda past: past.frame("tasks", columns=["state"]), "expected columns of tasks, got 'state'"),
        (lambda past: past.compare("0001", "none"), "expected a run in .*, got 'none'"),
        (lambda past: past.compare("0001", ["0001"]), r"expected the name of a run, got \['0001'\]"),
        (lambda past: past.frame("tasks", 1), "expected a run in .*, got 1: see .executions"),
        (lambda past: past.frame("tasks", ["0001", 1]), "expected a run in .*, got 1: see .executions"),
        (
            lambda past: past.frame("tasks", columns="status"),
            "expected a list of columns of tasks, got 'status': there",
        ),
        (
            lambda past: past.frame("tasks", filter=[("state", "==", 1)]),
            r"filter like .*\(No match .*state.* name, phase",
        ),
        (lambda past: past.frame("tasks", filter=pc.field("state") == 1), r"expected a filter .*state.*: tasks has"),
        (lambda past: past.frame("tasks", filter=[("status", "==", 1)]), r"expected a filter .*'equal' has no kernel"),
        (lambda past: past.frame("tasks", filter=[("status", "~", "")]), "expected a filter .*not a valid operator"),
        (lambda past: past.frame("tasks", filter=pc.field("status")), "expected a filter .*must evaluate to bool"),
        (lambda past: past.frame("events", filter="status"), "expected a filter .*, got 'status'"),
        (lambda past: past.frame("events", filter=pc.field(LONG_TYPE) == ""), "expected a filter .*No match"),
        (lambda _: history("s3://"), "expected a URL with a bucket, got .*s3://bucket/runs"),
    ],
)
def test_a_missing_part_is_named_in_one_sentence(past: History, ask: Any, match: str) -> None:
    with pytest.raises(InvalidArgument, match=match):
        ask(past)


def test_a_run_replaced_after_the_listing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(numbered(3), tmp_path)
    past = history(tmp_path)
    whole = History.dataset
    asked: list[Any] = []

    def replaced_meanwhile(self: History, *arguments: Any) -> Any:
        data = whole(self, *arguments)
        if not asked:
            keep(numbered(3), tmp_path)
        asked.append(arguments)
        return data

    monkeypatch.setattr(History, "dataset", replaced_meanwhile)
    assert len(past.frame("tasks")) == 4
    assert len(asked) == 2


def test_the_front_door_loads_pandas_with_the_first_history() -> None:
    code = "import sys, runconsole; print('pandas' in sys.modules); runconsole.history; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=50)
    assert done.stdout.split() == ["False", "True"]
    assert runconsole.history is history
