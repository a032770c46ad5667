"""Every Python block of the README and the documentation runs.

The blocks of one page share a namespace and run in order, in an empty directory. Addresses in them are placeholders:
each stands for a simulator of this process (`SERVERS`). A block with a title is the file of that name, of a package
that is installed; `pyproject.toml` holds its entry points. A block that cannot run says why, as ``notest="..."``:
the site does not know other words there, and would take the block for text.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import re
import threading
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self
from unittest import mock

import pytest

from runconsole import Console
from runconsole.api.run import RunAPI
from runconsole.engine.engine import Engine
from runconsole.options import Options
from runconsole.protocols import registry
from runconsole.simulator import Simulator
from tests.servers.json_server import eventually
from tests.test_docs import PAGES, ROOT

SERVERS: dict[str, Callable[[], Simulator]] = {
    # Placeholder → what answers there. Questions wait for an answer, however slow this machine is.
    "ws://localhost:8000/ws": lambda: Simulator("execution", speed=0),
    "ws://localhost:8001/ws": lambda: Simulator("tasks", speed=100, decision_timeout=1e6),
    "ws://localhost:8080/trpc": lambda: Simulator("tasks", wire="trpc", speed=100, decision_timeout=1e6),
    "http://localhost:8000": lambda: Simulator("execution", wire="socketio", speed=0),
}
WITHIN = 60.0
"""Seconds until a condition must have come true, on a machine however slow."""

_BLOCK = re.compile(r"^```(?P<words>(?:python|toml|\{)[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_WORDS = re.compile(r'python|\{\.python notest="(?P<reason>[^"]+)"\}|(python|toml) title="(?P<title>[\w/.]+)"')
_ADDRESS = re.compile("|".join(rf"{re.escape(address)}(?![\w/:.])" for address in SERVERS))
_NEEDS_QUESTION = re.compile(r"\bpending\b|\bdecide(_async)?\(")
_WAITS = re.compile(r"\b(wait|finished)\(")


class Block(NamedTuple):
    """A block of a page: the number of lines before it in the page, its code, why it does not run, its file."""

    line: int
    code: str
    notest: str | None
    title: str | None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        words = _WORDS.fullmatch(match["words"])
        expected = """`python` or `{.python notest="REASON"}`"""
        assert words is not None, f"{page.name}: expected {expected}, got {match['words']!r}"
        line = text.count("\n", 0, match.start("code"))
        found.append(Block(line, match["code"], words["reason"], words["title"]))
    return found


def install(blocks: list[Block], directory: Path) -> None:
    """Install the package whose files stand in the blocks, with its entry points."""
    for block in blocks:
        if block.title == "pyproject.toml":
            groups = tomllib.loads(block.code)["project"]["entry-points"]
            lines = [
                f"[{group}]\n{name} = {value}\n" for group, named in groups.items() for name, value in named.items()
            ]
            info = directory / "my_package-1.dist-info"
            info.mkdir()
            (info / "METADATA").write_text("Name: my-package\nVersion: 1\n", encoding="utf-8")
            (info / "entry_points.txt").write_text("".join(lines), encoding="utf-8")
        elif block.title is not None:
            file = directory / block.title
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.code, encoding="utf-8")


class Servers:
    """The simulators behind the placeholders, each started when it is first named."""

    def __init__(self, page: Path) -> None:
        self._asks = page.name == "README.md"
        """Whether a page has one server, which does all that its blocks show."""
        self._stack = contextlib.ExitStack()
        self._started: dict[str, Simulator] = {}
        self._colleagues: dict[str, Console] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def addressed(self, code: str) -> str:
        """Return the code with the addresses of running simulators, and a directory here for one in a cloud."""
        code = code.replace("s3://team/runs", "runs")
        return _ADDRESS.sub(lambda match: self._started_one(match[0]).url, code)

    def _started_one(self, placeholder: str) -> Simulator:
        if placeholder not in self._started:
            make = SERVERS["ws://localhost:8001/ws" if self._asks else placeholder]
            self._started[placeholder] = self._stack.enter_context(make())
        return self._started[placeholder]

    def answer_the_rest(self) -> None:
        """Let a colleague answer whatever is open from now on: the page waits for the end of the run."""
        for placeholder, simulator in self._started.items():
            if simulator.family == "tasks" and placeholder not in self._colleagues:
                colleague = Console(simulator.url, on_checkpoint=lambda checkpoint: checkpoint.options[0].id)
                self._colleagues[placeholder] = self._stack.enter_context(colleague)


def consoles_of(namespace: dict[str, Any]) -> Iterator[Any]:
    for value in namespace.values():
        if isinstance(value, RunAPI):
            yield value


def wait_for_question(namespace: dict[str, Any]) -> None:
    """Wait until the newest console of the page asks something."""
    consoles = list(consoles_of(namespace))
    if not consoles:
        return
    pause = threading.Event()
    for _ in range(int(WITHIN * 100)):
        if consoles[-1].pending or consoles[-1].status in {"ended", "failed", "stopped", "idle"}:
            return
        pause.wait(0.01)
    raise AssertionError(f"{consoles[-1]!r} asked nothing")


async def run_statement(statement: ast.stmt, namespace: dict[str, Any], name: str) -> None:
    code = compile(ast.Module([statement], []), name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = eval(code, namespace)  # noqa: S307 - the project's own documentation
    if inspect.isawaitable(outcome):
        await asyncio.wait_for(outcome, WITHIN)


@contextlib.contextmanager
def everything_stopped() -> Iterator[list[Any]]:
    """Stop at the end the consoles that were made meanwhile, with or without a name, and what is in the list."""
    made: list[Any] = []

    def make(options: Options) -> Engine:
        engine = Engine(options)
        made.append(engine)
        return engine

    with mock.patch("runconsole.console.Engine", make):
        try:
            yield made
        finally:
            for each in made:
                each.stop()
    eventually(lambda: not any(thread.name.startswith("runconsole") for thread in threading.enumerate()))


async def run_page(page: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda *_: None}
    with everything_stopped() as made, Servers(page) as servers:
        for block in blocks_of(page):
            if block.notest is not None or block.title == "pyproject.toml":
                continue
            tree = ast.parse("\n" * block.line + servers.addressed(block.code), str(page))
            for statement in tree.body:
                text = ast.unparse(statement)
                if _NEEDS_QUESTION.search(text) and not isinstance(statement, ast.FunctionDef | ast.With):
                    wait_for_question(namespace)
                    statement = named(statement, namespace)  # noqa: PLW2901 - the same with an id
                elif _WAITS.search(text):
                    servers.answer_the_rest()
                await run_statement(statement, namespace, str(page))
                made.extend(value for value in namespace.values() if isinstance(value, Simulator))


def named(statement: ast.stmt, namespace: dict[str, Any]) -> ast.stmt:
    """Return the statement with the id of an open question in the place of ``"cp-456"``."""
    asked = [checkpoint.checkpoint_id for console in consoles_of(namespace) for checkpoint in console.pending]
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and node.value == "cp-456" and asked:
            node.value = asked[0]
    return statement


def write_runs(directory: str, *names: str) -> None:
    """Write runs as others have written them before."""
    for name in names:
        with Simulator("execution", speed=0) as simulator, Console(simulator.url) as console:
            assert console.wait(WITHIN)
            console.to_parquet(directory, execution=name)


WITH_BLOCKS = [page for page in [ROOT / "README.md", *PAGES] if blocks_of(page)]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: str(page.relative_to(ROOT).with_suffix("")))
async def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if page.name == "README.md":
        write_runs("runs", "run-1", "run-2")
    blocks = blocks_of(page)
    if any(block.title for block in blocks):
        install(blocks, tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(registry, "_others", cache(registry._others.__wrapped__))
    await run_page(page)


def test_a_wrong_block_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    left_out = '```{.python notest="it raises"}\n1 / 0\n```\n'
    page.write_text(f"{left_out}\n```python\nhalf = 1\n```\n```python\nhalf / 0\n```\n")
    assert [block.notest for block in blocks_of(page)] == ["it raises", None, None]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_page(page))
