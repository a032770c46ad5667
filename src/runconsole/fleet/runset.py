"""`RunSet`: the consoles of several runs, watched together on the I/O thread."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from runconsole.api.run import RunAPI, engine_of
from runconsole.console import Console
from runconsole.engine.engine import Engine
from runconsole.engine.iothread import IOThread, lease
from runconsole.errors import InvalidArgument, RunConsoleError
from runconsole.fleet.calling import InboxQuestion, QuestionCalls
from runconsole.options import check, concealed
from runconsole.protocols.local.source import Followable, Source
from runconsole.protocols.registry import lister
from runconsole.redaction.secrets import Secret
from runconsole.state import Effect, RunState, Urgent
from runconsole.state.dated import dated_checkpoint, moment
from runconsole.view.fleet import KnownRun, OpenQuestion, questions

__all__ = ["Member", "RunPlace", "RunSet"]

ListRuns: TypeAlias = Callable[[], Awaitable[list[Secret[str]]]]
RunPlace: TypeAlias = "str | os.PathLike[str] | Source | Followable | RunAPI"
"""A run: a URL, the path of a recording, a `Source`, an `ActiveRun`, a `Console` or a `ConsoleWidget`."""

TICK_S = 1.0
"""Seconds after which silence and time are looked at again while a run is followed."""
LEAST_PAUSE_S = 0.2
"""The least seconds between two looks at the runs."""
GROUP_S = 0.05
"""Changes come in groups: seconds from the first of them to the look."""
_LISTING_S = 10.0
"""Seconds between two lists of a server's waiting runs."""
_NOTICES = 3
_FOLLOWING = frozenset({"connecting", "live", "retrying"})


class Member:
    """One run of the set: its key, and the console that follows it."""

    def __init__(self, key: str, console: RunAPI, *, is_shared: bool) -> None:
        self.key = key
        self.console = console
        self.engine = engine_of(console)
        self.is_shared = is_shared
        """True if a set made the console, for itself and for others of the same run."""

    def known(self) -> KnownRun:
        """Return what is known of the run now."""
        engine = self.engine
        return KnownRun(
            self.key,
            engine.state,
            engine.status,
            engine.now,
            engine.address,
            engine.replay is not None,
            tuple(engine.left_to_people),
        )


class _Server:
    """A server with many runs: those that wait for people are members, from when it lists them."""

    def __init__(self, address: str, list_runs: ListRuns) -> None:
        self.address = address
        self.list_runs = list_runs
        self.is_listed = False
        """True if it was asked once, with any result."""
        self.problem: str | None = None
        self.task: asyncio.Task[None] | None = None


