"""A secret that is streamed in pieces is not put together again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.decoding.envelope import read_events
from runconsole.redaction.pieces import Seams
from runconsole.redaction.secrets import Redactor
from tests.support.folding import task

SECRET = "Zq7+pW/4xV=kT9~mB2"


def joined(pieces: list[str], secret: str = SECRET, **marks: Any) -> tuple[list[str], list[str]]:
    """Return the texts of the pieces as they are shown, and the frames as they are recorded."""
    redactor = Redactor([secret])
    seams = Seams(redactor)
    texts, frames = [], []
    for piece in pieces:
        frame = redactor.hide_frame(task("task.output", data=piece, stream="stdout", **marks))
        (event,), frame = seams.join(read_events(frame, 0), frame)
        texts.append(event.fact.text)
        frames.append(json.loads(frame)["payload"]["data"])
        assert json.loads(event.payload)["data"] == texts[-1]
    return texts, frames


@given(st.lists(st.integers(1, 6), min_size=30, max_size=30))
def test_of_a_secret_in_pieces_at_most_half_is_shown(sizes: list[int]) -> None:
    text = f"the word is {SECRET}, and so on"
    pieces, place = [], 0
    for size in sizes:
        pieces.append(text[place : place + size])
        place += size
    texts, frames = joined([piece for piece in pieces if piece])
    shown = "".join(texts)
    assert texts == frames
    assert SECRET not in shown
    assert SECRET[: len(SECRET) // 2 + 1] not in shown
    assert shown.startswith("the word is "[: sum(sizes)])
    if sum(sizes) >= len(text):
        assert shown.endswith(", and so on")


@pytest.mark.parametrize("pieces", [["Z", "q", "7", "up"], ["a Zq7", "\n"], ["Zq", "Zq7+p", "W!"], ["", "x", ""]])
def test_text_that_only_begins_like_a_secret_is_left(pieces: list[str]) -> None:
    assert joined(pieces)[0] == pieces


def test_a_number_among_numbers_stays_with_its_left_side() -> None:
    assert joined(["n: 12345678 of"], "12345678")[0] == ["n: 12345678 of"]
    assert "".join(joined(["PIN ", "1234", "5678 ok"], "12345678")[0]) == "PIN ****** ok"
