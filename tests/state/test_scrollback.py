"""Rows of text, most of them compressed: a list to every reader, with any rows."""

from __future__ import annotations

import random
import threading
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.state import OutputChunk, Scrollback
from runconsole.state.scrollback import AMENDED, LONG, ROWS, WEIGHT, Block

ids = st.none() | st.sampled_from(["a", "b", "ž\x00", "", "\ud800"]) | st.text(max_size=3)
texts = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["", "\x00", "\n", "line\n", "ř\u2028é", "\U0001f600", "\ud800"]),
    st.builds("".__class__.__mul__, st.sampled_from("xž\U0001f600"), st.sampled_from([100, LONG - 1, LONG, LONG + 1])),
)
times = st.integers(0, 2**51) | st.sampled_from([-(2**63), 2**63 - 1, 2**64, -(2**70)])
chunks = st.builds(OutputChunk, times, ids, st.sampled_from(["stdout", "stderr"]), texts, ids, ids)
bounds = st.none() | st.integers(-2 * ROWS, 5 * ROWS)
slices = st.builds(slice, bounds, bounds, st.none() | st.integers(-3000, 3000).filter(bool))


def chunk(text: str, number: int = 0, task: str | None = "t") -> OutputChunk:
    return OutputChunk(number, task, "stdout", text, None, None)


def kept(rows: list[OutputChunk]) -> Scrollback[OutputChunk]:
    output = Scrollback(OutputChunk)
    for row in rows:
        output.append(row)
    return output


def many(count: int, seed: int = 0) -> list[OutputChunk]:
    """Return lines as agents write them, of all lengths."""
    chance = random.Random(seed)  # noqa: S311
    return [
        OutputChunk(
            1_700_000_000_000_000 + number * 5_000 + chance.randrange(-9_000, 9_000),
            chance.choice([None, "t1", f"task-{number % 40}"]),
            chance.choice(["stdout", "stderr"]),
            f"{number} " + chance.choice("xyž€\U0001f600") * chance.choice([0, 1, 40, 200]) + "\n",
            f"worker-{number % 3}",
            None,
        )
        for number in range(count)
    ]


MANY = many(4 * ROWS)
FULL = kept(MANY)


# ---- as a list -------------------------------------------------------------------------------------------------------


@given(st.lists(chunks, max_size=30), st.integers(1, 120), st.data())
@settings(max_examples=60, deadline=None)
def test_it_holds_what_a_list_holds(some: list[OutputChunk], times_over: int, data: st.DataObject) -> None:
    rows = some * times_over
    output = kept(rows)
    assert len(output) == len(rows)
    assert list(output) == rows
    assert list(reversed(output)) == rows[::-1]
    for _ in range(5):
        part = data.draw(slices)
        assert output[part] == rows[part]
    for index in data.draw(st.lists(st.integers(-len(rows), len(rows) - 1), max_size=9)) if rows else ():
        assert output[index] == rows[index]
        assert output[index].__class__ is OutputChunk


@given(slices)
@settings(deadline=None)
def test_any_part_of_many_blocks_is_what_a_list_gives(part: slice) -> None:
    assert FULL[part] == MANY[part]


@given(st.lists(st.integers(-len(MANY), len(MANY) - 1), max_size=20))
@settings(deadline=None)
def test_rows_are_read_in_any_order(numbers: list[int]) -> None:
    assert [FULL[number] for number in numbers] == [MANY[number] for number in numbers]


