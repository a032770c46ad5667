"""Streams of server-sent events over HTTP: a GET that is resumed, or POSTs whose responses are streams.

A frame is the data of an event. In a conversation of POSTs, what is said about a response is a frame as well, in the
form of an SSE comment, which no data can be confused with: JSON does not begin with a colon.
"""

from __future__ import annotations

import asyncio
import ssl as ssl_module
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from runconsole.errors import LinkLost
from runconsole.redaction.secrets import Secret, bare
from runconsole.transports.sse.arrivals import Arrivals
from runconsole.transports.sse.loading import load_requests
from runconsole.transports.sse.parser import SseEvent

if TYPE_CHECKING:
    from runconsole.transports.sse.requests import SseRequests, Stream

__all__ = ["BROKEN", "ENDED", "OPENED", "REFUSED", "SseTransport"]

OPENED = ": opened"
"""The frame of a response that begins."""
ENDED = ": ended"
"""The frame of a response that has ended in good order."""
REFUSED = ": refused "
"""The beginning of a frame about a later request that the server did not take, with the reason."""
BROKEN = ": broken "
"""The beginning of a frame about a response that broke, or a request whose effect is unknown, with the reason."""

_OPEN_TIMEOUT = 15.0
_PARTING = 1.0
"""Seconds for a response to end after which another request is sent."""


class SseTransport:
    """Reads streams of events of one address.

    Args:
        url: ``http(s)://``, with everything the server needs, secrets included: it is never shown.
        method: ``GET`` opens one stream on connecting; a later connection sends ``Last-Event-ID``. ``POST`` sends
            nothing on connecting: each frame that is sent is the body of a request, whose response is read.
        headers: sent with each request.
        ssl: a context for ``https://``; None uses the system's certificates.
        hide: hides secrets in what the server says.
        wanted: the kind of endpoint that is expected, for a sentence.
        silence: seconds without a byte after which a connection counts as dead, for servers that send signs of life.
            None leaves it to the keep-alive probes of the network.
        frame_of: makes the frame of an event.

    A request that may have taken effect is never sent again.
    """

    def __init__(
        self,
        url: str | Secret[str],
        *,
        method: Literal["GET", "POST"] = "GET",
        headers: Mapping[str, str] | Secret[Mapping[str, str]] | None = None,
        ssl: ssl_module.SSLContext | None = None,
        hide: Callable[[str], str] = str,
        wanted: str = "a stream of server-sent events",
        silence: float | None = None,
        frame_of: Callable[[SseEvent], str] = lambda event: event.data,
    ) -> None:
        self._url = Secret(url)
        self._method = method
        self._headers: Secret[Mapping[str, str]] = Secret(dict(bare(headers) or {}))
        self._ssl = ssl
        self._hide = hide
        self._wanted = wanted
        self._silence = silence
        self._frame_of = frame_of
        self._last_id = ""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[_Reading | _Conversation]:
        """Connect; leaving the context closes within about a second. Raises LinkLost."""
        requests = self._requests()
        try:
            if self._method == "GET":
                async with self._reading(requests) as reading:
                    yield reading
            else:
                conversation = _Conversation(requests, self._frame_of, self._silence)
                try:
                    yield conversation
                finally:
                    await conversation.close()
        finally:
            await requests.close()

    @asynccontextmanager
    async def _reading(self, requests: SseRequests) -> AsyncIterator[_Reading]:
        stream = await self._opened(requests)
        reading = _Reading(stream, requests.host, self._frame_of, self._silence)
        try:
            yield reading
        finally:
            self._last_id = stream.last_id or self._last_id
            await reading.close()

    async def _opened(self, requests: SseRequests) -> Stream:
        from runconsole.transports.sse.requests import Failed

        try:
            return await requests.open("GET", last_id=self._last_id, patience=_OPEN_TIMEOUT)
        except Failed as failed:
            lost = failed.lost
        raise lost  # outside of the handler: the frames of the error hold the headers

    def _requests(self) -> SseRequests:
        return load_requests()(self._url, self._headers, ssl=self._ssl, hide=self._hide, wanted=self._wanted)


class _Reading:
    """The stream of one GET."""

    def __init__(self, stream: Stream, host: str, frame_of: Callable[[SseEvent], str], silence: float | None) -> None:
        self._events = stream.read(silence)
        self._host = host
        self._frame_of = frame_of

    async def receive(self) -> list[str | bytes]:
        events = await anext(self._events, None)
        if events is None:
            raise LinkLost(f"{self._host} has ended the stream", orderly=True)
        return [self._frame_of(event) for event in events]

    async def close(self) -> None:
        """Read no further."""
        await self._events.aclose()

    async def send(self, frame: str) -> None:
        """Raise LinkLost: nothing can be sent into a stream that only reads."""
        raise LinkLost(f"expected no message of ours of {len(frame)} characters: the stream of {self._host} only reads")


class _Conversation:
    """Requests of one connection, each with a stream for its response."""

    def __init__(self, requests: SseRequests, frame_of: Callable[[SseEvent], str], silence: float | None) -> None:
        self._requests = requests
        self._frame_of = frame_of
        self._silence = silence
        self._came = Arrivals()
        self._is_served = False
        self._newest: asyncio.Task[None] | None = None

    async def receive(self) -> list[str | bytes]:
        """Return the frames that have come. Raises LinkLost where the server did not take the first request."""
        return await self._came.receive()

    async def send(self, frame: str) -> None:
        """Send a request in the background, when the response to the last one has ended."""
        self._newest = self._came.spawn(self._exchange(frame, self._newest), "runconsole-sse")

    async def close(self) -> None:
        """Break off all requests."""
        await self._came.close()

    async def _exchange(self, body: str, before: asyncio.Task[None] | None) -> None:
        """Send one request and pass on what comes; of the one before, whose answer is known, only for a moment more."""
        from runconsole.transports.sse.requests import Failed

        if before is not None and not before.done():
            await asyncio.wait({before}, timeout=_PARTING)
            if not before.done():
                before.cancel()
                await asyncio.wait({before})
                await self._came.put([ENDED])
        try:
            stream = await self._requests.open("POST", body, patience=None)
        except Failed as failed:
            await self._came.put(self._failure(failed.lost, may_count=failed.may_count))
            return
        self._is_served = True
        await self._came.put([OPENED])
        end = ENDED
        try:
            async for events in stream.read(self._silence):
                await self._came.put([self._frame_of(event) for event in events])
        except LinkLost as lost:
            end = f"{BROKEN}{lost}"
        await self._came.put([end])

    def _failure(self, lost: LinkLost, *, may_count: bool) -> list[str | bytes] | LinkLost:
        if may_count:
            return [f"{BROKEN}{lost}"]
        return [f"{REFUSED}{lost}"] if self._is_served else lost
