"""`ConsoleWidget`: a console with a live panel. Traits, the way out (publisher) and the way in (messages)."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import itertools
import os
import uuid
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from itertools import islice
from typing import Any, Unpack

import anywidget
import ipywidgets
import traitlets

from runconsole.api.run import RunAPI, engine_of
from runconsole.console import Console
from runconsole.errors import InvalidArgument
from runconsole.fairness import quick_turns
from runconsole.options import ConsoleOptions, Options, check, concealed, signature
from runconsole.protocols.local.source import Followable, Source
from runconsole.redaction.secrets import Secret
from runconsole.search import LogQuery
from runconsole.state import Effect, Urgent
from runconsole.text.unicode import encodable_value
from runconsole.view import View
from runconsole.view.report import report
from runconsole.widget.code import LOADER, FrontEndCode, code_of
from runconsole.widget.host import Outputs, Screen, on_subshell, reach_page, route_by_header
from runconsole.widget.messages import (
    AskDetail,
    AskMatch,
    AskPage,
    AskSnapshot,
    AskTask,
    AskText,
    AskTimeline,
    Decide,
    Durable,
    FromKernel,
    LinkCommand,
    Ready,
    ReplayCommand,
    RequestAnswer,
    TaskRowCommand,
    ToKernel,
    parse,
)
from runconsole.widget.page_commands import control_replay, decide
from runconsole.widget.publisher import BYTES_PER_SECOND, TEXT_BYTES_PER_SECOND, Publisher
from runconsole.widget.replies import Budget, PageRequest, Replies, named, refusal, reply_to
from runconsole.widget.searching import Searching
from runconsole.widget.showing import Showing
from runconsole.widget.timelines import Timelines

__all__ = ["ConsoleWidget"]

_RUNNING = frozenset({"connecting", "live", "retrying"})

_CELL_END_S = 2.0
"""Seconds that the end of a cell may wait for the update of the file."""

_shown: weakref.WeakValueDictionary[int, ConsoleWidget] = weakref.WeakValueDictionary()
"""The open widget of each console that has one, by the console's identity."""
_numbers = itertools.count()
_consoles: weakref.WeakValueDictionary[int, Console] = weakref.WeakValueDictionary()
"""The consoles that widgets have shown, oldest first: one may run on after its widget was closed."""


