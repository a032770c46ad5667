"""Internal: the timeline of a run: lanes, bars, densities and marks, as windows of bounded size for the panel.

`snapshot` copies what is needed of a state, on the thread that writes it; everything else works on that copy, on any
thread. This package itself imports no NumPy: the first window of a process does.
"""

from runconsole.timeline.snapshot import Snapshot, snapshot, version_of

__all__ = ["Snapshot", "snapshot", "version_of"]
