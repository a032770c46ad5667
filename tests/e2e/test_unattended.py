"""Unattended notebooks, run by nbclient and by papermill: a question never hangs them silently."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbconvert
import nbformat
import papermill  # type: ignore[import-untyped]
import pytest
from nbclient import NotebookClient
from playwright.sync_api import expect

from tests.e2e.runs import decisions_at, question
from tests.servers.json_server import JsonServer, Peer, eventually
from tests.support.folding import execution

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

FOLLOW = "from runconsole import ConsoleWidget\nw = ConsoleWidget({url!r}, title='A release'{more})"
WAIT = "finished = w.wait(timeout={timeout})\nprint('finished:', finished)"
HISTORY = "print(w.checkpoints[['status', 'decision', 'decided_by']].to_dict('records'))\nw.stop()"
VIEW = "application/vnd.jupyter.widget-view+json"
WAITS = "the run waits for your decision on 'Ship it?' (c)"

Notebook = Any


def notebook_of(server: JsonServer, *, timeout: float, more: str = "") -> Notebook:
    cells = [FOLLOW.format(url=server.url, more=more), WAIT.format(timeout=timeout), HISTORY]
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def by_nbclient(notebook: Notebook, folder: Path) -> Notebook:
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def by_papermill(notebook: Notebook, folder: Path) -> Notebook:
    nbformat.write(notebook, folder / "in.ipynb")
    papermill.execute_notebook(
        folder / "in.ipynb", folder / "out.ipynb", progress_bar=False, execution_timeout=120, cwd=folder
    )
    return nbformat.read(folder / "out.ipynb", as_version=4)


runners = pytest.mark.parametrize("run", [by_nbclient, by_papermill], ids=["nbclient", "papermill"])


def text_of(notebook: Notebook, index: int, stream: str = "stdout") -> str:
    outputs = notebook.cells[index].outputs
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == stream)


def asks(peer: Peer) -> None:
    peer.send(question(seconds=600))


def asks_and_ends_when_answered(peer: Peer) -> None:
    asks(peer)
    answer = peer.expect(lambda message: message.get("type") == "checkpoint.resolve")
    peer.send({"type": "ack", "correlationId": answer["correlationId"]})
    peer.send({"type": "execution_completed", "data": {"status": "success"}})


@runners
def test_a_wait_for_an_unanswered_question_ends_with_its_name(
    run: Callable[[Notebook, Path], Notebook], tmp_path: Path
) -> None:
    with JsonServer(asks) as server:
        done = run(notebook_of(server, timeout=3), tmp_path)
        said = text_of(done, 1, "stderr")
        assert f"runconsole: {WAITS}" in said
        assert f"gave up waiting after 3 s; {WAITS}" in said
        assert text_of(done, 1) == "finished: False\n"
        assert "'status': 'pending'" in text_of(done, 2)
        assert decisions_at(server) == []


@runners
def test_a_policy_lets_the_notebook_run_through(run: Callable[[Notebook, Path], Notebook], tmp_path: Path) -> None:
    policy = ", on_checkpoint=lambda checkpoint: (checkpoint.default_action, 'nobody sits by')"
    with JsonServer(asks_and_ends_when_answered) as server:
        done = run(notebook_of(server, timeout=60, more=policy), tmp_path)
        assert text_of(done, 1) == "finished: True\n"
        assert "'decision': 'approve', 'decided_by': 'you'" in text_of(done, 2)
        (answer,) = decisions_at(server)
        assert (answer["payload"]["decision"], answer["payload"]["feedback"]) == ("approve", "nobody sits by")
        shown = [output.data["text/plain"] for output in done.cells[0].outputs if "data" in output]
        assert any("A release" in text for text in shown), shown


# ---- what the file holds of a run that completed ---------------------------------------------------------------------


def by_nbconvert(notebook: Notebook, folder: Path) -> Notebook:
    nbformat.write(notebook, folder / "in.ipynb")
    nbconvert = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--output", "out.ipynb"]
    subprocess.run([*nbconvert, folder / "in.ipynb"], check=True, stderr=subprocess.DEVNULL)
    return nbformat.read(folder / "out.ipynb", as_version=4)


def completed_by(run: Callable[[Notebook, Path], Notebook], cells: list[str], folder: Path) -> Notebook:
    """Execute cells around a run that completes while the second one runs; return the notebook as it was saved."""

    def completes(peer: Peer) -> None:
        peer.send(execution("execution_started", execution_id="e"), execution("progress_update", task_id="t1"))
        eventually((folder / "go").exists, "the second cell")
        peer.send(execution("progress_update", task_id="t2"), execution("execution_completed", status="success"))

    with JsonServer(completes) as server:
        make, second, *more = [cell.format(url=server.url) for cell in cells]
        notebook = notebook_of(server, timeout=60)
        second = f"open({str(folder / 'go')!r}, 'x').close()\n{second}"
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in (make, second, *more)]
        return run(notebook, folder)


def by_jupyter_execute(notebook: Notebook, folder: Path) -> Notebook:
    nbformat.write(notebook, folder / "in.ipynb")
    execute = Path(sys.executable).with_name("jupyter-execute")
    subprocess.run([execute, "--inplace", folder / "in.ipynb"], check=True, stderr=subprocess.DEVNULL)
    return nbformat.read(folder / "in.ipynb", as_version=4)


def reports_of(cell: Any) -> list[Any]:
    """Return the data of the outputs of a cell that report a run."""
    data = [output.get("data", {}) for output in cell.outputs]
    return [each for each in data if "runconsole-report" in each.get("text/html", "")]


def stored_heads(notebook: Notebook) -> list[Any]:
    """Return the head of each panel in the widget state of a saved notebook."""
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    return [model["state"]["picture"]["picture"]["head"] for model in state.values() if "picture" in model["state"]]


def assert_completed(notebook: Notebook) -> None:
    """Assert that the one output of the first cell shows the end of the run, in each form."""
    (data,) = reports_of(notebook.cells[0])
    assert_is_final(data)
    (head,) = stored_heads(notebook)
    assert (head["status"], head["link"]) == ("completed", "ended")


def assert_is_final(data: Any) -> None:
    """Assert that an output holds the end of the run, in forms that need no widget."""
    assert data["text/plain"].startswith("Completed A release")
    assert data["text/html"].startswith("✔ completed · ")
    assert "recorded: the final state of this run" in data["text/html"]
    assert VIEW not in data


MAKE = "from runconsole import ConsoleWidget\nw = ConsoleWidget({url!r}, title='A release')"


@pytest.mark.parametrize(
    "run", [by_papermill, by_nbconvert, by_jupyter_execute], ids=["papermill", "nbconvert", "jupyter-execute"]
)
def test_a_run_awaited_in_another_cell_is_saved_with_its_end(
    run: Callable[[Notebook, Path], Notebook], tmp_path: Path
) -> None:
    assert_completed(completed_by(run, [MAKE, "w.wait()"], tmp_path))


SPIN = "import time\nwhile w.run.status != 'completed': time.sleep(0.05)"


@pytest.mark.parametrize(
    "cells",
    [
        [MAKE, "await w.finished()"],
        [MAKE, SPIN, "print(w.tasks)"],
        [MAKE, f"{SPIN}\n1 / 0"],
        [f"import ipywidgets\n{MAKE}\nipywidgets.VBox([w])", "w.wait()"],
    ],
    ids=["finished", "table", "error", "box"],
)
def test_a_run_that_ends_in_any_cell_is_saved_with_its_end(cells: list[str], tmp_path: Path) -> None:
    def run(notebook: Notebook, folder: Path) -> Notebook:
        client = NotebookClient(notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(folder)}})
        client.execute()
        nbformat.validate(notebook)
        return notebook

    assert_completed(completed_by(run, cells, tmp_path))


def test_an_undisplayed_panel_is_in_no_cell(tmp_path: Path) -> None:
    make = MAKE.replace(")", ", display=False)")
    done = completed_by(by_nbclient, [make, "w.wait()", "w"], tmp_path)
    assert [len(reports_of(cell)) for cell in done.cells] == [0, 0, 1]
    assert stored_heads(done)[0]["status"] == "completed"


def test_a_run_shown_twice_is_saved_with_its_end_in_both_places(tmp_path: Path) -> None:
    done = completed_by(by_nbclient, [MAKE, "w", "w.wait()"], tmp_path)
    for cell in done.cells[:2]:
        (data,) = reports_of(cell)
        assert_is_final(data)


def test_a_page_of_nbconvert_shows_the_report_without_a_network(tmp_path: Path, browser: Browser) -> None:
    done = completed_by(by_nbclient, [MAKE, "w.wait()"], tmp_path)
    page, _ = nbconvert.HTMLExporter().from_notebook_node(done)  # type: ignore[no-untyped-call]
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    context = browser.new_context(offline=True)
    try:
        tab = context.new_page()
        tab.goto((tmp_path / "page.html").as_uri(), wait_until="domcontentloaded")
        report = tab.locator("runconsole-report")
        expect(report).to_contain_text("recorded: the final state of this run")
        expect(report.get_by_role("img", name="Overall progress: 100 %")).to_be_visible()
        expect(tab.get_by_text("✔ completed · ")).to_be_visible()
    finally:
        context.close()


@pytest.fixture(autouse=True)
def _this_environments_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run kernels of this environment, whatever the machine has installed."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