@pytest.mark.parametrize("count", [0, 1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS, 2 * ROWS + 1])
def test_nothing_is_lost_where_a_block_ends(count: int) -> None:
    rows = [chunk("", number) for number in range(count)]
    output = Scrollback(OutputChunk)
    for number, row in enumerate(rows):
        output.append(row)
        assert (len(output), output[-1], output[number // 2]) == (number + 1, row, rows[number // 2])
    assert list(output) == rows
    assert [row.at for row in output[max(0, count - 500) :]] == list(range(max(0, count - 500), count))


@pytest.mark.parametrize("index", [0, -1, 7])
def test_a_row_that_is_not_there_is_an_index_error(index: int) -> None:
    with pytest.raises(IndexError):
        kept([])[index]
    with pytest.raises(IndexError):
        FULL[len(MANY)]


def test_a_slice_belongs_to_its_reader() -> None:
    output = kept(MANY)
    for part in (output[:], output[:10], output[-10:], output[ROWS : ROWS + 10]):
        part.clear()
    assert list(output) == MANY


# ---- what it costs ---------------------------------------------------------------------------------------------------


def test_lines_take_a_fraction_of_their_text() -> None:
    rows = [
        chunk(f"[{n:09}] collected 312 items, 14 passed\n", n * 5_000, f"task_{n % 1000:06}") for n in range(50_000)
    ]
    assert kept(rows).nbytes < 0.2 * sum(len(row.text) for row in rows)


def test_a_block_is_limited_and_keeps_long_texts_uncompressed() -> None:
    wide = kept([chunk("x" * (LONG - 1))] * 100)
    assert max(block.size for block in wide._parts.blocks) <= WEIGHT // LONG + 2
    long = "x" * 3 * 2**20
    output = kept([chunk(long)] * 3 + [chunk("short")] * ROWS)
    assert output[1].text is long
    assert output[2:5] == [chunk(long), chunk("short"), chunk("short")]


def test_a_page_decompresses_only_its_own_blocks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    output = kept([chunk("", number) for number in range(20 * ROWS)])
    opened: list[int] = []
    read = Block.rows

    def watched(self: Block[Any]) -> list[Any]:
        opened.append(self.first)
        return read(self)

    monkeypatch.setattr(Block, "rows", watched)
    for begin in range(5 * ROWS, 6 * ROWS - 100, 100):
        assert [row.at for row in output[begin : begin + 50]] == list(range(begin, begin + 50))
    assert opened == [5 * ROWS]
    assert output[7 * ROWS - 1 : 7 * ROWS + 1][1].at == 7 * ROWS
    assert opened == [5 * ROWS, 6 * ROWS, 7 * ROWS]
    assert [row.at for row in islice(iter(output), 3)] == [0, 1, 2]
    assert opened == [5 * ROWS, 6 * ROWS, 7 * ROWS, 0]


def test_the_end_needs_no_decompression_after_a_full_block(monkeypatch: pytest.MonkeyPatch) -> None:
    output = kept([chunk("", number) for number in range(3 * ROWS + 5)])
    monkeypatch.setattr(Block, "rows", lambda *_: pytest.fail("decompressed"))
    assert [row.at for row in output[-200:]] == list(range(3 * ROWS - 195, 3 * ROWS + 5))


# ---- from several threads --------------------------------------------------------------------------------------------


def test_any_thread_reads_whole_rows_in_order_while_one_appends() -> None:
    total = 30 * ROWS
    output = Scrollback(OutputChunk)
    wrong: list[Any] = []
    done = threading.Event()

    def read(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311
        while not done.is_set():
            count = len(output)
            seen = [row.at for row in output]
            if len(seen) < count or seen != list(range(len(seen))):
                wrong.append(("iterated", count, len(seen)))
            begin = chance.randrange(len(seen) + 1)
            part = [row.at for row in output[begin : begin + 300]]
            if part != list(range(begin, begin + len(part))) or (begin + 300 <= count and len(part) != 300):
                wrong.append(("sliced", begin, part[:3]))

    readers = [threading.Thread(target=read, args=[seed]) for seed in range(3)]
    for reader in readers:
        reader.start()
    for number in range(total):
        output.append(chunk(f"line {number}\n", number))
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert [row.at for row in output] == list(range(total))


def test_iteration_ends_with_the_last_row_at_its_beginning() -> None:
    output = kept(MANY[:10])
    rows = iter(output)
    assert next(rows) == MANY[0]
    for row in MANY[10:]:
        output.append(row)
    assert list(rows) == MANY[1:10]


@given(st.integers(0, 3 * ROWS), st.integers(0, 2 * ROWS))
@settings(max_examples=20, deadline=None)
def test_blocks_and_open_rows_are_of_one_moment(count: int, more: int) -> None:
    output = kept(MANY[:count])
    parts = output.parts()
    read = [next(parts)]
    for row in MANY[count : count + more]:
        output.append(row)
    read += parts
    assert [row for part in read for row in (part.rows() if isinstance(part, Block) else part)] == MANY[:count]
    assert [part.__class__ for part in read] == [Block] * (len(read) - 1) + [list]
    first = sum(part.size for part in read[:-1] if isinstance(part, Block))
    late = [row for part in output.parts(first) for row in (part.rows() if isinstance(part, Block) else part)]
    assert late == MANY[first : count + more]


# ---- amending --------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, len(MANY) - 1), texts), max_size=3 * AMENDED))
@settings(max_examples=20, deadline=None)
def test_a_row_in_anothers_place_is_the_one_that_is_read(changes: list[tuple[int, str]]) -> None:
    rows = list(MANY)
    output = kept(rows)
    for number, text in changes:
        rows[number] = chunk(text, number)
        output.amend(number, rows[number])
        assert output[number] == rows[number]
        assert output[number // 2] == rows[number // 2]
    assert list(output) == rows


def test_amended_rows_are_compressed_too() -> None:
    rows = [chunk(f"line {number}\n", number) for number in range(10 * ROWS)]
    output = kept(rows)
    before = output.nbytes
    for number, row in enumerate(rows[: 9 * ROWS]):
        output.amend(number, row._replace(text=f"{row.text}and more\n"))
    assert output.nbytes < 2 * before
    assert max(block.amended for block in output._parts.blocks) < AMENDED
    assert output[5].text == "line 5\nand more\n"
