"""Plays schedules by hand: ``python -m tests.chaos "trpc tracked" 17`` one, with a full report; ``0-200`` many."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.chaos.schedule import MODES, draw
from tests.chaos.suite import Failure, play_all
from tests.chaos.trial import Trial

_MOST_LINES = 40


def main() -> int:
    """Play the schedules of the command line; return whether any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("mode", choices=[*MODES, "all"])
    parser.add_argument("seeds", help="a seed, or two with a dash: first and last")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    modes = list(MODES) if arguments.mode == "all" else [arguments.mode]
    wrong = 0
    for mode in modes:
        failures = asyncio.run(play_all([draw(mode, seed) for seed in seeds]))
        wrong += len(failures)
        for failure in failures:
            _say(str(failure))
            if failure.trial is not None:
                _say(timeline(failure))
        _say(f"{mode}: {len(failures)} of {len(seeds)} went wrong")
    return wrong > 0


def timeline(failure: Failure) -> str:
    """Return the views of both sides as text."""
    trial: Trial | None = failure.trial
    if trial is None:
        return ""
    lines = [
        f"  {rows:5} {link.state:10} missed {link.missed} recovered {link.recovered} {link.notice or link.reason or ''}"
        for rows, link in zip(trial.link_rows, trial.state.links, strict=False)
        if link.state != "connecting"
    ]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES // 2 : -_MOST_LINES // 2] = ["  ..."]
    lines += [
        f"  offered over {link.number}: {[told.number for told in link.offered]}" for link in trial.app.injector.links
    ]
    return "\n".join([*lines, f"  in the log: {trial.numbers}"])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
