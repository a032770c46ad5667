"""The documentation agrees with the code."""

from __future__ import annotations

import ast
import re
import unicodedata
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from msgspec import Struct

import runconsole
from runconsole import analysis, errors, protocols, testing
from runconsole.callbacks import langchain, openai_agents, pydantic_ai
from runconsole.cli import cli
from runconsole.dataset.run_row import runs_schema
from runconsole.decoding import agent, alerts, checkpoint, execution, flat, pipeline, task
from runconsole.decoding.envelope import read_events
from runconsole.events import MalformedFrame, UnknownEvent
from runconsole.log import EventLog
from runconsole.simulator.faults import FAULTS
from runconsole.state import RunState
from runconsole.tables import Tables
from runconsole.tables.specs import BESIDE, FRAMES

ROOT = Path(__file__).parents[1]
PAGES = sorted(ROOT.glob("docs/**/*.md"))
SOURCES = [path for folder in ("src", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]

_FENCE = re.compile(r"^( *)(```+).*?^\1\2$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| *(`[^|]*`[^|]*?) *\|", re.MULTILINE)


def read(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT).with_suffix(""))


# ---- events ---------------------------------------------------------------------------------------------------------


FAMILIES = [("execution", [execution, pipeline]), ("tasks", [agent, alerts, checkpoint, flat, task])]


def words_of(page: str) -> set[str]:
    """Return the names in backticks, of ``phases[].number`` the last one."""
    quoted = re.findall(r"`([^`\n]+)`", _FENCE.sub("", read(page)))
    return {*quoted, *(re.split(r"[.\[\]]+", name)[-1] for name in quoted)}


@pytest.mark.parametrize(("page", "families"), FAMILIES)
def test_every_event_is_documented(page: str, families: list[ModuleType]) -> None:
    assert {name for family in families for name in family.FACTS} - words_of(f"protocols/{page}.md") == set()


@pytest.mark.parametrize(("page", "families"), FAMILIES)
def test_every_field_of_an_event_is_documented(page: str, families: list[ModuleType]) -> None:
    fields = {
        name
        for family in families
        for kind in vars(family).values()
        if isinstance(kind, type) and issubclass(kind, Struct) and kind.__module__ == family.__name__
        for name in kind.__struct_encode_fields__
    }
    assert len(fields) > 50
    assert fields - words_of(f"protocols/{page}.md") - {"task_id"} == set()


@pytest.mark.parametrize("page", ["execution", "tasks"])
def test_the_examples_are_events(page: str) -> None:
    examples = re.findall(r"^```json\n(.*?)^```$", read(f"protocols/{page}.md"), re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        [event] = read_events(example, 0)
        assert not isinstance(event.fact, UnknownEvent | MalformedFrame)


# ---- pictures -------------------------------------------------------------------------------------------------------


def test_pictures_are_shown_and_made_by_the_script() -> None:
    script = ast.parse((ROOT / "scripts" / "screenshots.py").read_text(encoding="utf-8"))
    [groups] = [node.value for node in script.body if isinstance(node, ast.AnnAssign)]
    assert isinstance(groups, ast.Dict)
    made = {name for names in groups.values for name in ast.literal_eval(names)}
    texts = [page.read_text(encoding="utf-8") for page in TEXTS]
    shown = {name for text in texts for name in re.findall(r"!\[[^\]]+\]\((?:docs/)?images/([\w-]+)\.png\)", text)}
    files = {file.stem: file.stat().st_size for file in (ROOT / "docs" / "images").iterdir()}
    assert set(files) == made == shown
    assert sum(files.values()) < 2_500_000


# ---- links ----------------------------------------------------------------------------------------------------------


def links_of(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text(encoding="utf-8")))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page: of its headings, spelled as Python-Markdown does, and those given by hand."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    by_hand = set(re.findall(r"\{[^}\n]*#([\w.-]+)[^}\n]*\}", text))
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        slug = slug_of(heading)
        number = 1
        while slug in found:
            slug, number = f"{slug_of(heading)}_{number}", number + 1
        found.add(slug)
    return found | by_hand | set(re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE))


