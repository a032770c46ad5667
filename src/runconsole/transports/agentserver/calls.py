"""HTTP calls as frames, so that they and their results stand in a recording, in order with the events."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

__all__ = ["CALL", "RESULT", "Call", "CallResult", "read_call", "read_result", "write_call", "write_result"]

CALL = '{"http_call":'
"""The beginning of a frame that is a call."""
RESULT = '{"http_result":'
"""The beginning of a frame that is the result of a call."""


class Call(Struct, frozen=True):
    """A call to make.

    Attributes:
        id: of the call, which its result has, too.
        method: of HTTP.
        path: behind the address of the server.
        body: any value that JSON can carry; None for none.
        after_s: the number of seconds to wait before.
    """

    id: str = msgspec.field(name="http_call")
    method: Literal["GET", "POST"]
    path: str
    body: Any = None
    after_s: float = 0.0


class CallResult(Struct, frozen=True):
    """The result of a call.

    Attributes:
        id: of the call.
        status: of HTTP; 0 where there is none.
        body: the JSON of the response; None where it holds none.
        error: the reason why there is no response.
        may_count: True if the call may have taken effect although there is no response.
    """

    id: str = msgspec.field(name="http_result")
    status: int = 0
    body: Any = None
    error: str | None = None
    may_count: bool = False

    @property
    def is_good(self) -> bool:
        """True if the server has done what was asked for."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str | None:
        """The server's own words about an error; None where it says nothing."""
        detail = self.body.get("detail", self.body.get("message")) if isinstance(self.body, dict) else None
        if isinstance(detail, list) and detail:
            detail = detail[0]
        if isinstance(detail, dict):
            detail = detail.get("message", detail.get("msg"))
        return detail if isinstance(detail, str) and detail else None


read_call = msgspec.json.Decoder(Call).decode
"""Return the call in a frame. Raises msgspec's errors for another frame."""
read_result = msgspec.json.Decoder(CallResult).decode
"""Return the result in a frame. Raises msgspec's errors for another frame."""


def write_call(call: Call) -> str:
    """Return a call as a frame."""
    return msgspec.json.encode(call).decode()


def write_result(result: CallResult) -> str:
    """Return a result as a frame."""
    return msgspec.json.encode(result).decode()
