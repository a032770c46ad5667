"""Internal: the bounded picture for the browser: snapshots, patches, pages.

`runconsole.view.contract` declares its shape.
"""

from runconsole.view.checkpoints import answered
from runconsole.view.view import DURABLE_BYTES, View

__all__ = ["DURABLE_BYTES", "View", "answered", "marked_sentence"]
from runconsole.view.rows import marked_sentence
