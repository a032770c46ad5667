"""Internal: `runconsole demo`: JupyterLab on a notebook whose cells have already run, in the kernel of its page.

JupyterLab runs nothing when it opens a notebook. So the demo starts a server, starts the notebook's session through the
server's own interface, runs the cells in its kernel, saves their outputs, and only then opens the page: JupyterLab
finds the session by its path and restores the widgets from the live kernel.
"""

from __future__ import annotations

import importlib.util
import signal
import tempfile
import threading
import webbrowser
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from runconsole.demo.lab import DemoError, Lab
from runconsole.demo.notebooks import copy_notebooks
from runconsole.displays import has_display

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["DemoError", "quickstart", "run_demo"]


def quickstart(family: str) -> str:
    """Return the file name of a family's quickstart notebook."""
    return f"quickstart-{family}.ipynb"


def run_demo(
    *,
    family: str = "tasks",
    directory: Path | None = None,
    port: int = 0,
    browser: bool = True,
    report: Callable[[str], None] = print,
) -> None:
    """Run the demo until it is interrupted or JupyterLab is shut down.

    Args:
        family: the family of the quickstart notebook, `"execution"` or `"tasks"`; the other notebooks lie beside it.
        directory: the place of the notebooks' copies; None takes a new temporary directory, which stays.
        port: JupyterLab's port; 0 takes a free one.
        browser: open the page if there is a display.
        report: called with each line of progress.

    Raises DemoError, with one sentence, where something is missing or does not start.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise DemoError("JupyterLab is not installed; install it with: pip install 'runconsole[demo]'")
    from runconsole.demo.cells import run_cells

    root = directory or Path(tempfile.mkdtemp(prefix="runconsole-demo-"))
    name = copy_notebooks(root, quickstart(family))
    report(f"Notebooks are in {root}")
    try:
        with (
            _ending_on_signals(),
            tempfile.TemporaryDirectory(prefix="runconsole-lab-", ignore_cleanup_errors=True) as home,
            Lab(root, Path(home), port=port, report=report) as lab,
        ):
            report(f"Running {name} ...")
            for problem in run_cells(lab, name):
                report(problem)
            page = lab.page(name)
            report(f"\n  {page}\n\nThe run is live. Press Ctrl-C to end it.")
            if browser and has_display():
                webbrowser.open(page)
            lab.wait()
    except KeyboardInterrupt:
        pass
    report("Ended.")


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, so that no kernel is left behind."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
