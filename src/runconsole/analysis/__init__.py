"""Analysis of a run's time and of its answered questions: pure functions of the run's DataFrames.

The functions take the frames of a console, of a replay, or of a history (`history.frame("tasks")`). Rows of a history
carry a column `execution`: each run is then analyzed by itself, and the result has that column too. Times are in
seconds everywhere; unknown is NA.
"""

from __future__ import annotations

from runconsole.analysis.answers import ALL, checkpoint_stats
from runconsole.analysis.comparing import RUN, RunFacts, compare_runs
from runconsole.analysis.spent import bottlenecks, critical_path

__all__ = ["ALL", "RUN", "RunFacts", "bottlenecks", "checkpoint_stats", "compare_runs", "critical_path"]
