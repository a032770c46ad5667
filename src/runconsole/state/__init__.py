"""Internal: the state of a run: facts in, effects out. `RunState.apply` is the only writer; no clock, no I/O."""

from runconsole.state import agents, checkpoints, decisions, executions, stages, tasks
from runconsole.state import records as facts
from runconsole.state.attribution import Inquire, Presume
from runconsole.state.rows import (
    FINISHED,
    WITHDRAWN,
    Agent,
    Artifact,
    Checkpoint,
    Decision,
    ErrorRecord,
    Link,
    OutputChunk,
    Phase,
    Run,
    Subtask,
    Task,
    ToolCall,
    Used,
    Wave,
    span_s,
)
from runconsole.state.scrollback import Scrollback
from runconsole.state.state import Effect, Finished, RunState, Transmit, Urgent
from runconsole.state.succession import leave, stand, successor
from runconsole.state.turns import STATUSES, TurnColumns, Turns
from runconsole.state.usage import UsageSample

__all__ = [
    "FINISHED",
    "STATUSES",
    "WITHDRAWN",
    "Agent",
    "Artifact",
    "Checkpoint",
    "Decision",
    "Effect",
    "ErrorRecord",
    "Finished",
    "Inquire",
    "Link",
    "OutputChunk",
    "Phase",
    "Presume",
    "Run",
    "RunState",
    "Scrollback",
    "Subtask",
    "Task",
    "ToolCall",
    "Transmit",
    "TurnColumns",
    "Turns",
    "Urgent",
    "UsageSample",
    "Used",
    "Wave",
    "leave",
    "span_s",
    "stand",
    "successor",
]

_HANDLER_MODULES = (agents, checkpoints, decisions, executions, facts, stages, tasks)
"""Their import registers the handlers of every fact."""
