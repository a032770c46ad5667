"""Documents that patches change: a patch applies as a whole, or not at all."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.errors import MissingPackage
from runconsole.protocols.agui.patches import Document, PatchFailed

ADD = {"op": "add", "path": "/list/-", "value": {"n": []}}


def test_a_patch_changes_the_document() -> None:
    document = Document({"list": []})
    document.apply([ADD, {"op": "add", "path": "/list/0/n/-", "value": 1}])
    document.apply([{"op": "replace", "path": "", "value": [1]}])
    assert document.value == [1]


@pytest.mark.parametrize(
    "patch",
    [
        [ADD, {"op": "remove", "path": "/none"}],
        [ADD, {"op": "test", "path": "/list/0", "value": 7}],
        [ADD, {"op": "none", "path": "/x"}],
        [ADD, {"path": "/x"}],
        [ADD, {"op": "add", "path": "x", "value": 1}],
        [ADD, 7],
        {"op": "add"},
        "text",
        None,
    ],
)
def test_a_patch_that_does_not_apply_changes_nothing(patch: Any) -> None:
    document = Document({"list": []})
    document.apply([copy.deepcopy(ADD)])
    document.apply([{"op": "add", "path": "/list/0/n/-", "value": 1}])
    with pytest.raises(PatchFailed):
        document.apply(copy.deepcopy(patch))
    assert document.value == {"list": [{"n": [1]}]}
    document.apply([{"op": "add", "path": "/list/0/n/-", "value": 2}])
    assert document.value == {"list": [{"n": [1, 2]}]}


def test_a_document_remembers_only_some_patches() -> None:
    document = Document({"list": []})
    for number in range(1000):
        document.apply([{"op": "add", "path": "/list/-", "value": number}])
    with pytest.raises(PatchFailed):
        document.apply([{"op": "remove", "path": "/none"}])
    assert document.value == {"list": list(range(1000))}
    assert len(document._since) < 300


@given(st.recursive(st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=9))
def test_any_value_may_be_added(value: Any) -> None:
    document = Document({})
    document.apply([{"op": "add", "path": "/a", "value": value}])
    assert document.value == {"a": value}


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonpatch", None)
    with pytest.raises(MissingPackage, match=r"pip install \"runconsole\[agents\]\""):
        Document({}).apply([ADD])
