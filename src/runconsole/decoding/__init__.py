"""Internal: turns payloads of events into facts, for every server. Pure functions."""
