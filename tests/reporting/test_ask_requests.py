"""Questions of a run about actions: every one decided, in this process, by a viewer elsewhere, or by a function."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runconsole import (
    ActionDecision,
    ActionRequest,
    ActiveRun,
    Answer,
    Console,
    InvalidArgument,
    TakenAnswer,
    UnfitValues,
    start_run,
)
from tests.servers.json_server import eventually

MAIL = ActionRequest("send_mail", {"to": "a", "n": 1}, "Sends it", ("approve", "edit", "reject", "respond"))
ERASE = ActionRequest("erase", {"path": "/x"})


@contextmanager
def asking(run: ActiveRun, *requests: ActionRequest) -> Iterator[list[TakenAnswer]]:
    """Ask in another thread; at the end of the block the answer is in the list."""
    answers: list[TakenAnswer] = []
    thread = threading.Thread(target=lambda: answers.append(run.ask("Do these?", requests=requests, timeout=60)))
    thread.start()
    eventually(lambda: run.pending)
    yield answers
    thread.join(60)


def test_every_action_gets_its_decision_in_one_answer() -> None:
    with start_run() as run:
        with asking(run, MAIL, ERASE) as answers:
            [question] = run.pending
            assert question.requests == (MAIL, ERASE)
            assert [option.id for option in question.options] == ["approve", "reject", "decide"]
            edited = {"type": "edit", "args": {"to": "b", "n": 2}}
            decision = run.decide(question, decisions=[edited, ActionDecision("reject", message="no")])
        assert decision.decisions == answers[0].decisions
        assert answers[0].decisions == (ActionDecision("edit", edited["args"]), ActionDecision("reject", message="no"))
        assert (answers[0].option, answers[0].decided_by) == ("decide", "you")


@pytest.mark.parametrize(("option", "verb"), [("approve", "approve"), ("Reject all", "reject")])
def test_an_option_decides_all_of_them(option: str, verb: Any) -> None:
    with start_run() as run:
        with asking(run, MAIL, ERASE) as answers:
            run.decide(run.pending[0], option, feedback="as you like")
        assert answers[0].decisions == (ActionDecision(verb, message="as you like"),) * 2


def test_a_wrong_decision_is_a_sentence_and_nothing_is_sent() -> None:
    with start_run() as run:
        with asking(run, MAIL, ERASE):
            question = run.pending[0]
            for wrong, says in (
                ({"decisions": ["approve"]}, r"\(2\), got 1"),
                ({"option": "approve", "decisions": ["approve", "approve"]}, "decisions= alone"),
                ({"option": "decide"}, "expected decisions="),
                ({"option": "edit", "modifications": {}}, "expected one of the options"),
            ):
                with pytest.raises(InvalidArgument, match=says):
                    run.decide(question, **wrong)
            with pytest.raises(UnfitValues) as refused:
                run.decide(question, decisions=["approve", "edit"])
            assert list(refused.value.fields) == ["1.type"]
            assert run.console.decisions.empty
            run.decide(question, decisions=["approve", "reject"])
        with pytest.raises(InvalidArgument, match="has no requests"), asking_options(run) as other:
            run.decide(other, decisions=["approve"])


@contextmanager
def asking_options(run: ActiveRun) -> Iterator[str]:
    thread = threading.Thread(target=lambda: run.ask("Go?", options=["approve"], timeout=60))
    thread.start()
    eventually(lambda: run.pending)
    try:
        yield run.pending[0].checkpoint_id
    finally:
        run.decide(run.pending[0], "approve")
        thread.join(60)


def test_a_viewer_elsewhere_decides_the_same() -> None:
    with start_run() as run:
        with Console(run.serve()) as viewer, asking(run, MAIL) as answers:
            eventually(lambda: viewer.pending)
            assert viewer.pending[0].requests == (MAIL,)
            assert [option.id for option in viewer.pending[0].options] == ["approve", "edit", "respond", "reject"]
            viewer.decide(viewer.pending[0], decisions=[{"type": "respond", "message": "sent by hand"}])
        run.stop_serving()
    assert answers[0].decisions == (ActionDecision("respond", message="sent by hand"),)
    assert (answers[0].option, answers[0].feedback, answers[0].decided_by) == ("respond", "sent by hand", "other")


@pytest.mark.parametrize(
    "returned",
    [
        {"decisions": [{"type": "edit", "args": {"to": "b"}}, "approve"]},
        Answer(None, decisions=[ActionDecision("edit", {"to": "b"}), ActionDecision("approve")]),
    ],
)
def test_a_function_gets_the_requests_and_decides_each(returned: Any) -> None:
    seen: list[Any] = []

    def policy(question: Any) -> Any:
        seen.append(question.requests)
        return returned

    with start_run(on_checkpoint=policy) as run:
        answer = run.ask("Do these?", requests=[MAIL, ERASE])
    assert seen == [(MAIL, ERASE)]
    assert answer.decisions == (ActionDecision("edit", {"to": "b"}), ActionDecision("approve"))
    assert answer.decided_by == "policy"


def test_without_an_answer_the_default_decides_all_or_nothing_is_decided() -> None:
    with start_run() as run:
        assert run.ask("Do these?", requests=[MAIL, ERASE], timeout=0.01).decisions is None
        rejected = run.ask("Do these?", requests=[MAIL, ERASE], timeout=0.01, default="reject")
        assert rejected.decisions == (ActionDecision("reject"),) * 2
        with pytest.raises(InvalidArgument, match="expected default="):
            run.ask("Do these?", requests=[ERASE], timeout=0.01, default="edit")
        with pytest.raises(InvalidArgument, match="got both"):
            run.ask("Do these?", requests=[ERASE], options=["a"], timeout=1)
        with pytest.raises(InvalidArgument, match="expected options="):
            run.ask("Do these?", timeout=1)
