"""Fault injection between a run and the sockets, and the record of delivered events. Knows no protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Protocol

from runconsole.simulator.faults import (
    AskReconnect,
    Crash,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    Garbage,
    HalfOpen,
    LoseReply,
    Refuse,
    Reorder,
    Slow,
    Stray,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from runconsole.simulator.player import LogEntry
    from runconsole.simulator.service import Frame

__all__ = ["ClientLink", "FaultInjector", "Gone", "Socket"]

_GARBAGE = (
    "<html><h1>502 Bad Gateway</h1></html>",
    '{"type": "progress_upd',
    '{"no": "type"}',
    "[1, 2",
    "\u0000\u0001",
    "7",
    "",
)


class Gone(Exception):
    """The client is no longer connected."""


class Socket(Protocol):
    """One client's connection, as the injector needs it."""

    async def write(self, frame: Frame) -> None:
        """Write a frame of the protocol; return when the system has taken all of it. Raises Gone."""

    async def write_raw(self, text: str) -> None:
        """Write this text unchanged. Raises Gone."""

    async def write_stray(self) -> None:
        """Write the refusal of another client's request. Raises Gone."""

    def ask_reconnect(self) -> None:
        """Ask the client to connect anew, if the protocol has a message for it."""

    def cut(self) -> None:
        """End the connection at once, without a close."""

    async def close(self, code: int) -> None:
        """End the connection with a close code."""

    def listen(self, *, on: bool) -> None:
        """Stop or resume reading, of the protocol's own pings too."""


class ClientLink:
    """One client's link through the injector: its frames are written, or meet their fault.

    Attributes:
        number: the client's number, from 1.
        offered: the events that were given to the socket, in order.
        delivered: those of them that the system has taken.
        caught_up: the number of offered events when the client was told of the end of its replay; None before.
    """

    def __init__(self, number: int, socket: Socket, injector: FaultInjector, rng: Random) -> None:
        self.number = number
        self.offered: list[LogEntry] = []
        self.delivered: list[LogEntry] = []
        self.caught_up: int | None = None
        self.is_dead = False
        self._socket = socket
        self._injector = injector
        self._rng = rng
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._slow: tuple[float, float] = (0.0, 0.0)
        self._span = 0
        self._held: list[Frame] = []
        self._repeats: deque[Frame] = deque()
        self._recent: deque[Frame] = deque(maxlen=10_000)
        self._odd: deque[Garbage | Stray] = deque()

    async def send(self, frame: Frame) -> None:
        """Send a frame, with the faults applied. Raises Gone."""
        await self.catch_up()
        if frame.entry is None:
            await self.release_held()  # an answer, or the stream's end, overtakes nothing
            if not (frame.decides and self._injector.loses_reply(self)):
                await self._write(frame)
            return
        if self._span:
            self._held.append(frame)
            self._span -= 1
            if not self._span:
                await self.release_held()
            return
        await self._deliver(frame)

    async def catch_up(self) -> None:
        """Send the faults' frames that come before the next frame. Raises Gone."""
        while self._odd:
            fault = self._odd.popleft()
            await self._thawed.wait()
            if self.is_dead:
                continue
            if isinstance(fault, Stray):
                await self._socket.write_stray()
            else:
                await self._socket.write_raw(self._rng.choice(_GARBAGE))
        while self._repeats:
            await self._deliver(self._repeats.popleft(), again=True)

    @property
    def holds(self) -> bool:
        """Return whether events wait to be reordered."""
        return bool(self._held)

    async def release_held(self) -> None:
        """Send the held events, in another order. Raises Gone."""
        if not self._held:
            return
        held, self._held, self._span = self._held, [], 0
        self._rng.shuffle(held)
        for frame in held:
            await self._deliver(frame)

    async def _deliver(self, frame: Frame, *, again: bool = False) -> None:
        slow_until, pause = self._slow
        if asyncio.get_running_loop().time() < slow_until:
            await asyncio.sleep(pause)
        await self._thawed.wait()
        if self.is_dead or frame.entry is None:
            return
        self.offered.append(frame.entry)
        await self._socket.write(frame)
        self.delivered.append(frame.entry)
        if not again:
            self._recent.append(frame)
        self._injector.note_delivered(frame.entry.number)

    async def _write(self, frame: Frame) -> None:
        await self._thawed.wait()
        if not self.is_dead:
            await self._socket.write(frame)

    # ---- what faults do to it ---------------------------------------------------------------------------------------

    def apply(self, fault: Fault) -> None:
        """Apply a fault to this connection."""
        loop = asyncio.get_running_loop()
        match fault:
            case Drop(code=None):
                self._socket.cut()
            case Drop(code=int(code)):
                self._injector.spawn(self._socket.close(code))
            case Freeze(seconds=seconds):
                self._freeze(seconds)
            case HalfOpen():
                self.is_dead = True
                self._socket.listen(on=False)
            case Duplicate(count=count):
                self._repeats += list(self._recent)[len(self._recent) - min(count, len(self._recent)) :]
            case Reorder(span=span):
                self._span = max(self._span, span)
            case Garbage() | Stray():
                self._odd.append(fault)
            case Slow(seconds=seconds, pause=pause):
                self._slow = (loop.time() + seconds, pause)
            case AskReconnect():
                self._socket.ask_reconnect()
            case _:
                raise TypeError(f"{fault} does not happen to a connection")

    def cut(self) -> None:
        """End the connection at once."""
        self._socket.cut()

    def _freeze(self, seconds: float) -> None:
        self._thawed.clear()
        self._socket.listen(on=False)
        asyncio.get_running_loop().call_later(seconds, self._thaw)

    def _thaw(self) -> None:
        self._thawed.set()
        if not self.is_dead:
            with contextlib.suppress(OSError, RuntimeError):
                self._socket.listen(on=True)


