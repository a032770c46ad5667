"""Internal: the one writer of a run: new events told from repeated ones, gaps found, runs told apart."""

from runconsole.store.runs import Runs, RunStore
from runconsole.store.writer import RunWriter

__all__ = ["RunStore", "RunWriter", "Runs"]
