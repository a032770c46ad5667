"""Consoles on simulators as strict as the backends: rooms, one dialect, strict messages, no end."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from runconsole import Console, ConsoleFailed, DecisionRefused
from runconsole.session import Session
from runconsole.session.pace import Pace
from runconsole.simulator import Simulator
from tests.servers.json_server import eventually

NOW = "2026-01-01T00:00:00.000Z"
if TYPE_CHECKING:
    from pathlib import Path

STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a silence of a third of a second for one."""
    defaults: Any = Session.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "pace", Pace(tick=0.1, silent=0.35, accept=0.7))


def tasks(**options: Any) -> Simulator:
    return Simulator("tasks", **{"speed": 100, "decision_timeout": 9000, "strict": True} | options)


# ---- the execution family over Socket.IO ---------------------------------------------------------------------------


def execution(**options: Any) -> Simulator:
    return Simulator("execution", wire="socketio", speed=0, strict=True, started_at=STARTED_AT, **options)


def name_of_the_execution() -> str:
    """Return the name of each execution."""
    with execution(autostart=True) as simulator:
        assert simulator.wait_finished(20)
        return str(simulator.events[0]["data"]["execution_id"])


@pytest.mark.parametrize("option", ["session", "execution"])
def test_an_execution_without_an_end_is_done_with_its_tasks(option: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {option: name_of_the_execution(), "token": "s3cret-t0ken", "auth": "header"}
    options["record"] = tmp_path / "run.jsonl"
    with execution(token="s3cret-t0ken") as simulator, Console(simulator.url, **options) as console:
        assert console.wait(30, until="done")
        assert not console.wait(0)
        assert console.run.completed_tasks == console.run.total_tasks == 120
        assert console.status == "live"
        came = console.events["type"].value_counts()
        assert not {"execution_completed", "wave_completed", "artifact_created", "error"} & set(came.index)
        assert (came["execution_started"], came["progress_update"]) == (1, len(simulator.events) - 1)
    assert Console(options["record"]).events["payload"].tolist() == console.events["payload"].tolist()


def test_an_execution_without_a_room_is_said_to_need_one() -> None:
    with execution() as simulator, Console(simulator.url) as console:
        eventually(lambda: console._engine.state.quiet is not None)
        assert "session=" in str(console)


# ---- the task family over tRPC -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["resolve", "decide"])
def test_a_task_is_followed_and_answered_in_either_dialect(dialect: Any) -> None:
    with tasks(wire="trpc", dialect=dialect) as simulator:
        with Console(f"ws://127.0.0.1:{simulator.port}", task="task-101") as console:
            eventually(lambda: console.pending)
            assert console.protocol == "trpc"
            (question,) = console.pending
            eventually(lambda: [option.action for option in console.pending[0].options if option.action])
            assert console.decide(question.checkpoint_id, "approve").state in {"acknowledged", "applied"}
            assert console.wait(30)
            assert console.checkpoints.loc[question.checkpoint_id, "decision"] == "approve"
        assert [(d.checkpoint_id, d.option, d.by) for d in simulator.decisions] == [
            (question.checkpoint_id, "approve", "user")
        ]


@pytest.mark.parametrize("dialect", ["resolve", "decide"])
def test_options_with_a_shared_action_need_decide(dialect: Any) -> None:
    with tasks(wire="trpc", dialect=dialect) as simulator, Console(simulator.url, task="task-102") as console:
        eventually(lambda: console.pending and console.pending[0].options[0].action)
        (question,) = console.pending
        if dialect == "decide":
            console.decide(question.checkpoint_id, "view")
            eventually(lambda: console.checkpoints.loc[question.checkpoint_id, "decision"] == "view")
        else:
            with pytest.raises(DecisionRefused, match="cannot tell 'view'"):
                console.decide(question.checkpoint_id, "view")
        assert [decision.option for decision in simulator.decisions] == ["view"] * (dialect == "decide")


def test_a_late_joiner_finds_an_open_question_in_stored_form() -> None:
    with tasks(wire="trpc", replay="none") as simulator, Console(simulator.url, task="task-101") as first:
        eventually(lambda: first.pending)
        with Console(simulator.url, task="task-101") as late:
            eventually(lambda: late.pending)
            (question,) = late.pending
            assert (question.title, question.task_id) == (first.pending[0].title, "task-101")
            assert [option.action for option in question.options] == ["approve", "modify", "reject"]
            assert question.deadline == first.pending[0].deadline


# ---- the task family over plain JSON -------------------------------------------------------------------------------


def test_a_strict_plain_server_is_followed_to_its_end() -> None:
    with tasks() as simulator, Console(simulator.url) as console:
        answered = set()

        def answer() -> bool:
            for question in console.pending:
                if question.checkpoint_id not in answered:
                    answered.add(question.checkpoint_id)
                    console.decide(question.checkpoint_id, question.options[0].id)
            return console.run.ended_at is not None

        eventually(answer)
        assert len(answered) == len(simulator.decisions) == 3
        assert {d.checkpoint_id: d.option for d in simulator.decisions} == console.checkpoints["decision"].to_dict()
        assert {d.by for d in simulator.decisions} == {"user"}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"payload": {"channel": "news"}, "timestamp": NOW}, r"\(the server said: Unknown channel: news\)"),
        ({"payload": {"channel": "system"}}, r"Expected a timestamp in every message"),
    ],
)
def test_a_subscription_that_is_refused_is_said(message: dict[str, Any], words: str) -> None:
    with tasks() as simulator, Console(simulator.url, subscribe={"type": "subscribe", **message}) as console:
        # On a busy machine the silence may be reported before the refusal comes; that is then said as well.
        eventually(lambda: re.search(words, " ".join(console.links["reason"].dropna())))
        assert console._engine.state.quiet is not None
        if "timestamp" in message:
            with pytest.raises(ConsoleFailed, match=words):
                console.wait(20)


# ---- the flat events of the task family's core ---------------------------------------------------------------------


@pytest.mark.parametrize("wire", ["json", "trpc", "socketio"])
def test_flat_events_are_all_known_and_give_the_whole_run(wire: Any) -> None:
    with tasks(wire=wire, strict=False, flat=True) as simulator, Console(simulator.url) as console:
        eventually(lambda: answer_all(console) and console.run.ended_at is not None)
        assert {event["type"].partition("_")[0] for event in simulator.events} == {"task", "approval", "checkpoint"}
        assert all({"type", "taskId", "timestamp"} <= set(event) for event in simulator.events)
        assert (console._engine.log.unknown, console._engine.log.malformed) == (0, 0)
        assert console.tasks["status"].to_dict() == dict.fromkeys(
            ["task-101", "task-102", "task-103", "task-104"], "completed"
        )
        assert set(console.tasks["provider_id"]) == {"claude-code", "codex-cli"}
        assert console.checkpoints["decided_by"].tolist() == ["you"] * 3
        assert len(console.restore_points) == sum(e["type"] == "checkpoint_created" for e in simulator.events)
        text = "".join(event["content"] for event in simulator.events if event["type"] == "task_output")
        assert "".join(console.output["text"]) == text


def answer_all(console: Console) -> bool:
    """Approve the open questions; return True."""
    for question in console.pending:
        if question.status == "pending":
            console.decide(question.checkpoint_id, "approve")
    return True


def test_flat_events_are_the_task_familys() -> None:
    with pytest.raises(ValueError, match="flat is an option of the 'tasks' family, not of 'execution'"):
        Simulator("execution", flat=True)
