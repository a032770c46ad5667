"""Runs as Parquet data sets: written one after the other into a directory, read back lazily, many at a time.

    directory/
    ├── runs/run-<execution>-<version>.parquet                      one row a run; its being there makes a version count
    ├── tasks/execution=<execution>/<version>.parquet               each frame, partitioned by execution
    └── events/execution=<execution>/type=<type>/<version>.parquet  events also by type

Any engine that reads Parquet with Hive partitions reads it; `history` also knows which version of a run counts while
one is being replaced.
"""

from runconsole.dataset.reading import History, history
from runconsole.dataset.run_row import About
from runconsole.dataset.writer import write

__all__ = ["About", "History", "history", "write"]