class FaultInjector:
    """The faults of a server, and its record.

    Args:
        faults: the faults, each once.
        seed: the seed of reordering and garbage.
        crash: crashes and restarts the whole server.
        woken: called when a connection has something to do.

    Attributes:
        links: every connection so far, in order.
        attempts: the number of attempts to connect, refused ones included.
        answered: the number of answered decisions.
    """

    def __init__(
        self, faults: Sequence[Fault], *, seed: int, crash: Callable[[Crash], None], woken: Callable[[], None]
    ) -> None:
        self.links: list[ClientLink] = []
        self.attempts = 0
        self.answered = 0
        self._present: set[ClientLink] = set()
        self._rng = Random(f"{seed}/faults")  # noqa: S311 - a play, not a secret
        self._crash = crash
        self._woken = woken
        self._position: int | None = None
        self._refusals = deque(fault for fault in faults if isinstance(fault, Refuse) and fault.after <= 0)
        self._losses = [(fault.nth, fault) for fault in faults if isinstance(fault, LoseReply) and fault.after <= 0]
        rest = [fault for fault in faults if fault.after > 0 or not isinstance(fault, (Refuse, LoseReply))]
        self._armed: list[Fault] = sorted(rest, key=lambda fault: fault.after)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_quiet(self) -> bool:
        """True if every fault has happened, but for those that wait for an attempt or a decision."""
        return not self._armed

    @property
    def present(self) -> int:
        """The number of clients connected now, half-open ones not counted."""
        return sum(not link.is_dead for link in self._present)

    def inject(self, fault: Fault) -> None:
        """Let a fault happen `after` more events; at once for 0."""
        if fault.after <= 0:
            self._apply(fault)
            return
        self._armed.append(replace(fault, after=fault.after + (self._position or 0)))
        self._armed.sort(key=lambda fault: fault.after)

    def refuses(self) -> int | None:
        """Note an attempt to connect; return the HTTP status that refuses it, None to let it in."""
        self.attempts += 1
        if not self._refusals:
            return None
        refusal = self._refusals[0]
        if refusal.times <= 1:
            self._refusals.popleft()
        else:
            self._refusals[0] = Refuse(refusal.times - 1, refusal.after, refusal.status)
        return refusal.status

    def enter(self, socket: Socket) -> ClientLink:
        """Register a client."""
        link = ClientLink(len(self.links) + 1, socket, self, Random(self._rng.random()))  # noqa: S311 - as above
        self.links.append(link)
        self._present.add(link)
        if self._position is None:
            self.note_delivered(0)
        return link

    def leave(self, link: ClientLink) -> None:
        """Note that a client has gone."""
        self._present.discard(link)

    def loses_reply(self, link: ClientLink) -> bool:
        """Note that a decision is being answered; return whether its answer is lost."""
        self.answered += 1
        found = next((entry for entry in self._losses if entry[0] <= self.answered), None)
        if found is None:
            return False
        self._losses.remove(found)
        if found[1].cut:
            link.cut()
        return True

    def note_delivered(self, number: int) -> None:
        """Note that an event was delivered to a client: faults that wait for it happen."""
        if self._position is not None and number <= self._position:
            return
        self._position = number
        while self._armed and self._armed[0].after <= number:
            self._apply(self._armed.pop(0))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background, to its end or the server's."""
        task = asyncio.get_running_loop().create_task(_quietly(work), name="runconsole-fault")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancel the background work."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _apply(self, fault: Fault) -> None:
        match fault:
            case Crash():
                self._crash(fault)
            case Refuse():
                if fault.times > 0:
                    self._refusals.append(fault)
            case LoseReply(nth=nth):
                self._losses.append((self.answered + nth, fault))
            case _:
                for link in sorted(self._present, key=lambda link: link.number):
                    link.apply(fault)
        self._woken()


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(Gone, OSError):
        await work
