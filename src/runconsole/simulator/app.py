"""A run with its server, on the running loop: all of the simulator but its thread."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol, Self

from runconsole.simulator.faults import Crash, Fault
from runconsole.simulator.injector import FaultInjector
from runconsole.simulator.service import Delivery, RunService
from runconsole.simulator.strict import Dialect
from runconsole.simulator.wires.agui import PATH as AGUI_PATH
from runconsole.simulator.wires.agui import AguiAcceptor
from runconsole.simulator.wires.agui import Thread as AguiThread
from runconsole.simulator.wires.agui_events import AguiDialect
from runconsole.simulator.wires.channel import ChannelPeer
from runconsole.simulator.wires.langgraph import LangGraphAcceptor
from runconsole.simulator.wires.langgraph_api import THREAD_ID, Threads
from runconsole.simulator.wires.server import Received, WebSocketAcceptor
from runconsole.simulator.wires.trpc import Mark, TrpcPeer, number_of

if TYPE_CHECKING:
    from types import TracebackType

    from runconsole.simulator.player import Player
    from runconsole.simulator.wires.server import Handshake, Peer

__all__ = ["App", "ServeOptions", "Wire", "url_of"]

Wire = Literal["json", "trpc", "socketio", "agui", "langgraph"]

_PATHS: dict[Wire, str] = {
    "json": "/ws",
    "trpc": "/trpc",
    "socketio": "",
    "agui": AGUI_PATH,
    "langgraph": f"/threads/{THREAD_ID}",
}


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Options of a server. `Simulator` documents each.

    Attributes:
        mark: makes the id of tRPC's tracked events; None sends them untracked.
        dialect: the one decision procedure of a strict server; None serves a lenient one.
        asking: an AG-UI server's way to ask.
        modes: the stream modes of the first run of a LangGraph server; none for a run of the protocol.
    """

    wire: Wire = "json"
    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None
    replay: bool = True
    delivery: Delivery = "push"
    autostart: bool = False
    close_when_done: bool = False
    superjson: bool = False
    mark: Mark | None = number_of
    faults: Sequence[Fault] = ()
    seed: int = 1
    dialect: Dialect | None = None
    asking: AguiDialect = "outcome"
    modes: tuple[str, ...] = ()


def url_of(serving: ServeOptions) -> str:
    """Return the clients' URL."""
    scheme = "http" if serving.wire in {"socketio", "agui", "langgraph"} else "ws"
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    return f"{scheme}://{host}:{serving.port}{_PATHS[serving.wire]}"


class _Acceptor(Protocol):
    async def open(self, listener: socket.socket) -> None: ...
    async def close(self) -> None: ...
    async def crash(self) -> None: ...
    def wake(self) -> None: ...


