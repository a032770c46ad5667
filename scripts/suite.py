"""Runs all checks and tests, in lanes side by side: `scripts/test` has set up the environment.

    python scripts/suite.py                       # once
    python scripts/suite.py --again 10 --load 1   # ten times in a row, while another process keeps a core busy

A step's output appears whole when the step has ended, and is in test-results/ from its start. A failed step does not
keep the others from running.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "test-results"
BUSY_LOOP = "while True: pass"
_BOLD, _RED, _PLAIN = ("\x1b[1m", "\x1b[31m", "\x1b[0m") if sys.stdout.isatty() else ("", "", "")
_printing = threading.Lock()


@dataclass(frozen=True)
class Step:
    """A command that must succeed.

    Attributes:
        name: the name of the file with its output.
        heading: the heading for people.
        command: a program on the PATH, and its arguments.
    """

    name: str
    heading: str
    command: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """How a step ended.

    Attributes:
        step: the step.
        code: its exit code.
        seconds: the time that it took.
        cpu_s: the CPU seconds of its processes, but for those that outlived it.
        output: the file with its output.
    """

    step: Step
    code: int
    seconds: float
    cpu_s: float
    output: Path

    def failures(self) -> list[str]:
        """Return pytest's lines on failed tests; the step itself if it has none."""
        # With a test's path: a logged line may begin with ERROR, too.
        lines = re.findall(
            r"^(?:FAILED|ERROR) \S+\.(?:py|ipynb)\b.*", self.output.read_text(errors="replace"), re.MULTILINE
        )
        return lines or [f"FAILED {self.step.heading}, see {self.output.relative_to(ROOT)}"]


@dataclass(frozen=True)
class Lane:
    """Steps that are begun in their order.

    Attributes:
        steps: the longest come first, so that none is left to run alone at the end.
        at_once: the number of steps that run side by side.
    """

    steps: Sequence[Step]
    at_once: int = 1


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "--quiet", *arguments]


