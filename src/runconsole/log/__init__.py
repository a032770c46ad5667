"""The event log: append-only, complete, payloads byte for byte; sealed chunk by chunk into Arrow columns."""

from runconsole.log.chunks import CHUNK, schema, stored
from runconsole.log.log import EventLog, Storage

__all__ = ["CHUNK", "EventLog", "Storage", "schema", "stored"]
