"""The pictures that pytest makes and vitest renders: `NAME.view.json` beside the frames they are made of.

Write them anew after a wanted change of the picture, and read the difference before it is committed:

    .venv/bin/python -m tests.contract.pictures
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.support.folding import CONTRACT, START, fold, frames_of


class Recipe(NamedTuple):
    """The source of a picture: a file of frames, the number of frames, and the options of the console."""

    frames: str
    lines: int | None = None
    options: Mapping[str, Any] = MappingProxyType({})


_TASK_TIME = {"at": START + 28 * 60 * 1_000_000}
_VARIANTS_TIME = {"at": START + 88 * 60 * 1_000_000}

RECIPES = {
    "seed-execution": Recipe("seed-execution", options={"title": "authentication_feature", "expected_artifacts": 45}),
    "seed-execution-running": Recipe("seed-execution", 5, {"token_budget": 100_000, "cost_limit": 2.0}),
    "seed-task": Recipe("seed-task", options=_TASK_TIME),
    "seed-task-asked": Recipe("seed-task", 9, _TASK_TIME | {"task": "task-789"}),
    "variants": Recipe("variants", options=_VARIANTS_TIME),
    "variants-running": Recipe("variants", 66, _VARIANTS_TIME),
    "garbage": Recipe("garbage"),
}


def picture(name: str) -> dict[str, Any]:
    """Return the present picture: ``{"version", "now", "picture"}``."""
    frames, lines, options = RECIPES[name]
    return fold(frames_of(frames)[:lines], **options).picture()


def path(name: str) -> Path:
    """Return the path of the picture."""
    return CONTRACT / f"{name}.view.json"


def write() -> None:
    """Write every picture anew."""
    for name in RECIPES:
        path(name).write_text(json.dumps(picture(name), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
