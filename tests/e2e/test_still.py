"""Nothing that a person reads is moved by events, questions and the end of a run: the layout shifts of the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.e2e.devpage import serving, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

TABS = ("Overview", "Tasks", "Timeline", "Output", "Artifacts", "Errors", "Decisions")

WATCH = """async () => {
  const painted = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
  await painted();
  window.moved = [];
  // Lists of what is newest, the tail of the output, the axis of time and the word for the run's status go on.
  const newest = ".rc-area-artifacts, .rc-area-errors, .rc-area-waves, [aria-label=Artifacts]";
  // A count that gains a digit moves what follows it in its own field.
  const goesOn = `${newest}, .rc-log, .rc-tl, .rc-run-status, .rc-fact dd *, .rc-chips`;
  new PerformanceObserver((list) => {
    for (const { sources } of list.getEntries()) {
      for (const { node, previousRect: a, currentRect: b } of sources) {
        const element = node?.nodeType === 1 ? node : node?.parentElement;
        // A number that grows to the left has not moved.
        const isMoved = Math.abs(a.y - b.y) >= 1 || (Math.abs(a.x - b.x) >= 1 && Math.abs(a.right - b.right) >= 1);
        if (!element?.isConnected || !a.width || !b.width || !isMoved || element.closest(goesOn)) continue;
        moved.push(`${element.outerHTML.slice(0, 160)} ${a.x},${a.y},${a.right} to ${b.x},${b.y},${b.right}`);
      }
    }
  }).observe({ type: "layout-shift" });
}"""
ASK = """([id, seconds]) => {
  const options = ["approve", "reject"].map((name) => optionRow(name, { label: name }));
  const deadline = seconds === null ? null : Date.now() + 1000 * seconds;
  kernel.put("checkpoints", checkpoint(id, { title: id, options, deadline, requested_at: Date.now() }));
  kernel.setHead({ questions: 1 });
}"""
CLOSE = """([id, more]) => {
  const row = kernel.rows.checkpoints.find(({ key }) => key === id);
  kernel.put("checkpoints", { ...row, decided_at: Date.now(), ...more });
  kernel.setHead({ questions: 0 });
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as address:
        yield address


def watch(page: Page) -> None:
    page.evaluate(WATCH)


def settled(page: Page, version: int) -> list[Any]:
    """The layout shifts until the kernel has published so many patches more."""
    page.wait_for_function("version => kernel.version >= version", arg=page.evaluate("kernel.version") + version)
    moved: list[Any] = page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => go(moved))))"
    )
    return moved


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("run", ["execution&at=0.05&clean", "tasks&open=0"])
def test_events_move_nothing(page: Page, address: str, run: str, width: int) -> None:
    # Without failures: a task that fails goes to the top of the tasks.
    page.set_viewport_size({"width": width, "height": 800})
    panel = show(page, address, f"run={run}&every=200")
    for tab in TABS:
        panel.get_by_role("tab", name=tab, exact=True).click()
        watch(page)
        assert (tab, settled(page, 4)) == (tab, [])


@pytest.mark.parametrize("tab", ["Overview", "Tasks", "Errors"])
def test_the_end_of_a_run_moves_nothing(page: Page, address: str, tab: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    panel = show(page, address, "run=execution&at=0.98&every=50", tab)
    watch(page)
    expect(panel.get_by_role("status", name="Connection")).to_have_text("ended")
    assert page.evaluate("moved") == []


@pytest.mark.parametrize(
    "end",
    [
        {"status": "decided", "decision": "approve", "decided_by": "you"},
        {"status": "expired", "decision": "approve", "decided_by": "timeout"},
    ],
    ids=["answered", "expired"],
)
def test_a_question_moves_nothing(page: Page, address: str, end: dict[str, Any]) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    panel = show(page, address, "run=execution&at=0.05&clean&every=200")
    for tab in TABS:
        panel.get_by_role("tab", name=tab, exact=True).click()  # and no drawer opens by itself
        watch(page)
        page.evaluate(ASK, [f"Ship {tab}?", 60])
        asked = panel.get_by_role("region", name="Questions").get_by_role("button", name=f"Ship {tab}?", exact=True)
        expect(asked).to_be_visible()
        page.evaluate(CLOSE, [f"Ship {tab}?", end])
        expect(asked).to_have_count(0)
        assert (tab, settled(page, 2)) == (tab, [])


HIDDEN = """() => {
  const { bottom, right } = document.querySelector(".rc-facts").getBoundingClientRect();
  const facts = [...document.querySelectorAll(".rc-fact")].filter((fact) => fact.offsetParent !== null);
  const isOut = (box) => box.bottom > bottom + 1 || box.right > right + 1;
  return facts.filter((fact) => isOut(fact.getBoundingClientRect())).map((fact) => fact.textContent);
}"""


@pytest.mark.parametrize("run", ["execution&at=0.6&still", "tasks&open=0&still"])
def test_no_number_of_the_header_is_cut_off(page: Page, address: str, run: str) -> None:
    show(page, address, f"run={run}")
    for width in (*range(320, 680, 12), 760, 900, 1000, 1180, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert (width, page.evaluate(HIDDEN)) == (width, [])
