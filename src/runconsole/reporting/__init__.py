"""Internal: runs reported by Python code of this process: `start_run`, its tasks, its questions."""
