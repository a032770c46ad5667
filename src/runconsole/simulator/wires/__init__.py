"""Internal: the simulator's servers, one for each protocol."""
