"""The runs the simulator can play."""
