"""The outputs of a notebook that show a panel: one a cell, withdrawn where a box shows it, kept current in the file.

A program that executes a notebook (nbclient, papermill, nbconvert) takes in only messages that are sent while a cell
runs, with that cell as their parent. So at the end of each cell the panels send their changes, in that cell's context.
"""

from __future__ import annotations

import contextvars
import html
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
from IPython.core.getipython import get_ipython
from IPython.display import display, update_display

__all__ = ["Outputs", "Screen", "on_subshell"]

_VIEW_MIME = "application/vnd.jupyter.widget-view+json"

_SHOWING_S = 2.0
"""The time in which a page shows a new output, and reports its view."""

Screen = tuple[str, bool]
"""A run as text, and True if that is final."""

_outputs: weakref.WeakValueDictionary[int, Outputs] = weakref.WeakValueDictionary()
"""The outputs of each open panel, by its identity; the panel holds them."""
_prepared: weakref.WeakSet[Any] = weakref.WeakSet()
"""The shells that report the end of each cell."""


class _Output:
    """One output: a view of a panel, or of a box around panels, and the text for readers without a kernel."""

    def __init__(self, view: ipywidgets.DOMWidget, panels: list[Outputs]) -> None:
        self._view = view
        self._panels = panels
        self.screens = self._now()
        self._made = time.monotonic()
        self.kept = self.screens
        """The last sent text, and the text that the file surely holds: it was sent while a cell ran."""
        handle = display(self.bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self.display_id: str | None = None if handle is None else handle.display_id

    def _now(self) -> list[Screen]:
        return [panel.screen() for panel in self._panels]

    def bundle(self) -> dict[str, Any]:
        return _bundle(self._view, self.screens)

    def update(self, *, in_cell: bool) -> None:
        """Send the changes since the last message; in a cell, the changes since the file's text."""
        if in_cell and time.monotonic() - self._made < _SHOWING_S and not all(final for _, final in self._now()):
            return  # a page may be making its view at this moment, and would have to make another
        self.screens, before = self._now(), self.kept if in_cell else self.screens
        if in_cell:
            self.kept = self.screens
        if self.screens != before:
            update_display(self.bundle(), display_id=self.display_id, raw=True)  # type: ignore[no-untyped-call]

    def withdraw(self) -> None:
        """Clear the output."""
        update_display({}, display_id=self.display_id, raw=True)  # type: ignore[no-untyped-call]


class Outputs:
    """The outputs that show one panel.

    Args:
        panel: the widget.
        screen: returns its run as text.
        cell_ended: called with the context of each cell at its end, on the thread that ran it.
    """

    def __init__(
        self,
        panel: ipywidgets.DOMWidget,
        screen: Callable[[], Screen],
        cell_ended: Callable[[contextvars.Context], None],
    ) -> None:
        self._panel = panel
        self.screen = screen
        self.cell_ended = cell_ended
        self._shown: list[_Output] = []
        self._early: tuple[int, _Output] | None = None
        """The output that the constructor made, and the number of its cell."""
        self._is_early_only = False
        """True if the cell has not requested that output itself."""
        _outputs[id(panel)] = self
        shell = get_ipython()
        if getattr(shell, "kernel", None) is not None:
            _prepare(shell)

    def bundle(self) -> dict[str, Any]:
        """Return the panel, and for readers without a kernel the screen as text."""
        return _bundle(self._panel, [self.screen()])

    def show(self) -> None:
        """Show the panel, unless the constructor did in this very cell without a request."""
        early = self._early_here()
        if early is not None and self._is_early_only:
            self._is_early_only = False
        else:
            self._add(_Output(self._panel, [self]))

    def show_early(self) -> None:
        """Show the panel below the running cell, if there is a kernel: for the constructor."""
        if getattr(get_ipython(), "kernel", None) is not None:
            output = _Output(self._panel, [self])
            self._add(output)
            self._early, self._is_early_only = (_cell_number(), output), True

    def withdraw_early(self) -> None:
        """Withdraw the constructor's output of this cell: another output in it shows the panel."""
        early = self._early_here()
        if early is not None and self._is_early_only:
            self._early = None
            self._shown.remove(early)
            early.withdraw()

    def _early_here(self) -> _Output | None:
        number, output = self._early or (None, None)
        return output if number == _cell_number() else None

    def _add(self, output: _Output) -> None:
        if output.display_id is not None:
            self._shown.append(output)

    def add_box(self, output: _Output) -> None:
        """Note an output of a box around the panel."""
        self._add(output)

    def update(self, *, in_cell: bool = False) -> None:
        """Update the text of every output where it has changed."""
        for output in self._shown:
            output.update(in_cell=in_cell)

    def close(self) -> None:
        """End the updates."""
        _outputs.pop(id(self._panel), None)
        self._shown.clear()


def _bundle(view: ipywidgets.DOMWidget, screens: list[Screen]) -> dict[str, Any]:
    text = "\n\n".join(text for text, _ in screens)
    is_final = all(is_final for _, is_final in screens)
    recorded = "<p><em>recorded: the final state of this run</em></p>" if is_final else ""
    bundle: dict[str, Any] = {
        "text/plain": text,
        "text/html": f"<div>{recorded}<pre>{html.escape(text)}</pre></div>",
    }
    if view.model_id is not None:  # None: it is closed
        bundle[_VIEW_MIME] = {"version_major": 2, "version_minor": 1, "model_id": view.model_id}
    return bundle


def on_subshell() -> bool:
    """Return whether the caller runs on a subshell: then its replies arrive while a cell runs."""
    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent()
    return bool(parent and parent.get("header", {}).get("subshell_id"))


def _cell_number() -> int:
    shell = get_ipython()
    return -2 if shell is None else int(shell.execution_count)


# ---- events of IPython -----------------------------------------------------------------------------------------------


def _prepare(shell: Any) -> None:
    """Register for the end of each cell of a shell, and for the display of boxes with a panel in them."""
    if shell in _prepared or not hasattr(shell, "events"):
        return
    _prepared.add(shell)
    shell.events.register("post_run_cell", _after_cell)
    formatter = shell.display_formatter.ipython_display_formatter
    formatter.for_type(ipywidgets.Box, _BoxDisplay(formatter.for_type(ipywidgets.Box)))


def _after_cell(_result: Any = None) -> None:
    if not on_subshell():
        context = contextvars.copy_context()
        for outputs in list(_outputs.values()):
            outputs.cell_ended(context)


class _BoxDisplay:
    """Shows a box around panels once, with their text; leaves other boxes to IPython or another formatter."""

    def __init__(self, other: Callable[[Any], None] | None) -> None:
        self._other = other

    def __call__(self, box: ipywidgets.Box) -> None:
        panels = list(_panels_in(box, set()))
        if panels:
            for panel in panels:
                panel.withdraw_early()
            output = _Output(box, panels)
            for panel in panels:
                panel.add_box(output)
        elif self._other is not None:
            self._other(box)
        else:
            raise NotImplementedError  # IPython tries its other ways


def _panels_in(widget: Any, seen: set[int]) -> Iterator[Outputs]:
    """Yield the panels in a widget, each once."""
    if id(widget) in seen:
        return
    seen.add(id(widget))
    panel = _outputs.get(id(widget))
    if panel is not None:
        yield panel
    for child in getattr(widget, "children", ()):
        if isinstance(child, ipywidgets.Widget):
            yield from _panels_in(child, seen)
