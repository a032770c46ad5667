"""The front door: the importable names, without heavy imports."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import TYPE_CHECKING, assert_type

import pytest

import runconsole
from runconsole import Checkpoint, Console, ConsoleOptions, ConsoleWidget, InvalidArgument, errors
from runconsole.api.run import RunAPI

if TYPE_CHECKING:
    import pandas as pd

NAMES = [
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


ALIASES = {"Until", "Micros"}
"""Names of plain types: texts and whole numbers."""


def run(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=50).stdout.strip()


def test_the_names_at_the_front_door_are_these_and_sorted() -> None:
    assert runconsole.__all__ == sorted(NAMES) == NAMES
    assert all(hasattr(runconsole, name) for name in NAMES)


def test_the_front_door_lists_its_names_and_no_module() -> None:
    assert dir(runconsole) == NAMES
    assert run("import runconsole; print(*dir(runconsole))").split() == NAMES


@pytest.mark.parametrize("kind", [Console, ConsoleWidget])
def test_every_type_of_a_public_signature_is_exported(kind: type) -> None:
    for name in (name for name in dir(kind) if not name.startswith("_") and hasattr(RunAPI, name)):
        member = inspect.getattr_static(kind, name)
        function = member.fget if isinstance(member, property) else member
        words = set(re.findall(r"[A-Z]\w+", " ".join(map(str, function.__annotations__.values()))))
        assert (
            words
            <= {*NAMES, "Any", "Literal", "Mapping", "None", "DataFrame", "Table", "PathLike", "Self", "Sequence"}
            | ALIASES
        )


def test_the_widget_offers_all_that_the_console_offers() -> None:
    shared = {name for name in dir(RunAPI) if not name.startswith("_")}
    assert shared <= {*dir(ConsoleWidget)}
    for name in shared - {"close"}:
        assert inspect.getattr_static(ConsoleWidget, name) is inspect.getattr_static(Console, name)


@pytest.mark.parametrize("kind", [Console, ConsoleWidget])
def test_a_constructors_signature_has_every_option(kind: type) -> None:
    parameters = inspect.signature(kind).parameters
    assert next(iter(parameters)) == "url"
    assert set(ConsoleOptions.__annotations__) <= set(parameters)
    assert str(parameters["token"]) == "token: 'str | None' = None"
    assert str(parameters["start"]) == "start: 'bool' = True"
    assert "options" not in parameters
    assert parameters["transformer"].default == "auto"
    own = {"height", "compact", "display"} if kind is ConsoleWidget else set()
    assert set(parameters) == {"url", *ConsoleOptions.__annotations__} | own
    described = inspect.getdoc(Console) or ""
    assert [name for name in ConsoleOptions.__annotations__ if f"\n    {name}: " not in described] == []


def test_the_consoles_options_are_described_under_four_headings() -> None:
    described = inspect.getdoc(Console) or ""
    sections = re.findall(r"(?m)^(Options to .*):$", described)
    assert sections == ["Options to follow", "Options to sign in", "Options to show", "Options to keep and to answer"]


if TYPE_CHECKING:
    # The type checker reads this; an `ignore` that hides no error is one itself.
    _widget = ConsoleWidget("ws://h/ws", tokn="x")  # type: ignore[call-arg]
    _console = Console("ws://h/ws", auth="headr")  # type: ignore[arg-type]
    assert_type(_widget.tasks, pd.DataFrame)
    assert_type(_widget.wait(), bool)
    assert_type(_widget.pending, list[Checkpoint])


def test_a_misspelt_option_names_the_nearest_one() -> None:
    with pytest.raises(InvalidArgument, match="got 'tokn': did you mean 'token'"):
        Console("ws://h/ws", tokn="x")  # type: ignore[call-arg]


def test_every_public_name_says_what_it_is() -> None:
    for name in set(NAMES) - {"__version__", "LinkStatus"}:
        assert inspect.getdoc(getattr(runconsole, name))


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'runconsole' has no attribute 'Consol'"):
        runconsole.Consol  # noqa: B018


def test_the_widget_loads_when_it_is_first_used() -> None:
    loaded = "print('anywidget' in sys.modules)"
    code = f"import sys, runconsole; {loaded}; runconsole.ConsoleWidget; {loaded}"
    assert run(code).split() == ["False", "True"]


def test_pandas_loads_when_a_frame_is_first_asked_for() -> None:
    code = (
        "import sys; from runconsole import Console; c = Console('ws://h', start=False); print(c); print(repr(c));"
        "print('pandas' in sys.modules, 'pyarrow' in sys.modules); c.tasks; print('pandas' in sys.modules)"
    )
    assert run(code).splitlines()[-2:] == ["False False", "True"]


def test_every_error_shows_one_sentence_in_a_cell() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.RunConsoleError)
    error = errors.DecisionRefused("already decided", "cp-1")
    assert error._render_traceback_() == ["DecisionRefused: already decided"]
    assert error.checkpoint_id == "cp-1"
    assert isinstance(error, errors.DecisionError)


def test_the_documented_tree_of_errors_is_the_real_one() -> None:
    drawn = {line.strip("├└│─ ").split()[0] for line in (errors.__doc__ or "").splitlines() if "──" in line}
    assert drawn == set(errors.__all__) - {"RunConsoleError"}
