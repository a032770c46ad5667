"""The tree of agents in the picture: places, sums, search, and its cost in long runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.events import AgentReported, Fact, Received, TaskStatus, TokenUsage, ToolCallReported
from runconsole.view.agents import AgentTree
from tests.support.folding import START, Folded, fold, task
from tests.support.streams import streams

if TYPE_CHECKING:
    from collections.abc import Collection

    import pytest

COMPLETED = TaskStatus.COMPLETED


def told(*facts: Fact) -> Folded:
    folded = Folded()
    for fact in facts:
        folded.apply(Received("x", fact, "{}", START))
    folded.view.changes()
    return folded


def rows_of(folded: Folded, **question: Any) -> list[tuple[int, str, str]]:
    _, rows = folded.view.page("agents", 0, 500, **question)
    return [(row["level"], row["kind"], row["id"]) for row in rows]


TEAM = (
    AgentReported("boss", "t", usage=(TokenUsage("1", "large", input_tokens=10, output_tokens=5, cost_usd=0.5),)),
    ToolCallReported("c1", agent_id="boss", name="search", arguments='{"q":"needle"}', result='"hay"'),
    AgentReported("hand", "t", name="helper", parent_id="boss", usage=(TokenUsage(tokens=7),)),
    ToolCallReported("c2", agent_id="hand", name="read", error="no such file", status=TaskStatus.FAILED),
    ToolCallReported("c3", "u", name="run"),
    ToolCallReported("c4", name="of nobody"),
)
WHOLE = [
    (1, "task", "t"),
    (2, "agent", "boss"),
    (3, "call", "c1"),
    (3, "agent", "hand"),
    (4, "call", "c2"),
    (1, "task", "u"),
    (2, "call", "c3"),
    (1, "call", "c4"),
]


def test_the_tree_is_task_agent_sub_agent_call() -> None:
    folded = told(*TEAM)
    assert rows_of(folded) == WHOLE
    shown = folded.view.snapshot()["agents"]
    assert (shown["total"], [row["id"] for row in shown["rows"]]) == (8, [name for _, _, name in WHOLE])


def test_sums_are_own_and_with_all_below() -> None:
    rows = {row["id"]: row for row in told(*TEAM).view.snapshot()["agents"]["rows"]}
    assert (rows["boss"]["own_tokens"], rows["boss"]["tokens"]) == (15, 22)
    assert (rows["boss"]["own_cost_usd"], rows["boss"]["cost_usd"]) == (0.5, 0.5)
    assert (rows["t"]["tokens"], rows["hand"]["tokens"], rows["c1"]["tokens"]) == (22, 7, None)
    assert rows["boss"]["facts"] == [["Tokens", "15"], ["Input", "10"], ["Output", "5"], ["Cost", "$0.5000"]]


def test_what_is_below_a_closed_row_is_left_out() -> None:
    folded = told(*TEAM)
    assert rows_of(folded, of=json.dumps(["agent:hand", "task:u"])) == [WHOLE[n] for n in (0, 1, 2, 3, 5, 7)]
    assert rows_of(folded, of="no list") == WHOLE


def test_a_text_is_found_in_names_arguments_results_and_errors_with_what_is_above() -> None:
    folded = told(*TEAM)
    assert rows_of(folded, search="NEEDLE") == WHOLE[:3]
    assert rows_of(folded, search="no such") == [WHOLE[n] for n in (0, 1, 3, 4)]
    assert rows_of(folded, search="helper") == [WHOLE[n] for n in (0, 1, 3)]
    assert rows_of(folded, search="elephant") == []


def test_circles_and_unknown_parents_leave_an_agent_at_its_task() -> None:
    folded = told(
        AgentReported("a", "t", parent_id="b"),
        AgentReported("b", "t", parent_id="a"),
        AgentReported("c", "t", parent_id="c"),
        AgentReported("d", parent_id="unknown"),
    )
    assert rows_of(folded) == [
        (1, "task", "t"),
        (2, "agent", "a"),
        (2, "agent", "b"),
        (2, "agent", "c"),
        (1, "agent", "d"),
    ]


def test_an_agent_moves_below_the_one_that_began_it_when_that_is_known() -> None:
    folded = told(AgentReported("a", "t", parent_id="b"))
    assert rows_of(folded) == [(1, "task", "t"), (2, "agent", "a")]
    folded.apply(Received("x", AgentReported("b", "u"), "{}", START))
    assert rows_of(folded) == [(1, "task", "u"), (2, "agent", "b"), (3, "agent", "a")]


def test_arguments_and_results_are_cut_in_rows_and_bounded_in_full() -> None:
    folded = told(ToolCallReported("c", result=json.dumps("x" * 5_000_000), status=COMPLETED))
    [row] = folded.view.snapshot()["agents"]["rows"]
    assert (len(row["result"] or ""), row["cut"]) == (120, ["result"])
    whole = folded.view.detail("agents", "call:c")
    assert whole is not None
    assert len(whole["result"]) < 110_000
    assert whole["result"].endswith("[4,900,000 more characters are in the frame tool_calls]")


def test_the_picture_of_ten_thousand_calls_is_small_and_takes_in_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    folded = Folded()
    seen: list[object] = []
    put = AgentTree._put

    def counted(self: AgentTree, key: Any, above: Any) -> None:
        seen.append(key)
        put(self, key, above)

    monkeypatch.setattr(AgentTree, "_put", counted)
    for number in range(10_000):
        call = ToolCallReported(f"c{number}", agent_id="a", name="read", status=COMPLETED)
        folded.apply(Received("x", call, "{}", START))
        if number % 500 == 0:
            folded.view.changes()
    folded.view.changes()
    assert len(seen) < 10_100
    shown = folded.view.snapshot()["agents"]
    assert (shown["total"], len(shown["rows"])) == (10_001, 100)
    total, rows = folded.view.page("agents", 9_990, 100)
    assert (total, [row["id"] for row in rows][-1], len(rows)) == (10_001, "c9999", 11)


@given(streams(most=30), st.integers(1, 5))
@settings(max_examples=60)
def test_a_tree_that_was_fed_often_has_what_one_that_is_fed_once_has(frames: list[str], step: int) -> None:
    often, once = Folded(), fold(frames)
    for begin in range(0, len(frames), step):
        often.feed(frames[begin : begin + step])
        often.view.changes()
    once.view.changes()

    def known(folded: Folded) -> list[dict[str, Any]]:
        return sorted(folded.view.page("agents", 0, 500)[1], key=lambda row: row["key"])

    assert known(often) == known(once)


_agent = st.sampled_from("abcde")
_news = st.one_of(
    st.builds(
        AgentReported,
        _agent,
        st.sampled_from(["t", "u", None]),
        parent_id=st.none() | _agent,
        usage=st.lists(st.builds(TokenUsage, st.sampled_from("12"), tokens=st.integers(0, 9)), max_size=1).map(tuple),
    ),
    st.builds(ToolCallReported, st.sampled_from("klm"), st.sampled_from(["t", None]), st.none() | _agent),
)


@given(st.lists(_news, max_size=25), st.integers(1, 4))
@settings(max_examples=200)
def test_every_node_has_one_place_and_each_sum_is_that_of_its_parts_whoever_began_whom(
    news: list[Fact], step: int
) -> None:
    folded = Folded()
    for number, fact in enumerate(news):
        folded.apply(Received("x", fact, "{}", START + number))
        if number % step == 0:
            folded.view.changes()
    rows = folded.view.page("agents", 0, 500)[1]
    known: dict[str, Collection[str]] = {"agent": folded.state.agents, "call": folded.state.tool_calls}
    for kind, held in known.items():
        assert sorted(row["id"] for row in rows if row["kind"] == kind) == sorted(held)
    for number, row in enumerate(rows):
        if row["kind"] == "agent":
            below = rows[number + 1 :]
            end = next((n for n, other in enumerate(below) if other["level"] <= row["level"]), len(below))
            parts = [row, *(other for other in below[:end] if other["kind"] == "agent")]
            own = [part["own_tokens"] for part in parts if part["own_tokens"] is not None]
            assert row["tokens"] == (sum(own) if own else None)


def test_agents_begun_one_by_the_other_without_end_are_no_deep_tree() -> None:
    folded = told(*(AgentReported(str(n), "t", parent_id=str(n - 1)) for n in range(3000)))
    total, rows = folded.view.page("agents", 0, 500)
    assert total == 3001
    assert max(row["level"] for row in rows) < 110


def test_events_of_agents_are_there_after_a_patch() -> None:
    folded = fold([task("agent.spawned", 1, agentId="a", name="writer")])
    folded.view.changes()
    folded.feed([task("agent.tool_call", 2, agentId="a", toolCallId="c", tool="read")])
    changes = folded.view.changes()
    assert [row["id"] for row in changes["agents"]["set"]] == ["a", "c"]
