"""The HTML file: the report for readers without scripts, the panel, and the run's data as base64 text.

Nothing of the stream is markup or script here: the data is base64, the title and the report are escaped. The policy of
the page admits its own scripts by their hashes and no request at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from runconsole.text.unicode import encodable_value
from runconsole.view.markup import text

__all__ = ["live_page", "page"]

_STATIC = Path(__file__).parents[1] / "static"
_CLOSING = re.compile(r"<(?=/script|!--)", re.IGNORECASE)
_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main id="run"><div id="report">{report}</div></main>
<script id="data" type="text/plain">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""
_BODY = """
:root { color-scheme: light dark; }
body { margin: 0; padding: 16px; font: 14px/1.5 system-ui, sans-serif;
  background: light-dark(#fff, #111214); color: light-dark(#1f2328, #e8e8ea); }
main { max-width: 1400px; margin: 0 auto; }
.note { margin: 0 4px 8px; opacity: .8; }
"""


def page(title: str, report: str, data: dict[str, Any]) -> bytes:
    """Return the file.

    Args:
        title: the title of the run, as it came.
        report: HTML for readers without scripts.
        data: what the panel shows: plain JSON.
    """
    packed = gzip.compress(msgspec.json.encode(encodable_value(data)), 6, mtime=0)
    script = _script()
    made = _TEMPLATE.format(
        policy=html.escape(_policy(script)),
        title=text(title),
        style=_BODY,
        report=report,
        data=base64.b64encode(packed).decode("ascii"),
        script=script,
    )
    return made.encode("utf-8")


def live_page(title: str, sources: list[str]) -> tuple[str, bytes]:
    """Return the policy and the content of a page that gets a run over a socket beside it, from these sources."""
    script = _script()
    policy = _policy(script, connect=" ".join(sources))
    made = _TEMPLATE.format(
        policy=html.escape(policy),
        title=text(title),
        style=_BODY,
        report="<p>The panel needs JavaScript.</p>",
        data="",
        script=script,
    )
    return policy, made.encode("utf-8")


@cache
def _script() -> str:
    """Return the panel's script, which carries its style sheet, in a form that no element of HTML ends."""
    script = (_STATIC / "page.js").read_text("utf-8").strip()
    # In the strings and patterns of a script "\\x3c" is the same character.
    return _CLOSING.sub(r"\\x3c", script)


def _policy(script: str, *, connect: str = "") -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        f"base-uri 'none'; form-action 'none'{f'; connect-src {connect}' if connect else ''}"
    )
