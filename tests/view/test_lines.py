"""Chunks of output to lines: the same lines however the text was cut, colors kept, all other steering gone."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runconsole.state import OutputChunk
from runconsole.view.lines import OutputLines

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
COLOR = re.compile(r"\x1b\[[0-9;:]*m")


def chunk(text: str, task: str | None = "t", stream: Any = "stdout", at: int = 0) -> OutputChunk:
    return OutputChunk(at, task, stream, text, None, None)


def lines(*texts: str) -> list[str]:
    output = OutputLines()
    output.feed([chunk(text) for text in texts])
    return [line.text for line in output.lines]


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        ([], []),
        ([""], []),
        (["a\n"], ["a"]),
        (["a\nb"], ["a", "b"]),
        (["a", "b\n", "c"], ["ab", "c"]),
        (["\n\n"], ["", ""]),
        (["a\r\nb\r\n"], ["a", "b"]),
        (["a\r", "\nb"], ["a", "b"]),
        (["10%\r20%\r30%\n", "done"], ["30%", "done"]),
        (["10%\r", "20%\r", "30%"], ["30%"]),
        (["abc\r"], ["abc"]),
        (["abc\rx"], ["x"]),
        (["\rabc"], ["abc"]),
        (["abc\r\r\nd"], ["abc", "d"]),
        (["a\tb\n"], ["a\tb"]),
        (["ř\u2028é\n"], ["ř\u2028é"]),
        (["\x1b", "[31mred\n", "plain\n"], ["\x1b[31mred", "plain"]),
    ],
)
def test_lines_are_what_a_terminal_would_have_left_on_the_screen(texts: list[str], shown: list[str]) -> None:
    assert lines(*texts) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[1;38;5;208mbold\x1b[m", "\x1b[1;38;5;208mbold\x1b[m"),
        ("\x1b[38:2::1:2:3mtrue", "\x1b[38:2::1:2:3mtrue"),
        ("a\x1b[2Kb\x1b[1Ac", "abc"),
        ("\x1b[?25lhide\x1b[?25h", "hide"),
        ("\x1b[>4mkeys", "keys"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdata\x1b\\text", "text"),
        ("\x1b(Bascii", "ascii"),
        ("\x1b7save\x1b8", "save"),
        ("\x1bctext", "text"),
        ("a\x00b\x07c\x08d\x7fe\x9bf", "abcdef"),
        ("\x1b[31\x00mno", "mno"),
        ("\x1b\x1b[2Kx", "x"),
        ("\x1b[\x1b[2K3m", "3m"),
        ("\x1b]never ended", ""),
    ],
)
def test_colors_stay_and_every_other_sequence_goes(text: str, shown: str) -> None:
    assert lines(text + "\n") == [shown]


@pytest.mark.parametrize("sequence", ["\x1b]0;title", "\x1b[12", "\x1b", "\x1bPabc"])
def test_a_sequence_that_is_never_finished_swallows_its_own_line_at_most(sequence: str) -> None:
    assert lines(sequence, "\nnext\n")[-1] == "next"


def test_each_task_and_stream_has_its_own_open_line_and_lines_keep_their_numbers() -> None:
    output = OutputLines()
    chunks = [
        chunk("a", "x", at=1),
        chunk("b", "y", at=2),
        chunk("c", "x", "stderr", at=3),
        chunk("d\n", "x", at=4),
        chunk("e\n", None, at=5),
        chunk("f", "y", at=6),
    ]
    output.feed(chunks)
    assert [tuple(line) for line in output.lines] == [
        ("x", "stdout", "ad", 4),
        ("y", "stdout", "bf", 6),
        ("x", "stderr", "c", 3),
        (None, "stdout", "e", 5),
    ]


def test_only_what_was_added_since_is_fed() -> None:
    output, chunks = OutputLines(), [chunk("a\n")]
    output.feed(chunks)
    first = output.lines[0]
    output.feed(chunks)
    chunks.append(chunk("b\n"))
    output.feed(chunks)
    assert [line.text for line in output.lines] == ["a", "b"]
    assert output.lines[0] is first


def test_a_line_far_up_is_still_written_to() -> None:
    output, tasks = OutputLines(), [f"t{number}" for number in range(3000)]
    chunks: list[OutputChunk] = []
    for text, at in (("10%", 1), ("\r5", 2), ("0", 3), ("%\n", 4), ("done\n", 5)):
        chunks += [chunk(text, task, at=at) for task in tasks]
        output.feed(chunks)
    shown = [("50%", 4)] * len(tasks) + [("done", 5)] * len(tasks)
    assert [(line.text, line.at) for line in output.lines] == shown
    assert [line.task_id for line in output.lines] == tasks * 2


def test_a_line_without_end_is_bounded() -> None:
    assert len(lines(*["x" * 60_000] * 4)[0]) == 100_000


PIECES = (
    *("a", "b ", "ž", "\n", "\r", "\r\n", "\t", "\x00", "\x07", "\x9b", "\x1b", "\x1b[", "\x1b[31m", "\x1b[0m"),
    *("\x1b[2K", "\x1b]0;t\x07", "\x1b]8;;u\x1b\\", "\x1b]", "\\", "[", "1", ";", "m", "K", "(", "B", " ", "P"),
)
terminal = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join)


@given(terminal, st.data())
@settings(max_examples=400)
@example("\x1b]8;;u\x1b\\link\r\n\x1b[31mred\x1b[0m\r\x1b[2Kx", None)
def test_the_lines_are_the_same_wherever_the_text_was_cut(text: str, data: st.DataObject | None) -> None:
    cuts = range(len(text) + 1) if data is None else sorted(data.draw(st.sets(st.integers(0, len(text)))))
    edges = [0, *cuts, len(text)]
    # The end tells of what is unfinished that nothing follows: the same for both.
    parts = [text[a:b] for a, b in itertools.pairwise(edges)]
    assert lines(*parts, "\n") == lines(text, "\n")


@given(terminal)
@settings(max_examples=200)
def test_what_is_left_has_no_control_but_colors_and_tabs(text: str) -> None:
    for line in lines(text):
        assert not CONTROL.search(COLOR.sub("", line))
