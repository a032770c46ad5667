"""Chunks of output to lines: the same lines for any cut of the text, with colors and without all other sequences."""

from __future__ import annotations

import itertools
import re
import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runconsole.state import OutputChunk
from runconsole.view.ansi_cells import ScreenRow
from runconsole.view.output import OutputLines

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
        (["abc\rx"], ["xbc"]),
        (["abc\b\bx"], ["axc"]),
        (["abc", "\b", "\b", "x\n", "d"], ["axc", "d"]),
        (["abc\x1b[2K", "d"], ["   d"]),
        (["abc\r\x1b[Kd"], ["d"]),
        (["abc\x1b[1Gd\x1b[K"], ["d"]),
        (["abcd\x1b[2D\x1b[1Kx"], ["  xd"]),
        (["⠋ Building\x1b[1G\x1b[2K⠙ Building\x1b[1G\x1b[2K", "✔ Built\n"], ["✔ Built"]),
        (["  0%|    |\r", " 50%|█   |\r", "100%|████|\n", "done"], ["100%|████|", "done"]),
        (["a 1%\nb 1%\n", "\x1b[2A\ra 9%\x1b[1B\rb 9%\x1b[1B\r", "c\n"], ["a 9%", "b 9%", "c"]),
        (["one\ntwo\nthree\n\x1b[3A\x1b[Jnew\n"], ["new", "", ""]),
        (["old\n\x1b[2J\x1b[Hnew\n"], ["new"]),
        (["a\x1b[3Cb\x1b[5Dc\n"], ["c   b"]),
        (["abc\x1b[3D\x1b[P\x1b[1@x\n"], ["xbc"]),
        (["abcdef\x1b[4G\x1b[2X\n"], ["abc  f"]),
        (["a\x1b7bcd\x1b8X\n"], ["aXcd"]),
        (["1\n2\n3\n\x1b[2A\x1b[LX\n"], ["1", "X", "2", "3"]),
        (["1\n2\n3\n\x1b[3A\x1b[MY\n"], ["Y", "3", ""]),
        (["1\n2\n\x1b[2A\x1b[9M", "new\n"], ["new", ""]),
        (["a\x0bb\x0cc\n"], ["a", " b", "  c"]),
        (["a\x85b\n"], ["a", "b"]),
        (["$ vim\n", "\x1b[?1049h\x1b[H\x1b[2J~\n~\n~", "\x1b[?1049l", "$ done\n"], ["$ vim", "$ done", "", ""]),
        (["$ less\x1b[?1049hpage\x1b[H\x1b[2Jnext\x1b[?1049l ok\n", "end\n"], ["$ less ok", "end"]),
        (["a\n\x1b[?1049h\x1b[5Ab\x1b[?47lc\n"], ["a", "c"]),
        (["你好\rab\n"], ["ab好"]),
        (["e\u0301e\b\bx\n"], ["xe"]),
        (["a\tb\rX\n"], ["X\tb"]),
        (["\x1b]0;tit", "le" * 3000, "\x07text"], ["text"]),
        (["\x1b]0;title\x1b", "\\text"], ["text"]),
        (["\x9d0;title\x9c\x9b31mred\x9b0m\n"], ["\x1b[31mred\x1b[0m"]),
        (["\x1b[31mred\x1b[0m\r\x1b[32mgr\n"], ["\x1b[32mgr\x1b[0;31md"]),
        (["\rabc"], ["abc"]),
        (["abc\r\r\nd"], ["abc", "d"]),
        (["a\tb\n"], ["a\tb"]),
        (["ř\u2028é\n"], ["ř\u2028é"]),
        (["\x1b", "[31mred\n", "plain\n"], ["\x1b[31mred", "plain"]),
    ],
)
def test_lines_are_those_of_a_terminals_screen(texts: list[str], shown: list[str]) -> None:
    assert lines(*texts) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[1;38;5;208mbold\x1b[m", "\x1b[1;38;5;208mbold\x1b[m"),
        ("\x1b[38:2::1:2:3mtrue", "\x1b[38:2::1:2:3mtrue"),
        ("a\x1b[2Kb\x1b[1Ac", " bc"),
        ("\x1b[?25lhide\x1b[?25h", "hide"),
        ("\x1b[>4mkeys", "keys"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdata\x1b\\text", "text"),
        ("\x1b(Bascii", "ascii"),
        ("\x1b7save\x1b8", "save"),
        ("\x1bctext", "text"),
        ("a\x00b\x07c\x08d\x7fe\x9bf", "abde"),
        ("\x1b[31\x00mno", "mno"),
        ("\x1b\x1b[2Kx", "x"),
        ("\x1b[\x1b[2K3m", "3m"),
        ("\x1b]never ended", ""),
    ],
)
def test_colors_stay_and_every_other_sequence_goes(text: str, shown: str) -> None:
    assert lines(text + "\n") == [shown]


@pytest.mark.parametrize("sequence", ["\x1b]0;title", "\x1b[12", "\x1b", "\x1bPabc"])
def test_an_unfinished_sequence_swallows_at_most_its_line(sequence: str) -> None:
    assert lines(sequence, "\nnext\n")[-1] == "next"


def test_each_task_and_stream_has_its_own_open_line() -> None:
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


def test_a_line_without_end_is_bounded_and_shows_what_came_last() -> None:
    (line,) = lines(*["x" * 60_000] * 4, "✔ Installed")
    assert len(line) == 100_000
    assert line.startswith("…x")
    assert line.endswith("x✔ Installed")


def test_a_spinner_that_runs_for_long_is_one_short_line() -> None:
    frames = [f"\x1b[1G\x1b[2K{'⠋⠙⠹⠸'[n % 4]} Installing {n}" for n in range(20_000)]
    assert lines(*frames, "\x1b[1G\x1b[2K✔ Installed\n") == ["✔ Installed"]


def test_a_million_carriage_returns_are_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[str] = []
    write = ScreenRow.write

    def counted(row: ScreenRow, column: int, text: str, *rest: Any) -> int:
        writes.append(text)
        return write(row, column, text, *rest)

    monkeypatch.setattr(ScreenRow, "write", counted)
    assert lines("a" + "\r" * 1_000_000 + "b\n") == ["b"]
    assert writes == ["a", "b"]


@pytest.mark.parametrize(
    "piece",
    [
        "a\r",
        "x\x1b[A",
        "ab\x1b[1K",
        "\x1b[31m",
        "e\u0301",
        "\x1b[",
        "\x1b]",
        "ab\x1b[D\x1b[@",
        "x" * 9,
        "a\n\x1b[A\x1b[L",
        "\x1b[?1049hx\x1b[?1049l",
    ],
)
def test_no_sequence_costs_more_the_more_of_them_there_are(piece: str) -> None:
    """The cost of each piece is counted in steps of the interpreter, not in time."""

    def steps(count: int) -> int:
        text, seen = piece * count, 0

        def tracer(*_: object) -> Any:
            nonlocal seen
            seen += 1
            return tracer

        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            lines(text + "\n")
        finally:
            sys.settrace(before)
        return seen

    assert steps(2_000) < 12 * steps(200)


def test_the_memory_of_the_screens_is_bounded() -> None:
    output, chunks = OutputLines(), [chunk("line\n", f"t{n}") for n in range(20_000)]
    output.feed([*chunks, chunk("open", "last")])
    assert len(output.lines) == 20_001
    assert len(output._screens) == 1
    output.feed([*chunks, chunk("open", "last"), chunk(" line\n", "last"), chunk("next\n", "t0")])
    assert [line.text for line in output.lines[20_000:]] == ["open line", "next"]


PIECES = (
    *("a", "b ", "ž", "\n", "\r", "\r\n", "\t", "\x00", "\x07", "\x9b", "\x1b", "\x1b[", "\x1b[31m", "\x1b[0m"),
    *(
        "\b",
        "\x1b[A",
        "\x1b[2A",
        "\x1b[B",
        "\x1b[3C",
        "\x1b[2D",
        "\x1b[2L",
        "\x1b[M",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x0b",
        "\x1b[2G",
        "\x1b[H",
        "\x1b[J",
        "\x1b[1K",
        "\x1b[K",
        "好",
    ),
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
def test_lines_have_no_controls_but_colors_and_tabs(text: str) -> None:
    for line in lines(text):
        assert not CONTROL.search(COLOR.sub("", line))