class ConsoleWidget(RunAPI, anywidget.AnyWidget):
    """A live panel of one run, shown below the cell at once; with all methods and attributes of `Console`.

    Args:
        url: the URL or path that `Console` takes, or a `Console`. With the arguments of a console that still runs, the
            result is that console's own widget: a cell run twice opens no second connection. The newest cell wins: its
            `on_checkpoint` (none, if it has none), `decide`, `title`, budgets, limits and size hold from then on.
        height: the height of the panel in CSS pixels; a person may set another at its lower edge.
        compact: show one line; a person may open the whole panel.
        display: show the panel at once; else it is shown where the widget is displayed.
        options: the keyword arguments of `Console`.

    Raises:
        InvalidArgument: as `Console`.
    """

    _esm = LOADER

    _code = traitlets.Instance(FrontEndCode).tag(sync=True, **ipywidgets.widget_serialization)
    picture = traitlets.Dict({}, help="The durable picture: what a reload or a saved notebook starts from.").tag(
        sync=True
    )
    place = traitlets.Unicode("", help="The name of the panel's place in an output with its report.").tag(sync=True)
    height = traitlets.Int(600, help="Height of the panel in CSS pixels.").tag(sync=True)
    compact = traitlets.Bool(default_value=False, help="Show one line, until a person opens the panel.").tag(sync=True)

    console: Console

    __signature__ = signature(
        url="str | os.PathLike[str] | Source | ActiveRun | Console",
        height=("int", 600),
        compact=("bool", False),
        display=("bool", True),
    )

    @traitlets.default("_code")
    def _default_code(self) -> FrontEndCode:
        return code_of("widget")

    def __new__(  # noqa: PYI034 - perhaps one that exists
        cls,
        url: Any = None,
        *,
        height: int = 600,  # noqa: ARG004 - `__init__` takes it
        compact: bool = False,  # noqa: ARG004 - `__init__` takes it
        display: bool = True,  # noqa: ARG004 - `__init__` takes it
        **options: Unpack[ConsoleOptions],
    ) -> ConsoleWidget:
        place, hidden = _concealed(url, options)
        del url, options  # a traceback with locals shows the remaining variables
        console = _console_of(place, hidden)
        known = None if console is None else _shown.get(id(console))
        widget = super().__new__(cls) if known is None else known
        widget.__dict__["_taken"] = console
        return widget

    def __init__(
        self,
        url: str | os.PathLike[str] | Source | Followable | Console,
        *,
        height: int = 600,
        compact: bool = False,
        display: bool = True,
        **options: Unpack[ConsoleOptions],
    ) -> None:
        place, hidden = _concealed(url, options)
        del url, options  # a traceback with locals shows the remaining variables
        console: Console | None = self.__dict__.pop("_taken", None)
        if "console" not in self.__dict__:
            self._begin(place if console is None else console, {"height": height, "compact": compact}, hidden)
        for name, value in (("height", height), ("compact", compact)):
            if getattr(self, name) != value:
                self._engine.call_soon(self._run, self.set_trait, name, value)
        if display:
            self._outputs.show_early()

    def _begin(self, url: Any, size: Mapping[str, Any], options: dict[str, Any]) -> None:
        start = options.pop("start", True) and not isinstance(url, Console)
        console = url if isinstance(url, Console) else Console(url, start=False, **options)
        super().__init__(**size, place=uuid.uuid4().hex)
        route_by_header(self)
        self.console = console
        self._engine = engine_of(console)
        _shown[id(console)] = self
        _consoles[next(_numbers)] = console
        # A message from another thread needs the context of a thread that the kernel knows (ipykernel 7.0).
        self._context = contextvars.copy_context()
        self._is_bound = False
        self._has_page = False
        self._cell: contextvars.Context | None = None
        self._is_closed = False
        self._outputs = Outputs(self, self.place, screen=self._screen, report=self._report, cell_ended=self._cell_ended)
        self._published: asyncio.Task[None] | None = None
        self._showing = Showing(self._engine)
        budget = Budget(BYTES_PER_SECOND)
        self._replies = Replies(budget, reply=self._reply, send=self._emit)
        self._timelines = Timelines(
            state=lambda: self._showing.store.state,
            now=lambda: self._engine.now,
            call=self._engine.call_soon,
            reply=self._replies.ask,
        )
        self._texts = Replies(Budget(TEXT_BYTES_PER_SECOND), reply=self._reply, send=self._emit, pause=0)
        self._searching = Searching(self._engine, self._showing, self._found)
        self._publisher = Publisher(
            self._showing.view,
            send=self._emit,
            save=self._store,
            now=lambda: self._engine.now,
            is_bound=lambda: self._is_bound,
            alert=self._engine.alert,
            budget=budget,
            read_on=self._engine.read_on,
        )
        if self._engine.replay is not None:
            self._engine.replay.on_change(self._replayed)
        self.on_msg(self._on_page_message)
        self._engine.attach(self._observe)
        try:
            self._start(start=start)
        except BaseException:  # an interrupt, too: the next run of the cell makes another one
            self.close()
            raise

    def _start(self, *, start: bool) -> None:
        if start:
            self.start()
        elif self._engine.is_started:
            self._engine.call_soon(self._observe, ())
        else:
            self._publisher.flush()

    # ---- out: from the I/O thread to the browser ----------------------------------------------------------------

    def _observe(self, effects: tuple[Effect, ...]) -> None:
        """Keep publishing while the console lives; paint urgent changes at once."""
        if self._published is None or self._published.done():
            self._published = asyncio.get_running_loop().create_task(self._publish(), name="runconsole-publish")
        if self._showing.follow():
            self._publisher.show(self._showing.view, self._showing.kept)
        if any(isinstance(effect, Urgent) for effect in effects):
            self._publisher.hurry()

    def _replayed(self, _change: str) -> None:
        """Follow a replay: after a step back it shows another state."""
        if self._showing.follow():
            self._publisher.show(self._showing.view, self._showing.kept)
        self._paint()

    def _repaint(self) -> None:
        """Show another run to every page."""
        self._publisher.show(self._showing.view, self._showing.kept)
        self._paint()

    def _paint(self) -> None:
        if self._engine.is_started:
            self._observe(())
            self._publisher.hurry()
        else:  # without a thread to publish it
            self._publisher.flush()

    async def _publish(self) -> None:
        publishing = asyncio.ensure_future(self._publisher.run())
        try:
            with quick_turns():
                await self._engine.session_over()
            await self._publisher.catch_up()
        finally:
            publishing.cancel()
            self._published = None  # a command to a replay may come now: another task publishes what it changes
            # Before any await: the end of the I/O thread may cancel this very task.
            self._publisher.flush()
            self._run(self._outputs.update)  # the notebook's file, for readers without a kernel
            await asyncio.gather(publishing, return_exceptions=True)

    def _emit(self, message: FromKernel) -> None:
        self._run(self.send, message)

    def _store(self, durable: Durable) -> None:
        self._run(self.set_trait, "picture", durable)

    def _cell_ended(self, context: contextvars.Context) -> None:
        """Save the present picture in the file, if a program executes the notebook; on the thread of the cells.

        A page keeps the file by itself, in any context; nothing is painted anew there.
        """
        if self._has_page or self._is_closed:
            return
        kept: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._engine.call_soon(self._keep_in_file, context, kept)
        with suppress(TimeoutError):
            kept.result(_CELL_END_S)

    def _keep_in_file(self, context: contextvars.Context, kept: concurrent.futures.Future[None]) -> None:
        """Send everything as from the cell with this context, on the I/O thread."""
        self._cell = context
        try:
            self._publisher.keep()
            self._run(self._outputs.update, in_cell=True)
        finally:
            self._cell = None
            kept.set_result(None)

    def _screen(self) -> Screen:
        return Screen(str(self), self.status not in _RUNNING)

    def _report(self) -> str:
        return report(self._engine.state, self._engine.now, is_final=self.status not in _RUNNING)

    def _run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        reach_page(self._cell or self._context, function, *args, **kwargs)
        if not self._is_bound:
            route_by_header(self)

    # ---- in: messages of the browser, on whatever thread the kernel picks ----------------------------------------

    def _on_page_message(self, _widget: Any, message: Any, _buffers: Any) -> None:
        """Check that it is a message, note its context, and hand it over to the I/O thread."""
        if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
            return
        self._has_page = True
        if message["kind"] == "ready" and on_subshell():
            self._context = contextvars.copy_context()
            self._is_bound = True
        with suppress(RecursionError):  # no page of ours nests that deep
            self._engine.call_soon(self._handle, encodable_value(message))

    def _handle(self, raw: dict[str, Any]) -> None:
        """Carry a message out (on the I/O thread); answer it, errors too."""
        try:
            answer = self._carry_out(parse(raw))
        except Exception as problem:  # noqa: BLE001 - said in the panel: nobody reads a handler's traceback
            answer = self._engine.options.redactor.hide_in(refusal(raw.get("id"), problem))
        if answer is None:
            return  # the answer comes in its turn
        if raw["kind"] == "decide":
            self._emit(answer)
        else:
            self._replies.ask(answer)

    def _carry_out(self, message: ToKernel) -> RequestAnswer | None:
        """Return the answer; None if it comes later."""
        match message:
            case Ready() | AskSnapshot():
                if isinstance(message, Ready):
                    self._opened(message)
                self._replies.ask(AskSnapshot(message.have))
                return None
            case AskPage() | AskDetail() | AskTask() | AskMatch() | AskText() | AskTimeline():
                self._ask(message)
                return None
            case TaskRowCommand():
                self._command(message)
                return None
            case Decide():
                decide(self._engine.decider, self._showing.store.state, message)
            case LinkCommand():
                self._engine.link_action(message.action)
            case ReplayCommand(action="run"):
                self._showing.choose(message.value)
                self._repaint()
            case ReplayCommand():
                control_replay(self._engine.replay, message.action, message.value)
        return {"kind": "answer", "id": named(message.id), "ok": True, "error": None}

    def _opened(self, message: Ready) -> None:
        """Show the newest run to a page that opens; leave the output's view to a page that can do without it."""
        if message.have == -1 and self._showing.return_to_newest():
            self._repaint()
        if message.places:
            self._outputs.is_placed_by_page = True
            self._run(self._outputs.withdraw_views)

    def _reply(self, request: PageRequest) -> FromKernel:
        if isinstance(request, AskSnapshot):
            return self._publisher.whole(request.have)
        return reply_to(self._view, request) if isinstance(request, AskPage | AskDetail | AskTask) else request

    def _ask(self, message: AskPage | AskDetail | AskTask | AskMatch | AskText | AskTimeline) -> None:
        """Pass a question on to the one that answers it."""
        match message:
            case AskTimeline():
                self._timelines.ask(message)
            case AskMatch() | AskText() | AskPage(query=LogQuery()) | AskPage(table="writers"):
                self._searching.ask(message)
            case AskPage() | AskDetail() | AskTask():
                self._replies.ask(message)

    def _found(self, answer: FromKernel) -> None:
        """Send the result of a search, in its turn."""
        (self._texts if answer["kind"] == "text" else self._replies).ask(answer)

    @property
    def _view(self) -> View:
        return self._showing.view

    def _command(self, message: TaskRowCommand) -> None:
        """Send a command for a task, and pass the server's answer on when it comes."""
        key = message.task
        tasks = self._engine.state.tasks
        position = int(key) if key.isdecimal() else len(tasks)
        task_id = next(islice(tasks, position, None), None)
        if task_id is None:
            raise InvalidArgument(f"expected the key of a task's row, got {key!r}")

        def answered(future: Future[Any]) -> None:
            problem = None if future.cancelled() else future.exception()
            error = "the console was stopped" if future.cancelled() else None if problem is None else str(problem)
            self._replies.ask({"kind": "answer", "id": named(message.id), "ok": error is None, "error": error})

        self._engine.command(message.command, task_id).add_done_callback(answered)

    # ---- life and display ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Remove the panel from the page.

        The console goes on: `stop` ends it; the cell shows it again when it is run again.
        """
        if "_outputs" in self.__dict__ and not self._is_closed:
            self._is_closed = True
            if _shown.get(id(self.console)) is self:
                del _shown[id(self.console)]
            self._outputs.close()
            self._engine.detach(self._observe)
            self._searching.close()
            if self._engine.replay is not None:
                self._engine.replay.off_change(self._replayed)
            if not self._engine.is_forked:
                self._engine.call_soon(self._end_publishing)
        super().close()

    def _end_publishing(self) -> None:
        if self._published is not None:
            self._published.cancel()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._outputs.bundle(), {}

    def _ipython_display_(self, **_: Any) -> None:
        self._outputs.show()

    def __repr__(self) -> str:
        if "console" not in self.__dict__:
            return "ConsoleWidget(not begun)"  # a traceback with locals may ask in the middle of `__init__`
        return f"ConsoleWidget({self.address!r}, status={self.status!r})"


def _concealed(url: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the arguments without a secret in the open."""
    return url if isinstance(url, Console) else Secret(url), concealed(options)


def _console_of(url: Any, options: dict[str, Any]) -> Console | None:
    """Return this console, or one of the same run that a widget has shown and that still runs; None for a new one."""
    wanted = {name: value for name, value in options.items() if name not in {"height", "compact", "start", "display"}}
    if isinstance(url, Console):
        if wanted:
            named = ", ".join(wanted)
            raise InvalidArgument(f"expected no options beside a Console, got {named}: pass them to Console")
        return url
    asked: Options = check({"url": url, **wanted})
    known = next(
        (c for c in reversed(list(_consoles.values())) if _follows(c) and engine_of(c).options.same_run(asked)), None
    )
    if known is not None:
        engine_of(known).adopt(asked)
        widget = _shown.get(id(known))
        if widget is not None and not known.is_started:
            widget._publisher.flush()  # noqa: SLF001 - of this module
    return known


def _follows(console: Console) -> bool:
    """Return whether a console follows its run, or will; one that was never started counts only with a panel."""
    return (
        console.status in _RUNNING
        and not engine_of(console).is_forked
        and (console.is_started or id(console) in _shown)
    )
