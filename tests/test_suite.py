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


def steps(suite: Any, **codes: str) -> list[Any]:
    """Return a lane of Python programs, each with its name in capitals as its heading."""
    return [suite.Step(name, name.upper(), [sys.executable, "-c", code]) for name, code in codes.items()]


def fails(line: str) -> str:
    return f"print({line!r}); raise SystemExit(1)"


def test_all_steps_run_and_their_outputs_stay_apart(suite: Any, capsys: pytest.CaptureFixture[str]) -> None:
    # Each of the first two waits for the other: they run side by side.
    waits = (
        "import pathlib, time; pathlib.Path({0!r}).touch()\nwhile not pathlib.Path({1!r}).exists(): time.sleep(0.01)"
    )
    suite.LANES = [
        steps(suite, one=f"{waits.format('1', '2')}\nprint('said by one', flush=True); print('and this')", three=""),
        steps(suite, two=waits.format("2", "1")),
    ]
    assert suite.once() is None
    said = capsys.readouterr().out
    assert "── ONE\nsaid by one\nand this\n   done in " in said
    assert "test: all 3 steps passed in " in said


def test_a_failed_step_is_named_and_stops_no_other(suite: Any) -> None:
    suite.LANES = [
        steps(suite, one=fails("FAILED tests/test_it.py::test_this - it is so"), two=fails("no pytest"), three="")
    ]
    assert suite.once().splitlines()[:2] == [
        "FAILED tests/test_it.py::test_this - it is so",
        "FAILED TWO, see results/two.log",
    ]
    assert (suite.RESULTS / "three.log").exists()


def test_again_sums_up_what_failed_in_which_round(suite: Any, capsys: pytest.CaptureFixture[str]) -> None:
    failed = "'FAILED tests/test_a.py::b'"
    second = f"import pathlib, sys; it = pathlib.Path('ran'); sys.exit({failed} if it.exists() else it.touch())"
    suite.LANES = [steps(suite, one=second)]
    assert suite.again(2, 1) == "round 2: FAILED tests/test_a.py::b\ntest-again: 1 failures in 2 rounds"
    assert "══ round 1 of 2: 0 failed" in capsys.readouterr().out
