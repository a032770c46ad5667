"""The imports between modules, which point in one direction, and the places of heavy or impure libraries."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "runconsole"

EVERYONE = {"actions", "errors", "events", "reconnect", "statuses", "text", "values", "version"}
"""Modules that every module may import; they are not repeated below."""

MAY_IMPORT: dict[str, set[str]] = {
    # A module or a subpackage (the longest name that fits decides) → the other ones it may import.
    # Inside a subpackage everyone may import everyone.
    "actions": set(),
    "errors": set(),
    "events": set(),
    "listening": set(),
    "reconnect": set(),
    "statuses": set(),
    "text": set(),
    "values": set(),
    "version": set(),
    "clock": set(),
    "fairness": set(),
    "redaction": set(),
    "decoding": {"requests"},
    "forms": set(),
    "requests": {"forms"},
    "state": set(),
    "transports": {"redaction"},
    "log": {"fairness"},
    "tables": {"fairness", "log", "redaction", "state"},
    "recording": {"log", "protocols", "redaction"},
    "view": {"forms", "requests", "state"},
    "search": {"log", "state"},
    "protocols": {"decoding", "redaction", "requests", "transports"},
    "options": {"protocols", "recording", "redaction", "transports"},
    "store": {"decoding", "log", "recording", "redaction", "state"},
    "session": {
        *("clock", "decoding", "log", "protocols", "recording", "redaction", "state", "store", "transports"),
    },
    "replay": {"decoding", "log", "options", "protocols", "recording", "state", "store"},
    "engine": {
        *("clock", "forms", "log", "options", "protocols", "recording", "replay", "requests", "session", "state"),
        *("store", "view"),
    },
    "critical": set(),
    "timeline": {"critical", "state", "view"},
    "analysis": {"critical"},
    "dataset": {"analysis", "clock", "log", "state", "tables", "transports", "view"},
    "api": {
        "analysis",
        "clock",
        "dataset",
        "engine",
        "onefile",
        "protocols",
        "replay",
        "state",
        "store",
        "tables",
        "view",
    },
    "onefile": {
        *("clock", "engine", "log", "recording", "replay", "state", "store", "timeline", "view"),
    },
    "agui": {"options", "protocols", "redaction", "transports"},
    "console": {"api", "engine", "options", "protocols", "view"},
    "fleet": {"api", "console", "engine", "options", "protocols", "redaction", "state", "view"},
    "widget": {
        *("api", "clock", "console", "engine", "fairness", "fleet", "options", "protocols", "redaction", "replay"),
        *("search", "state", "store", "timeline", "view"),
    },
    "reporting": {
        *("api", "clock", "console", "engine", "forms", "listening", "protocols", "redaction", "requests", "state"),
        "widget",
    },
    "callbacks": {"reporting", "requests"},
    "relay": {
        *("api", "console", "decoding", "engine", "options", "recording", "redaction", "replay", "reporting"),
    },
    "testing": {"transports"},
    "simulator": {"listening"},
    "displays": set(),
    "demo": {"displays", "simulator"},
    "browser": {"console", "displays", "listening", "onefile", "widget"},
    "terminal": {"api", "clock", "console", "fleet", "forms", "requests", "state", "view"},
    "checking": {"api", "console", "decoding", "log", "options", "recording", "redaction", "replay", "state", "store"},
    "cli": {
        *("api", "browser", "checking", "clock", "console", "demo", "fleet", "options", "protocols", "recording"),
        *("redaction", "relay", "reporting", "simulator", "terminal"),
    },
    "": {
        "api",
        "checking",
        "console",
        "dataset",
        "fleet",
        "options",
        "protocols",
        "replay",
        "reporting",
        "state",
        "widget",
    },  # the front door, __init__.py; nobody inside the package goes through it
}

ONLY_IN: dict[str, set[str]] = {
    # A library → the modules that may import it at run time (for type checking anyone may).
    "pandas": {"analysis", "checking", "dataset", "tables"},
    "anywidget": {"widget"},
    "ipywidgets": {"widget"},
    "IPython": {"widget"},
    "langchain_core": {"callbacks"},
    "langgraph": {"callbacks"},
    "agents": {"callbacks"},
    "pydantic_ai": {"callbacks"},
}

PURE = {
    *(
        "actions",
        "critical",
        "decoding",
        "errors",
        "events",
        "forms",
        "reconnect",
        "requests",
        "search",
        "state",
        "statuses",
    ),
    *("tables", "text", "timeline", "view"),
    *("log.chunks", "log.eventlog", "log.notes", "log.stream"),
    *("protocols.base", "protocols.commands", "protocols.json", "protocols.socketio", "protocols.trpc"),
    *("session.attempts", "session.endings", "session.handover", "session.linklog", "session.pace"),
    *("store.dedup", "store.gaps"),
}
"""Packages without I/O."""

IMPURE_LIBRARIES = {"asyncio", "concurrent", "http", "select", "socket", "socketio", "ssl", "urllib", "websockets"}

WITHOUT_CLOCK = {"critical", "decoding", "protocols", "search", "state", "timeline", "view"}
"""Packages that know no time but that of the events."""


@dataclass(frozen=True)
class Import:
    """One import statement's target, by full dotted name (`from a import b` is `a.b`)."""

    target: str
    line: int
    for_typing: bool


