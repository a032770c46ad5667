"""The notebook around this code, if there is one: seen without importing any of it."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["cell_takes_presses", "has_reader", "kernel"]


def kernel() -> Any:
    """Return the kernel in which this process runs cells; None outside a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None)


def has_reader(kernel: Any) -> bool:
    """Return whether a person is behind the running cell. Programs that execute notebooks take no input."""
    return bool(getattr(kernel, "_allow_stdin", True))


def cell_takes_presses(kernel: Any) -> bool:
    """Return whether presses in a panel arrive while a cell runs: over subshells, which ipykernel 7 has."""
    return bool(getattr(kernel, "_supports_kernel_subshells", False))
