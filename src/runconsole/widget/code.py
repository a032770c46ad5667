"""The front end of the widgets: a small module that each carries, and the code that it loads, once a kernel.

A notebook that is saved with the state of its widgets holds every trait of every widget. So the code is a model of its
own to which the widgets refer: one for all panels. Its id is made of the code, so that a notebook that has seen many
kernels holds it once, too.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import ipywidgets
import traitlets

__all__ = ["LOADER", "FrontEndCode", "code_of"]

_STATIC = Path(__file__).parents[1] / "static"

# A text, not a path: a file that anywidget watches would hold every widget for ever.
LOADER = (_STATIC / "loader.js").read_text("utf-8")
"""The module of every widget (`js/src/loader.ts`): it loads the code to which the trait `_code` refers."""

_open: dict[str, FrontEndCode] = {}
_opening = threading.Lock()


class FrontEndCode(ipywidgets.Widget):  # type: ignore[misc]  # ipywidgets has no types
    """A module as `js/build.mjs` packs it."""

    packed = traitlets.Unicode(help="A module that exports the widget: deflated, in base64.").tag(sync=True)


def code_of(name: str) -> FrontEndCode:
    """Return the one model of the code with this name; another one after all widgets were closed."""
    with _opening:
        known = _open.get(name)
        if known is None or known.comm is None:
            packed = (_STATIC / f"{name}.packed").read_text("utf-8")
            model_id = hashlib.sha256(packed.encode()).hexdigest()[:32]
            known = _open[name] = FrontEndCode(packed=packed, model_id=model_id)
        return known