def imports_of(source: str, module: str, *, is_package: bool = False) -> list[Import]:
    """Every import in a source text, in functions and under TYPE_CHECKING too. `module` is its full dotted name."""
    package = module if is_package else module.rpartition(".")[0]
    found: list[Import] = []

    def visit(node: ast.AST, *, for_typing: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, node.lineno, for_typing) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(package, node.level, node.module)
            found.extend(Import(f"{base}.{alias.name}", node.lineno, for_typing) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.body:
                visit(statement, for_typing=True)
            for statement in node.orelse:
                visit(statement, for_typing=for_typing)
        else:
            for child in ast.iter_child_nodes(node):
                visit(child, for_typing=for_typing)

    visit(ast.parse(source), for_typing=False)
    return found


def _absolute(package: str, level: int, name: str | None) -> str:
    if level == 0:
        return name or ""
    parents = package.split(".")
    return ".".join([*parents[: len(parents) - level + 1], *([name] if name else [])])


def rule_for(module: str, rules: dict[str, set[str]] | set[str]) -> str | None:
    """The longest name in `rules` that is `module` (without `runconsole.`) or a package around it."""
    fitting = [name for name in rules if module == name or (name and module.startswith(f"{name}."))]
    return max(fitting, key=len, default=None)


def back_arrows(source: str, module: str, modules: set[str], *, is_package: bool = False) -> list[str]:
    """The imports of one module that the table does not allow, as sentences; names as in the table."""
    rule = rule_for(module, MAY_IMPORT)
    if rule is None:
        return [f"{module}: not in the table of who may import whom"]
    own = module.partition(".")[0]
    allowed = MAY_IMPORT[rule] | EVERYONE
    wrong = []
    for item in imports_of(source, f"runconsole.{module}".rstrip("."), is_package=is_package):
        if item.target.partition(".")[0] != "runconsole":
            continue
        target = _owner(item.target.removeprefix("runconsole").lstrip("."), modules)
        if target.partition(".")[0] != own and rule_for(target, allowed) is None:
            wrong.append(f"{module or '__init__'}:{item.line} imports {target or 'the front door'}")
    return wrong


def _owner(name: str, modules: set[str]) -> str:
    """The module that holds a name: `events.TaskStatus` → `events`, `Console` → `` (the front door)."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def source_files() -> dict[str, Path]:
    """Every module of the package by its dotted name without `runconsole.`; the front door is the empty name."""
    names = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return names


FILES = source_files()
# A name is no module of its own where only its parent is imported from: packages count by their __init__ or by a file.
MODULES = set(FILES) | {name.rpartition(".")[0] for name in FILES}


@pytest.mark.parametrize("module", FILES, ids=lambda module: module or "__init__")
def test_a_module_imports_only_what_stands_before_it(module: str) -> None:
    file = FILES[module]
    assert back_arrows(file.read_text(), module, MODULES, is_package=file.name == "__init__.py") == []


@pytest.mark.parametrize("module", FILES, ids=lambda module: module or "__init__")
def test_heavy_and_impure_libraries_stay_where_they_belong(module: str) -> None:
    top = module.partition(".")[0]
    wrong = []
    for item in imports_of(FILES[module].read_text(), f"runconsole.{module}"):
        library = item.target.partition(".")[0]
        if item.for_typing:
            continue
        if top not in ONLY_IN.get(library, {top}):
            wrong.append(f"line {item.line}: {library} is for {sorted(ONLY_IN[library])} alone")
        if rule_for(module, PURE) is not None and library in IMPURE_LIBRARIES:
            wrong.append(f"line {item.line}: {library} in a module that does no I/O")
        if top in WITHOUT_CLOCK and library == "time":
            wrong.append(f"line {item.line}: a clock in a module that has none")
    assert wrong == []


def test_the_import_loads_neither_pandas_nor_the_widget_nor_a_connection() -> None:
    ours = ["runconsole.view", "runconsole.session", "runconsole.transports.websocket", "runconsole.decoding.envelope"]
    heavy = ["pandas", "numpy", "anywidget", "ipywidgets", "IPython", "socketio", "websockets.asyncio.client", *ours]
    code = f"import sys, runconsole; print(*sorted(set({heavy}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=50)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("state", "from runconsole.session import Session"),
        ("state", "from runconsole import session"),
        ("state", "from . import session"),
        ("state", "from .transports.websocket import connect"),
        ("protocols.trpc", "from ..state import RunState"),
        ("view", "def late():\n    import runconsole.console"),
        ("view", "if TYPE_CHECKING:\n    from runconsole.console import Console"),
        ("transports.websocket", "from runconsole.recording import Recorder"),
        ("console", "from runconsole import Console"),
        ("brand_new", "import json"),
    ],
)
def test_an_arrow_that_points_back_is_found(module: str, source: str) -> None:
    modules = {"", "state", "session", "protocols", "protocols.trpc", "view", "console", "recording", "transports"}
    assert len(back_arrows(source, module, modules | {"transports.websocket"})) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("state", "from runconsole.events import TaskStatus"),
        ("protocols.trpc", "from runconsole.decoding.envelope import read"),
        ("protocols.trpc", "from .base import Wire"),
        ("replay", "from runconsole import recording"),
        ("tables", "import pandas, json"),
    ],
)
def test_an_arrow_that_points_forward_is_let_through(module: str, source: str) -> None:
    modules = {
        "",
        "state",
        "events",
        "protocols",
        "protocols.trpc",
        "protocols.base",
        "decoding",
        "recording",
        "replay",
        "tables",
    }
    assert back_arrows(source, module, modules) == []
