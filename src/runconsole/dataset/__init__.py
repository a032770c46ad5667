"""Internal: runs as Parquet data sets: written one after the other into a directory, read back lazily, many at a time.

    directory/
    ├── runs/run-<execution>-<version>.parquet                      one row a run; its presence makes a version count
    ├── tasks/execution=<execution>/<version>.parquet               each frame, partitioned by execution
    └── events/execution=<execution>/type=<type>/<version>.parquet  events also by type

Any engine that reads Parquet with Hive partitions reads it; `history` also knows the counting version of a run while
one is being replaced.
"""

from runconsole.dataset.reading import History, history
from runconsole.dataset.run_row import RunInfo
from runconsole.dataset.writer import write

__all__ = ["History", "RunInfo", "history", "write"]
