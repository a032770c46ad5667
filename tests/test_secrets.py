"""No secret is written down, however it is spelled."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.options import check
from runconsole.secrets import Redactor

TOKEN = 's3cr"et/ä+\\t0ken'


@pytest.mark.parametrize(
    "spelling",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        json.dumps(TOKEN),
        json.dumps(TOKEN, ensure_ascii=False),
        json.dumps(json.dumps({"token": TOKEN})),
        json.dumps(TOKEN).replace("/", "\\/"),
        f"ws://h/ws?token={quote(TOKEN, safe='')}",
        f"ws://h/ws?token={quote_plus(TOKEN)}",
        base64.b64encode(TOKEN.encode()).decode(),
    ],
)
def test_a_secret_is_hidden_in_every_spelling(spelling: str) -> None:
    hidden = Redactor([TOKEN]).hide(f'{{"a": {spelling} }}')
    assert "s3cr" not in hidden
    assert "***" in hidden


_LETTERS = st.text(st.sampled_from('XYZ/+"\\ä'), min_size=8, max_size=20)


@given(_LETTERS, st.text(max_size=20), st.text(max_size=20))
def test_a_frame_of_json_keeps_its_shape(token: str, before: str, after: str) -> None:
    frame = json.dumps({"a": before, "value": token, "b": after})
    hidden = Redactor([token]).hide_frame(frame)
    assert isinstance(hidden, str)
    assert json.loads(hidden)["value"] == "***"
    assert token not in json.loads(hidden).values()


@pytest.mark.parametrize(
    "token", ["task", "test", "demo", "user", "7", "t-1", "pa.ss", "execution", "CHECKPOINT", "at"]
)
def test_a_secret_that_may_be_a_word_of_the_run_is_left_in_what_the_server_says(token: str) -> None:
    frame = json.dumps({"type": f"{token}.started", "id": token, token: {"n": 7, "text": f"the {token} of the user"}})
    assert Redactor([token]).hide_frame(frame) == frame
    assert Redactor([token]).hide_line(frame.encode()) == frame.encode()


def test_such_a_secret_is_hidden_where_something_tells_what_it_is() -> None:
    said = {
        "access_token": "task",
        "text": "Bearer task",
        "url": "/ws?token=task&id=task",
        "inner": '{"token": "task"}',
    }
    hidden = Redactor(["task"]).hide(json.dumps(said))
    assert json.loads(hidden) == {
        "access_token": "***",
        "text": "Bearer ***",
        "url": "/ws?token=***&id=task",
        "inner": '{"token": "***"}',
    }


def test_such_a_secret_is_hidden_as_a_whole_value_of_what_we_send() -> None:
    sent = Redactor(["task"]).hide_sent('{"type":"task.start","key":"task","task":"a task","auth":"Bearer task"}')
    assert json.loads(sent) == {"type": "task.start", "key": "***", "task": "a task", "auth": "Bearer ***"}


def test_a_secret_number_is_found_within_text_and_never_within_another_number() -> None:
    line = '{"at":12345678000,"n": 12345678,"list":[12345678, 12345678],"text":"PIN=12345678."}'
    hidden = Redactor(["12345678"]).hide(line)
    assert hidden == line.replace("=12345678", "=***")


def test_a_short_secret_is_hidden_as_a_whole_value_only() -> None:
    hidden = Redactor(["abc"]).hide('{"token": "abc", "text": "abcdef", "n": 1, "auth": "Bearer abc"}')
    assert json.loads(hidden) == {"token": "***", "text": "abcdef", "n": 1, "auth": "Bearer ***"}


def test_what_we_send_under_a_secret_name_is_hidden_whatever_it_is() -> None:
    sent = Redactor([]).hide_sent('{"type":"auth","token":"un\\"known","tokens":5,"data":{"apiKey":"k","name":"n"}}')
    assert json.loads(sent) == {"type": "auth", "token": "***", "tokens": 5, "data": {"apiKey": "***", "name": "n"}}


def test_bytes_that_are_no_text_lose_their_secrets_too() -> None:
    assert Redactor([]).hide_frame(b"\xff") == b"\xff"
    assert Redactor(["topsecret"]).hide_frame(b"\xfftopsecret") == b"\xff***"
    assert Redactor(["topsecret"]).hide_frame(b"topsecret") == "***"


def test_the_options_secrets_are_the_token_secret_headers_and_what_the_url_hides() -> None:
    options = check(
        {
            "url": "wss://user:pa%20ss@h/ws?access_token=querysecret&room=7",
            "token": "the-token",
            "headers": {"Authorization": "Basic YWJj", "X-Api-Key": "key-1", "X-Client": "notebook"},
        }
    )
    assert set(options.secrets()) == {
        *("the-token", "Basic YWJj", "YWJj", "key-1", "pa ss", "user:pa ss"),
        "querysecret",
    }
