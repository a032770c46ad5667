"""Socket.IO packets as texts: the client's handling of a server's packets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, CONNECT, CONNECT_ERROR, EVENT

from runconsole.transports.socketio.packet import FRAME, GONE, Packet

KINDS = {EVENT, ACK, BINARY_EVENT, BINARY_ACK, CONNECT, CONNECT_ERROR}


class Mine(Packet):
    """A connection's own."""


def read(text: str | bytes) -> tuple[int, Any, int | None]:
    packet = Mine(encoded_packet=text)
    return packet.packet_type, packet.data, packet.id


@pytest.mark.parametrize(
    ("text", "kind", "data", "number"),
    [
        ('2["tick", {"n": 1.0}]', EVENT, [FRAME, '["event",["tick", {"n": 1.0}]]'], None),
        ('27["question",{}]', EVENT, [FRAME, '["event",["question",{}]]'], 7),
        ('2["a-b","1-2"]', EVENT, [FRAME, '["event",["a-b","1-2"]]'], None),
        ("31[{ }]", ACK, ["[{ }]"], 1),
        ("31", ACK, ["[]"], 1),
        ("30[]", EVENT, [FRAME, "30[]"], None),
        ("1", EVENT, [GONE, None], None),
        ('1{"message":"bye"}', EVENT, [GONE, {"message": "bye"}], None),
        ('4"Unable to connect"', CONNECT_ERROR, ["Unable to connect"], None),
        ('4{"message":"no"}', CONNECT_ERROR, [{"message": "no"}], None),
        ("4", CONNECT_ERROR, [None], None),
        ('0{"sid":"a","pid":"b"}', CONNECT, {"sid": "a", "pid": "b"}, None),
        ('0["odd"]', CONNECT, {}, None),
        ("", EVENT, [FRAME, ""], None),
        ("2", EVENT, [FRAME, '["event",]'], None),
        ("7[]", EVENT, [FRAME, "7[]"], None),
        ("0{oops", EVENT, [FRAME, "0{oops"], None),
        ("51-{oops", EVENT, [FRAME, "51-{oops"], None),
        (b"\xff1", EVENT, [FRAME, "\\xff1"], None),
    ],
)
def test_a_packet_is_passed_to_the_client_in_its_form(
    text: str | bytes, kind: int, data: Any, number: int | None
) -> None:
    assert read(text) == (kind, data, number)


def test_a_connection_keeps_what_the_server_said_to_it_alone() -> None:
    Mine(encoded_packet='0{"sid":"mine"}')
    assert Mine.session == {"sid": "mine"}
    assert Packet.session == {}


def test_binary_arguments_are_put_where_they_belong() -> None:
    packet = Mine(encoded_packet='52-["e",{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]')
    assert packet.attachment_count == 2
    assert [packet.add_attachment(b"\x00\xff"), packet.add_attachment(b"")] == [False, True]
    assert packet.data == [FRAME, '["event",["e",{"a":"AP8="},""]]']


def test_a_binary_acknowledgement_stays_one() -> None:
    packet = Mine(encoded_packet='61-3[{"_placeholder":true,"num":0}]')
    assert packet.add_attachment(b"a")
    assert (packet.packet_type, packet.id, packet.data) == (BINARY_ACK, 3, ['["YQ=="]'])


def test_a_stray_attachment_is_shown_and_ends_the_packet() -> None:
    packet = Mine(encoded_packet='51-["e",{"_placeholder":true,"num":7}]')
    assert packet.add_attachment(b"lost")
    assert (packet.packet_type, packet.data) == (BINARY_EVENT, [FRAME, "lost"])


def test_our_packets_are_ordinary() -> None:
    assert Mine(EVENT, ["join", {"id": "ž"}], id=1).encode() == '21["join",{"id":"\\u017e"}]'


@given(st.text() | st.binary() | st.from_regex(r"[0-9]{1,2}-?[0-9]*[\[{\"].*", fullmatch=True))
def test_no_packet_makes_it_raise(text: str | bytes) -> None:
    packet = Mine(encoded_packet=text)
    assert packet.packet_type in KINDS
    if packet.packet_type in {EVENT, ACK}:
        assert isinstance(packet.data, list)
        assert all(isinstance(part, str) for part in packet.data[:1])