class _Consoles:
    """The consoles that sets have made of URLs: sets of the same run share one, and the last one stops it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[Console, int] = {}

    def take(self, place: Secret[Any], options: Mapping[str, Any]) -> Console:
        """Return a console of this run, a new one if none follows it. Raises as `Console`."""
        wanted = {name: value for name, value in options.items() if name != "start"}
        asked = check({"url": place, **wanted})
        with self._lock:
            for console in self._users:
                if console.status in _FOLLOWING and engine_of(console).options.same_run(asked):
                    self._users[console] += 1
                    return console
        given: Any = {"url": place, **options}
        made = Console(**given)
        with self._lock:
            self._users[made] = 1
        return made

    def give(self, console: Console) -> None:
        """Stop a console that nobody uses any more."""
        with self._lock:
            self._users[console] -= 1
            is_last = self._users[console] == 0
            if is_last:
                del self._users[console]
        if is_last:
            console.stop()


_consoles = _Consoles()


class RunSet:
    """The runs of an inbox or of a fleet. Any thread may call it.

    Args:
        options: the options of the consoles that are made of URLs, paths and sources.
        changed: called on the I/O thread with what is known of all runs, when something has changed, and each second
            while a run is followed; returns the seconds that must pass until the next call.
        on_question: called once with each question that is left to people.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        changed: Callable[[tuple[KnownRun, ...]], float | None] = lambda _: None,
        on_question: Callable[[InboxQuestion], Any] | None = None,
    ) -> None:
        self._changed = changed
        self._options = concealed(options)
        self._lock = threading.Lock()
        self._made = 0
        self._servers: list[_Server] = []
        self.members: tuple[Member, ...] = ()
        self.notices: deque[str] = deque(maxlen=_NOTICES)
        """The newest sentences about what went wrong on this side."""
        self._told: weakref.WeakKeyDictionary[RunState, set[tuple[str, int]]] = weakref.WeakKeyDictionary()
        """The questions of each run, by id and round, that `on_question` was called with."""
        self._calls: QuestionCalls | None = None
        self._io: IOThread | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self.call_with(on_question)

    # ---- its runs -----------------------------------------------------------------------------------------------

    def add(self, places: Iterable[RunPlace | Secret[str]]) -> None:
        """Add runs; one that is in the set stays as it is. Raises as `Console`, and then adds none.

        The address of a server with many runs (LangGraph's, without a thread) stands for those that wait for people.
        """
        hidden = [place if _console_of(place) is not None else Secret(place) for place in _several(places)]
        del places  # a traceback with locals shows the remaining variables
        hidden = [place for place in hidden if not self._is_server(place)]
        if self._options.get("record") is not None and sum(isinstance(place, Secret) for place in hidden) > 1:
            raise InvalidArgument("expected no record= for several runs: give each a console of its own")
        taken: list[Member] = []
        try:
            with self._lock:
                for place in hidden:
                    self._take(place, taken)
                self.members = (*self.members, *taken)
        except BaseException:
            for member in taken:
                self._leave(member)
            raise
        for member in taken:
            member.engine.attach(self._observe)
        self.wake()

    def _is_server(self, place: RunAPI | Secret[Any]) -> bool:
        """Note the address of a server with many runs; return whether it is one."""
        if not isinstance(place, Secret) or not isinstance(place.reveal(), str):
            return False
        options = check({"url": place} | {name: value for name, value in self._options.items() if name != "start"})
        list_runs = lister(options, options.inferred_protocol())
        if list_runs is None:
            return False
        with self._lock:
            if all(server.address != options.address for server in self._servers):
                self._servers.append(_Server(options.address, list_runs))
        self.wake()
        return True

    @property
    def has_servers(self) -> bool:
        """True if more runs may come up by themselves."""
        return bool(self._servers)

    @property
    def unlisted(self) -> list[str]:
        """The addresses of the servers whose runs could not be listed."""
        return [server.address for server in self._servers if server.problem is not None]

    @property
    def is_listing(self) -> bool:
        """True while the runs of a server are not known yet."""
        return any(not server.is_listed for server in self._servers)

    def _take(self, place: RunAPI | Secret[Any], taken: list[Member]) -> None:
        """Take a run, unless it is there."""
        console = _console_of(place) if not isinstance(place, Secret) else None
        shared = console is None
        if console is None:
            console = _consoles.take(place, self._options)  # type: ignore[arg-type]  # a Secret, see above
        if any(member.engine is engine_of(console) for member in (*self.members, *taken)):
            if shared:
                _consoles.give(console)  # type: ignore[arg-type]  # made here
            return
        self._made += 1
        taken.append(Member(f"r{self._made}", console, is_shared=shared))

    def member(self, key: object) -> Member:
        """Return a run by its key. Raises InvalidArgument."""
        found = next((member for member in self.members if member.key == key), None)
        if found is None:
            raise InvalidArgument("expected a run of this panel: it shows others now")
        return found

    def known(self) -> tuple[KnownRun, ...]:
        """Return what is known of each run now."""
        return tuple(member.known() for member in self.members)

    def has_same(self, other: Iterable[Engine]) -> bool:
        """Return whether these are the engines of this set's runs."""
        return [member.engine for member in self.members] == list(other)

    def call_with(self, function: Callable[[InboxQuestion], Any] | None) -> None:
        """Call another function with the questions from here on; it is not called again with those of the past."""
        if self._calls is not None:
            self._calls.close()
        self._calls = None if function is None else QuestionCalls(function, self._say)

    # ---- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Watch the runs, unless it already does."""
        if self._io is None:
            self._io = lease()
            self._io.call(self._begin)

    def stop(self) -> None:
        """End the watching. The set's own consoles are stopped, other consoles go on. Twice is as once."""
        io, self._io = self._io, None
        if io is not None:
            if not io.is_lost and not io.loop.is_closed():
                io.call(self._end)
            io.release()
        if self._calls is not None:
            self._calls.close()
        with self._lock:
            members, self.members = self.members, ()
        for member in members:
            self._leave(member)

    def _leave(self, member: Member) -> None:
        member.engine.detach(self._observe)
        if member.is_shared:
            _consoles.give(member.console)  # type: ignore[arg-type]  # made here

    def wake(self) -> None:
        """Look at the runs soon."""
        io = self._io
        if io is not None and not io.is_lost and not io.loop.is_closed():
            io.call(self._be_quick)

    def _begin(self) -> None:
        self._wake, self._hurry = asyncio.Event(), asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._watch(), name="runconsole-runs")

    def _end(self) -> None:
        for task in (self._task, *(server.task for server in self._servers)):
            if task is not None:
                task.cancel()

    # ---- on the I/O thread --------------------------------------------------------------------------------------

    def _observe(self, effects: tuple[Effect, ...]) -> None:
        """Note that something has changed; an urgent change is looked at first."""
        self._wake.set()
        if any(isinstance(effect, Urgent) for effect in effects):
            self._hurry.set()

    def _be_quick(self) -> None:
        self._wake.set()
        self._hurry.set()

    async def _watch(self) -> None:
        while True:
            self._wake.clear()
            self._hurry.clear()
            for server in self._servers:
                if server.task is None:
                    server.task = asyncio.get_running_loop().create_task(self._list(server), name="runconsole-list")
            pause = self.look()
            await _set_within(self._hurry, max(LEAST_PAUSE_S, pause))
            is_followed = any(member.engine.status in _FOLLOWING for member in self.members)
            await _set_within(self._wake, TICK_S if is_followed else None)
            await asyncio.sleep(GROUP_S)

    async def _list(self, server: _Server) -> None:
        """Add the runs of a server that wait for people, again and again."""
        while True:
            problem: str | None = None
            try:
                found = await server.list_runs()
                await asyncio.to_thread(self.add, found)  # a new console waits for this thread
            except (RunConsoleError, OSError) as error:
                problem = str(error)
            if problem is not None and problem != server.problem:
                self._say(f"the waiting runs of {server.address} could not be listed: {problem}")
            server.problem, server.is_listed = problem, True
            self.wake()
            await asyncio.sleep(_LISTING_S)

    def look(self) -> float:
        """Look at the runs now: call `on_question` with new questions, and `changed`; return the pause it asks for."""
        known = self.known()
        self._tell(known)
        try:
            return self._changed(known) or 0.0
        except Exception as error:  # noqa: BLE001 - what cannot be shown does not end the watching
            self._say(f"the runs could not be shown ({type(error).__name__}: {error}): please report this")
            return TICK_S

    def _tell(self, known: tuple[KnownRun, ...]) -> None:
        """Call the function with each open question, once, in whatever state its connection is."""
        calls = self._calls
        if calls is None:
            return
        for asked in questions(known):
            told = self._told.setdefault(asked.run.state, set())
            name = (asked.checkpoint.checkpoint_id, asked.checkpoint.round)
            if name not in told and asked.checkpoint.status == "pending":
                told.add(name)
                calls.put(self._public(asked))

    def _public(self, asked: OpenQuestion) -> InboxQuestion:
        return InboxQuestion(
            run=asked.run_name,
            address=asked.run.address,
            console=self.member(asked.run.key).console,
            checkpoint=dated_checkpoint(asked.checkpoint),
            due_at=None if asked.due_at is None else moment(asked.due_at),
        )

    def questions(self) -> list[InboxQuestion]:
        """Return the open questions of all runs, the nearest deadline first."""
        return [self._public(asked) for asked in questions(self.known())]

    def _say(self, text: str) -> None:
        """Show one sentence; from any thread."""
        self.notices.append(text)
        self.wake()


def _several(places: Any) -> list[Any]:
    """Return the given runs as a list. Raises InvalidArgument."""
    if isinstance(places, (str, bytes, os.PathLike, Source, RunAPI, Secret)) or not isinstance(places, Iterable):
        raise InvalidArgument(f"expected a list of runs, got one {type(places).__name__}: put it in brackets")
    return list(places)


def _console_of(place: Any) -> RunAPI | None:
    """Return the console that a run has already: itself, or that of an `ActiveRun`; None for a place to follow."""
    own = place if isinstance(place, RunAPI) else getattr(place, "console", None)
    return own if isinstance(own, RunAPI) else None


async def _set_within(event: asyncio.Event, seconds: float | None) -> None:
    """Return when the event is set, or after the seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
