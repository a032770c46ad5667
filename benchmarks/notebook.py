"""The size of a notebook that is saved with the state of its widgets: of one panel, and of three.

    python -m benchmarks.notebook

nbclient executes real notebooks. Each panel follows a run of its own of the simulator, 120 tasks with questions that
code answers, to its end; then the notebook is written with outputs (text, report) and widget state. The code is stored
once: all panels refer to one model of it. It is deflated (Brotli would be smaller, but few browsers unpack it), and in
base64, because a notebook is text: 4/3 of the deflated bytes are the floor of one copy.
"""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from benchmarks._common import note, report
from runconsole.widget.code import code_of

KB = 1e3
STATE = "application/vnd.jupyter.widget-state+json"
RUN = """
from runconsole import ConsoleWidget
from runconsole.simulator import Simulator

sim = Simulator("execution", speed=2000).start()
w = ConsoleWidget(sim.url, title="authentication_feature", token_budget=100_000, decide="approve")
assert w.wait(120)
sim.stop()
"""


def main() -> None:
    sizes = {}
    for panels in (1, 3):
        note(f"a notebook with {panels} panel(s)")
        sizes[panels] = _measured(panels)
    report(
        "notebook: copies of the code in one with three panels",
        value=sizes[3]["copies"],
        unit="copies",
        at_most=1,
        against="a copy for each panel",
        code_kb=len(code_of("widget").packed) / KB,
        plain_code_kb=len(zlib.decompress(base64.b64decode(code_of("widget").packed), -zlib.MAX_WBITS)) / KB,
        kb={str(panels): size["file"] for panels, size in sizes.items()},
        state_kb={str(panels): size["state"] for panels, size in sizes.items()},
        outputs_kb={str(panels): size["outputs"] for panels, size in sizes.items()},
    )
    report(
        "notebook: one more panel",
        value=(sizes[3]["file"] - sizes[1]["file"]) / 2,
        unit="KB",
        at_most=100.0,
        against="the same notebook with one panel; a copy of the code would be more",
    )


def _measured(panels: int) -> dict[str, Any]:
    """Execute and save a notebook; return its size and that of its parts in KB, and the copies of the code in it."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(RUN) for _ in range(panels)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
        file = Path(folder, "saved.ipynb")
        nbformat.write(notebook, file)
        text = file.read_text()
    saved = json.loads(text)
    return {
        "file": len(text.encode()) / KB,
        "state": len(json.dumps(saved["metadata"]["widgets"][STATE]).encode()) / KB,
        "outputs": sum(len(json.dumps(cell["outputs"]).encode()) for cell in saved["cells"]) / KB,
        "copies": text.count(code_of("widget").packed),
    }


if __name__ == "__main__":
    main()
