"""Internal: the runs that the simulator can play."""
