"""The frame of the output: complete, and made of new lines only."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.state import OutputChunk, RunState
from runconsole.state.scrollback import LONG, ROWS, Block
from runconsole.tables.output import OutputFrame
from tests.support.folding import Folded, task

LINES = 5 * ROWS


def lines(first: int, count: int) -> list[str]:
    return [task("task.output", n, stream="stdout", data=f"line {n}\n") for n in range(first, first + count)]


def test_the_frame_has_every_line_in_order_however_it_grew() -> None:
    folded, total = Folded(), 0
    for more in (0, 1, ROWS - 1, 1, 2 * ROWS, 3, 2 * ROWS):
        folded.feed(lines(total, more))
        total += more
        frame = folded.tables.frame("output")
        assert frame["text"].to_list() == [f"line {n}\n" for n in range(total)]
        assert frame["at"].is_monotonic_increasing
        assert folded.tables.to_arrow("output")["text"].to_pylist() == frame["text"].to_list()


def test_more_lines_cost_only_their_own_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    folded = Folded()
    folded.feed(lines(0, LINES))
    folded.tables.frame("output")
    monkeypatch.setattr(Block, "_columns", lambda *_: pytest.fail("an old line was read"))
    folded.feed(lines(LINES, 10))
    assert len(folded.tables.frame("output")) == LINES + 10


def test_blocks_become_columns_without_becoming_rows_first(monkeypatch: pytest.MonkeyPatch) -> None:
    folded = Folded()
    folded.feed(lines(0, LINES + 3))
    monkeypatch.setattr(Block, "rows", lambda *_: pytest.fail("rows were made"))
    assert folded.tables.frame("output")["text"].iloc[LINES - 1] == f"line {LINES - 1}\n"


ids = st.sampled_from([None, "a", "b", "ž", "\x00", ""])
texts = st.sampled_from(["", "\x00", "a\n", "řž\u2028", "\U0001f600", "x" * 300, "x" * LONG, "ž" * LONG])
chunks = st.builds(OutputChunk, st.integers(0, 2**50), ids, st.sampled_from(["stdout", "stderr"]), texts, ids, ids)


@given(st.lists(chunks, min_size=1, max_size=9), st.integers(1, 400))
@settings(max_examples=40, deadline=None)
def test_every_cell_is_what_came(some: list[OutputChunk], times: int) -> None:
    state = RunState()
    for chunk in some * times:
        state.output.append(chunk)
    rows = OutputFrame(state).to_arrow().to_pydict()
    rows["at"] = [round(at.timestamp() * 1e6) for at in rows["at"]]
    assert list(zip(*rows.values(), strict=True)) == some * times
