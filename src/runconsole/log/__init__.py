"""Internal: the event log: append-only, complete, payloads byte for byte; sealed chunk by chunk into Arrow columns."""

from runconsole.log.chunks import CHUNK, schema, stored
from runconsole.log.eventlog import EventLog, Storage
from runconsole.log.notes import Asides, moment
from runconsole.log.stream import Rows, StreamLog

__all__ = ["CHUNK", "Asides", "EventLog", "Rows", "Storage", "StreamLog", "moment", "schema", "stored"]
