"""Temporary directories: removed at the end of their process, and by the next one where that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runconsole.recording import Scratch

PREFIX = "runconsole-test-scratch-"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def process_with_one() -> tuple[subprocess.Popen[str], Path]:
    code = (
        "from runconsole.recording import Scratch\n"
        f"scratch = Scratch({PREFIX!r})\n"
        "(scratch.path / 'run.jsonl').write_text('x')\n"
        "print(scratch.path, flush=True)\n"
        "input()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_there_until_it_is_closed(temporary: Path) -> None:
    with Scratch(PREFIX) as scratch:
        (scratch.path / "file").touch()
        assert [scratch.path] == list(temporary.iterdir())
    assert not list(temporary.iterdir())
    scratch.close()


def test_that_of_a_process_that_was_killed_is_removed_by_the_next_one(temporary: Path) -> None:
    process, left = process_with_one()
    process.kill()
    process.communicate()
    assert left.exists()
    with Scratch(PREFIX):
        assert not left.exists()


def test_those_of_living_processes_and_other_things_stay(temporary: Path) -> None:
    (temporary / f"{PREFIX}file").write_text("no directory")
    process, held = process_with_one()
    try:
        with Scratch(PREFIX), Scratch(PREFIX) as second:
            assert held.exists()
            assert (held / "run.jsonl").read_text() == "x"
            assert second.path.exists()
    finally:
        process.kill()
        process.communicate()
    assert (temporary / f"{PREFIX}file").exists()
