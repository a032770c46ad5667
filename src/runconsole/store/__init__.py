"""Internal: the one writer of a run: it drops repeated events, finds gaps, and separates the runs of a stream."""

from runconsole.store.runs import Runs, RunStore
from runconsole.store.writer import RunWriter

__all__ = ["RunStore", "RunWriter", "Runs"]
