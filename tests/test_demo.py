"""The demo: copies of the notebooks, cells run in a real JupyterLab's kernel, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from runconsole.demo import DemoError, quickstart, run_demo
from runconsole.demo.cells import run_cells
from runconsole.demo.lab import Lab
from runconsole.demo.notebooks import copy_notebooks, packaged_notebooks
from tests.servers.json_server import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICKSTART = quickstart("execution")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


# ---- the notebooks --------------------------------------------------------------------------------------------------


def edit(notebook: Path, *, source: str | None = None, output: str | None = None) -> None:
    """Change the first code cell of a notebook."""
    content = nbformat.read(notebook, 4)
    cell = next(cell for cell in content.cells if cell.cell_type == "code")
    if source is not None:
        cell.source = source
    if output is not None:
        cell.outputs = [nbformat.v4.new_output("stream", text=output)]
    nbformat.write(content, notebook)


def test_all_notebooks_are_copied_under_their_names(tmp_path: Path) -> None:
    root = tmp_path / "new" / "demo"
    assert copy_notebooks(root, QUICKSTART) == QUICKSTART
    assert {file.name for file in root.iterdir()} == {file.name for file in packaged_notebooks().glob("*.ipynb")}


@pytest.mark.parametrize("family", ["execution", "tasks"])
def test_there_is_a_quickstart_for_each_family(family: str) -> None:
    assert (packaged_notebooks() / quickstart(family)).is_file()


def test_an_edited_notebook_is_kept_beside_a_fresh_copy(tmp_path: Path) -> None:
    copy_notebooks(tmp_path, QUICKSTART)
    edit(tmp_path / QUICKSTART, source="my_own = 1")
    mine = (tmp_path / QUICKSTART).read_bytes()
    fresh = copy_notebooks(tmp_path, QUICKSTART)
    assert fresh == QUICKSTART.replace(".ipynb", "-2.ipynb")
    assert (tmp_path / QUICKSTART).read_bytes() == mine
    assert copy_notebooks(tmp_path, QUICKSTART) == fresh


def test_a_notebook_that_has_only_been_run_is_run_again(tmp_path: Path) -> None:
    copy_notebooks(tmp_path, QUICKSTART)
    edit(tmp_path / QUICKSTART, output="ran before")
    assert copy_notebooks(tmp_path, QUICKSTART) == QUICKSTART


def test_a_file_that_is_no_notebook_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / QUICKSTART).write_text("shopping list")
    assert copy_notebooks(tmp_path, QUICKSTART) != QUICKSTART
    assert (tmp_path / QUICKSTART).read_text() == "shopping list"


def test_a_directory_that_cannot_be_used_is_named_in_the_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(DemoError, match=rf"cannot be copied to {re.escape(str(file))}: File exists\."):
        copy_notebooks(file, QUICKSTART)


def test_a_notebook_that_does_not_exist_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"no notebook quickstart-chess\.ipynb"):
        copy_notebooks(tmp_path, quickstart("chess"))


# ---- cells in a real JupyterLab -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("notebooks")
    with Lab(root, tmp_path_factory.mktemp("home")) as lab:
        yield lab


def cells_after(lab: Lab, name: str, *cells: Any, within_s: float = 30) -> tuple[list[str], list[dict[str, Any]]]:
    """Put a notebook on the server, run it, and return the problems and the cells as the page gets them."""
    model = {"type": "notebook", "format": "json", "content": new_notebook(cells=list(cells))}
    lab.request("PUT", f"/api/contents/{name}", model)
    problems = run_cells(lab, name, cell_within_s=within_s)
    return problems, lab.request("GET", f"/api/contents/{name}")["content"]["cells"]


def test_cells_run_and_their_outputs_are_saved(lab: Lab) -> None:
    problems, cells = cells_after(
        lab,
        "plain.ipynb",
        new_markdown_cell("# Text"),
        new_code_cell("import sys\nprint('out')\nprint('err', file=sys.stderr)"),
        new_code_cell(""),
        new_code_cell("a = 6\na * 7"),
    )
    assert problems == []
    assert [cell.get("execution_count") for cell in cells] == [None, 1, None, 2]
    assert {(o["name"], o["text"]) for o in cells[1]["outputs"]} == {("stdout", "out\n"), ("stderr", "err\n")}
    assert cells[3]["outputs"][0]["data"]["text/plain"] == "42"


def test_widgets_are_saved_as_views_that_the_page_trusts(lab: Lab) -> None:
    source = "import ipywidgets\nipywidgets.IntSlider()"
    _, [cell] = cells_after(lab, "widget.ipynb", new_code_cell(source))
    assert WIDGET_VIEW in cell["outputs"][0]["data"]
    assert cell["metadata"]["trusted"] is True


@pytest.mark.parametrize("tag", ["demo-skip", "skip-demo"])
def test_tagged_cells_are_left_to_the_person(lab: Lab, tag: str) -> None:
    skipped = new_code_cell("1 / 0", metadata={"tags": [tag]})
    problems, cells = cells_after(lab, f"{tag}.ipynb", skipped, new_code_cell("'done'"))
    assert problems == []
    assert (cells[0]["outputs"], cells[0]["execution_count"]) == ([], None)
    assert cells[1]["execution_count"] == 1


def test_a_cell_that_fails_is_reported_and_ends_the_running(lab: Lab) -> None:
    problems, cells = cells_after(lab, "failing.ipynb", new_code_cell("1 / 0"), new_code_cell("'never'"))
    assert problems == ["Cell 1 of failing.ipynb failed: ZeroDivisionError: division by zero"]
    assert cells[0]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert cells[1]["execution_count"] is None


def test_a_cell_that_blocks_is_reported_and_goes_on(lab: Lab, tmp_path: Path) -> None:
    # The cell says by itself that it goes on: a server may not have seen the status of a kernel that is busy early.
    sign = tmp_path / "goes on"
    source = (
        "print('begun', flush=True)\nimport pathlib, time\nfor _ in range(20000):\n"
        f"    pathlib.Path({str(sign)!r}).touch()\n    time.sleep(0.05)"
    )
    problems, cells = cells_after(lab, "blocking.ipynb", new_code_cell(source), new_code_cell("'never'"), within_s=3)
    assert problems == ["Cell 1 of blocking.ipynb is not done yet; it goes on in the kernel."]
    assert cells[0]["outputs"][0]["text"] == "begun\n"
    sign.unlink()
    eventually(sign.exists)


def test_the_page_finds_the_session_by_the_notebooks_path(lab: Lab) -> None:
    cells_after(lab, "session.ipynb", new_code_cell("1"))
    assert [s["kernel"]["name"] for s in lab.request("GET", "/api/sessions") if s["path"] == "session.ipynb"] == [
        "python3"
    ]
    assert "/lab/tree/session.ipynb?token=" in lab.page("session.ipynb")


def test_a_server_that_ends_takes_its_kernels_along(tmp_path: Path) -> None:
    root, home = tmp_path / "root", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    with Lab(root, home) as lab:
        _, [cell] = cells_after(lab, "pid.ipynb", new_code_cell("import os\nos.getpid()"))
        kernel = int(cell["outputs"][0]["data"]["text/plain"])
        os.kill(kernel, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


def test_a_port_that_is_taken_is_named_in_the_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"Port {port} is in use"), Lab(tmp_path, tmp_path, port=port):
            pass


# ---- the whole ------------------------------------------------------------------------------------------------------


def test_without_jupyterlab_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(DemoError, match=re.escape("pip install 'runconsole[demo]'")):
        run_demo()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_prints_its_page_and_ends_cleanly(tmp_path: Path, ending: signal.Signals) -> None:
    code = (  # whatever shell started the tests, the process gets its Ctrl-C
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from runconsole.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "demo", "--no-browser", "--dir"]
    process = subprocess.Popen(
        [*command, str(tmp_path), "--family", "tasks"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"CI": "true", "PYTHONUNBUFFERED": "1"},
    )
    with process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "Press Ctrl-C" in line:
                break
        process.send_signal(ending)
        rest = process.stdout.read()
    output = "".join(lines) + rest
    assert process.returncode == 0, output
    assert re.search(r"http://127\.0\.0\.1:\d+/lab/tree/quickstart-tasks\.ipynb\?token=\S+", output)
    assert rest.endswith("Ended.\n")
    content = json.loads((tmp_path / quickstart("tasks")).read_text())
    shown = [o["data"] for cell in content["cells"] for o in cell.get("outputs", ()) if "data" in o]
    # The page puts the live panel in place of the report.
    reports = [data for data in shown if "<runconsole-report" in "".join(data.get("text/html", ""))]
    assert len(reports) == 1
