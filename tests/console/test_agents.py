"""Agents and tool calls of a whole console: live, from its recording, from a copy, and from a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pandas.testing import assert_frame_equal

from runconsole import Console, history, start_run
from runconsole.simulator import Simulator

if TYPE_CHECKING:
    import pandas as pd

FRAMES = ("agents", "tool_calls", "tasks")
PRICES = {"small": (1.0, 10.0)}


def frames_of(console: Console) -> dict[str, pd.DataFrame]:
    return {name: getattr(console, name) for name in FRAMES}


def replayed(path: Path, **options: object) -> Console:
    console = Console(path, speed=0, **options)  # type: ignore[arg-type]
    console.wait(timeout=20)
    return console


def test_frames_are_the_same_live_from_a_recording_and_from_a_copy(tmp_path: Path) -> None:
    path, copy = tmp_path / "run.jsonl", tmp_path / "copy.jsonl.gz"
    with Simulator("tasks", speed=0) as simulator, Console(simulator.url, record=path) as console:
        console.wait(timeout=60)
        live = frames_of(console)
        console.save(copy)
        name = console.to_parquet(tmp_path / "runs")
    assert len(live["agents"]) > 1
    assert set(live["tool_calls"]["agent_id"]) <= set(live["agents"].index)
    for source in (path, copy):
        with replayed(source) as again:
            for frame, expected in live.items():
                assert_frame_equal(frames_of(again)[frame], expected)
    for frame, expected in live.items():
        assert_frame_equal(history(tmp_path / "runs").frame(frame, name), expected)


def reported(path: Path, **options: object) -> pd.DataFrame:
    """Record a run of an agent that used two models, one of which tells its cost; return its agents."""
    with start_run("priced", record=path, show=False, **options) as run:  # type: ignore[arg-type]
        with run.task("write", id="t"):
            small = {"inputTokens": 1_000_000, "outputTokens": 100_000}
            run.emit("agent.spawned", {"agentId": "a", "taskId": "t", "name": "writer"})
            run.emit("agent.usage", {"agentId": "a", "taskId": "t", "model": "small", "usage": small})
            large = {"inputTokens": 5, "outputTokens": 5, "cost": 0.5}
            run.emit("agent.usage", {"agentId": "b", "taskId": "t", "model": "large", "usage": large})
        agents = run.agents
        assert run.summary["cost_usd"] == agents["cost_usd"].sum()
        assert run.tasks["cost_usd"].sum() == agents["cost_usd"].sum()
    return agents


def test_prices_give_the_cost_that_the_source_does_not(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    agents = reported(path, prices=PRICES | {"large": (1e6, 1e6), "unused": (1, 1)})
    assert agents["cost_usd"].tolist() == [2.0, 0.5]
    assert agents["by_model"].iloc[0][0]["cost_usd"] == 2.0
    with replayed(path) as again:
        assert_frame_equal(again.agents, agents)
    with replayed(path, prices={"small": (2.0, 20.0)}) as dearer:
        assert dearer.agents["cost_usd"].tolist() == [4.0, 0.5]


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        ((1.0, 10.0, 0.5), 1.6),
        ({"input": 1.0, "output": 10.0, "cached": 0.5}, 1.6),
        ({"output": 10.0, "input": 1.0, "reasoning": 30.0}, 3.0),
    ],
)
def test_prices_of_cached_and_reasoning_tokens_are_in_the_recording(tmp_path: Path, price: object, cost: float) -> None:
    path = tmp_path / "run.jsonl"
    counts = {"inputTokens": 1_000_000, "outputTokens": 100_000, "cachedTokens": 800_000, "reasoningTokens": 50_000}
    with start_run("priced", record=path, show=False, prices={"small": price}) as run:  # type: ignore[dict-item]
        run.emit("agent.usage", {"agentId": "a", "taskId": "t", "model": "small", "usage": counts})
        agents = run.agents
    assert agents[["cached_tokens", "reasoning_tokens"]].to_numpy().tolist() == [[800_000, 50_000]]
    assert agents["cost_usd"].tolist() == pytest.approx([cost])
    with replayed(path) as again:
        assert_frame_equal(again.agents, agents)


def test_without_prices_there_is_no_cost_but_that_of_the_source(tmp_path: Path) -> None:
    assert reported(tmp_path / "run.jsonl")["cost_usd"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("prices", "sentence"),
    [
        ([("m", 1, 2)], "expected prices= to be a dict of models, got a list: pass for example"),
        ({7: (1, 2)}, "expected prices= to name models by text, got a int"),
        *(
            ({"m": pair}, "expected prices= to have two to four numbers, 0 or more, for 'm'")
            for pair in (3.0, (1,), (1, 2, 3, 4, 5), "12", (1, -2), (1, float("nan")), (1, float("inf")), ("1", 2))
        ),
        *(
            ({"m": price}, "expected prices= to have two to four numbers")
            for price in (
                (True, 1),
                {},
                {"input": 1},
                {"input": 1, "output": 2, "cache": 3},
                {"input": 1, "output": "2"},
            )
        ),
    ],
)
def test_prices_that_are_none_are_refused_in_a_sentence(prices: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        Console("ws://localhost:1/ws", prices=prices, start=False)  # type: ignore[arg-type]
