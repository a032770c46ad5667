"""Recordings: a run as JSON lines in a file that only grows, whole after any kill up to the last flush.

The first line of each section is a `Header`; every other line is an `Entry`: a frame that came or left, or what the
console itself noted. A console that goes on with a file adds a section that continues the one before; one that begins
anew adds a section that does not. `docs` of each line's fields are in `lines`.
"""

from __future__ import annotations

from runconsole.recording.files import FileWriter, Identity, Reader, home_path, identity_of
from runconsole.recording.format import FORMAT, Entry, Header, decode_line, encode_line
from runconsole.recording.locks import unrecorded
from runconsole.recording.recorder import Held, Recorder
from runconsole.recording.scan import Scan, check_recordable, read_header, scan

__all__ = [
    "FORMAT",
    "Entry",
    "FileWriter",
    "Header",
    "Held",
    "Identity",
    "Reader",
    "Recorder",
    "Scan",
    "check_recordable",
    "decode_line",
    "encode_line",
    "home_path",
    "identity_of",
    "read_header",
    "scan",
    "unrecorded",
]
