"""Frames to events and decisions to frames: pure functions and state machines, no I/O."""
