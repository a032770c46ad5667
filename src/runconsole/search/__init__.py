"""Search in a run's whole output and event log: the rows that a query chooses, found once and kept."""

from runconsole.search.logs import LogSearches, Match, Snapshot
from runconsole.search.matches import Cancelled, Matches
from runconsole.search.parts import EventPart, event_parts, output_parts
from runconsole.search.query import LogQuery, labels_of, tasks_like
from runconsole.search.texts import text_piece

__all__ = [
    "Cancelled",
    "EventPart",
    "LogQuery",
    "LogSearches",
    "Match",
    "Matches",
    "Snapshot",
    "event_parts",
    "labels_of",
    "output_parts",
    "tasks_like",
    "text_piece",
]
