"""The build hook: adds the front end's bundle, the extension of JupyterLab and the notebooks to a build.

A wheel, an sdist and an editable install all get the bundle. Only a wheel puts the extension where JupyterLab reads it:
beside an editable install, scripts/setup links the built folder there. The front end is built from js/ only if it is
outdated, so an sdist, which carries it, needs no Node.js; if Node.js is needed and missing, it becomes a build
requirement.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from types import ModuleType


class FrontEndHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        tools = _frontend_tools(Path(self.root))
        if tools.FrontEnd(Path(self.root)).is_built or tools.find_node() is not None:
            return []
        return [tools.NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        tools = _frontend_tools(root)
        try:
            tools.FrontEnd(root).build()
        except tools.FrontEndError as error:
            sys.exit(f"runconsole cannot be built: {error}")  # the sentence alone, without a traceback
        if self.target_name == "wheel" and version == "standard":
            for notebook in sorted(root.glob("notebooks/*.ipynb")):
                build_data["force_include"][str(notebook)] = f"runconsole/notebooks/{notebook.name}"
            extension = root / "src" / "runconsole" / "static" / "lab"
            build_data["shared_data"][str(extension)] = "share/jupyter/labextensions/runconsole"


def _frontend_tools(root: Path) -> ModuleType:
    """scripts/frontend.py, which is no package to import from."""
    name = "runconsole_frontend"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, root / "scripts" / "frontend.py")
        if spec is None or spec.loader is None:
            raise ImportError(f"expected scripts/frontend.py in {root}")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
