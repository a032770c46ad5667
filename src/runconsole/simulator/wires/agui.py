"""Runs over AG-UI: a POST starts one, its response is the stream of its events (docs/protocols/agui.md).

A run ends where all of it waits for people, with questions; the next run of the thread answers them. There is no way to
join a run: a client that goes loses the rest. Each thread plays a run of its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runconsole.simulator.injector import ClientLink, FaultInjector
from runconsole.simulator.scenario import Answer, Checkpoint, Event, Refusal
from runconsole.simulator.service import Frame
from runconsole.simulator.wires.agui_events import AguiDialect, AguiEvents
from runconsole.simulator.wires.agui_questions import answers_of_command, answers_of_resume
from runconsole.simulator.wires.http import Exchange, HttpAcceptor, HttpServer
from runconsole.simulator.wires.server import Received

if TYPE_CHECKING:
    from runconsole.simulator.player import Player
    from runconsole.simulator.service import RunService

__all__ = ["PATH", "AguiAcceptor", "Thread"]

PATH = "/agui"
_FIELDS = ("threadId", "runId", "messages")
"""The fields that a request must have."""


@dataclass(slots=True)
class Thread:
    """A thread: its run, what was sent of it, and the client that reads it."""

    player: Player
    events: AguiEvents
    cursor: int = 0
    is_read: bool = False

    def open_questions(self, dialect: AguiDialect) -> list[Checkpoint]:
        """Return the questions that wait; of a server that asks one at a time, the first."""
        waiting = [checkpoint for checkpoint in self.player.checkpoints if checkpoint.state == "open"]
        return waiting if dialect == "outcome" else waiting[:1]

    @property
    def rests(self) -> bool:
        """True if nothing more comes without an answer."""
        return self.player.finished or self.player.waits_for_people

    def skip(self) -> None:
        """Pass over the events that no client was there to read."""
        for entry in self.player.log[self.cursor :]:
            self.events.read(entry.event)
        self.cursor = len(self.player.log)


class AguiAcceptor(HttpAcceptor):
    """Accepts requests.

    Args:
        service: the admission of clients.
        injector: the faults.
        received: gets the body of every request.
        begin: begins a run.
        dialect: the server's way to ask.
        threads: the known threads by their ids; those begun are added.
    """

    def __init__(
        self,
        service: RunService,
        injector: FaultInjector,
        *,
        received: list[Received],
        begin: Callable[[], Player],
        dialect: AguiDialect,
        threads: dict[str, Thread],
    ) -> None:
        self._service = service
        self._injector = injector
        self._received = received
        self._begin = begin
        self._dialect: AguiDialect = dialect
        self._threads = threads
        super().__init__(HttpServer(self._handle))

    # ---- requests ---------------------------------------------------------------------------------------------------

    async def _handle(self, exchange: Exchange) -> None:
        request = exchange.request
        status = self._injector.refuses()
        if status is not None:
            await exchange.respond(status, {"detail": "Not now"})
        elif request.path != PATH:
            await exchange.respond(404, {"detail": "Not Found"})
        elif request.method != "POST":
            await exchange.respond(405, {"detail": "Method Not Allowed"}, {"allow": "POST"})
        elif not self._service.accepts(request.bearer):
            await exchange.respond(401, {"detail": "Invalid token"}, {"www-authenticate": "Bearer"})
        else:
            await self._post(exchange)

    async def _post(self, exchange: Exchange) -> None:
        body, problems = _read(exchange)
        if problems:
            bare = [problem | {"loc": problem["loc"][1:]} for problem in problems]  # as pydantic-ai
            await exchange.respond(422, bare if self._dialect == "outcome" else {"detail": problems})
            return
        link = self._injector.enter(exchange)
        text = exchange.request.body.decode(errors="replace")
        self._received.append(Received(datetime.now(UTC), link.number, text))
        gone = asyncio.ensure_future(exchange.gone())
        streaming = asyncio.ensure_future(self._stream(exchange, link, body))
        try:
            await asyncio.wait({gone, streaming}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._injector.leave(link)
            for task in (gone, streaming):
                task.cancel()
            await asyncio.gather(gone, streaming, return_exceptions=True)

    async def _stream(self, exchange: Exchange, link: ClientLink, body: dict[str, Any]) -> None:
        """Send the events of one run."""
        await exchange.open()
        thread = self._threads.get(body["threadId"])
        fresh = AguiEvents(self._dialect, body["threadId"])
        try:
            thread, decides = self._begun(thread, fresh, body)
        except Refusal as refusal:
            started = fresh.begin(body["runId"], round(time.time() * 1000))
            is_answer = bool(_answer_in(body))
            await link.send(_frame(started, decides=is_answer))
            await link.send(_frame(fresh.refuse(refusal.code, refusal.message)))
        else:
            thread.is_read = True
            try:
                await self._follow(link, thread, body["runId"], decides=decides)
            finally:
                thread.is_read = False
        await link.catch_up()
        if link.is_dead:
            await asyncio.Event().wait()  # until the client gives up
        await exchange.end()

    async def _follow(self, link: ClientLink, thread: Thread, run_id: str, *, decides: bool) -> None:
        events, player = thread.events, thread.player
        clock = player.timeline.clock
        now = round((clock.started_at.timestamp() + clock.seconds) * 1000)
        started = thread.events.begin(run_id, now)
        await link.send(_frame(started, decides=decides))
        await link.send(_frame(events.state()))
        woken = asyncio.Event()
        self._sleeping.add(woken)
        try:
            while True:
                woken.clear()
                while thread.cursor < len(player.log):
                    entry = player.log[thread.cursor]
                    thread.cursor += 1
                    await link.send(Frame(_written(events.read(entry.event)), entry))
                if thread.cursor == len(player.log) and thread.rests:
                    break
                await woken.wait()
        finally:
            self._sleeping.discard(woken)
        asked = [] if player.finished else thread.open_questions(self._dialect)
        await link.send(_frame(events.ask(asked) if asked else events.finish()))

    # ---- threads ----------------------------------------------------------------------------------------------------

    def _begun(self, thread: Thread | None, fresh: AguiEvents, body: dict[str, Any]) -> tuple[Thread, bool]:
        """Return the thread of a request, whose run goes on now; and whether it answers questions. Raises Refusal."""
        answer = _answer_in(body)
        if thread is not None and (thread.is_read or not thread.rests):
            raise Refusal("RUN_UNDER_WAY", "A run of this thread is under way; there is no way to join it.")
        if thread is None or thread.player.finished:
            if answer:
                raise Refusal("UNKNOWN_INTERRUPT", "This thread has no open interrupts.")
            thread = Thread(self._begin(), fresh)
            thread.events.take([message for message in body["messages"] if isinstance(message, dict)])
            self._threads[body["threadId"]] = thread
            return thread, False
        thread.skip()
        asked = thread.open_questions(self._dialect)
        if not answer:
            names = ", ".join(checkpoint.id for checkpoint in asked)
            raise Refusal("OPEN_INTERRUPTS", f"No new input before the open interrupts are answered: {names}.")
        for one in self._answers(body, asked):
            thread.player.decide(one)
        return thread, True

    def _answers(self, body: dict[str, Any], asked: Iterable[Checkpoint]) -> list[Answer]:
        if self._dialect == "outcome":
            return answers_of_resume(body.get("resume"), asked, body)
        props = body.get("forwardedProps")
        return answers_of_command(props.get("command") if isinstance(props, dict) else None, asked)


def _answer_in(body: dict[str, Any]) -> Any:
    """Return the answers in a request, in either form; None for none."""
    props = body.get("forwardedProps")
    return body.get("resume") or (props.get("command") if isinstance(props, dict) else None)


def _read(exchange: Exchange) -> tuple[Any, list[Event]]:
    """Return the value of a request, and its problems."""
    try:
        body = exchange.request.json()
    except ValueError:
        return None, [{"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error"}]
    return body, _problems(body)


def _problems(body: Any) -> list[Event]:
    """Return the problems of a request in the words of FastAPI."""
    if not isinstance(body, dict):
        return [{"type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary"}]
    missing = [name for name in _FIELDS if name not in body]
    found: list[Event] = [{"type": "missing", "loc": ["body", name], "msg": "Field required"} for name in missing]
    for name, kind in (("threadId", str), ("runId", str), ("messages", list), ("tools", list), ("context", list)):
        if name in body and not isinstance(body[name], kind):
            words = "string" if kind is str else "list"
            found.append({"type": f"{words}_type", "loc": ["body", name], "msg": f"Input should be a valid {words}"})
    return found


def _frame(events: Iterable[Event], *, decides: bool = False) -> Frame:
    return Frame(_written(events), decides=decides)


def _written(events: Iterable[Event]) -> str:
    return "".join(f"data: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n\n" for event in events)
