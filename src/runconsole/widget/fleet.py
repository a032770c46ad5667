"""`FleetWidget` and `InboxWidget`: several runs in one panel, and their open questions in another."""

from __future__ import annotations

import contextvars
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Unpack

import anywidget
import ipywidgets
import traitlets

from runconsole.api.run import RunAPI
from runconsole.clock import now_micros
from runconsole.events import Answer
from runconsole.fleet.calling import InboxQuestion
from runconsole.fleet.runset import RunPlace, RunSet
from runconsole.options import ConsoleOptions, concealed
from runconsole.text.unicode import encodable_value
from runconsole.view.checkpoints import answered
from runconsole.view.fleet import KnownRun, closed_lately, question_row, questions, rows
from runconsole.view.fleet_contract import FleetPicture
from runconsole.view.fleet_text import fleet_table, fleet_text
from runconsole.widget.code import LOADER, FrontEndCode, code_of
from runconsole.widget.host import reach_page, route_by_header
from runconsole.widget.widget import ConsoleWidget

__all__ = ["FleetWidget", "InboxWidget"]

_MOST_QUESTIONS = 30
_BYTES_PER_SECOND = 100_000


class _Board(anywidget.AnyWidget):
    """The list that the page draws."""

    _esm = LOADER

    _code = traitlets.Instance(FrontEndCode).tag(sync=True, **ipywidgets.widget_serialization)
    shows = traitlets.Unicode("fleet", help="The list that comes first: fleet or inbox.").tag(sync=True)
    picture = traitlets.Dict({}, help="The runs and their open questions.").tag(sync=True)
    opened = traitlets.Unicode("", help="The key of the run whose own panel stands below.").tag(sync=True)

    @traitlets.default("_code")
    def _default_code(self) -> FrontEndCode:
        return code_of("fleet")


