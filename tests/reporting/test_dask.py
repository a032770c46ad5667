"""`map` on a Dask cluster of two worker processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runconsole import InvalidArgument, report, start_run
from tests.servers.json_server import eventually

distributed = pytest.importorskip("distributed", reason="Dask's scheduler is not installed here")

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Dask's own sockets
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    # Dask's scheduler serves on port 8787 by default, which another test or notebook may have: port 0 is any free one.
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "processes": True}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


def talk(number: int) -> tuple[int, int]:
    report(progress=0.5, step=f"step of {number}", output=f"number {number}\n", tokens=10)
    return number, os.getpid()


def fail_on_odd(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


def fail_once(path: str) -> str:
    if not Path(path).exists():
        Path(path).touch()
        raise OSError("not yet")
    return path


def wait_for(path: str) -> None:
    eventually(Path(path).exists)


def test_items_run_on_the_workers_and_report_from_there(client: Any) -> None:
    with start_run() as run:
        results = run.map(talk, range(20), executor=client, name="talk", phase="P")
    assert [number for number, _ in results] == list(range(20))
    assert os.getpid() not in {process for _, process in results}
    tasks = run.tasks
    assert set(tasks["status"]) == {"completed"}
    assert set(tasks["worker_id"]) == {"worker 0", "worker 1"}
    assert tasks["step"].tolist() == [f"step of {number}" for number in range(20)]
    assert tasks["tokens"].tolist() == [10] * 20
    assert sorted(run.console.output["text"]) == sorted(f"number {number}\n" for number in range(20))


def test_a_failure_has_the_traceback_of_the_worker(client: Any) -> None:
    with start_run() as run, pytest.raises(ValueError, match="1 is odd"):
        run.map(fail_on_odd, range(4), executor=client)
    assert run.tasks["status"].tolist() == ["completed", "failed", "completed", "failed"]
    stack = run.errors["stack"].iloc[0]
    assert 'raise ValueError(f"{number} is odd")' in stack
    assert [line.split(", in ")[1] for line in stack.splitlines() if line.startswith("  File ")] == ["fail_on_odd"]


def test_failures_are_tried_again(client: Any, tmp_path: Path) -> None:
    with start_run() as run:
        assert run.map(fail_once, [str(tmp_path / "x")], executor=client, retries=1) == [str(tmp_path / "x")]
    assert run.tasks["status"].tolist() == ["completed"]
    assert run.errors["message"].tolist() == ["not yet"]


def test_tasks_are_pending_until_a_worker_has_them(client: Any, tmp_path: Path) -> None:
    import threading

    gate = tmp_path / "gate"
    with start_run() as run:
        thread = threading.Thread(target=run.map, args=(wait_for, [str(gate)] * 6), kwargs={"executor": client})
        thread.start()
        eventually(lambda: run.tasks["status"].value_counts().to_dict() == {"pending": 4, "running": 2})
        gate.touch()
        thread.join()
    assert set(run.tasks["status"]) == {"completed"}


def test_workers_of_a_client_are_its_own_number(client: Any) -> None:
    with start_run() as run, pytest.raises(InvalidArgument, match="no max_workers="):
        run.map(talk, [1], executor=client, max_workers=2)
