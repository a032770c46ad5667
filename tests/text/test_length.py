"""A text of limited length ends in an ellipsis where it was longer."""

from __future__ import annotations

import pytest

from runconsole.text.length import shortened


@pytest.mark.parametrize(("text", "shown"), [("", ""), ("abc", "abc"), ("abcd", "abcd"), ("abcde", "abc…")])
def test_a_longer_text_ends_in_an_ellipsis(text: str, shown: str) -> None:
    assert shortened(text, 4) == shown
