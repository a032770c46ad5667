"""Messages of a page go to the subshell that they name, also to a panel that the running cell has made."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from ipykernel.comm.comm import BaseComm
from ipywidgets import Widget

from runconsole.widget.host import route_by_header


def widget_with(comm: Any) -> Any:
    return SimpleNamespace(comm=comm)


def test_a_comm_forgets_the_shell_that_it_answered_last() -> None:
    comm = SimpleNamespace(_reply_subshell_id=None)
    route_by_header(widget_with(comm))
    route_by_header(widget_with(comm))
    assert not hasattr(comm, "_reply_subshell_id")


def test_the_kernel_then_reads_the_header() -> None:
    class Comm(BaseComm):
        def __init__(self) -> None:
            self._reply_subshell_lock = threading.Lock()
            self._reply_subshell_ids: dict[str, str] = {}
            self._reply_subshell_id = None

        def route(self) -> Any:
            return self._reply_subshell_for({}, "of the header")  # type: ignore[no-untyped-call]

        def __del__(self) -> None:
            pass

    comm = Comm()
    assert comm.route() is None
    route_by_header(widget_with(comm))
    assert comm.route() == "of the header"


def test_a_closed_widget_has_no_comm() -> None:
    widget = Widget()
    widget.close()
    route_by_header(widget)
