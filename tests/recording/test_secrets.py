"""No secret is written down, however it is spelled."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.options import check
from runconsole.recording import Secrets

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
    hidden = Secrets([TOKEN]).hide(f'{{"a": {spelling} }}')
    assert "s3cr" not in hidden
    assert "***" in hidden


_LETTERS = st.text(st.sampled_from('XYZ/+"\\ä'), min_size=6, max_size=20)


@given(_LETTERS, st.text(max_size=20), st.text(max_size=20))
def test_a_frame_of_json_keeps_its_shape(token: str, before: str, after: str) -> None:
    frame = json.dumps({"a": before, "value": token, "b": after})
    hidden = Secrets([token]).hide_frame(frame)
    assert isinstance(hidden, str)
    assert json.loads(hidden)["value"] == "***"
    assert token not in json.loads(hidden).values()


def test_a_short_secret_is_hidden_as_a_whole_value_only() -> None:
    hidden = Secrets(["abc"]).hide('{"token": "abc", "text": "abcdef", "n": 1, "auth": "Bearer abc"}')
    assert json.loads(hidden) == {"token": "***", "text": "abcdef", "n": 1, "auth": "Bearer ***"}


def test_what_we_send_under_a_secret_name_is_hidden_whatever_it_is() -> None:
    sent = Secrets([]).hide_sent('{"type":"auth","token":"un\\"known","tokens":5,"data":{"apiKey":"k","name":"n"}}')
    assert json.loads(sent) == {"type": "auth", "token": "***", "tokens": 5, "data": {"apiKey": "***", "name": "n"}}


def test_bytes_that_are_no_text_lose_their_secrets_too() -> None:
    assert Secrets([]).hide_frame(b"\xff") == b"\xff"
    assert Secrets(["topsecret"]).hide_frame(b"\xfftopsecret") == b"\xff***"
    assert Secrets(["topsecret"]).hide_frame(b"topsecret") == "***"


def test_the_options_secrets_are_the_token_secret_headers_and_what_the_url_hides() -> None:
    options = check(
        {
            "url": "wss://user:pa%20ss@h/ws?access_token=querysecret&room=7",
            "token": "the-token",
            "headers": {"Authorization": "Basic YWJj", "X-Api-Key": "key-1", "X-Client": "notebook"},
        }
    )
    assert set(options.secrets()) == {"the-token", "Basic YWJj", "YWJj", "key-1", "pa ss", "querysecret"}