class App:
    """Serves a run while its context is open. The run begins with the first client that may see it.

    Args:
        player: the run.
        serving: the options.
        on_finished: called at the end of every run.
        another: makes another run, on wires whose clients begin runs.

    Attributes:
        injector: the faults, and the record of delivered events.
        service: the clients' operations on the run.
        received: every frame that clients sent.
        port: the port, once open.
    """

    def __init__(
        self,
        player: Player,
        serving: ServeOptions,
        *,
        on_finished: Callable[[], None] = lambda: None,
        another: Callable[[], Player] | None = None,
    ) -> None:
        self.player = player
        self.serving = serving
        self._on_finished = on_finished
        self._another = another
        self.received: list[Received] = []
        self.port = serving.port
        self.service = RunService(player, serving.token, serving.dialect)
        self.injector = FaultInjector(serving.faults, seed=serving.seed, crash=self._crash, woken=self._wake)
        self._begin = asyncio.Event()
        self._agui_threads: dict[str, AguiThread] = {}
        self._threads = Threads(self.begin_run, serving.modes)
        self._acceptor: _Acceptor | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._forget_listeners = [player.listen(self._wake)]
        if serving.autostart and serving.wire == "langgraph":
            self._threads.visit(THREAD_ID)
        elif serving.autostart:
            self._begin.set()

    @property
    def is_up(self) -> bool:
        """True while clients can connect: not during a crash."""
        return self._acceptor is not None

    @property
    def url(self) -> str:
        """The clients' URL; never holds the token."""
        return url_of(replace(self.serving, port=self.port))

    async def __aenter__(self) -> Self:
        listener = _listen(self.serving.host, self.port)
        self.port = listener.getsockname()[1]
        self._acceptor = self._make_acceptor()
        await self._acceptor.open(listener)
        self._tasks.append(asyncio.create_task(self._play_first(), name="runconsole-simulator-play"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for forget in self._forget_listeners:
            forget()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.injector.close()
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            await acceptor.close()

    async def _play_first(self) -> None:
        await self._begin.wait()
        await self._play(self.player)

    async def _play(self, player: Player) -> None:
        await player.play()
        if player is self.player:
            self._on_finished()

    def begin_run(self) -> Player:
        """Begin the run, or another one where it has begun; return it."""
        if not self._begin.is_set() or self._another is None:
            self._begin.set()
            return self.player
        self.player = self._another()
        self._forget_listeners.append(self.player.listen(self._wake))
        self._tasks.append(asyncio.create_task(self._play(self.player), name="runconsole-simulator-play"))
        return self.player

    def _wake(self) -> None:
        if self._acceptor is not None:
            self._acceptor.wake()

    # ---- the server -------------------------------------------------------------------------------------------------

    def _make_acceptor(self) -> _Acceptor:
        serving = self.serving
        if serving.wire == "socketio":
            from runconsole.simulator.wires.socketio import SocketIoAcceptor

            return SocketIoAcceptor(
                self.service,
                self.injector,
                received=self.received,
                on_admitted=self._begin.set,
                replay=serving.replay,
                delivery=serving.delivery,
                close_when_done=serving.close_when_done,
                strict=serving.dialect is not None,
            )
        if serving.wire == "agui":
            return AguiAcceptor(
                self.service,
                self.injector,
                received=self.received,
                begin=self.begin_run,
                dialect=serving.asking,
                threads=self._agui_threads,
            )
        if serving.wire == "langgraph":
            return LangGraphAcceptor(
                self.service, self.injector, received=self.received, threads=self._threads, replay=serving.replay
            )
        return WebSocketAcceptor(
            _PATHS[serving.wire],
            self._peer,
            player=self.player,
            injector=self.injector,
            received=self.received,
            on_admitted=self._begin.set,
            close_when_done=serving.close_when_done,
        )

    def _peer(self, handshake: Handshake) -> Peer:
        serving = self.serving
        if serving.wire == "trpc":
            return TrpcPeer(
                self.service,
                offered=handshake.token,
                awaits_params=handshake.has_params,
                replay=serving.replay,
                superjson=serving.superjson,
                mark=serving.mark,
            )
        strict = serving.dialect is not None
        delivery: Delivery = "subscribe" if strict else serving.delivery
        return ChannelPeer(
            self.service, offered=handshake.token, replay=serving.replay, delivery=delivery, strict=strict
        )

    def _crash(self, crash: Crash) -> None:
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            task = asyncio.get_running_loop().create_task(self._come_back(acceptor, crash), name="runconsole-crash")
            self._tasks.append(task)

    async def _come_back(self, acceptor: _Acceptor, crash: Crash) -> None:
        await acceptor.crash()
        # Bound, but not listening: no client gets in, and no other process takes the port.
        place = _bind(self.serving.host, self.port)
        try:
            await asyncio.sleep(crash.down_s)
            if crash.forget:
                self.service.floor = len(self.player.log)
                self._agui_threads.clear()
                self._threads.forget()
            place.listen(100)
            self._acceptor = self._make_acceptor()
            await self._acceptor.open(place)
        except BaseException:
            place.close()
            raise


def _bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    place = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(address)
    except OSError as error:
        place.close()
        raise OSError(error.errno, os.strerror(error.errno or errno.EINVAL).lower()) from None
    place.setblocking(False)  # noqa: FBT003 - the standard library's
    return place


def _listen(host: str, port: int) -> socket.socket:
    place = _bind(host, port)
    with contextlib.ExitStack() as stack:
        stack.callback(place.close)
        place.listen(100)
        stack.pop_all()
    return place
