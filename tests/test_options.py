"""The console's arguments: one clear sentence about the first that cannot be used, and no secret in any of them."""

from __future__ import annotations

import inspect
import ssl
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.console import Console
from runconsole.errors import InvalidArgument, RunConsoleError
from runconsole.options import Options, check

PEM = Path(__file__).parent / "servers" / "localhost.pem"
TOKEN = "s3cret-value"


def checked(url: Any = "ws://h/ws", **options: Any) -> Options:
    return check({"url": url, **options})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tocken": "x"}, "expected an option of the console, got 'tocken': did you mean 'token'?"),
        ({"strat": False}, "got 'strat': did you mean 'start'?"),
        ({"zzz": 1}, "expected an option of the console, got 'zzz': known are protocol, task"),
        ({"url": ""}, "expected a URL or the path of a recording, got ''"),
        ({"url": "  "}, "expected a URL or the path of a recording, got '  '"),
        ({"url": None}, "expected a URL or the path of a recording, got None: pass for example 'ws://"),
        ({"url": 8000}, "expected a URL or the path of a recording, got 8000"),
        ({"url": b"ws://s3cret-value@h"}, "expected a URL or the path of a recording, got a bytes"),
        (
            {"protocol": "smtp"},
            "expected protocol= to be one of 'json', 'trpc', 'socketio', 'agui', 'langgraph', 'replay', got 'smtp'",
        ),
        (
            {"transformer": "none"},
            "expected transformer= beside a tRPC server only, got it beside 'ws://h/ws'",
        ),
        ({"task": " "}, "expected task= to be the id of one, got ' '"),
        ({"execution": ""}, "expected execution= to be the id of one, got ''"),
        ({"url": "run.jsonl", "subscribe": {"a": 1}}, "expected no subscribe= beside a recording"),
        (
            {"auth": TOKEN},
            "expected auth= to be one of 'header', 'query', 'params', 'message', 'auth', got something else",
        ),
        ({"transformer": "yaml"}, "expected transformer= to be one of 'auto', 'superjson', 'none', got 'yaml'"),
        ({"task": 7}, "expected task= to be a string, got 7"),
        ({"title": ["x"]}, "expected title= to be a string, got ['x']"),
        ({"token_budget": "many"}, "expected token_budget= to be a whole number, got 'many'"),
        ({"token_budget": True}, "expected token_budget= to be a whole number, got True"),
        ({"expected_artifacts": 4.5}, "expected expected_artifacts= to be a whole number, got 4.5"),
        ({"cost_limit": "2 $"}, "expected cost_limit= to be a number of US dollars, got '2 $'"),
        ({"headers": ["a"]}, "expected headers= to be a mapping of header names to values, got a list"),
        ({"ssl": 5}, "expected ssl= to be an ssl.SSLContext or the path of a CA file, got 5"),
        ({"ssl": "no/such/file.pem"}, "expected ssl= to name a readable PEM file, got 'no/such/file.pem'"),
        ({"token": b"s3cret-value"}, "expected token= to be a string, got a bytes"),
        ({"on_checkpoint": "approve"}, "expected on_checkpoint= to be a function, got 'approve'"),
    ],
)
def test_an_unusable_option_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Console(options.pop("url", "ws://h/ws"), start=False, **options)
    text = str(caught.value)
    assert sentence in text
    assert "\n" not in text
    assert TOKEN not in text
    assert isinstance(caught.value, (ValueError, RunConsoleError))
    assert isinstance(caught.value, TypeError)
    assert caught.value._render_traceback_() == [f"InvalidArgument: {text}"]


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(InvalidArgument, match="expected ssl= to name a readable PEM file"):
        checked(ssl=file)


def test_the_options_are_the_consoles_arguments_by_name() -> None:
    arguments = [name for name in inspect.signature(Console).parameters if name not in {"start", "unknown"}]
    assert list(Options.__struct_fields__) == arguments


def test_a_path_and_a_context_are_taken_as_they_come(tmp_path: Path) -> None:
    assert checked(tmp_path / "run.jsonl").url.reveal() == str(tmp_path / "run.jsonl")
    assert checked("  ws://h/ws ").url.reveal() == "ws://h/ws"
    context = ssl.create_default_context()
    assert checked(ssl=context).ssl is context
    assert checked(ssl=str(PEM)).ssl == str(PEM)


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("ws://h/ws", "json"),
        ("wss://h", "json"),
        ("ws://h/trpc", "trpc"),
        ("ws://h/api/trpc/", "trpc"),
        ("wss://h/socket.io/", "socketio"),
        ("http://h:8000", "socketio"),
        ("https://h/x", "socketio"),
        ("run.jsonl", "replay"),
        ("/runs/run.jsonl", "replay"),
        ("C:\\runs\\run.jsonl", "replay"),
        ("ftp://h/x", "json"),
        ("ws://[bad", "json"),
    ],
)
def test_the_url_chooses_the_protocol_by_default(url: str, protocol: str) -> None:
    assert checked(url).inferred_protocol() == protocol
    assert checked(url, protocol="trpc").inferred_protocol() == "trpc"


def test_an_existing_file_is_a_recording_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("localhost:8000").write_text("{}\n")
    assert checked("localhost:8000").inferred_protocol() == "replay"
    assert checked("localhost:8001").inferred_protocol() == "json"


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_has_a_protocol_and_an_address(url: str) -> None:
    options = checked(url)
    assert options.inferred_protocol() in {"json", "trpc", "socketio", "replay"}
    assert isinstance(options.address, str)


def test_a_very_long_text_has_a_protocol() -> None:
    assert checked("x:" + "a" * 10_000).inferred_protocol() in {"json", "replay"}


# ---- secrets -------------------------------------------------------------------------------------------------------


letters = st.characters(codec="latin-1", exclude_categories=["Cc"])
tokens = st.text(letters, min_size=8).filter(lambda text: text.strip() == text)


@given(tokens, st.sampled_from(["header", "query", "params", "message"]))
def test_a_token_is_in_no_text_of_the_options(token: str, auth: str) -> None:
    options = checked(f"ws://user:{TOKEN}@h/ws?token={TOKEN}", token=token, auth=auth)
    for text in (repr(options), str(options), options.address, options.redact(f"closed: {token}!")):
        assert token not in text
        assert TOKEN not in text


def test_the_address_keeps_what_is_no_secret() -> None:
    assert checked("wss://me:pw@h:8000/ws?room=1&token=x").address == "wss://h:8000/ws?room=1&token=***"
    assert checked("runs/run.jsonl").address == "runs/run.jsonl"
    assert checked().redact("nothing to hide") == "nothing to hide"


def test_a_file_to_record_to_may_be_named_by_a_path(tmp_path: Path) -> None:
    assert checked(record=tmp_path / "run.jsonl").record == str(tmp_path / "run.jsonl")
    with pytest.raises(InvalidArgument, match="expected record= to be the path of a file, got 7"):
        checked(record=7)


@pytest.mark.parametrize(
    "misplaced",
    [
        {"task": {"token": "sk-12345678"}},
        {"title": ["sk-12345678"]},
        {"execution": b"sk-12345678"},
        {"token_budget": "sk-12345678"},
        {"speed": "sk-12345678"},
        {"on_checkpoint": "sk-12345678"},
        {"transformer": "sk-12345678"},
    ],
)
def test_a_misplaced_value_is_in_no_error_and_no_local(misplaced: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match="expected") as caught:
        check({"url": "ws://h/ws"} | misplaced)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "sk-12345678" not in shown.split("runconsole/options.py", 1)[1]
