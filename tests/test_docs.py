"""The documentation agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from runconsole.decoding import agent, alerts, checkpoint, execution, flat, pipeline, task

ROOT = Path(__file__).parents[1]
PAGES = sorted(ROOT.glob("docs/**/*.md"))
SOURCES = [path for folder in ("src", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize(
    ("page", "families"),
    [("execution", [execution, pipeline]), ("tasks", [agent, alerts, checkpoint, flat, task])],
)
def test_every_event_is_documented(page: str, families: list[ModuleType]) -> None:
    text = (ROOT / f"docs/protocols/{page}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_.]+)(?:\{[^`]*)?`", text))
    assert {name for family in families for name in family.FACTS} - named == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_pages(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_pages_that_the_code_cites_exist() -> None:
    cited = {
        page for path in SOURCES for page in re.findall(r"docs/protocols/[a-z]+\.md", path.read_text(encoding="utf-8"))
    }
    assert "docs/protocols/execution.md" in cited
    assert {page for page in cited if not (ROOT / page).exists()} == set()
