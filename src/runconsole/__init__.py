"""A live console for runs of agents and task orchestrators, inside a notebook.

    from runconsole import ConsoleWidget
    w = ConsoleWidget("ws://localhost:8000/ws")   # a live panel below the cell
    w.tasks, w.events                             # DataFrames, at any time
    w.decide("cp-456", "approve")                 # the same as pressing the button
    w.to_parquet("runs")                          # a directory of runs
    runconsole.history("runs").runs               # many of them at once

`Console` is the same without a notebook. The widget, pandas and pyarrow load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runconsole.console import Console
from runconsole.errors import (
    CallRefused,
    CallUnanswered,
    ConsoleFailed,
    DecisionError,
    DecisionExpired,
    DecisionRefused,
    DecisionUnknown,
    InvalidArgument,
    MissingPackage,
    NotConnected,
    RecordingError,
    RunConsoleError,
    RunInterrupted,
    UnsupportedByWire,
)
from runconsole.reconnect import LinkFailure, Reconnect

if TYPE_CHECKING:
    from runconsole.dataset import history
    from runconsole.widget import ConsoleWidget

__all__ = [
    "CallRefused",
    "CallUnanswered",
    "Console",
    "ConsoleFailed",
    "ConsoleWidget",
    "DecisionError",
    "DecisionExpired",
    "DecisionRefused",
    "DecisionUnknown",
    "InvalidArgument",
    "LinkFailure",
    "MissingPackage",
    "NotConnected",
    "Reconnect",
    "RecordingError",
    "RunConsoleError",
    "RunInterrupted",
    "UnsupportedByWire",
    "__version__",
    "history",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "ConsoleWidget":
        from runconsole.widget import ConsoleWidget

        return ConsoleWidget
    if name == "history":
        from runconsole.dataset import history

        return history
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
