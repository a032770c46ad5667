"""`map` on a Dask cluster: items on its workers, their reports as events of the scheduler, before their results."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from runconsole.reporting.channel import Message, RemoteResult
from runconsole.reporting.current import current_task
from runconsole.reporting.report import current_sink

__all__ = ["DaskServer", "is_dask_client"]


def is_dask_client(value: object) -> bool:
    """Return whether this is a `dask.distributed.Client`, without importing Dask."""
    return any(
        kind.__module__.partition(".")[0] == "distributed" and kind.__name__ == "Client" for kind in type(value).__mro__
    )


class DaskServer:
    """Takes the reports of the workers of a cluster, until it is closed.

    Args:
        client: a `dask.distributed.Client`.
        take: called with the number of an item and a report of it, on the client's thread.
    """

    def __init__(self, client: Any, take: Callable[[int, Message], None]) -> None:
        self._client = client
        self._topic = f"runconsole-{uuid.uuid4().hex}"
        self._take = take
        client.subscribe_topic(self._topic, self._on_event)

    @property
    def executor(self) -> Executor:
        """The cluster as an executor."""
        executor: Executor = self._client.get_executor(pure=False)
        return executor

    def call(self, function: Callable[[Any], Any]) -> DaskCall:
        """Return a function that can be pickled, and reports here."""
        return DaskCall(function, self._topic)

    def close(self) -> None:
        """End."""
        self._client.unsubscribe_topic(self._topic)

    def _on_event(self, event: Any) -> None:
        _, (number, message) = event
        self._take(number, dict(message))


@dataclass(frozen=True)
class DaskCall:
    """Calls a function with an item, on a worker of a cluster, and lets it report."""

    function: Callable[[Any], Any]
    topic: str

    def __call__(self, item: Any, number: int) -> RemoteResult:
        """Return the result; the reports have been sent before it, over the same connection."""
        from distributed import get_worker

        worker = get_worker()
        sink = _Sink(worker, self.topic, number)
        sink.report({"worker": worker.name if isinstance(worker.name, str) else f"worker {worker.name}"})
        inside, outside = current_sink.set(sink), current_task.set(None)
        try:
            return RemoteResult(self.function(item), [])
        finally:
            current_sink.reset(inside)
            current_task.reset(outside)


@dataclass(frozen=True)
class _Sink:
    worker: Any
    topic: str
    number: int

    def report(self, message: Message) -> None:
        """Send a report."""
        self.worker.log_event(self.topic, (self.number, message))
