"""The question at a terminal: its lines, its keys, and no accidental answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.events import ActionDecision, ActionRequest, Answer, CheckpointOption
from runconsole.requests.options import options_of
from runconsole.state import Checkpoint
from runconsole.terminal.prompt import Prompt, PromptAnswer

OPTIONS = (
    CheckpointOption("approve", "Approve", "go on as planned"),
    CheckpointOption("reject", "Reject"),
)


def question(checkpoint_id: str = "cp-1", **fields: Any) -> Checkpoint:
    return Checkpoint(checkpoint_id, title=f"Question {checkpoint_id}", options=OPTIONS, **fields)


def typed(prompt: Prompt, waiting: list[Checkpoint], *keys: str) -> list[PromptAnswer]:
    return [answer for key in keys if (answer := prompt.press(key, waiting)) is not None]


def shown(prompt: Prompt, waiting: list[Checkpoint], server_now: int = 0) -> str:
    return "\n".join(prompt.lines(waiting, server_now))


def test_a_digit_chooses_and_only_enter_sends() -> None:
    prompt, waiting = Prompt(), [question()]
    assert typed(prompt, waiting, "2") == []
    assert "Answer: Reject" in shown(prompt, waiting)
    assert typed(prompt, waiting, "enter") == [PromptAnswer("cp-1", Answer("reject"))]


def test_text_typed_after_the_choice_is_the_feedback() -> None:
    prompt, waiting = Prompt(), [question()]
    answers = typed(prompt, waiting, "1", *"go 2x", "backspace", "enter")
    assert answers == [PromptAnswer("cp-1", Answer("approve", "go 2"))]


ACTIONS = (
    ActionRequest("send", {"to": "a"}, "Sends it", ("approve", "edit", "reject")),
    ActionRequest("erase", {"path": "/x\u202e"}),
)


def test_actions_are_shown_and_decided_one_by_one() -> None:
    prompt = Prompt()
    waiting = [Checkpoint("cp-1", title="Do these?", options=options_of(ACTIONS), offers="told", requests=ACTIONS)]
    lines = shown(prompt, waiting)
    assert 'to: "a"' in lines
    assert "\u202e" not in lines
    assert "[3] Decide each" in lines
    assert typed(prompt, waiting, "3", "2", "enter", *"bob", "enter") == []
    assert "erase (2 of 2)" in shown(prompt, waiting)
    assert "send (1 of 2)" not in shown(prompt, waiting)
    assert typed(prompt, waiting, "2", "enter", *"no", "enter") == []
    assert "send: edit" in shown(prompt, waiting)
    decisions = (ActionDecision("edit", {"to": "bob"}), ActionDecision("reject", message="no"))
    assert typed(prompt, waiting, "enter") == [PromptAnswer("cp-1", Answer("decide", decisions=decisions))]


def test_all_actions_are_approved_by_one_option_while_all_are_shown() -> None:
    prompt = Prompt()
    waiting = [Checkpoint("cp-1", options=options_of(ACTIONS), offers="told", requests=ACTIONS)]
    assert typed(prompt, waiting, "1", "enter") == [PromptAnswer("cp-1", Answer("approve"))]
    many = ACTIONS * 20
    waiting = [Checkpoint("cp-2", options=options_of(many), offers="told", requests=many)]
    assert "Approve all" not in shown(prompt, waiting)
    assert typed(prompt, waiting, "1", "enter") == [PromptAnswer("cp-2", Answer("reject"))]


def test_escape_goes_back_and_forgets_what_was_typed() -> None:
    prompt, waiting = Prompt(), [question()]
    assert typed(prompt, waiting, "1", *"no", "escape", "enter") == []
    assert typed(prompt, waiting, "1", "enter") == [PromptAnswer("cp-1", Answer("approve"))]


def test_tab_goes_through_the_questions() -> None:
    prompt, waiting = Prompt(), [question("a"), question("b")]
    assert "(1 of 2): Question a" in shown(prompt, waiting)
    typed(prompt, waiting, "tab")
    assert "(2 of 2): Question b" in shown(prompt, waiting)
    typed(prompt, waiting, "tab")
    assert "Question a" in shown(prompt, waiting)
    assert typed(prompt, waiting, "tab", "1", "enter") == [PromptAnswer("b", Answer("approve"))]


def test_an_answer_to_a_closed_question_never_goes_to_the_next() -> None:
    prompt = Prompt()
    typed(prompt, [question("a"), question("b")], "1", *"yes")
    assert typed(prompt, [question("b")], "enter") == []
    assert "Question b" in shown(prompt, [question("b")])


def test_a_question_that_closes_during_an_answer_says_so() -> None:
    prompt = Prompt()
    typed(prompt, [question("a")], "1")
    assert shown(prompt, []) == "The question was closed before the answer was sent."


def test_while_an_answer_is_on_its_way_no_other_can_be_given() -> None:
    prompt, waiting = Prompt(), [question(status="sending")]
    assert typed(prompt, waiting, "1", "enter") == []
    assert "on its way" in shown(prompt, waiting)


def test_an_answer_that_may_not_count_can_be_given_again() -> None:
    prompt, waiting = Prompt(), [question(status="unknown", error="the link broke before the answer")]
    assert "the link broke before the answer: you may answer again" in shown(prompt, waiting)
    assert typed(prompt, waiting, "1", "enter") == [PromptAnswer("cp-1", Answer("approve"))]


def test_the_default_the_deadline_and_the_matter_are_shown() -> None:
    context = {"cost": 1.5, "files": ["a.py", "b.py"], "diff": "\n".join(f"+line {n}" for n in range(20))}
    asked = question(description="Ship it?", default_action="reject", deadline=90_000_000, context=context)
    text = shown(Prompt(), [asked], server_now=30_000_000)
    assert "Without an answer: reject in 1m 0s" in text
    assert "[2] Reject (default)" in text
    assert "[1] Approve: go on as planned" in text
    assert "Ship it?" in text
    assert "cost: 1.5" in text
    assert "files: a.py, b.py" in text
    assert "more lines" in text


def test_nothing_is_shown_where_nothing_is_asked() -> None:
    assert Prompt().lines([], 0) == []


KEYS = st.sampled_from(["1", "2", "3", "x", "enter", "escape", "backspace", "tab", "\N{BELL}"])


@given(st.lists(st.tuples(KEYS, st.lists(st.sampled_from("abc"), unique=True)), max_size=30))
def test_an_answer_is_always_a_chosen_offered_option(
    steps: list[tuple[str, list[str]]],
) -> None:
    prompt = Prompt()
    for key, ids in steps:
        waiting = [question(checkpoint_id) for checkpoint_id in ids]
        before = shown(prompt, waiting)
        answer = prompt.press(key, waiting)
        if answer is not None:
            assert answer.checkpoint_id in ids
            assert f"Question {answer.checkpoint_id}" in before
            assert f"Answer: {answer.answer.option.capitalize()}" in before


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x1b]0;title\x07", "\u202eevil", "\r\rline"])
def test_text_of_the_stream_never_steers_the_terminal(hostile: str) -> None:
    asked = question(description=hostile, context={hostile: hostile}, default_action=hostile, deadline=5)
    text = shown(Prompt(), [asked])
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_question_without_options_takes_typed_words() -> None:
    prompt, waiting = Prompt(), [Checkpoint("cp-1", title="Which color?", offers="text")]
    assert "Type your answer" in shown(prompt, waiting)
    assert typed(prompt, waiting, "enter") == []
    assert typed(prompt, waiting, *"1 bluex", "backspace") == []
    assert "Answer: 1 blue▌" in shown(prompt, waiting)
    assert typed(prompt, waiting, "enter") == [PromptAnswer("cp-1", Answer("1 blue", "1 blue"))]
    assert typed(prompt, waiting, "x", "backspace", "enter", "escape") == []


def test_unreadable_options_are_named_and_offer_nothing() -> None:
    note = "The options cannot be read: [null]"
    prompt, waiting = Prompt(), [Checkpoint("cp-1", title="Ship?", options_note=note)]
    assert note in shown(prompt, waiting)
    assert "It cannot be answered from here" in shown(prompt, waiting)
    assert typed(prompt, waiting, "1", "enter") == []


def test_options_of_one_label_are_told_apart() -> None:
    options = (CheckpointOption("eu", "Deploy"), CheckpointOption("us", "Deploy"))
    assert "[2] Deploy (us)" in shown(Prompt(), [Checkpoint("cp-1", options=options)])


def test_a_deadline_in_doubt_is_not_counted() -> None:
    waiting = [question(deadline=60_000_000)]
    assert "Without an answer" in "\n".join(Prompt().lines(waiting, 0))
    assert "Without an answer" not in "\n".join(Prompt().lines(waiting, 0, lambda _: None))
