"""Which events are new, which came before, and what is missing, over all connections of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.decoding.envelope import read_events
from runconsole.events import Logged, Micros, Received
from runconsole.log import EventLog
from runconsole.store.dedup import DUPLICATE, Dedup

RECONNECTED: Micros = 1000


def event(content: str = "x", at: Micros | None = None, **marks: Any) -> Received:
    return Received("note", Logged(), content, 0, at, **marks)


def connected() -> Dedup:
    dedup = Dedup()
    dedup.connected(None)
    return dedup


def admitted(dedup: Dedup, *events: Received) -> list[bool]:
    return [dedup.admit(one) is not DUPLICATE for one in events]


@pytest.mark.parametrize("mark", [{"event_id": "e1"}, {"seq": 1}, {"offset": "17"}])
def test_an_identified_event_is_new_once_over_all_connections(mark: dict[str, Any]) -> None:
    dedup = connected()
    assert admitted(dedup, event(**mark), event(**mark)) == [True, False]
    dedup.connected(RECONNECTED)
    assert admitted(dedup, event(**mark), event(**mark)) == [False, False]


@pytest.mark.parametrize("mark", [{"event_id": "e1"}, {"seq": 1}, {"offset": "17"}])
def test_the_same_mark_on_another_event_is_another_event(mark: dict[str, Any]) -> None:
    assert admitted(connected(), event("a", **mark), event("b", **mark)) == [True, True]


def test_on_one_connection_events_without_marks_are_all_new() -> None:
    assert admitted(connected(), event(at=5), event(at=5), event(), event()) == [True] * 4


def test_a_replay_after_a_reconnect_is_known_by_content() -> None:
    dedup = connected()
    past = [event("a", 1), event("b", 2), event("b", 2)]
    assert admitted(dedup, *past) == [True] * 3
    dedup.connected(RECONNECTED)
    assert admitted(dedup, *past, event("c", 3)) == [False, False, False, True]


def test_one_more_of_an_event_after_a_reconnect_is_new() -> None:
    dedup = connected()
    admitted(dedup, event("a", 1))
    dedup.connected(RECONNECTED)
    assert admitted(dedup, event("a", 1), event("a", 1)) == [False, True]


def test_without_times_the_first_new_event_ends_a_replay() -> None:
    dedup = connected()
    admitted(dedup, event("tick"), event("start"))
    dedup.connected(RECONNECTED)
    assert admitted(dedup, event("tick"), event("start"), event("new"), event("tick")) == [False, False, True, True]


# ---- with a log to look into ---------------------------------------------------------------------------------------


class Followed:
    """Frames over connections, admitted to a log."""

    def __init__(self, **options: Any) -> None:
        self.log = EventLog()
        self.dedup = Dedup(self.log, **options)
        self.replays = 0
        self.connect()

    def connect(self) -> None:
        again = self.dedup.has_connected
        self.dedup.connected(RECONNECTED if again else None, replays=self.replays)

    def hear(self, *frames: dict[str, Any] | str, at: Micros = 0) -> list[bool]:
        """Return of each frame whether its event is new."""
        found = []
        for frame in frames:
            for one in read_events(frame if isinstance(frame, str) else json.dumps(frame), at):
                found.append(self.dedup.admit(one) is not DUPLICATE)
                if found[-1]:
                    self.log.append(one)
        return found


def told(number: int, **more: Any) -> dict[str, Any]:
    data = {"taskId": "t1", "n": number, "text": f"lín {number}", "share": 1.0, "file": {"path": "a"}}
    return {"type": "task.output", "timestamp": f"2026-01-01T00:00:{number:02}.250Z", "payload": data} | more


def respelled(frame: dict[str, Any]) -> str:
    """Return the same event as another library writes it, with a mark and without a field."""
    data = dict(sorted(frame["payload"].items())) | {"share": 1, "replayed": True}
    del data["file"]
    stamp = frame["timestamp"].replace("Z", "+00:00")
    return json.dumps(dict(reversed(frame.items())) | {"payload": data, "timestamp": stamp}, indent=1)


@pytest.mark.parametrize("mark", ["id", "seq"])
def test_a_marked_event_in_another_spelling_is_the_same(mark: str) -> None:
    followed = Followed()
    frames = [told(number, **{mark: number}) for number in range(1, 20)]
    assert all(followed.hear(*frames))
    assert followed.hear(respelled(frames[-1])) == [False], "over the same connection"
    followed.connect()
    assert not any(followed.hear(*map(respelled, frames)))
    assert followed.hear(told(20, **{mark: 20})) == [True]


def test_another_spelling_after_a_reconnect_is_the_same_event() -> None:
    followed = Followed()
    frames = [told(number) for number in range(1, 20)]
    followed.hear(*frames)
    followed.connect()
    assert not any(followed.hear(*map(respelled, frames)))
    assert all(followed.hear(told(20), respelled(told(18)).replace("18", "17")))


@pytest.mark.parametrize("mark", ["id", "seq"])
def test_a_fresh_count_gives_known_marks_to_new_events(mark: str) -> None:
    followed = Followed()
    followed.hear(*(told(number, **{mark: number}) for number in range(1, 10)))
    followed.connect()
    assert all(followed.hear(*(told(number + 10, **{mark: number}) for number in range(1, 10))))
    followed.connect()
    again = [told(number + 10, **{mark: number}) for number in range(1, 10)]
    assert not any(followed.hear(*map(respelled, again)))


def test_what_is_replayed_with_a_new_time_is_known_by_its_id() -> None:
    followed = Followed()
    followed.hear(*(told(number, id=f"e{number}") for number in range(1, 10)))
    followed.connect()
    anew = [told(number, id=f"e{number}", timestamp="2026-01-01T09:00:00Z") for number in range(1, 10)]
    assert not any(followed.hear(*anew))


@pytest.mark.parametrize("mark", ["t1", 1, "stream"])
@pytest.mark.parametrize("stamps", ["none", "one", "each"])
def test_a_mark_that_is_not_the_events_own_loses_nothing(mark: str | int, stamps: str) -> None:
    def frame(number: int, text: str) -> dict[str, Any]:
        stamp = {"none": None, "one": 1_767_225_600, "each": 1_767_225_600 + number}[stamps]
        payload = {"taskId": "t1", "data": text}
        return {"type": "task.output", "id": mark, "payload": payload} | ({"timestamp": stamp} if stamp else {})

    followed = Followed()
    begin = {"type": "task.started", "id": mark, "payload": {"taskId": "t1"}}
    frames = [begin, *(frame(number, ".") for number in range(20)), *(frame(number, "}") for number in range(20))]
    assert all(followed.hear(*frames))
    followed.connect()
    replayed = followed.hear(*frames)
    assert not any(replayed)


@pytest.mark.parametrize("mark", ["t1", 1])
def test_a_foreign_mark_loses_nothing_from_the_first_event(mark: str | int) -> None:
    output = {"type": "task.output", "id": mark, "timestamp": 1_767_225_600, "payload": {"taskId": "t1", "data": "."}}
    assert all(Followed().hear(*[output] * 20))


@pytest.mark.parametrize("has_ids", [True, False])
def test_a_replay_of_any_length_is_known(monkeypatch: pytest.MonkeyPatch, has_ids: bool) -> None:  # noqa: FBT001
    monkeypatch.setattr("runconsole.store.identities._NEWEST", 100)
    monkeypatch.setattr("runconsole.store.digests._SORTED_HERE", 1000)
    count = 5_000

    def came(number: int) -> Received:
        mark_of = f"e-{number * 2654435761 % 2**32:x}" if has_ids else None
        return Received("note", Logged(), f'{{"n":{number}}}', 0, number + 1, mark_of)

    dedup = connected()
    assert all(dedup.admit(came(number)) is not DUPLICATE for number in range(count))
    dedup.connected(RECONNECTED)
    assert all(dedup.admit(came(number)) is DUPLICATE for number in range(count))
    assert dedup.admit(came(count)) is not DUPLICATE


# ---- a replay that comes in between what is new ---------------------------------------------------------------------


def line(text: str, at: int | None = None) -> dict[str, Any]:
    return {"type": "task.output", "payload": {"data": text}} | (
        {} if at is None else {"timestamp": 1_767_225_600 + at}
    )


def test_equal_lines_count_each_during_a_catch_up() -> None:
    followed = Followed()
    followed.replays = 1
    followed.connect()
    past = [line(text, 1) for text in "{}}]..."]
    assert all(followed.hear(*past))
    followed.connect()
    assert followed.hear(*past, line("}", 1), line("x", 2)) == [False] * len(past) + [True, True]


def test_a_catch_up_ends_when_the_server_says_so() -> None:
    followed = Followed()
    followed.replays = 1
    followed.connect()
    past = [line(f"line {number}") for number in range(10)]
    followed.hear(*past)
    followed.dedup.caught_up()
    followed.connect()
    for number, one in enumerate(past):
        assert followed.hear(one, at=number * 60_000_000) == [False]
        assert followed.hear(line(f"new {number}"), at=number * 60_000_000) == [True]
    followed.dedup.caught_up()
    assert followed.hear(past[0]) == [True], "said again"


@pytest.mark.parametrize("at_once", [True, False])
def test_several_catch_ups_bring_each_event_once(at_once: bool) -> None:  # noqa: FBT001
    followed = Followed()
    past, missed = [line(text, 1) for text in "ab..c"], [line(text, 2) for text in "d..e"]
    followed.hear(*past)
    followed.replays = 2
    followed.connect()
    if at_once:
        new = followed.hear(*(one for one in past + missed for _ in range(2)))
        followed.dedup.caught_up(1)
    else:
        new = followed.hear(*past, *missed)
        followed.dedup.caught_up(1)
        new += followed.hear(*past, *missed)
    followed.dedup.caught_up()
    assert sum(new) == len(missed)
    assert all(followed.hear(*[line(".", 3)] * 3))


def test_two_catch_ups_bring_each_event_once() -> None:
    followed = Followed()
    followed.dedup, followed.replays = Dedup(followed.log), 2
    followed.connect()
    live, past = line("c", 3), [line("a", 1), line("b", 2), line("c", 3)]
    assert followed.hear(live, *past, past[0]) == [True, True, True, False, False]
    followed.dedup.caught_up(1)
    assert not any(followed.hear(*past[1:]))
    followed.dedup.caught_up()
    assert all(followed.hear(line("d", 4), line("d", 4)))


def test_what_came_live_before_a_catch_up_began_is_known_in_it() -> None:
    followed = Followed()
    followed.replays = 1
    followed.dedup = Dedup(followed.log)
    followed.connect()
    begin = {"type": "task.started", "timestamp": 1_767_225_600, "payload": {"taskId": "t1"}}
    assert followed.hear(begin, line("a", 1), begin, line("a", 1), line("b", 2)) == [True, True, False, False, True]
    followed.connect()
    assert followed.hear(line("c", 4), begin, line("a", 1), line("b", 2), line("c", 4)) == [True, *[False] * 4]


# ---- what is missing -----------------------------------------------------------------------------------------------


def losses(dedup: Dedup) -> tuple[int | None, int] | None:
    report = dedup.gaps.report()
    return None if report is None else (report.missed, report.recovered)


def test_a_jump_is_a_gap_and_a_late_number_fills_it() -> None:
    dedup = connected()
    admitted(dedup, event("a", seq=1), event("b", seq=2), event("e", seq=5))
    assert losses(dedup) == (2, 0)
    assert losses(dedup) is None
    admitted(dedup, event("c", seq=3))
    assert losses(dedup) == (0, 1)


def test_numbers_without_a_gap_report_nothing() -> None:
    dedup = connected()
    admitted(dedup, *(event(str(n), seq=n) for n in range(7, 30)))
    assert losses(dedup) is None


def test_a_gap_over_a_reconnect_is_counted_with_what_came_late() -> None:
    dedup = connected()
    admitted(dedup, *(event(str(n), at=n, seq=n) for n in (1, 2, 3)))
    dedup.connected(RECONNECTED)
    admitted(dedup, event("6", at=6, seq=6), event("7", at=2000, seq=7))
    missed, recovered = losses(dedup) or (None, 0)
    assert (missed, recovered) == (2, 1)


def test_numbers_of_each_task_are_no_numbers_of_the_stream() -> None:
    followed = Followed()
    lines = [{"type": "task.output", "payload": {"taskId": t, "seq": n, "data": "x"}} for n in range(40) for t in "abc"]
    assert all(followed.hear(*lines))
    assert losses(followed.dedup) is None
    apart = sorted(lines, key=lambda frame: str(frame["payload"]))
    followed = Followed()
    assert all(followed.hear(*apart))
    assert losses(followed.dedup) is None


@pytest.mark.parametrize("numbers", [range(0, 20_000, 1000), [1, 4, 5, 9, 12, 13, 20, 28, 29, 40]])
@pytest.mark.parametrize("inside", [True, False])
def test_numbers_that_skip_over_one_connection_leave_no_gap(numbers: list[int], inside: bool) -> None:  # noqa: FBT001
    followed = Followed()
    followed.hear(
        *({"type": "a", "data": {"seq": n}} if inside else {"type": "a", "seq": n, "data": {}} for n in numbers)
    )
    assert losses(followed.dedup) is None
    followed.connect()
    followed.hear({"type": "a", "seq": 50_000, "data": {"last": 1}})
    assert losses(followed.dedup) == (None, 0), "what was missed over the reconnect nobody can know"


def test_of_a_part_of_what_is_numbered_no_jump_is_a_gap() -> None:
    followed = Followed(filtered=True)
    followed.hear(*({"type": "a", "seq": n, "data": {}} for n in [*range(1, 30), 40, *range(41, 90)]))
    assert losses(followed.dedup) is None


def test_what_is_left_out_is_not_missing() -> None:
    followed = Followed(filtered=True)
    for number in range(1, 30):
        (one,) = read_events(json.dumps({"type": "a", "seq": number, "data": {}}), 0)
        followed.dedup.pass_over(one) if number % 3 else followed.dedup.admit(one)
    followed.connect()
    followed.hear({"type": "a", "seq": 33, "data": {}})
    assert losses(followed.dedup) == (3, 0)


def test_what_was_merely_overtaken_is_never_reported() -> None:
    followed = Followed()
    followed.hear(*({"type": "a", "seq": n, "data": {}} for n in [1, 2, 3, 6]), at=10)
    assert followed.dedup.gaps.report(before=5) is None
    followed.hear(*({"type": "a", "seq": n, "data": {}} for n in [5, 4]), at=11)
    assert losses(followed.dedup) == (0, 2)


def test_only_late_events_are_taken_off_the_report() -> None:
    followed = Followed()
    followed.hear(*({"type": "a", "seq": n, "data": {}} for n in [1, 2, 3, 6]))
    assert losses(followed.dedup) == (2, 0)
    followed.hear({"type": "a", "seq": 4, "data": {}})
    report = followed.dedup.gaps.report()
    assert report is not None
    assert (report.missed, report.recovered, report.filled) == (0, 1, 1)


def test_a_number_that_is_no_number_of_an_event_fills_no_memory() -> None:
    dedup = connected()
    assert admitted(dedup, event("a", seq=1), event("b", seq=2**62), event("c", seq=-(2**62))) == [True] * 3


@given(st.permutations(range(1, 12)), st.sets(st.integers(1, 11)))
def test_missing_numbers_are_those_that_never_came(order: list[int], lost: set[int]) -> None:
    dedup = connected()
    came = [*range(-99, 1), *(number for number in order if number not in lost)]
    assert admitted(dedup, *(event(str(n), seq=n) for n in came)) == [True] * len(came)
    report = losses(dedup)
    assert (report[0] if report else 0) == len(set(range(max(came))) - set(came))