def slug_of(heading: str) -> str:
    plain = re.sub(r"\{[^}]*\}$|[`*]|\]\([^)]*\)|\[", "", heading)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    lost = []
    for target in links_of(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_of_the_site_link_only_to_the_site(page: Path) -> None:
    outside = [
        target
        for target in links_of(page)
        if not (page.parent / target.partition("#")[0]).resolve().is_relative_to(ROOT / "docs")
    ]
    assert outside == []


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {str(page.relative_to(ROOT / "docs")) for page in PAGES}


def test_pages_that_the_code_cites_exist() -> None:
    cited = {
        page for path in SOURCES for page in re.findall(r"docs/protocols/[a-z]+\.md", path.read_text(encoding="utf-8"))
    }
    assert "docs/protocols/execution.md" in cited
    assert {page for page in cited if not (ROOT / page).exists()} == set()


# ---- frames ---------------------------------------------------------------------------------------------------------


def section_of(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one."""
    match = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"no heading {heading!r}"
    return match[1]


def columns_told(section: str) -> dict[str, str]:
    """Return the columns of a table, each with its dtype."""
    return {
        cells[0].strip("` "): cells[1].strip("` ")
        for line in section.splitlines()
        if line.startswith("| `")
        for cells in [line.strip("|").split("|")]
    }


def columns_of(frame: Any) -> dict[str, str]:
    indexed = frame.reset_index() if frame.index.names != [None] else frame
    return {str(name): str(dtype) for name, dtype in indexed.dtypes.items()}


@pytest.mark.parametrize("name", ["events", *FRAMES, *BESIDE])
def test_every_column_is_documented(name: str) -> None:
    frame = Tables(RunState(), EventLog()).frame(name)
    assert columns_told(section_of(read("data.md"), f"`{name}`")) == columns_of(frame)


def test_every_field_of_a_run_is_documented() -> None:
    told = columns_told(section_of(read("data.md"), "`run` and `summary`"))
    assert list(told) == list(runconsole.Run.__struct_fields__)


def test_every_column_of_the_runs_of_a_history_is_documented() -> None:
    told = columns_told(section_of(read("many-runs.md"), "`history.runs`"))
    names = {"string": "string", "int64": "Int64", "double": "Float64", "timestamp[us, tz=UTC]": "datetime64[us, UTC]"}
    assert told == {field.name: names[str(field.type)] for field in runs_schema()}


# ---- the command line -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", cli.commands)
def test_every_argument_of_a_command_is_documented(name: str) -> None:
    section = section_of(read("command-line.md"), f"runconsole {name}")
    if "[options of a console](#options-of-a-console)" in section:
        section += section_of(read("command-line.md"), "Options of a console")
    section = section.replace("\\|", "/")
    told = {
        spelling
        for row in _ROW.findall(section)
        for spelling in re.findall(r"(?<![\w-])--?[a-z][\w-]*|\b[A-Z]+\b", row)
    }
    wanted = set()
    for parameter in cli.commands[name].params:
        if isinstance(parameter, click.Option):
            wanted |= {*parameter.opts, *parameter.secondary_opts}
        else:
            wanted.add(str(parameter.name).upper())
    assert wanted - told == set()
    assert {word for word in told if word.startswith("-")} - wanted == set()


def test_every_fault_is_documented() -> None:
    rows = _ROW.findall(section_of(read("simulator.md"), "Faults"))
    assert {re.findall(r"[\w-]+", row)[0] for row in rows} == {kind.__name__ for kind in FAULTS.values()}


def test_every_variable_of_the_environment_is_documented() -> None:
    used = {
        variable
        for path in SOURCES
        if "src" in path.parts
        for variable in re.findall(r'"(RUNCONSOLE_[A-Z]+)"', path.read_text(encoding="utf-8"))
    }
    assert {variable for variable in used if f"`{variable}`" not in read("command-line.md")} == set()


# ---- messages -------------------------------------------------------------------------------------------------------


def messages_of(source: str) -> list[str]:
    """Return the texts of a module, with an ellipsis in the place of each value."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def test_every_message_of_the_troubleshooting_is_one_of_the_package() -> None:
    source = "\n".join(
        text for path in SOURCES if "src" in path.parts for text in messages_of(path.read_text(encoding="utf-8"))
    )
    pieces = [
        piece.strip(" :()")
        for message in _ROW.findall(read("troubleshooting.md"))
        for piece in message.strip("`").split("…")
    ]
    assert len(pieces) > 60
    assert [piece for piece in pieces if piece not in source] == []


# ---- the reference --------------------------------------------------------------------------------------------------


def referenced(page: str) -> set[str]:
    return set(re.findall(r"^::: ([\w.]+)$", read(page), re.MULTILINE))


def test_every_public_name_is_in_the_reference() -> None:
    told = {path.rpartition(".")[2] for path in referenced("api/index.md") | referenced("api/errors.md")}
    assert {*runconsole.__all__} - told == {"__version__"}


@pytest.mark.parametrize(
    ("page", "module"),
    [
        ("api/errors.md", errors),
        ("api/analysis.md", analysis),
        ("api/callbacks.md", langchain),
        ("api/callbacks.md", openai_agents),
        ("api/callbacks.md", pydantic_ai),
        ("api/testing.md", testing),
        ("api/protocols.md", protocols),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_name_of_a_module_is_in_the_reference(page: str, module: ModuleType) -> None:
    assert {f"{module.__name__}.{name}" for name in module.__all__} - referenced(page) == set()
