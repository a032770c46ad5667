"""No secret is written down, however it is spelled."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from runconsole import events
from runconsole.options import check
from runconsole.recording import Entry, Header
from runconsole.redaction.secrets import VOCABULARY, Redactor, Secret
from tests.support.canary import holds, spelled

if TYPE_CHECKING:
    from msgspec import Struct

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
def test_an_ambiguous_secret_stays_in_the_servers_text(token: str) -> None:
    frame = json.dumps({"type": f"{token}.started", "id": token, token: {"n": 7, "text": f"the {token} of the user"}})
    assert Redactor([token]).hide_frame(frame) == frame
    assert Redactor([token]).hide_line(frame.encode()) == frame.encode()


def test_an_ambiguous_secret_is_hidden_under_a_telling_name() -> None:
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


def test_an_ambiguous_secret_is_hidden_as_a_whole_sent_value() -> None:
    sent = Redactor(["task"]).hide_sent('{"type":"task.start","key":"task","task":"a task","auth":"Bearer task"}')
    assert json.loads(sent) == {"type": "task.start", "key": "***", "task": "a task", "auth": "Bearer ***"}


def test_a_secret_number_is_found_in_text_not_in_numbers() -> None:
    line = '{"at":12345678000,"n": 12345678,"list":[12345678, 12345678],"text":"PIN=12345678."}'
    hidden = Redactor(["12345678"]).hide(line)
    assert hidden == line.replace("=12345678", "=***")


def test_a_short_secret_is_hidden_as_a_whole_value_only() -> None:
    hidden = Redactor(["abc"]).hide('{"token": "abc", "text": "abcdef", "n": 1, "auth": "Bearer abc"}')
    assert json.loads(hidden) == {"token": "***", "text": "abcdef", "n": 1, "auth": "Bearer ***"}


def test_any_sent_value_under_a_secret_name_is_hidden() -> None:
    sent = Redactor([]).hide_sent('{"type":"auth","token":"un\\"known","tokens":5,"data":{"apiKey":"k","name":"n"}}')
    assert json.loads(sent) == {"type": "auth", "token": "***", "tokens": 5, "data": {"apiKey": "***", "name": "n"}}


def test_bytes_that_are_no_text_lose_their_secrets_too() -> None:
    assert Redactor([]).hide_frame(b"\xff") == b"\xff"
    assert Redactor(["topsecret"]).hide_frame(b"\xfftopsecret") == b"\xff***"
    assert Redactor(["topsecret"]).hide_frame(b"topsecret") == "***"


def test_the_secrets_of_options_are_token_headers_and_url_parts() -> None:
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


def test_every_word_of_a_recordings_own_lines_is_known() -> None:
    kinds: list[type[Struct]] = [Header, Entry]
    kinds += [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Fact)]
    words = {name for kind in kinds for name in kind.__struct_fields__}
    assert {word.lower() for word in words} <= VOCABULARY


@pytest.mark.parametrize(
    "secret",
    [TOKEN, "Abc+def/ghi=jkl&mno", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "eyJ" + "aZ09_-." * 40, "päss wörd"],
)
@pytest.mark.parametrize("before", ["", "Bearer ", "me:"])
def test_a_secret_is_hidden_as_other_programs_spell_it(secret: str, before: str) -> None:
    hide = Redactor([secret]).hide
    for name, form in spelled(secret).items():
        if "behind" not in name:
            assert hide(f'{{"a":"{form}"}}') == '{"a":"***"}', name
    everything = "".join(f"%{byte:02x}" for byte in secret.encode())
    assert hide(f"x {everything} y") == "x *** y"
    escaped = "".join(f"\\u{ord(c):04x}" for c in secret)
    assert hide(f'{{"a":"{escaped}"}}') == '{"a":"***"}'
    coded = base64.b64encode(f"{before}{secret} and so on".encode()).decode()
    assert holds(coded, secret)
    assert not holds(hide(f'{{"a":"{coded}"}}'), secret)


def test_an_escape_that_looks_like_a_secrets_start_stays_whole() -> None:
    hide = Redactor(["n0token1", "41bcdef0"]).hide
    assert json.loads(hide('{"a":"line\\n0token1 b"}')) == {"a": "line*** b"}
    assert json.loads(hide('{"a":"\\u0041bcdef0"}')) == {"a": "***"}


def test_a_short_token_in_a_bearer_header_is_found_in_base64() -> None:
    coded = base64.b64encode(b"x: Bearer task, y").decode()
    assert "***" in Redactor(["task"]).hide(coded)
    assert (
        Redactor(["task"]).hide(base64.b64encode(b"the task of it").decode())
        == base64.b64encode(b"the task of it").decode()
    )


def test_a_link_sentence_loses_a_short_token_only_as_a_word() -> None:
    redactor = Redactor(["s3cret", "at"])
    assert redactor.hide_said("bad s3cret at s3cretary") == "bad *** at s3cretary"
    assert redactor.hide("bad s3cret") == "bad s3cret"


def test_a_secret_shows_nothing_and_is_not_pickled() -> None:
    secret = Secret(TOKEN)
    assert TOKEN not in f"{secret} {secret!r} {secret!s:>20} {[secret]} {pretty_repr(secret)} {dir(secret)}"
    again: Secret[str] = Secret(secret)
    assert again.reveal() == TOKEN
    assert secret == Secret(TOKEN) != Secret("other")
    assert copy.deepcopy(secret) is secret
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
