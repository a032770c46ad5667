"""Recordings read again: the lines of a file folded into a run, at once, at any speed, or to go on with it."""

from __future__ import annotations

from runconsole.replay.playback import Playback
from runconsole.replay.replay import Change, Replay
from runconsole.replay.resume import TakenUp, follows_same, goes_on, take_up
from runconsole.replay.wires import header_of, same_wire, wire_for

__all__ = [
    "Change",
    "Playback",
    "Replay",
    "TakenUp",
    "follows_same",
    "goes_on",
    "header_of",
    "same_wire",
    "take_up",
    "wire_for",
]
