"""Search in the logs: the rows that a query chooses, whatever became of the log since the last question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.errors import InvalidArgument
from runconsole.events import Logged, Received
from runconsole.log import EventLog
from runconsole.log.chunks import CHUNK
from runconsole.search import (
    Cancelled,
    LogQuery,
    LogSearches,
    Snapshot,
    event_parts,
    labels_of,
    output_parts,
    tasks_like,
    text_piece,
)
from runconsole.search.query import Search
from runconsole.state import Scrollback
from runconsole.state import scrollback as scrollback_module
from runconsole.view.output import OutputLine

NAMES = {"task_1": "Compile", "task_2": "Test", "task_12": "Compile again", "task_3": None}


def log_of(lines: Iterable[OutputLine]) -> Scrollback[OutputLine]:
    log = Scrollback(OutputLine)
    for line in lines:
        log.append(line)
    return log


def line(text: str, task: str | None = "task_1", stream: str = "stdout", at: int = 0) -> OutputLine:
    return OutputLine(task, stream, text, at)


def snapshot(log: Scrollback[OutputLine], *, cancelled: bool = False) -> Snapshot:
    tasks = dict.fromkeys(row.task_id for row in log if row.task_id is not None)
    return Snapshot("output", output_parts(log), list(tasks), NAMES, lambda: cancelled)


def numbers(log: Scrollback[OutputLine], searches: LogSearches | None = None, **query: Any) -> list[int]:
    """Return the numbers of the lines that a query chooses."""
    matches = (searches or LogSearches()).matches(snapshot(log), LogQuery(**query))
    found = [number for number, _ in matches.rows(0, len(matches))]
    assert found == [matches.number(ordinal) for ordinal in range(len(matches))]
    return found


def many(count: int) -> list[OutputLine]:
    return [line(f"line {number:05}", f"task_{number % 3 + 1}", at=number) for number in range(count)]


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first rows of the parts that are searched from now on."""
    firsts: list[int] = []
    chosen = Search.chosen

    def noted(search: Search, part: Any) -> Any:
        firsts.append(part.first)
        return chosen(search, part)

    monkeypatch.setattr(Search, "chosen", noted)
    return firsts


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"text": "ALPHA"}, [0, 1]),
        ({"text": "alpha beta"}, [1]),
        ({"text": "a.b"}, [3]),
        ({"text": "(["}, [5]),
        ({"text": "Ž"}, [4]),
        ({"text": "gamma"}, []),
        ({"text": "^a", "regex": True}, [0, 1, 3]),
        ({"text": r"\d{2}$", "regex": True}, [2]),
        ({"stream": "stderr"}, [2]),
        ({"task": "task_1"}, [0, 1]),
        ({"task": "Compile"}, [0, 1, 5]),
        ({"task": "Compile again · task_12"}, [5]),
        ({"task": "nobody"}, []),
        ({"task": "compile", "text": "a"}, [0, 1]),
        ({"task": "task_2", "stream": "stderr", "text": "1"}, [2]),
    ],
)
def test_a_query_chooses_lines(query: dict[str, Any], found: list[int]) -> None:
    log = log_of(
        [
            line("alpha"),
            line("\x1b[32mal\x1b[1mpha\x1b[0m beta"),
            line("line 12", "task_2", "stderr"),
            line("a.b axb", "task_3"),
            line("žluť", None),
            line("([", "task_12"),
        ]
    )
    assert numbers(log, **query) == found


def test_a_match_never_spans_two_lines() -> None:
    assert numbers(log_of([line("one"), line("two")]), text="etw") == []
    assert numbers(log_of([line("one"), line("two")]), text=r"e\st", regex=True) == []


@pytest.mark.parametrize("pattern", ["(", "[a", "a{1000}{1000}", "*", r"\8", "(?<=a)b"])
def test_a_bad_pattern_is_refused_in_a_sentence(pattern: str) -> None:
    with pytest.raises(InvalidArgument, match="expected a regular expression") as problem:
        numbers(log_of([line("a")]), text=pattern, regex=True)
    assert "\n" not in str(problem.value)


def test_a_very_long_text_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="at most 1,000 characters, got 5,000"):
        numbers(log_of([line("a")]), text="a" * 5000)


def test_a_pattern_that_explodes_elsewhere_is_answered() -> None:
    log = log_of([line("a" * 50_000 + "b")])
    assert numbers(log, text="(a+)+$", regex=True) == []
    assert numbers(log, text="(a*)*b$", regex=True) == [0]


def test_odd_text_and_very_long_lines_are_searched() -> None:
    rows = [line("\ud800 lone"), line("x" * 99_000 + "needle"), line("\u202eneedle"), line(""), *many(2000)]
    log = log_of(rows)
    assert numbers(log, text="needle") == [1, 2]
    assert numbers(log, text="lone") == [0]