# Folders and files whose tests take long, in parts of about the same length, the longest first. What else is there, an
# empty part stands for.
# Not pytest-xdist: each of its workers imports all test files, which takes longer than most folders' tests.
_PARTS = (
    ("console", "dataset", "decisions"),
    ("chaos", "fuzz", "transports"),
    (),
    ("callbacks", "relay", "reporting", "test_demo"),
    ("protocols", "redaction", "simulator", "terminal"),
    ("recording", "state", "tables", "view"),
)
_WITHOUT_KERNEL = ("tests/e2e/test_still.py", "tests/e2e/test_survey.py")
_NBVAL = ("-p", "nbval.plugin", "--timeout=300", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120")


def python_parts(tests: Path) -> dict[str, list[str]]:
    """Return the folders and files of the Python tests in parts with a name, each for a process of its own."""
    # The end-to-end tests are a lane, and `make test-agents` runs those on real servers of agents.
    everything = {path.stem: path for path in tests.iterdir() if path.is_dir() or path.match("test_*.py")}
    left = {name: path for name, path in everything.items() if name not in {"e2e", "agents"} and _has_tests(path)}
    parts = {", ".join(names): [str(left.pop(name)) for name in names] for names in _PARTS}
    parts[""] = sorted(map(str, left.values()))
    return {heading or "everything else": paths for heading, paths in parts.items()}


def _has_tests(path: Path) -> bool:
    return path.is_file() or any(path.rglob("test_*.py"))


LANES = [
    Lane(
        [
            *(
                Step(f"python-{number}", f"Python: tests of {names}", _pytest(*paths))
                for number, (names, paths) in enumerate(python_parts(ROOT / "tests").items(), start=1)
            ),
            Step("checks", "Checks", ["scripts/check"]),
            Step(
                "front-end",
                "Front end: tests",
                [sys.executable, "scripts/frontend.py", "npm", "run", "--silent", "test"],
            ),
        ],
        at_once=3,  # the tests wait for servers as well as they compute
    ),
    Lane(
        [
            Step(
                "e2e",
                "End to end: JupyterLab in a browser",
                _pytest("tests/e2e", *(f"--ignore={path}" for path in _WITHOUT_KERNEL)),
            )
        ]
    ),
    Lane(
        [
            # The notebooks wait for their runs nearly all the time.
            Step("notebooks", "Notebooks", _pytest(*_NBVAL, "notebooks")),
            Step("page", "The panel in a browser, without a kernel", _pytest(*_WITHOUT_KERNEL)),
        ]
    ),
]


def run_suite(results: Path) -> list[Outcome]:
    """Run all steps; return their exit codes."""
    results.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    running: list[subprocess.Popen[bytes]] = []

    def run_steps(waiting: Iterator[Step]) -> None:
        for step in waiting:
            outcome = _run(step, results / f"{step.name}.log", running)
            _show(outcome)
            outcomes.append(outcome)

    threads: list[threading.Thread] = []
    for lane in LANES:
        waiting = iter(lane.steps)  # each thread takes the next one
        threads += (threading.Thread(target=run_steps, args=(waiting,), daemon=True) for _ in range(lane.at_once))
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for process in running:  # the steps have had the terminal's Ctrl-C too; this is for all other endings
            process.terminate()
    return outcomes


def _run(step: Step, output: Path, running: list[subprocess.Popen[bytes]]) -> Outcome:
    began = time.monotonic()
    with _printing:
        print(f"   begun: {step.heading}, output in {output.relative_to(ROOT)}", flush=True)
    with output.open("wb") as log:
        process = subprocess.Popen(step.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        running.append(process)
        _, status, usage = os.wait4(process.pid, 0)
        running.remove(process)
        process.returncode = code = os.waitstatus_to_exitcode(status)
    return Outcome(step, code, time.monotonic() - began, usage.ru_utime + usage.ru_stime, output)


def _show(outcome: Outcome) -> None:
    heading, took = outcome.step.heading, f"{outcome.seconds:.0f} s, {outcome.cpu_s:.0f} s of CPU"
    end = f"{_RED}   FAILED after {took}: {heading}{_PLAIN}" if outcome.code else f"   done in {took}"
    output = outcome.output.read_text(errors="replace")
    with _printing:
        print(f"{_BOLD}── {heading}{_PLAIN}\n{output}{end}", flush=True)


def once() -> str | None:
    """Run the suite; return its failures, None for none."""
    began = time.monotonic()
    outcomes = run_suite(RESULTS)
    failed = [outcome for outcome in outcomes if outcome.code]
    seconds = time.monotonic() - began
    cpu_s = sum(outcome.cpu_s for outcome in outcomes)
    if failed:
        names = "; ".join(outcome.step.heading for outcome in failed)
        tests = "\n".join(line for outcome in failed for line in outcome.failures())
        return f"{tests}\ntest: {len(failed)} of {len(outcomes)} steps failed in {seconds:.0f} s: {names}"
    print(f"{_BOLD}test: all {len(outcomes)} steps passed in {seconds:.0f} s, {cpu_s:.0f} s of CPU{_PLAIN}")
    return None


def again(rounds: int, load: int) -> str | None:
    """Run the suite many times beside busy loops; return the failures of each round, None for none."""
    failures: list[str] = []
    with _busy(load):
        for number in range(1, rounds + 1):
            began = time.monotonic()
            outcomes = run_suite(RESULTS / f"round-{number}")
            lines = [line for outcome in outcomes if outcome.code for line in outcome.failures()]
            failures += [f"round {number}: {line}" for line in lines]
            print(
                f"{_BOLD}══ round {number} of {rounds}: {len(lines)} failed, {time.monotonic() - began:.0f} s{_PLAIN}"
            )
    if failures:
        return "\n".join([*failures, f"test-again: {len(failures)} failures in {rounds} rounds"])
    print(f"{_BOLD}test-again: {rounds} rounds without a failure{_PLAIN}")
    return None


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """Keep that many cores busy."""
    loops = [subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main() -> str | None:
    parser = argparse.ArgumentParser(description="Run all that must hold.")
    parser.add_argument("--again", type=int, metavar="N", help="run it N times in a row, and sum up what failed")
    parser.add_argument("--load", type=int, default=0, metavar="K", help="processes that keep a core busy meanwhile")
    options = parser.parse_args()
    # Without byte code every kernel and command of the tests would compile the package anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return once() if options.again is None else again(options.again, options.load)


if __name__ == "__main__":
    sys.exit(main())
