"""The bounded picture the browser gets: snapshots, patches, pages. Its shape is the contract in `js/src/model.ts`."""

from runconsole.view.picture import DURABLE_BYTES, View
from runconsole.view.questions import answered

__all__ = ["DURABLE_BYTES", "View", "answered", "marked_sentence"]
from runconsole.view.rows import marked_sentence
