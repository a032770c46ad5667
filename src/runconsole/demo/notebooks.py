"""The notebooks of the package, and a copy of them to work in."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

from runconsole.demo.lab import DemoError

__all__ = ["copy_notebooks", "packaged_notebooks"]


def packaged_notebooks() -> Path:
    """Return the directory of the notebooks: in the package, or in the checkout it is installed from.

    Raises DemoError where there is neither.
    """
    package = Path(__file__).parents[1]
    for directory in (package / "notebooks", package.parents[1] / "notebooks"):
        if any(directory.glob("*.ipynb")):
            return directory
    raise DemoError(f"The notebooks of runconsole are missing: expected them in {package / 'notebooks'}; reinstall it.")


def copy_notebooks(root: Path, wanted: str) -> str:
    """Copy all notebooks into `root`, which is made if necessary; return the name under which `wanted` may be run.

    An edited file is left alone: if it is the wanted one, a fresh copy is made beside it. Raises DemoError where `root`
    cannot be used or there is no such notebook.
    """
    source = packaged_notebooks()
    if not (source / wanted).is_file():
        raise DemoError(f"There is no notebook {wanted}: expected it in {source}.")
    try:
        root.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(source.glob("*.ipynb")):
            if not (root / notebook.name).exists():
                shutil.copyfile(notebook, root / notebook.name)
        return _untouched(source / wanted, root)
    except OSError as error:
        raise DemoError(f"The notebooks cannot be copied to {root}: {error.strerror}.") from error


def _untouched(original: Path, root: Path) -> str:
    """Return the name of a copy whose cells are still those of the original, making one if necessary."""
    names = itertools.chain([original.name], (f"{original.stem}-{number}.ipynb" for number in itertools.count(2)))
    name = next(name for name in names if not (root / name).exists() or _sources(root / name) == _sources(original))
    if not (root / name).exists():
        shutil.copyfile(original, root / name)
    return name


def _sources(notebook: Path) -> list[tuple[str, str]] | None:
    """Return the cells without their outputs; None for a file that is no notebook."""
    try:
        content: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
        return [(cell["cell_type"], "".join(cell["source"])) for cell in content["cells"]]
    except (ValueError, KeyError, TypeError):
        return None