class _RunsWidget(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Several runs: a list, and below it the panel of the one that was opened."""

    _shows: ClassVar[str]

    def __init__(
        self,
        runs: Iterable[RunPlace] = (),
        *,
        on_question: Callable[[InboxQuestion], Any] | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> None:
        hidden = concealed(options)
        del options  # a traceback with locals shows the remaining variables
        # Without a reference to the widget: one that nobody uses any more is collected, and its consoles stop.
        changed = weakref.WeakMethod(self._changed)
        self._runs = RunSet(
            hidden,
            changed=lambda known: None if (method := changed()) is None else method(known),
            on_question=on_question,
        )
        weakref.finalize(self, self._runs.stop)
        try:
            self._runs.add(runs)
        except BaseException:
            self._runs.stop()
            raise
        del runs
        self._context = contextvars.copy_context()
        self._panels: dict[str, ConsoleWidget] = {}
        self._version = 0
        self._is_closed = False
        self._board = _Board(shows=self._shows, picture=self._picture(self._runs.known()))
        super().__init__([self._board])
        route_by_header(self._board)
        self._board.on_msg(self._on_page_message)
        self._runs.start()

    # ---- runs -------------------------------------------------------------------------------------------------------

    def add(self, *runs: RunPlace) -> None:
        """Add runs, as the constructor takes them; one that is here stays as it is. Raises InvalidArgument."""
        self._runs.add(runs)

    @property
    def consoles(self) -> tuple[RunAPI, ...]:
        """The console of each run, in the order in which they were added: with its frames, and `decide`."""
        return tuple(member.console for member in self._runs.members)

    @property
    def questions(self) -> list[InboxQuestion]:
        """The open questions of all runs, the nearest deadline first; each can `decide` itself."""
        return self._runs.questions()

    @property
    def notices(self) -> list[str]:
        """The newest sentences about what went wrong on this side, such as in `on_question`."""
        return list(self._runs.notices)

    def stop(self) -> None:
        """Stop the consoles that were made of URLs, unless another inbox shows them; consoles that were given go on."""
        self._runs.stop()

    def close(self) -> None:
        """Remove the list from the page, and `stop`."""
        if "_board" in self.__dict__ and not self._is_closed:  # else the constructor has failed
            self._is_closed = True
            self._runs.stop()
            for panel in self._panels.values():
                panel.close()
            self._board.close()
        super().close()

    # ---- out: on the I/O thread --------------------------------------------------------------------------------------

    def _changed(self, known: tuple[KnownRun, ...]) -> float:
        """Send the picture where it has changed; return the seconds until the next one."""
        if self._is_closed:
            return 1.0
        picture, last = self._picture(known), self._board.picture
        same = {"version": 0, "now": 0}
        if {**picture, **same} == {**last, **same}:
            return 0.0
        self._version += 1
        self._run(self._board.set_trait, "picture", picture | {"version": self._version})
        return len(repr(picture)) / _BYTES_PER_SECOND

    def _picture(self, known: tuple[KnownRun, ...]) -> FleetPicture:
        asked = questions(known)
        shown = [question_row(each) for each in (*asked[:_MOST_QUESTIONS], *closed_lately(known))]
        return {
            "version": self._version,
            "now": now_micros() // 1000,
            "runs": list(rows(known)),
            "questions": shown,
            "waiting": len(asked),
            "notices": list(self._runs.notices),
        }

    def _run(self, function: Any, *args: Any) -> None:
        reach_page(self._context, function, *args)
        route_by_header(self._board)

    # ---- in ---------------------------------------------------------------------------------------------------------

    def _on_page_message(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, dict):
            return
        with suppress(RecursionError):  # no page of ours nests that deep
            message = encodable_value(message)
        match message:
            case {"kind": "open", "run": str(key)}:
                self._open(key)
            case {"kind": "decide", "id": str(name), "run": str(run), "checkpoint": str(), "option": str()}:
                # The reply of a server may take seconds: the thread of the page's messages must not wait for it.
                threading.Thread(
                    target=self._decide, args=[name, run, message], name="runconsole-answer", daemon=True
                ).start()

    def _open(self, key: str) -> None:
        """Show the panel of a run below the list; no panel for an empty key."""
        found = next((member for member in self._runs.members if member.key == key), None)
        console = None if found is None else found.console
        panel = console if isinstance(console, ConsoleWidget) or console is None else self._panel(key, console)
        self._board.opened = "" if panel is None else key
        self.children = [self._board] if panel is None else [self._board, panel]

    def _panel(self, key: str, console: Any) -> ConsoleWidget:
        known = self._panels.get(key)
        if known is None:
            known = self._panels[key] = ConsoleWidget(console, display=False)
        return known

    def _decide(self, name: str, run: str, message: Mapping[str, Any]) -> None:
        words, error = message.get("feedback"), None
        try:
            member = self._runs.member(run)
            state = member.engine.state
            checkpoint_id, option = answered(state, message["checkpoint"], message["option"])
            member.console.decide(
                checkpoint_id, Answer(option or str(words), words if isinstance(words, str) else None)
            )
        except Exception as problem:  # noqa: BLE001 - said beside the question: nobody reads a handler's traceback
            error = self._hidden(run, str(problem))
        self._run(self._board.send, {"kind": "answer", "id": name, "error": error})

    def _hidden(self, run: str, sentence: str) -> str:
        with suppress(Exception):
            hidden: str = self._runs.member(run).engine.options.redactor.hide_in(sentence)
            return hidden
        return sentence

    # ---- display ----------------------------------------------------------------------------------------------------

    def _repr_mimebundle_(self, **more: Any) -> Any:
        known = self._runs.known()
        bundle = super()._repr_mimebundle_(**more)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return {**(data or {}), "text/plain": fleet_text(known), "text/html": fleet_table(known)}

    def __repr__(self) -> str:
        if "_runs" not in self.__dict__:
            return f"{type(self).__name__}(not begun)"  # a traceback with locals may ask in the middle of `__init__`
        known = self._runs.known()
        return f"{type(self).__name__}({len(known)} runs, {len(questions(known))} open questions)"


class FleetWidget(_RunsWidget):
    """A live table of several runs: state, progress, failures, cost, open questions. A row opens the run's own panel.

        fleet = runconsole.FleetWidget([url, run, console], token=...)
        fleet.add(another)
        fleet.consoles[0].tasks

    Args:
        runs: URLs, recordings, `ActiveRun`s and consoles, in any mix; `add` takes others later.
        on_question: called once with each open question, an `InboxQuestion`, on a thread of its own: to pass it on by
            chat or mail. A `decide` in it is the answer of a policy. An exception in it is a sentence in `notices`; the
            question stays open.
        options: the keyword arguments of the consoles that are made of URLs.

    Raises:
        InvalidArgument: as `Console`.
    """

    _shows = "fleet"


class InboxWidget(_RunsWidget):
    """The open questions of several runs, the nearest deadline first, to be answered in place.

        inbox = runconsole.InboxWidget([url, run, console], on_question=send_to_slack)
        inbox.questions[0].decide("approve")

    A question with more to read or to fill in opens the panel of its run. The arguments are those of `FleetWidget`.
    """

    _shows = "inbox"
