"""The parser of server-sent events: any split of the bytes gives the same events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.transports.sse.parser import SseEvent, SseParser, TooBig


def parsed(*parts: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [event for part in parts for event in parser.feed(part)]


# ---- what the standard says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [SseEvent("a")]),
        (b"data:a\n\n", [SseEvent("a")]),
        (b"data:  a\n\n", [SseEvent(" a")]),
        (b"data: a\r\n\r\n", [SseEvent("a")]),
        (b"data: a\r\r", [SseEvent("a")]),
        (b"data: a\n\r\n", [SseEvent("a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [SseEvent("a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [SseEvent("a")]),
        (b"data: a\ndata: b\n\n", [SseEvent("a\nb")]),
        (b"data\n\n", [SseEvent("")]),
        (b"data:\ndata:\n\n", [SseEvent("\n")]),
        (b": comment\n\ndata: a\n\n", [SseEvent("a")]),
        (b":\n\n:\n\n", []),
        (b"event: e\n\ndata: a\n\n", [SseEvent("a")]),
        (b"event: e\ndata: a\n\ndata: b\n\n", [SseEvent("a", "e"), SseEvent("b")]),
        (b"event:\ndata: a\n\n", [SseEvent("a")]),
        (
            b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
            [SseEvent("a", id="1"), SseEvent("b", id="1"), SseEvent("c")],
        ),
        (b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [SseEvent("a", id="1"), SseEvent("b", id="1")]),
        (b"foo: a\nDATA: b\n data: c\n\n", []),
        (b"data: a: b\n\n", [SseEvent("a: b")]),
        (b"data: \xff\xc3\n\n", [SseEvent("\ufffd\ufffd")]),
        ("data: ž\u2028\x0b\x85\n\n".encode(), [SseEvent("ž\u2028\x0b\x85")]),
    ],
)
def test_a_stream_has_the_events_of_the_standard(stream: bytes, expected: list[SseEvent]) -> None:
    assert parsed(stream) == expected
    assert parsed(*(bytes([byte]) for byte in stream)) == expected


def test_an_event_waits_for_its_blank_line() -> None:
    parser = SseParser()
    assert parser.feed(b"id: 7\ndata: a\n") == []
    assert parser.last_id == ""
    assert parser.feed(b"\n") == [SseEvent("a", id="7")]
    assert parser.last_id == "7"


def test_the_end_of_a_stream_gives_what_it_cut_off_and_does_not_count_it_as_seen() -> None:
    parser = SseParser()
    parser.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\ndata: c")
    assert parser.finish() == [SseEvent("b\nc", id="2")]
    assert parser.last_id == "1"
    assert parser.finish() == []
    assert SseParser().finish() == []


@pytest.mark.parametrize(
    ("line", "expected"), [(b"1500", 1500), (b"x", None), (b"-1", None), (b"", None), (b"1 ", None)]
)
def test_retry_is_a_number_of_milliseconds(line: bytes, expected: int | None) -> None:
    parser = SseParser()
    parser.feed(b"retry: " + line + b"\n")
    assert parser.retry == expected


# ---- size ----------------------------------------------------------------------------------------------------------


def test_a_message_of_five_megabytes_arrives_in_pieces() -> None:
    text = b"x" * 5_000_000
    stream = b"data: " + text + b"\n\n"
    pieces = [stream[at : at + 65_536] for at in range(0, len(stream), 65_536)]
    assert parsed(*pieces) == [SseEvent(text.decode())]


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 200, b"data: x\n" * 30, b":" * 200, b"x" * 200])
def test_an_event_over_the_limit_is_refused(stream: bytes) -> None:
    parser = SseParser(most=100)
    parser.feed(stream[:80])
    parser.feed(stream[80:100])
    with pytest.raises(TooBig, match="100 bytes"):
        parser.feed(stream[100:])


def test_many_events_and_comments_have_no_limit() -> None:
    parser = SseParser(most=100)
    assert len([event for _ in range(1000) for event in parser.feed(b": alive\ndata: x\n\n")]) == 1000
    assert parser.comments == 1000
    for _ in range(1000):
        parser.feed(b": alive\n")


# ---- properties ----------------------------------------------------------------------------------------------------

LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
LINES = st.one_of(
    st.sampled_from([b"", b":", b"data", b"data:", b"id: 3", b"id", b"event: e", b"retry: 9", b"\xef\xbb\xbfdata: x"]),
    st.binary(max_size=12).map(lambda text: b"data: " + text.replace(b"\r", b"").replace(b"\n", b"")),
    st.binary(max_size=8),
)
STREAMS = st.lists(st.tuples(LINES, LINE_ENDS)).map(lambda lines: b"".join(line + end for line, end in lines))


@given(STREAMS, st.data())
def test_any_split_of_the_bytes_gives_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole, split = SseParser(), SseParser()
    expected = whole.feed(stream)
    assert [event for part in parts for event in split.feed(part)] == expected
    assert (split.last_id, split.retry, split.comments) == (whole.last_id, whole.retry, whole.comments)
    assert split.finish() == whole.finish()


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))), LINE_ENDS)
def test_data_comes_back_as_it_was_written(lines: list[str], end: bytes) -> None:
    stream = b"".join(b"data: " + line.encode() + end for line in lines) + end
    assert parsed(stream) == ([SseEvent("\n".join(lines))] if lines else [])
