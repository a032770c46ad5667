"""The front door: what can be imported, and that nothing heavy comes with it."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import runconsole
from runconsole import errors

NAMES = [
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


def run(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=50).stdout.strip()


def test_the_names_at_the_front_door_are_these_and_sorted() -> None:
    assert runconsole.__all__ == sorted(NAMES) == NAMES
    assert all(hasattr(runconsole, name) for name in NAMES)


def test_every_public_name_says_what_it_is() -> None:
    for name in set(NAMES) - {"__version__"}:
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


def test_every_error_is_one_of_ours_and_shows_one_sentence_in_a_cell() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.RunConsoleError)
    error = errors.DecisionRefused("already decided", "cp-1")
    assert error._render_traceback_() == ["DecisionRefused: already decided"]
    assert error.checkpoint_id == "cp-1"
    assert isinstance(error, errors.DecisionError)


def test_the_tree_of_errors_in_the_documentation_is_the_one_there_is() -> None:
    drawn = {line.strip("├└│─ ").split()[0] for line in (errors.__doc__ or "").splitlines() if "──" in line}
    assert drawn == set(errors.__all__) - {"RunConsoleError"}
