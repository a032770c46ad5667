"""The command `runconsole check`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from runconsole.redaction.secrets import Secret, bare

__all__ = ["run_check"]

_STREAM_ENDED = 3


def run_check(
    source: Secret[str], options: Mapping[str, Any], *, as_json: bool, report: Callable[[str], None] = click.echo
) -> None:
    """Print the report of a check; exit with 1 where a promise is broken, with 3 where the stream broke off."""
    from runconsole.checking.reading import check, is_recording

    place = bare(source)
    found = check(place) if is_recording(place) else check(place, **options)
    report(found.to_json() if as_json else str(found))
    if found.broken:
        sys.exit(1)
    if not found.is_whole:
        sys.exit(_STREAM_ENDED)
