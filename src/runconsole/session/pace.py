"""Timeouts and intervals of a session."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["PACE", "Pace"]


class Pace(Struct, frozen=True):
    """Seconds. The defaults are for people and networks; tests take less.

    Attributes:
        tick: between two looks at what time brings: deadlines, reports, a link that has become steady.
        linger: to listen on after the run's end, for what a server says last; longer while it still talks.
        catching_up: after a reconnect in which what was missed may still come.
        steady: of a live link, after which the back-off starts afresh, also where the server sends nothing.
        reply: to wait for the answer to a decision or a call.
        parting: to wait for answers under way on a connection that has nothing else to give.
        establish: for a second connection to be accepted, when the server has asked for one.
        drain: for the first one to end its stream then.
        silent: without an event, before a report to the person: of a live link over which no run has come, or of a run
            of which all is done.
        accept: for a server to accept us on an open connection, after which the person is informed of the wait.
    """

    tick: float = 1.0
    linger: float = 2.0
    catching_up: float = 1.0
    steady: float = 5.0
    reply: float = 30.0
    parting: float = 5.0
    establish: float = 15.0
    drain: float = 5.0
    silent: float = 4.0
    accept: float = 8.0


PACE = Pace()
