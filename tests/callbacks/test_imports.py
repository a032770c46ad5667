"""The libraries of agents load only with the module that needs them."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIBRARIES = {
    "langchain": ("langchain_core", "langchain-core"),
    "openai_agents": ("agents", "openai-agents"),
    "pydantic_ai": ("pydantic_ai", "pydantic-ai-slim"),
}


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=100
    ).stdout.strip()


def test_nothing_but_its_module_loads_a_library() -> None:
    names = {library for library, _ in LIBRARIES.values()}
    code = f"import sys, runconsole.callbacks; runconsole.start_run; print(*({names} & set(sys.modules)))"
    assert python(code) == ""


@pytest.mark.parametrize("module", LIBRARIES)
def test_a_missing_library_is_named(module: str) -> None:
    library, package = LIBRARIES[module]
    code = f"""
import sys
sys.modules["{library}"] = None
from runconsole import MissingPackage
try:
    import runconsole.callbacks.{module}
except MissingPackage as error:
    print(error)
"""
    assert f"expected {package}" in python(code)
    assert f"pip install '{package}" in python(code)
