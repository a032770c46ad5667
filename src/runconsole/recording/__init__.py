"""Internal: recordings: a run as JSON lines in an append-only file, complete up to the last flush after any kill.

The first line of each section is a `Header`; every other line is an `Entry`: a frame in or out, or a note of the
console itself. A console that continues a file adds a section that continues the one before; one with a new run adds a
section that does not. The fields of each line are documented in `format`.
"""

from __future__ import annotations

from runconsole.recording.files import FileWriter, Identity, Reader, home_path, identity_of
from runconsole.recording.format import FORMAT, Entry, Header, decode_line, encode_line
from runconsole.recording.locks import unrecorded
from runconsole.recording.recorder import FileContent, Recorder
from runconsole.recording.scan import Scan, check_recordable, read_header, scan, scan_whole
from runconsole.recording.scratch import Scratch

__all__ = [
    "FORMAT",
    "Entry",
    "FileContent",
    "FileWriter",
    "Header",
    "Identity",
    "Reader",
    "Recorder",
    "Scan",
    "Scratch",
    "check_recordable",
    "decode_line",
    "encode_line",
    "home_path",
    "identity_of",
    "read_header",
    "scan",
    "scan_whole",
    "unrecorded",
]
