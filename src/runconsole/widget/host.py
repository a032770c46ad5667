"""The outputs of a notebook that show a panel: one a cell, withdrawn where a box shows it, kept current in the file.

A program that executes a notebook (nbclient, papermill, nbconvert) takes in only messages that are sent while a cell
runs, with that cell as their parent. So at the end of each cell the panels send their changes, in that cell's context.

The file holds a report in HTML. A view of the widget in the same output would win over the report wherever the file is
opened, and show nothing without the kernel: so it is left out where nobody watches, and withdrawn where the page can
put the panel in the report's place by itself (the element ``runconsole-report`` of `js/src/page/report.ts`).
"""

from __future__ import annotations

import contextvars
import logging
import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import ipywidgets
from IPython.core.getipython import get_ipython
from IPython.display import display, update_display

__all__ = ["Outputs", "Screen", "on_subshell", "reach_page", "route_by_header"]

_VIEW_MIME = "application/vnd.jupyter.widget-view+json"

_logger = logging.getLogger(__name__)

_SHOWING_S = 2.0
"""The time in which a page shows a new output, and reports its view."""

_VOILA = "voila/"
"""The server software of kernels that Voilà executes for a page."""


class Screen(NamedTuple):
    """A run as text, and True if that is final."""

    text: str
    is_final: bool


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
        self._has_view = not _is_unattended()
        self.kept = self.screens
        """The last sent text, and the text that the file surely holds: it was sent while a cell ran."""
        handle = display(self.bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self.display_id: str | None = None if handle is None else handle.display_id

    def _now(self) -> list[Screen]:
        return [panel.screen() for panel in self._panels]

    def bundle(self) -> dict[str, Any]:
        return _bundle(self._view if self._has_view else None, self._panels, self.screens)

    def update(self, *, in_cell: bool) -> None:
        """Send the changes since the last message; in a cell, the changes since the file's text."""
        if in_cell and self._is_young and not all(screen.is_final for screen in self._now()):
            return  # a page may be making its view at this moment, and would have to make another
        self.screens, before = self._now(), self.kept if in_cell else self.screens
        if in_cell:
            self.kept = self.screens
        withdraws = self._can_withdraw_view()
        self._has_view = self._has_view and not withdraws
        if withdraws or self.screens != before:
            update_display(self.bundle(), display_id=self.display_id, raw=True)  # type: ignore[no-untyped-call]

    def withdraw_view(self) -> None:
        """Send the report alone, if the page can put the panel in its place."""
        if self._can_withdraw_view():
            self.update(in_cell=False)

    @property
    def _is_young(self) -> bool:
        return time.monotonic() - self._made < _SHOWING_S

    def _can_withdraw_view(self) -> bool:
        return self._has_view and not self._is_young and all(panel.takes_place(self._view) for panel in self._panels)

    def withdraw(self) -> None:
        """Clear the output."""
        update_display({}, display_id=self.display_id, raw=True)  # type: ignore[no-untyped-call]


class Outputs:
    """The outputs that show one panel.

    Args:
        panel: the widget.
        place: the name of the panel's place in an output that holds only its report.
        screen: returns its run as text.
        report: returns its run as HTML.
        cell_ended: called with the context of each cell at its end, on the thread that ran it.
    """

    def __init__(
        self,
        panel: ipywidgets.DOMWidget,
        place: str,
        *,
        screen: Callable[[], Screen],
        report: Callable[[], str],
        cell_ended: Callable[[contextvars.Context], None],
    ) -> None:
        self._panel = panel
        self._place = place
        self.screen = screen
        self._report = report
        self.cell_ended = cell_ended
        self.is_placed_by_page = False
        """True if a page can put the panel in its report's place."""
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
        """Return the panel, and for readers without a kernel the run as text and as a report."""
        return _bundle(self._panel, [self], [self.screen()])

    def report(self) -> str:
        """Return the report: a sentence on the first line, then the panel's place with the rest in it."""
        sentence, _, rest = self._report().partition("\n")
        return f'{sentence}\n<runconsole-report data-place="{self._place}">{rest}</runconsole-report>'

    def takes_place(self, view: ipywidgets.DOMWidget) -> bool:
        """Return whether a page puts the panel in place of its report, in an output of this view."""
        return self.is_placed_by_page and view is self._panel

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

    def withdraw_views(self) -> None:
        """Leave the panel in each output to the page."""
        for output in self._shown:
            output.withdraw_view()

    def close(self) -> None:
        """End the updates."""
        _outputs.pop(id(self._panel), None)
        self._shown.clear()


def _bundle(view: ipywidgets.DOMWidget | None, panels: list[Outputs], screens: list[Screen]) -> dict[str, Any]:
    bundle: dict[str, Any] = {
        "text/plain": "\n\n".join(screen.text for screen in screens),
        "text/html": "\n".join(panel.report() for panel in panels),
    }
    if view is not None and view.model_id is not None:  # None: it is closed
        bundle[_VIEW_MIME] = {"version_major": 2, "version_minor": 1, "model_id": view.model_id}
    return bundle


def _is_unattended() -> bool:
    """Return whether the running cell is executed by a program that shows it to nobody."""
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None or os.environ.get("SERVER_SOFTWARE", "").startswith(_VOILA):
        return False
    # Every page can ask its reader for input; nbclient, which papermill and nbconvert use, cannot.
    return kernel.get_parent().get("content", {}).get("allow_stdin") is False


def on_subshell() -> bool:
    """Return whether the caller runs on a subshell: then its replies arrive while a cell runs."""
    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent()
    return bool(parent and parent.get("header", {}).get("subshell_id"))


def reach_page(context: contextvars.Context, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Call a function that sends to the page, in a context that the kernel knows; the page may be gone."""
    try:
        context.copy().run(function, *args, **kwargs)
    except Exception:  # the run goes on without a page
        _logger.debug("could not reach the page", exc_info=True)


def route_by_header(widget: ipywidgets.Widget) -> None:
    """Have messages of a page run on the subshell that they name.

    ipykernel 7.4 sends them to the shell whose request the widget answered last. For a widget that the running cell
    has made, that is the shell of this very cell, and a press would wait for its end. Without such a note, the
    message's own header decides.
    """
    with suppress(AttributeError):
        del widget.comm._reply_subshell_id  # noqa: SLF001 - of ipykernel, which has no public name for it


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
