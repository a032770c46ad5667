"""The command line: `watch`, `inbox`, `record`, `replay`, `check`, `report`, `open`, `relay`, `serve`, `demo`.

Errors are one sentence on stderr. Exit codes: 2 for wrong arguments; 3 for a stream that ended before its run did; 1
for every other failure, also of the run itself; 130 after Ctrl-C; 143 and 129 after SIGTERM and SIGHUP. A closed output
pipe (`| head`) changes none of these.
"""

from __future__ import annotations

from runconsole.cli import following, inbox, relaying, simulating  # noqa: F401 - each adds its commands
from runconsole.cli.group import cli, main

__all__ = ["cli", "main"]
