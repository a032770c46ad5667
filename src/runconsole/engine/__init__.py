"""Internal: a run on the I/O thread, live or replayed: its thread, its decisions, its policy."""
