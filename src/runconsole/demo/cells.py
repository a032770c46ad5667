"""Runs the cells of a notebook in a server's kernel and saves their outputs, as if a person had run them."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.blocking.client import BlockingKernelClient
from nbformat.v4 import output_from_msg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runconsole.demo.lab import Lab

__all__ = ["SKIP_TAGS", "run_cells"]

SKIP_TAGS = frozenset({"demo-skip", "skip-demo"})
"""Cells with one of these tags are left to the person."""

_READY_WITHIN_S = 60.0
_CELL_WITHIN_S = 60.0  # the first one imports everything, from a cold disk

_OUTPUTS = frozenset({"stream", "display_data", "execute_result", "error"})


def run_cells(lab: Lab, notebook: str, *, cell_within_s: float = _CELL_WITHIN_S) -> list[str]:
    """Run a notebook's code cells in the kernel of its session, started here, and save the outputs in the file.

    Stops at a cell that fails or is not done in time (it continues in the kernel). Returns a sentence for each such
    problem. Raises OSError when the server refuses.
    """
    kernel = _start_session(lab, notebook)
    content: dict[str, Any] = lab.request("GET", f"/api/contents/{notebook}")["content"]
    problems: list[str] = []
    with _connected(lab, kernel) as client:
        for number, cell in enumerate(_code_cells(content), start=1):
            problem = _run_cell(client, cell, cell_within_s)
            if problem is not None:
                problems.append(f"Cell {number} of {notebook} {problem}")
                break
    model = {"type": "notebook", "format": "json", "content": content}
    lab.request("PUT", f"/api/contents/{notebook}", model)
    return problems


def _start_session(lab: Lab, notebook: str) -> str:
    """Return the id of the kernel that the notebook's page will attach to."""
    body = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
    return str(lab.request("POST", "/api/sessions", body)["kernel"]["id"])


@contextmanager
def _connected(lab: Lab, kernel: str) -> Iterator[BlockingKernelClient]:
    client = BlockingKernelClient(connection_file=str(lab.runtime / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels(stdin=False, hb=False)
    try:
        _wait_until_ready(client)
        yield client
    finally:
        client.stop_channels()


def _wait_until_ready(client: BlockingKernelClient) -> None:
    """Wait until the kernel answers, and its published messages reach us. Raises TimeoutError.

    The client's own `wait_for_ready` gives up on a kernel that is too busy to echo within a second.
    """
    give_up = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < give_up:
        client.kernel_info()
        with suppress(Empty):
            client.get_shell_msg(timeout=1)
            client.get_iopub_msg(timeout=1)
            return
    raise TimeoutError(f"the notebook's kernel did not answer within {_READY_WITHIN_S:.0f} s")


def _code_cells(content: dict[str, Any]) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = content["cells"]
    tagged = [cell for cell in cells if SKIP_TAGS.isdisjoint(cell["metadata"].get("tags", ()))]
    return [cell for cell in tagged if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def _run_cell(client: BlockingKernelClient, cell: dict[str, Any], within_s: float) -> str | None:
    """Run a cell, put its outputs into it, and return a sentence about its problem, None for none."""
    cell["outputs"] = []
    cell["metadata"]["trusted"] = True  # the server signs it, and the page shows its widgets
    request = client.execute("".join(cell["source"]), allow_stdin=False)
    give_up = time.monotonic() + within_s
    while True:
        try:
            message = client.get_iopub_msg(timeout=max(0.0, give_up - time.monotonic()))
        except Empty:
            return "is not done yet; it goes on in the kernel."
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "execute_input":
            cell["execution_count"] = content["execution_count"]
        elif kind in _OUTPUTS:
            cell["outputs"].append(output_from_msg(message))
        if kind == "error":
            return f"failed: {content['ename']}: {content['evalue']}"
        if kind == "status" and content["execution_state"] == "idle":
            return None