def test_errors_are_lines_of_stderr_or_of_that_look_and_of_several_in_a_row_the_first() -> None:
    texts = ["fine", "Traceback (most recent call last):", "ValueError: no", "TypeError raised: Error", "3 passed"]
    rows = [line(text) for text in texts]
    rows += [line("warn", stream="stderr"), line("more", stream="stderr"), line("done: 0 failed"), line("FATAL: disk")]
    assert numbers(log_of(rows), errors=True) == [1, 3, 5, 8]


def test_errors_in_a_row_are_one_across_parts_too() -> None:
    log = log_of([line("error", stream="stderr")] * 3000)
    assert len(output_parts(log)) > 2
    searches = LogSearches()
    assert numbers(log, searches, errors=True) == [0]
    log.amend(1500, line("fine"))
    assert numbers(log, searches, errors=True) == [0, 1501]


def test_tasks_are_meant_by_id_by_label_or_by_a_part() -> None:
    labels = labels_of(NAMES, NAMES)
    assert labels == {
        "task_1": "Compile · task_1",
        "task_2": "Test · task_2",
        "task_12": "Compile again · task_12",
        "task_3": "task_3",
    }
    assert tasks_like("task_1", labels) == ["task_1"]
    assert tasks_like("Test · task_2", labels) == ["task_2"]
    assert tasks_like("task", labels) == list(labels)
    assert tasks_like("AGAIN", labels) == ["task_12"]


# ---- the next match ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("near", "step", "number", "ordinal"),
    [
        (0, 0, 10, 0),
        (10, 0, 10, 0),
        (11, 0, 110, 1),
        (2900, 0, 2910, 29),
        (2999, 0, 2910, 29),
        (10, 1, 110, 1),
        (2910, 1, 10, 0),
        (110, -1, 10, 0),
        (10, -1, 2910, 29),
        (5, -1, 2910, 29),
    ],
)
def test_a_match_is_found_on_both_sides_and_around_the_ends(near: int, step: int, number: int, ordinal: int) -> None:
    log = log_of(many(3000))
    found = LogSearches().match(snapshot(log), LogQuery(), LogQuery(text="10", regex=False), near, step)
    tens = [row for row in range(3000) if "10" in f"{row:05}"]
    assert found.matches == len(tens)
    found = LogSearches().match(snapshot(log), LogQuery(), LogQuery(text="10$", regex=True), near, step)
    assert (found.number, found.ordinal, found.matches) == (number, ordinal, 30)
    assert (found.place, found.shown) == (number, 3000)


def test_the_place_of_a_match_is_that_among_the_shown_lines() -> None:
    log = log_of(many(3000))
    shown = LogQuery(task="task_2")
    found = LogSearches().match(snapshot(log), shown, shown.and_text("02500", regex=False, errors=False), 0, 0)
    assert (found.number, found.place, found.shown) == (2500, 833, 1000)


def test_nothing_found_is_no_line() -> None:
    found = LogSearches().match(snapshot(log_of(many(10))), LogQuery(), LogQuery(text="x"), 3, 1)
    assert (found.number, found.matches, found.shown) == (None, 0, 10)


# ---- a log that grows and changes ------------------------------------------------------------------------------------


def test_only_new_and_changed_parts_are_searched_again(searched: list[int]) -> None:
    log, searches = log_of(many(5000)), LogSearches()
    assert len(numbers(log, searches, text="line")) == 5000
    assert len(searched) == len(output_parts(log))
    searched.clear()
    log.append(line("a new line"))
    log.amend(0, line("changed"))
    assert numbers(log, searches, text="line")[0] == 1
    assert searched == [0, output_parts(log)[-1].first]


def test_a_longer_text_is_searched_only_where_the_shorter_one_was_found(searched: list[int]) -> None:
    log, searches = log_of(many(5000)), LogSearches()
    numbers(log, searches, text="1234")
    searched.clear()
    assert numbers(log, searches, text="01234") == [1234]
    assert searched == [1024]


def test_a_cancelled_search_ends_and_the_next_one_goes_on(searched: list[int]) -> None:
    log, searches = log_of(many(5000)), LogSearches()
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        searches.matches(snapshot(log)._replace(is_cancelled=lambda: next(asked)), LogQuery(text="line"))
    searched.clear()
    assert len(searches.matches(snapshot(log), LogQuery(text="line"))) == 5000
    assert searched == [part.first for part in output_parts(log)[2:]]


WORDS = ("a", "ab", "b", "error", "Error: b", "\x1b[31ma\x1b[0mb", "ž", "", "0 failed")
steps = st.lists(
    st.tuples(st.sampled_from(("append", "amend", "ask")), st.sampled_from(WORDS), st.integers(0, 10_000)), max_size=40
)


