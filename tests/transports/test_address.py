"""URLs without their secrets."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.transports.address import hostname, is_loopback, shown_address, with_query


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://localhost:8000/ws", "ws://localhost:8000/ws"),
        ("wss://user:pass@example.org/ws?x=1", "wss://example.org/ws?x=1"),
        ("ws://h/ws?token=abc&room=1", "ws://h/ws?token=***&room=1"),
        (
            "ws://h/ws?access_token=a&API_KEY=b&apikey=c&key=d&sig=e",
            "ws://h/ws?access_token=***&API_KEY=***&apikey=***&key=***&sig=***",
        ),
        ("ws://h/ws?monkey=1&design=2", "ws://h/ws?monkey=1&design=2"),
        ("ws://h/ws#token=abc", "ws://h/ws"),
        ("ws://[::1]:80/x", "ws://[::1]:80/x"),
        ("WS://HOST/x", "ws://host/x"),
        ("ws://h:99999/ws?token=abc", "ws://h:99999/ws?token=***"),
        ("ws://user:pass@[bad/ws?token=abc", "ws://[bad/ws?token=***"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_address(url) == shown


secrets = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=6)


@given(secrets, st.sampled_from(["token", "password", "api_key", "jwt", "client_secret", "sessionid"]))
def test_no_secret_of_a_query_or_of_user_information_is_shown(secret: str, key: str) -> None:
    quoted = quote(secret, safe="")
    for url in (f"ws://h/ws?a=1&{key}={quoted}", f"ws://me:{quoted}@h/ws", f"ws://{quoted}@h:1/ws"):
        assert quoted not in shown_address(url).replace("/ws", "")


def test_query_values_are_added_to_those_that_are_there() -> None:
    assert with_query("ws://h/ws", token="a b&c") == "ws://h/ws?token=a+b%26c"
    assert with_query("ws://h/ws?x=1#f", token="t") == "ws://h/ws?x=1&token=t#f"


def test_a_host_is_named_without_user_information() -> None:
    assert hostname("wss://user:pass@example.org:8443/ws") == "example.org:8443"
    assert hostname("nonsense") == "nonsense"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("lab.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("example.org", False),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, *, local: bool) -> None:
    assert is_loopback(f"ws://{host}:80/ws") is local
    assert urlsplit(f"ws://{host}:80/ws").port == 80
