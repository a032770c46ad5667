"""The script of all steps: failures stop no step, the output names them, and steps repeat on request."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "suite.py"


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("suite_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    return module


def lane(suite: Any, at_once: int = 1, **codes: str) -> Any:
    """Return a lane of Python programs, each with its name in capitals as its heading."""
    return suite.Lane(
        [suite.Step(name, name.upper(), [sys.executable, "-c", code]) for name, code in codes.items()], at_once
    )


def fails(line: str) -> str:
    return f"print({line!r}); raise SystemExit(1)"


# Of two of these each waits for the other: they must run side by side.
WAITS = "import pathlib, time; pathlib.Path({0!r}).touch()\nwhile not pathlib.Path({1!r}).exists(): time.sleep(0.01)"


def test_all_steps_run_and_their_outputs_stay_apart(suite: Any, capsys: pytest.CaptureFixture[str]) -> None:
    suite.LANES = [
        lane(suite, one=f"{WAITS.format('1', '2')}\nprint('said by one', flush=True); print('and this')", three=""),
        lane(suite, two=WAITS.format("2", "1")),
    ]
    assert suite.once() is None
    said = capsys.readouterr().out
    assert "── ONE\nsaid by one\nand this\n   done in " in said
    assert "test: all 3 steps passed in " in said


def test_a_lane_runs_some_steps_at_once_and_each_of_them_once(suite: Any) -> None:
    suite.LANES = [
        lane(suite, at_once=2, one=WAITS.format("1", "2"), two=WAITS.format("2", "1"), three="print('ran', flush=True)")
    ]
    assert suite.once() is None
    assert (suite.RESULTS / "three.log").read_text() == "ran\n"


def test_each_python_test_is_in_one_part(suite: Any) -> None:
    tests = Path(__file__).parent
    paths = [Path(path) for part in suite.python_parts(tests).values() for path in part]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("test_*.py"))]
    wanted = {file for file in tests.rglob("test_*.py") if file.relative_to(tests).parts[0] not in {"e2e", "agents"}}
    assert sorted(files) == sorted(wanted)


def test_a_failed_step_is_named_and_stops_no_other(suite: Any) -> None:
    suite.LANES = [
        lane(suite, one=fails("FAILED tests/test_it.py::test_this - it is so"), two=fails("no pytest"), three="")
    ]
    assert suite.once().splitlines()[:2] == [
        "FAILED tests/test_it.py::test_this - it is so",
        "FAILED TWO, see results/two.log",
    ]
    assert (suite.RESULTS / "three.log").exists()


def test_again_sums_up_what_failed_in_which_round(suite: Any, capsys: pytest.CaptureFixture[str]) -> None:
    failed = "'FAILED tests/test_a.py::b'"
    second = f"import pathlib, sys; it = pathlib.Path('ran'); sys.exit({failed} if it.exists() else it.touch())"
    suite.LANES = [lane(suite, one=second)]
    assert suite.again(2, 1) == "round 2: FAILED tests/test_a.py::b\ntest-again: 1 failures in 2 rounds"
    assert "══ round 1 of 2: 0 failed" in capsys.readouterr().out
