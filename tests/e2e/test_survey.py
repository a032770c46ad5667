"""Every view of every state of the panel and the board, in light, dark and forced colours and narrow, by axe-core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.e2e.devpage import JS, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

AXE = JS / "node_modules" / "axe-core" / "axe.min.js"
TABS = ("Overview", "Tasks", "Timeline", "Output", "Artifacts", "Errors", "Decisions")
RUNS = ("run=execution&still&at=0.4", "run=execution&still&at=1.01", "run=tasks&open=0&still")
CARDS = (
    *("open", "diff", "last", "sending", "queued", "unknown", "refused", "late"),
    *("form", "one", "actions", "plain"),
)
STATES = [
    ("run=execution&still&at=0", "Overview", ""),
    ("run=execution&still&at=0", "Tasks", ""),
    ("run=execution&at=0.4&recorded", "Overview", ""),
    ("run=execution&at=0.4&recorded", "Output", ""),
    ("run=huge&still", "Output", ""),
    ("run=none&link=failed&still", "Overview", ""),
    ("run=execution&link=retrying&alert&still", "Overview", ""),
    ("run=tasks&open=0&replay=paused&still", "Overview", ""),
    ("run=execution&at=0.4&still", "Tasks", "Details of"),
    ("run=tasks&open=0&still", "Tasks", "Details of"),
    ("run=execution&at=0.4&still", "", "Keys"),
    ("run=cards&still", "", "questions"),
    ("run=tasks&open=2&still", "", "questions"),
    *((f"run=cards&show={card}&still", "", "") for card in CARDS),
]
BOARDS = [("shows=fleet", "", ""), ("shows=inbox", "", "")]
EVERY = [*((run, tab, "") for run in RUNS for tab in TABS), *STATES, *BOARDS]
SOME = [*((RUNS[0], tab, "") for tab in TABS), *STATES[6:9], STATES[12], STATES[13], *STATES[-4:-1], *BOARDS]

CHECK = """async () => {
  const { violations } = await axe.run(document.querySelector("#host"), { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(path=AXE)
    try:
        yield context.new_page()
    finally:
        context.close()


def look(page: Page, url: str, tab: str, press: str) -> list[str]:
    """The violations in a state, and of a panel that is wider than its place."""
    page.goto(url)
    expect(page.locator(".rc-root").first).to_be_visible()
    if tab:
        page.get_by_role("tab", name=tab, exact=True).evaluate("tab => tab.click()")
    if press:
        page.get_by_role("button", name=press).first.evaluate("button => button.click()")
    found: list[str] = page.evaluate(CHECK)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("the page scrolls sideways")
    return [f"{url.rpartition('/')[2]} {tab} {press}: {each}" for each in found]


@pytest.mark.parametrize(
    ("media", "width", "states"),
    [
        ({"color_scheme": "light", "forced_colors": "none"}, 1280, EVERY),
        ({"color_scheme": "dark", "forced_colors": "none"}, 1280, SOME),
        ({"color_scheme": "light", "forced_colors": "active"}, 1280, SOME),
        ({"color_scheme": "light", "forced_colors": "none"}, 320, SOME),
    ],
    ids=["light", "dark", "forced", "narrow"],
)
def test_every_view_is_clean(page: Page, address: str, media: Any, width: int, states: list[Any]) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(**media)
    found: list[str] = []
    for query, tab, press in states:
        found += look(page, f"{address}?{query}&theme={media['color_scheme']}", tab, press)
    assert found == []
