"""A run where it is reported: one line in a terminal, nothing elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from msgspec import structs

from runconsole import start_run
from runconsole.reporting.display import line

SCRIPT = """
import runconsole
with runconsole.start_run("nightly", show={show}) as run:
    for number in run.track(range(3), "count"):
        print("case", number)
"""


def test_the_line_says_what_is_known() -> None:
    with start_run("n\x1b[1m", cost_limit=1) as run, run.task("work") as task:
        task.progress(0.5, cost_usd=0.25)
        run.tasks  # noqa: B018 - waits for the console
        known = run.console.run
    assert line(known, run.title) == "n␛[1m · running · 50 % · 0 of 1 tasks · $0.25 · work"
    known = structs.replace(
        known, failed_tasks=2, percent=None, cost_usd=None, current_task_name=None, total_tasks=None
    )
    assert line(known, None) == f"{run.execution_id} · running · 2 failed"


def test_a_program_without_a_terminal_prints_what_it_prints(tmp_path: Path) -> None:
    code = SCRIPT.format(show=None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=True
    )
    assert (done.stdout, done.stderr) == ("case 0\ncase 1\ncase 2\n", "")


def shown_in_terminal(code: str) -> str:
    main, other = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], stdin=other, stdout=other, stderr=other)
    os.close(other)
    shown = b""
    try:
        while piece := os.read(main, 4096):
            shown += piece
    except OSError:  # the program has ended
        pass
    finally:
        assert process.wait(60) == 0
        os.close(main)
    return shown.decode()


def test_a_terminal_shows_the_line_below_what_is_printed() -> None:
    shown = shown_in_terminal(SCRIPT.format(show=None))
    assert "case 0" in shown
    assert shown.index("case 2") < shown.rindex("nightly · completed · 100 % · 1 of 1 tasks")


def test_a_terminal_shows_no_line_that_is_not_wanted() -> None:
    shown = shown_in_terminal(SCRIPT.format(show=False))
    assert shown.split() == ["case", "0", "case", "1", "case", "2"]
