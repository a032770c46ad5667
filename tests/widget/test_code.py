"""The code of the widgets: packed, of bounded size, and one model for all of them."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib

import pytest
from ipywidgets.embed import dependency_state

from runconsole import ConsoleWidget, FleetWidget, InboxWidget
from runconsole.widget.code import LOADER, code_of

KIB = 1024
CEILINGS = {"widget": 140 * KIB, "fleet": 40 * KIB}


def panel() -> ConsoleWidget:
    return ConsoleWidget("ws://127.0.0.1:9/ws", start=False, display=False)


@pytest.mark.parametrize(("name", "text"), [("widget", "Run console"), ("fleet", "Inbox")])
def test_packed_code_is_a_module_with_its_style_sheet(name: str, text: str) -> None:
    code = zlib.decompress(base64.b64decode(code_of(name).packed), -zlib.MAX_WBITS).decode()
    assert text in code
    assert ".runconsole{color-scheme:light dark" in code
    assert re.search(r"export ?\{[\w$]+ as default\}", code[-300:])


@pytest.mark.parametrize("name", CEILINGS)
def test_packed_code_is_small(name: str) -> None:
    assert len(code_of(name).packed) <= CEILINGS[name]


def test_each_widget_stores_a_small_module_and_refers_to_the_code() -> None:
    with panel() as one, panel() as other:
        states = [widget.get_state() for widget in (one, other)]
        assert {state["_code"] for state in states} == {f"IPY_MODEL_{code_of('widget').model_id}"}
        for state in states:
            assert state["_esm"] == LOADER
            assert "_css" not in state
    assert len(LOADER) <= 2 * KIB


def test_the_embedded_state_of_widgets_holds_the_code_once() -> None:
    with panel() as one, panel() as other:
        stored = dependency_state([one, other])
    packed = [model for model in stored.values() if "packed" in model["state"]]
    assert [model["state"]["packed"] for model in packed] == [code_of("widget").packed]
    assert packed[0]["model_module"] == "@jupyter-widgets/base"


def test_lists_of_runs_share_their_own_code() -> None:
    lists = [FleetWidget(), InboxWidget()]
    try:
        codes = {widget.children[0].get_state()["_code"] for widget in lists}
        assert codes == {f"IPY_MODEL_{code_of('fleet').model_id}"}
    finally:
        for widget in lists:
            widget.close()


@pytest.mark.parametrize("name", CEILINGS)
def test_code_that_was_closed_with_all_widgets_is_opened_again_by_the_same_id(name: str) -> None:
    known = code_of(name)
    model_id = known.model_id
    known.close()
    opened = code_of(name)
    assert opened is not known
    assert opened.comm is not None
    assert opened.model_id == model_id == hashlib.sha256(opened.packed.encode()).hexdigest()[:32]