@given(steps, st.sampled_from(("a", "B", "err", "Ž", ".")), st.booleans())
@settings(max_examples=150, deadline=None)
def test_matches_are_those_of_a_plain_search(steps: Sequence[tuple[str, str, int]], text: str, errors: bool) -> None:  # noqa: FBT001
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scrollback_module, "ROWS", 4)
        patch.setattr(scrollback_module, "AMENDED", 3)
        log, searches = Scrollback(OutputLine), LogSearches()
        for verb, word, number in [*steps, ("ask", "", 0)]:
            row = line(word, f"task_{number % 3}", "stderr" if number % 5 == 0 else "stdout")
            if verb == "append":
                log.append(row)
            elif verb == "amend" and len(log):
                log.amend(number % len(log), row)
            elif verb == "ask":
                query = LogQuery(text=text, errors=errors, stream="stdout" if number % 2 else "")
                assert numbers(log, searches, **_fields(query)) == _plainly(log, query)


def _fields(query: LogQuery) -> dict[str, Any]:
    return {"text": query.text, "errors": query.errors, "stream": query.stream}


def _plainly(log: Scrollback[OutputLine], query: LogQuery) -> list[int]:
    def is_chosen(row: OutputLine) -> bool:
        text = re.sub(r"\x1b\[[0-9;:]*m", "", row.text).lower()
        is_bad = row.stream == "stderr" or re.search(r"\berror\b", text) is not None
        return (
            query.text.lower() in text
            and (not query.stream or row.stream == query.stream)
            and (not query.errors or is_bad)
        )

    chosen = [is_chosen(row) for row in log]
    return [
        number
        for number, is_it in enumerate(chosen)
        if is_it and not (query.errors and number > 0 and chosen[number - 1])
    ]


# ---- text ----------------------------------------------------------------------------------------------------------


def pieces(log: Scrollback[OutputLine], *, stamped: bool = False, **query: Any) -> list[str]:
    matches = LogSearches().matches(snapshot(log), LogQuery(**query))
    found: list[str] = []
    following = 0
    while following < len(matches):
        text, following = text_piece(matches, following, stamped=stamped)
        found.append(text)
    return found


def test_the_whole_log_comes_as_text_in_pieces_of_bounded_size() -> None:
    log = log_of([*many(20_000), line("x" * 90_000), line("y" * 90_000)])
    texts = pieces(log)
    assert len(texts) > 2
    assert max(map(len, texts)) < 120_000 + 100_000
    assert "".join(texts).split("\n") == [row.text for row in log] + [""]


def test_text_is_without_colors_and_shows_deceptive_characters() -> None:
    log = log_of([line("\x1b[31mred\x1b[0m"), line("a\u202eb")])
    assert pieces(log) == ["red\na⟨U+202E⟩b\n"]


def test_text_of_a_query_has_its_lines_with_time_and_task_if_wanted() -> None:
    rows = [line("one", at=1_763_310_720_123_456), line("two", "task_2"), line("three", None, "stderr")]
    log = log_of(rows)
    assert pieces(log, stamped=True, text="e") == [
        "2025-11-16T16:32:00.123Z task_1 one\n1970-01-01T00:00:00.000Z - three\n"
    ]
    assert pieces(log, stream="stderr") == ["three\n"]


# ---- events --------------------------------------------------------------------------------------------------------


def events(count: int) -> EventLog:
    log = EventLog()
    kinds = ("task.started", "heartbeat", "task.output", "server.ping")
    for number in range(count):
        fact = Logged(task_id=f"t{number % 7}")
        log.append(Received(kinds[number % 4], fact, f'{{"n": {number}}}', number))
    return log


def of_events(log: EventLog) -> Snapshot:
    return Snapshot("events", event_parts(log, log.read), [], {}, lambda: False)


@pytest.mark.parametrize("count", [0, 10, 2 * CHUNK + 10])
def test_events_are_found_by_type_task_and_payload(count: int) -> None:
    log, searches = events(count), LogSearches()
    assert len(searches.matches(of_events(log), LogQuery(heartbeats=True))) == count
    assert len(searches.matches(of_events(log), LogQuery(types=("heartbeat",)))) == len(range(1, count, 4))
    found = searches.matches(of_events(log), LogQuery(text='"n": 6'))
    expected = [n for n in range(count) if str(n).startswith("6") and n % 4 in {0, 2}]
    assert [number for number, _ in found.rows(0, len(found))] == expected
    assert [event.received_at for _, event in found.rows(0, 5)] == expected[:5]
    if count:
        assert len(searches.matches(of_events(log), LogQuery(text="task.started"))) == len(range(0, count, 4))
        assert len(searches.matches(of_events(log), LogQuery(text="T2"))) > 0


def test_heartbeats_are_left_out_unless_they_are_wanted() -> None:
    log = events(40)
    found = LogSearches().matches(of_events(log), LogQuery())
    assert {event.type for _, event in found.rows(0, 40)} == {"task.started", "task.output"}


def test_types_are_counted_in_the_whole_log_as_it_grows() -> None:
    log, searches = events(CHUNK + 8), LogSearches()
    late = 0
    for more in (0, 4, CHUNK):
        for number in range(more):
            log.append(Received("late", Logged(), "{}", number))
        late += more
        counts = searches.counts(event_parts(log, log.read))
        assert sum(counts.values()) == len(log)
        assert counts.get("late", 0) == late
