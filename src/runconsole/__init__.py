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

from runconsole.api.runs import RunView, RunViews
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
    NoOneToAsk,
    NotConnected,
    RecordingError,
    RunConsoleError,
    RunInterrupted,
    UnfitValues,
    UnsupportedByWire,
)
from runconsole.events import ActionDecision, ActionRequest, Answer, CheckpointOption, LinkStatus, TaskStatus
from runconsole.options import ConsoleOptions
from runconsole.protocols.local.source import Source
from runconsole.reconnect import LinkFailure, Reconnect
from runconsole.state import Run
from runconsole.state.dated import Checkpoint, Decision
from runconsole.version import __version__

if TYPE_CHECKING:
    from runconsole.checking.findings import CheckReport, Finding
    from runconsole.checking.reading import check
    from runconsole.dataset import History, history
    from runconsole.fleet.calling import InboxQuestion
    from runconsole.replay import Replay
    from runconsole.reporting.asking import TakenAnswer
    from runconsole.reporting.bars import tqdm
    from runconsole.reporting.cancelling import TaskCancelled
    from runconsole.reporting.handler import LogHandler
    from runconsole.reporting.report import report
    from runconsole.reporting.run import ActiveRun, start_run
    from runconsole.reporting.tasks import ActiveSubtask, ActiveTask, ActiveTool, ActiveWave
    from runconsole.widget import ConsoleWidget
    from runconsole.widget.fleet import FleetWidget, InboxWidget

__all__ = [
    "ActionDecision",
    "ActionRequest",
    "ActiveRun",
    "ActiveSubtask",
    "ActiveTask",
    "ActiveTool",
    "ActiveWave",
    "Answer",
    "CallRefused",
    "CallUnanswered",
    "CheckReport",
    "Checkpoint",
    "CheckpointOption",
    "Console",
    "ConsoleFailed",
    "ConsoleOptions",
    "ConsoleWidget",
    "Decision",
    "DecisionError",
    "DecisionExpired",
    "DecisionRefused",
    "DecisionUnknown",
    "Finding",
    "FleetWidget",
    "History",
    "InboxQuestion",
    "InboxWidget",
    "InvalidArgument",
    "LinkFailure",
    "LinkStatus",
    "LogHandler",
    "MissingPackage",
    "NoOneToAsk",
    "NotConnected",
    "Reconnect",
    "RecordingError",
    "Replay",
    "Run",
    "RunConsoleError",
    "RunInterrupted",
    "RunView",
    "RunViews",
    "Source",
    "TakenAnswer",
    "TaskCancelled",
    "TaskStatus",
    "UnfitValues",
    "UnsupportedByWire",
    "__version__",
    "check",
    "history",
    "report",
    "start_run",
    "tqdm",
]

_LATER = {
    "CheckReport": "runconsole.checking.findings",
    "Finding": "runconsole.checking.findings",
    "check": "runconsole.checking.reading",
    "ActiveRun": "runconsole.reporting.run",
    "ActiveSubtask": "runconsole.reporting.tasks",
    "ActiveTask": "runconsole.reporting.tasks",
    "ActiveTool": "runconsole.reporting.tasks",
    "ActiveWave": "runconsole.reporting.tasks",
    "ConsoleWidget": "runconsole.widget",
    "FleetWidget": "runconsole.widget.fleet",
    "InboxQuestion": "runconsole.fleet.calling",
    "InboxWidget": "runconsole.widget.fleet",
    "History": "runconsole.dataset",
    "Replay": "runconsole.replay",
    "LogHandler": "runconsole.reporting.handler",
    "TakenAnswer": "runconsole.reporting.asking",
    "TaskCancelled": "runconsole.reporting.cancelling",
    "history": "runconsole.dataset",
    "report": "runconsole.reporting.report",
    "start_run": "runconsole.reporting.run",
    "tqdm": "runconsole.reporting.bars",
}
"""Names that load when they are first used, with their packages: each needs more than a connection does."""


_MODULES = frozenset({"agui"})
"""Modules that load when they are first used."""


def __getattr__(name: str) -> Any:
    if name not in _LATER and name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"runconsole.{name}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return __all__
