"""The tRPC wire without a server: errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runconsole.events import Received
from runconsole.protocols.base import Reply, Request, StreamRefused
from runconsole.protocols.trpc.wire import TrpcWire
from tests.protocols.trpc.trpc_frames import came, decision, failed, opened, started

# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "fatal"),
    [
        ("UNAUTHORIZED", True),
        ("FORBIDDEN", True),
        ("NOT_FOUND", True),
        ("BAD_REQUEST", True),
        ("NOT_IMPLEMENTED", True),
        ("INTERNAL_SERVER_ERROR", False),
        ("SERVICE_UNAVAILABLE", False),
        ("TIMEOUT", False),
        ("TOO_MANY_REQUESTS", False),
        ("CONFLICT", False),
    ],
)
def test_the_code_decides_on_another_attempt(code: str, *, fatal: bool) -> None:
    statuses = {"UNAUTHORIZED": 401, "FORBIDDEN": 403, "NOT_FOUND": 404, "BAD_REQUEST": 400, "NOT_IMPLEMENTED": 501}
    statuses |= {"SERVICE_UNAVAILABLE": 503, "TIMEOUT": 408, "TOO_MANY_REQUESTS": 429, "CONFLICT": 409}
    error = {"message": "no", "code": -32603, "data": {"code": code, "httpStatus": statuses.get(code, 500)}}
    [refused] = came(opened(), {"id": 1, "error": error})
    assert isinstance(refused, StreamRefused)
    assert (refused.code, refused.fatal) == (code, fatal)


@pytest.mark.parametrize(
    ("error", "code", "fatal"),
    [
        ({"message": "no", "code": -32004}, "NOT_FOUND", True),
        ({"message": "no", "code": -32603, "data": {"my": "own"}}, "INTERNAL_SERVER_ERROR", False),
        ({"message": "no", "code": -32029, "data": None}, "TOO_MANY_REQUESTS", False),
        ({"message": "no", "code": 17}, "INTERNAL_SERVER_ERROR", False),
        ("a text", "INTERNAL_SERVER_ERROR", False),
        ({}, "INTERNAL_SERVER_ERROR", False),
        ({"message": "half \ud800", "code": 17, "\ud800": 1}, "INTERNAL_SERVER_ERROR", False),
        ({"message": '[{"message": "\\ud800"}]', "code": 17}, "INTERNAL_SERVER_ERROR", False),
    ],
)
def test_an_error_of_another_form_is_still_an_error(error: Any, code: str, *, fatal: bool) -> None:
    [refused] = came(opened(), {"id": 1, "error": error})
    assert isinstance(refused, StreamRefused)
    assert (refused.code, refused.fatal) == (code, fatal)
    refused.reason.encode()


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("boom", "boom"),
        ("two\nlines", "two lines"),
        ("boom\n    at f (file:///srv/app.js:1:2)\n    at g (/srv/b.js:3:4)", "boom"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("x" * 1000, "x" * 299 + "…"),
        (None, "internal server error"),
        ("[not json", "[not json"),
        ("[1, 2]", "[1, 2]"),
        ('[{"message":"Required","path":["a","b",0]}]', "a.b.0: Required"),
        ('[{"message":"Required"},{"message":"Too big","path":["n"]}]', "Required; n: Too big"),
        (json.dumps([{"message": f"m{n}", "path": []} for n in range(5)]), "m0; m1; m2; and 2 more"),
    ],
)
def test_a_message_is_one_readable_line(message: Any, sentence: str) -> None:
    wire = opened()
    wire.call(Request("query", "x"))
    [reply] = came(wire, {"id": 2, "error": {"message": message, "code": -32603}})
    assert isinstance(reply, Reply)
    assert reply.error == sentence


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": "taken", "code": -32009, "data": {"code": "CONFLICT"}}, "CONFLICT"),
        ({"message": "HITL_ALREADY_DECIDED", "code": -32009, "data": {"code": "CONFLICT"}}, "HITL_ALREADY_DECIDED"),
        ({"message": "too late", "code": -32603, "data": {"appCode": "CHECKPOINT_EXPIRED"}}, "CHECKPOINT_EXPIRED"),
        ({"message": "no", "code": -32600, "data": {"cause": {"code": "INVALID_OPTION"}}}, "INVALID_OPTION"),
    ],
)
def test_a_backends_own_code_is_found_wherever_it_stands(error: Any, code: str) -> None:
    wire = opened()
    wire.decide(decision(), "t")
    assert came(wire, {"id": 2, "error": error}) == [Reply("d-1", error=error["message"], code=code)]


# ---- errors that name no request -------------------------------------------------------------------------------------


def test_a_parse_error_is_the_last_unanswered_requests() -> None:
    wire = opened()
    came(wire, started(1))
    wire.call(Request("query", "slow"))
    wire.decide(decision(), "t")
    [reply] = came(wire, failed(None, "PARSE_ERROR"))
    assert isinstance(reply, Reply)
    assert (reply.request_id, reply.code) == ("d-1", "PARSE_ERROR")
    assert wire.pending == ["trpc-2"]


def test_a_parse_error_that_nothing_can_have_caused_is_shown() -> None:
    wire = opened()
    came(wire, started(1))
    frame = json.dumps(failed(None, "PARSE_ERROR"))
    [event] = came(wire, frame)
    assert isinstance(event, Received)
    assert (event.type, event.payload) == ("malformed", frame)


@pytest.mark.parametrize(("code", "fatal"), [("UNAUTHORIZED", True), ("INTERNAL_SERVER_ERROR", False)])
def test_a_context_that_fails_refuses_the_connection(code: str, *, fatal: bool) -> None:
    for wire in (opened(), TrpcWire("stream.x")):
        wire.open()
        [refused] = came(wire, failed(None, code))
        assert isinstance(refused, StreamRefused)
        assert (refused.code, refused.fatal) == (code, fatal)
