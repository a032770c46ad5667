"""Frames to a viewer: several events in one, of bounded size."""

from __future__ import annotations

import json

from runconsole.reporting.conversation import batches, offered_token


def test_events_are_batched_in_order() -> None:
    events = [json.dumps({"n": number}) for number in range(450)]
    frames = list(batches(events))
    assert [event["n"] for frame in frames for event in json.loads(frame)] == list(range(450))
    assert [len(json.loads(frame)) for frame in frames] == [200, 200, 50]


def test_a_frame_is_of_bounded_size_unless_one_event_is_longer() -> None:
    events = ['"a"', json.dumps("x" * 150_000), '"b"', '"c"']
    assert [len(frame) for frame in batches(events)] == [3, 150_002, 9]
    assert list(batches([])) == []


def test_the_token_of_a_handshake() -> None:
    assert offered_token("token=a%20b&x=1", None) == "a b"
    assert offered_token("", "Bearer abc") == "abc"
    assert offered_token("token=q", "bearer abc") == "q"
    assert offered_token("x=1", "Basic abc") is None
    assert offered_token("", "Bearer ") is None
