"""Internal: payloads of events to facts, whichever server they come from. Pure functions."""
