"""The run that a panel shows: a console's newest, or an earlier one that a person has chosen in the header."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from runconsole.engine.engine import Engine
from runconsole.errors import InvalidArgument
from runconsole.events import Received
from runconsole.replay import Replay
from runconsole.store import RunStore
from runconsole.view import View
from runconsole.view.contract import Described, ReplayPosition
from runconsole.view.screen import clean, title_of

__all__ = ["Showing"]

_MOST_RUNS = 50
"""Runs to choose from: the newest ones."""


class Showing:
    """Makes the views of the shown run. Used by one thread: the one that writes the state.

    Attributes:
        view: the view of the shown run.
        kept: the view of the newest run, while another one is shown: the start of a reload or a saved notebook.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._newest = self.store = engine.stores[-1]
        self.view = self._view_of(self.store, 0)
        self.kept: View | None = None

    def follow(self) -> bool:
        """Show the newest run, unless an earlier one was chosen; return whether the newest run has changed."""
        stores = self._engine.stores
        if stores[-1] is self._newest:
            return False
        is_chosen = self.store is not self._newest and self.store in stores
        self._newest = stores[-1]
        self._show(self.store if is_chosen else self._newest)
        return True

    def choose(self, number: Any) -> None:
        """Show the run with this number among the console's. Raises InvalidArgument."""
        stores = self._engine.stores
        if not isinstance(number, int) or not 0 <= number < len(stores):
            raise InvalidArgument(f"expected the number of a run below {len(stores)}, got {number!r}")
        self._newest = stores[-1]
        self._show(stores[number])

    def return_to_newest(self) -> bool:
        """Show the newest run again; return whether another one was shown."""
        if self.store is self._newest:
            return False
        self._show(self._newest)
        return True

    def _show(self, store: RunStore) -> None:
        self.store = store
        self.view = self._view_of(store, self.view.version)
        self.kept = None if store is self._newest else self._view_of(self._newest, 0)

    def _view_of(self, store: RunStore, version: int) -> View:
        read, describe = functools.partial(self._read, store), functools.partial(self._describe, store)
        return View(store.state, read, describe, version=version)

    def reader(self) -> Callable[[int, int], list[tuple[int, Received]]]:
        """Return a function that returns events of the shown run in a form that may be shown, from any thread."""
        return functools.partial(self._read, self.store)

    def _read(self, store: RunStore, first: int, count: int) -> list[tuple[int, Received]]:
        """Return events of the log in a form that may be shown."""
        hide = self._engine.options.redactor.hide_event
        return [(number, hide(event)) for number, event in store.log.read(first, count)]

    def _describe(self, store: RunStore) -> Described:
        engine, stores = self._engine, self._engine.stores
        is_newest = store is stores[-1]
        described: Described = {
            "title": title_of(store.state),
            "url": engine.address,
            "protocol": engine.protocol,
            "link": engine.status,
            "events": len(store.log),
            "malformed": store.log.malformed,
            "unknown": store.log.unknown,
            "replay": None if engine.replay is None else _described(engine.replay),
            "commands": list(engine.task_commands) if is_newest else [],
        }
        if engine.replay is not None:
            described["replay_marks"] = engine.replay.marks.list()
        if len(stores) > 1 and store in stores:
            first = max(0, len(stores) - _MOST_RUNS)
            described["run"] = stores.index(store)
            described["runs"] = [
                [number, f"{clean(run.name or f'run {number + 1}')}: {run.state.status}"]
                for number, run in enumerate(stores[first:], first)
            ]
        return described


def _described(replay: Replay) -> ReplayPosition:
    """Return a replay's position for the panel's controls, to a tenth of a second."""
    return {
        "position_s": round(replay.position, 1),
        "duration_s": round(replay.duration, 1),
        "speed": replay.speed,
        "playing": replay.is_playing,
        "over": replay.is_over,
    }
