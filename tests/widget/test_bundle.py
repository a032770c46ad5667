"""The module of the panel, as each widget carries it: packed, and of bounded size."""

from __future__ import annotations

import base64
import gzip
import re

from runconsole import ConsoleWidget

KIB = 1024


def test_the_module_unpacks_the_panel() -> None:
    packed = re.search(r'atob\("([A-Za-z0-9+/=]+)"\)', str(ConsoleWidget._esm))
    assert packed is not None
    code = gzip.decompress(base64.b64decode(packed[1])).decode()
    assert "Run console" in code
    assert ".runconsole{color-scheme:light dark" in code
    assert re.search(r"export ?\{\w+ as default\}", code[-300:])


def test_a_notebook_stores_little_with_each_widget() -> None:
    assert len(str(ConsoleWidget._esm)) <= 140 * KIB
