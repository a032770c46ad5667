"""JupyterLab and a browser for the tests of this folder; the pages of a failed test go to test-results/."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error, expect

from tests.e2e.lab import Lab, start_browser
from tests.e2e.server import JupyterServer
from tests.e2e.window import Window

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser

RESULTS = Path(__file__).parents[2] / "test-results"
TEST_TIMEOUT = 300
"""Seconds for one test: on a busy machine notebooks open slowly."""

_failed = pytest.StashKey[bool]()

expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_TIMEOUT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and report.when != "teardown":
        item.stash[_failed] = True
    return report


# Playwright keeps an event loop running in this thread as long as it is started, and then no asynchronous test can run:
# so it ends with this folder, not with the session.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with start_browser() as browser:
        yield browser


@pytest.fixture(scope="package")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with JupyterServer(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture(scope="package")
def window(browser: Browser) -> Iterator[Window]:
    with Window(browser) as window:
        yield window


@pytest.fixture
def lab(request: pytest.FixtureRequest, lab_server: JupyterServer, window: Window) -> Iterator[Lab]:
    """The JupyterLab that all tests of this folder share, without a notebook from another test."""
    evidence = RESULTS / re.sub(r"[^\w.-]+", "_", request.node.nodeid)
    shutil.rmtree(evidence, ignore_errors=True)  # of an earlier run
    with Lab(lab_server, window).opened() as lab:
        yield lab
        if request.node.stash.get(_failed, False):
            _keep_evidence(lab, evidence)


def _keep_evidence(lab: Lab, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(lab.pages, start=1):
        (folder / f"page-{number}-console.txt").write_text("\n".join(page.complaints))
        try:
            page.screenshot(folder / f"page-{number}.png")
        except Error as error:  # a closed or hung page must not hide why the test failed
            (folder / f"page-{number}-screenshot-failed.txt").write_text(str(error))
    shutil.copy(lab.server.log, folder / "jupyter.log")
