"""Writes the file of a console's run: the recording is folded again, so that the file has every moment of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runconsole.clock import now_micros
from runconsole.errors import InvalidArgument
from runconsole.events import DESCRIBED
from runconsole.onefile.page import page
from runconsole.onefile.playing import Played
from runconsole.onefile.timelines import timelines
from runconsole.recording import home_path
from runconsole.view.contract import Described
from runconsole.view.report import report
from runconsole.view.screen import title_of

if TYPE_CHECKING:
    from runconsole.engine.engine import Engine

__all__ = ["write_file"]

_OVER = frozenset({"ended", "failed", "stopped"})


def write_file(engine: Engine, path: str | os.PathLike[str]) -> None:
    """Write the newest run of a console as it is now. Raises as `RunAPI.to_html`."""
    place = home_path(path)
    with tempfile.TemporaryDirectory(prefix="runconsole-") as folder:
        recording = Path(folder) / "run.jsonl"
        engine.save(recording)
        made = _made(engine, recording)
    _replace(place, made)


def _made(engine: Engine, recording: Path) -> bytes:
    options = engine.options
    described: Described = {
        "title": "",
        "url": engine.address,
        "protocol": engine.protocol,
        "link": engine.status if engine.status in _OVER else "stopped",
        "events": 0,
        "malformed": 0,
        "unknown": 0,
        "replay": None,
    }
    about = options.shown("task", *DESCRIBED)
    played = Played(recording, about, described)
    state, now = played.store.state, engine.now
    moments = played.moments
    data: dict[str, Any] = {
        "format": 1,
        "made": now_micros() // 1000,
        "duration_s": round(played.duration_s, 3),
        "moments": [
            moment | {"totals": totals} for moment, totals in zip(moments.moments, moments.totals(), strict=True)
        ],
        "marks": played.marks.list(),
        "growing": moments.growing(),
        "whole": moments.whole(),
        "timeline": timelines(state, now),
        "left_out": moments.left_out(),
    }
    shown = report(state, now, is_final=engine.status in _OVER)
    return page(title_of(state), shown, options.redactor.hide_in(data))


def _replace(place: Path, made: bytes) -> None:
    """Put the file in place of another one in one step. Raises InvalidArgument where it cannot be written."""
    beside = place.with_name(f".{place.name[:40]}.{os.getpid()}.new")
    try:
        try:
            beside.write_bytes(made)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidArgument(f"cannot write {str(place)!r} ({reason})") from None
