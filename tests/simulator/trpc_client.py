"""A small tRPC client for the tests of the simulator: it sends messages and keeps the received frames."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from runconsole.simulator import Simulator

Message = dict[str, Any]


class TrpcClient:
    """One connection; `frames` is everything received over it, text that is no JSON unchanged."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Any] = []
        self._numbers = itertools.count(1)

    async def receive(self) -> Any:
        text = await self.connection.recv()
        try:
            self.frames.append(json.loads(text))
        except ValueError:
            self.frames.append(text)
        return self.frames[-1]

    async def until(self, wanted: Callable[[Message], object]) -> Message:
        """Return the next frame that is wanted."""
        while True:
            frame = await self.receive()
            if isinstance(frame, dict) and wanted(frame):
                return frame

    async def send(self, **message: Any) -> int:
        """Send a message with a number of its own; return the number."""
        number = next(self._numbers)
        await self.connection.send(json.dumps({"id": number, **message}))
        return number

    async def subscribe(self, path: str, **params: Any) -> int:
        number = await self.send(method="subscription", params={"path": path, **params})
        await self.until(lambda frame: frame.get("id") == number)
        return number

    async def call(self, method: str, path: str, **params: Any) -> Message:
        """Return the outcome of a query or mutation: its `result` or its `error`."""
        number = await self.send(method=method, params={"path": path, **params})
        return await self.until(lambda frame: frame.get("id") == number)

    async def refusal(self, method: str, path: str, **params: Any) -> tuple[str, str]:
        """Return the code and the message of a refusal."""
        frame = await self.call(method, path, **params)
        return frame["error"]["data"]["code"], frame["error"]["message"]

    async def asked(self, checkpoint: str) -> Message:
        """Wait until a checkpoint is asked; return the event."""
        return await self.until(lambda frame: f'"checkpointId": "{checkpoint}"' in json.dumps(frame))


@asynccontextmanager
async def trpc_client(
    sim: Simulator, query: str = "", headers: dict[str, str] | None = None
) -> AsyncIterator[TrpcClient]:
    # Without a limit of its queue the client always reads, also while it closes.
    async with connect(sim.url + query, additional_headers=headers, compression=None, max_queue=None) as connection:
        yield TrpcClient(connection)
