"""The servers of this folder: started once, since each takes seconds. `make test-agents` runs these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.agents.servers import AgentServer, agui_server, langgraph_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def langgraph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentServer]:
    with langgraph_server(tmp_path_factory.mktemp("langgraph")) as server:
        yield server


@pytest.fixture(scope="package")
def agui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentServer]:
    with agui_server(tmp_path_factory.mktemp("agui")) as server:
        yield server
