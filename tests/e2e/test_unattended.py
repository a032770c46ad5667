"""Notebooks that nobody sits by, run by nbclient and by papermill: a question never hangs them without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nbformat
import papermill  # type: ignore[import-untyped]
import pytest
from nbclient import NotebookClient

from tests.e2e.runs import decisions_at, question
from tests.servers.json_server import JsonServer, Peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLLOW = "from runconsole import ConsoleWidget\nw = ConsoleWidget({url!r}, title='A release'{more})"
WAIT = "finished = w.wait(timeout={timeout})\nprint('finished:', finished)"
HISTORY = "print(w.checkpoints[['status', 'decision', 'decided_by']].to_dict('records'))\nw.stop()"
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
def test_waiting_for_a_question_that_nobody_answers_says_so_and_ends(
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
def test_a_policy_answers_where_nobody_sits_by_and_the_notebook_runs_through(
    run: Callable[[Notebook, Path], Notebook], tmp_path: Path
) -> None:
    policy = ", on_checkpoint=lambda checkpoint: (checkpoint.default_action, 'nobody sits by')"
    with JsonServer(asks_and_ends_when_answered) as server:
        done = run(notebook_of(server, timeout=60, more=policy), tmp_path)
        assert text_of(done, 1) == "finished: True\n"
        assert "'decision': 'approve', 'decided_by': 'you'" in text_of(done, 2)
        (answer,) = decisions_at(server)
        assert (answer["payload"]["decision"], answer["payload"]["feedback"]) == ("approve", "nobody sits by")
        shown = [output.data["text/plain"] for output in done.cells[0].outputs if "data" in output]
        assert any("A release" in text for text in shown), shown


@pytest.fixture(autouse=True)
def _this_environments_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run kernels of this environment, whatever the machine has installed."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
