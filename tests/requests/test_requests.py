"""Requests for decisions in the shapes of the libraries: what they ask, what is refused, and what is sent back."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from runconsole.errors import InvalidArgument, UnfitValues
from runconsole.events import ActionDecision, ActionRequest, ActionVerb, Answer
from runconsole.requests.decisions import decided_answer, decisions_of
from runconsole.requests.fields import checked_requests, read_requests, written_requests
from runconsole.requests.options import option_of, options_of
from runconsole.requests.responses import option_in, response
from runconsole.requests.shapes import Requests, approval, recognise

RECORDED = json.loads((Path(__file__).parent / "langchain.json").read_text())
"""The interrupts of langchain 1.5.2: two calls, in both of its modes."""
MAKES = {
    "edit": ActionDecision("edit", {"x": 1}),
    "respond": ActionDecision("respond", message="done"),
    "reject": ActionDecision("reject", message="no"),
}
VERBS: tuple[ActionVerb, ...] = ("approve", "edit", "reject", "respond", "ignore")


def found(payload: Any, schema: Any = None) -> Requests:
    requests = recognise(payload, schema)
    assert requests is not None
    return requests


def answered(requests: Requests, *decisions: Any) -> Any:
    return response(requests, decisions_of(requests.actions, Answer(None, decisions=list(decisions))))


# ---- shapes ---------------------------------------------------------------------------------------------------------


def test_a_batch_of_langchain_has_a_request_for_each_call() -> None:
    requests = found(RECORDED["batched"][0]["value"])
    assert requests.title == "Call send_mail, erase?"
    said = "Tool execution requires approval"
    assert requests.actions == (
        ActionRequest("send_mail", {"to": "a@b.c", "subject": "Hi"}, said, ("approve", "edit", "reject", "respond")),
        ActionRequest("erase", {"path": "/var/x"}, said, ("approve", "reject")),
    )
    assert answered(requests, {"type": "edit", "args": {"to": "x"}}, {"type": "reject", "message": "no"}) == {
        "decisions": [
            {"type": "edit", "edited_action": {"name": "send_mail", "args": {"to": "x"}}},
            {"type": "reject", "message": "no"},
        ]
    }
    assert answered(requests, {"type": "respond", "message": "sent by hand"}, "approve") == {
        "decisions": [{"type": "respond", "message": "sent by hand"}, {"type": "approve"}]
    }


def test_a_single_call_of_langchain_allows_what_the_schema_of_its_answer_does() -> None:
    by_name = {each["value"]["name"]: found(each["value"], each["response_schema"]) for each in RECORDED["per_call"]}
    [erase], [mail] = by_name["erase"].actions, by_name["send_mail"].actions
    assert (erase.allowed, erase.schema) == (("approve", "reject"), None)
    assert mail.allowed == ("approve", "edit", "reject", "respond")
    assert mail.schema is not None
    assert list(mail.schema["properties"]) == ["to", "subject", "copies"]
    assert answered(by_name["erase"], "reject") == {"type": "reject"}
    with pytest.raises(UnfitValues) as error:
        answered(by_name["send_mail"], {"type": "edit", "args": {"to": "x", "copies": "two"}})
    assert list(error.value.fields) == ["0.args.copies"]


def test_a_single_call_without_a_schema_allows_what_every_version_takes() -> None:
    assert found(RECORDED["per_call"][0]["value"]).actions[0].allowed == ("approve", "edit", "reject")


INBOX = {
    "action_request": {"action": "Send it", "args": {"to": "a"}},
    "config": {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True},
    "description": "A **mail**",
}


@pytest.mark.parametrize("payload", [INBOX, [INBOX]])
@pytest.mark.parametrize(
    ("decision", "sent"),
    [
        ("approve", {"type": "accept", "args": {"action": "Send it", "args": {"to": "a"}}}),
        ({"type": "edit", "args": {"to": "b"}}, {"type": "edit", "args": {"action": "Send it", "args": {"to": "b"}}}),
        ({"type": "respond", "message": "Later"}, {"type": "response", "args": "Later"}),
        ("ignore", {"type": "ignore", "args": None}),
    ],
)
def test_the_answer_to_agent_inbox_is_a_list(payload: Any, decision: Any, sent: Any) -> None:
    requests = found(payload)
    assert (requests.title, requests.actions[0].description) == ("Send it", "A **mail**")
    assert answered(requests, decision) == [sent]


def test_an_interrupt_of_agent_inbox_allows_what_its_config_does() -> None:
    assert found(INBOX | {"config": {"allow_ignore": True, "allow_edit": False}}).actions[0].allowed == ("ignore",)
    assert recognise(INBOX | {"config": {}}) is None


APPROVAL = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "editedArgs": {"$ref": "#/$defs/Args"}, "reason": {}},
    "$defs": {"Args": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}


def test_an_approval_of_ag_ui_may_change_the_arguments_where_its_schema_says_so() -> None:
    requests = approval(APPROVAL, "pay", {"n": 1})
    assert requests is not None
    assert requests.actions[0].allowed == ("approve", "edit", "reject")
    assert answered(requests, "approve") == {"approved": True}
    assert answered(requests, {"type": "edit", "args": {"n": 2}}) == {"approved": True, "editedArgs": {"n": 2}}
    assert answered(requests, {"type": "edit", "args": {"n": 1}}) == {"approved": True}
    assert answered(requests, {"type": "reject", "message": "no"}) == {"approved": False, "reason": "no"}
    with pytest.raises(UnfitValues, match=r"0\.args\.n"):
        answered(requests, {"type": "edit", "args": {"n": "many"}})
    plain = approval({"properties": {"approved": {"type": "boolean"}}}, "pay", {})
    assert plain is not None
    assert plain.actions[0].allowed == ("approve", "reject")
    assert approval({"properties": {"approved": {"type": "string"}}}, "pay", {}) is None


@pytest.mark.parametrize(
    "payload",
    [
        None,
        "Deploy?",
        b"bytes",
        [],
        {},
        [INBOX, "another"],
        {"action_requests": []},
        {"action_requests": ["broken"]},
        {"action_requests": [{"name": "a", "args": {}}, {"args": {}}]},
        {"action_requests": [{"name": "a"}], "review_configs": [{"action_name": "a", "allowed_decisions": ["judge"]}]},
        {"action_request": {"args": {}}, "config": {"allow_accept": True}},
        {"type": "tool_approval", "args": {}},
    ],
)
def test_any_other_payload_is_no_request(payload: Any) -> None:
    assert recognise(payload, {"type": "object"}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["action_requests", "action_request", "action", "name", "args", "config", "type", "review_configs"]
            )
            | st.sampled_from(
                ["allowed_decisions", "action_name", "allow_accept", "oneOf", "$ref", "$defs", "properties"]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, JSON)
def test_no_payload_and_no_schema_breaks_the_recognition(payload: Any, schema: Any) -> None:
    requests = recognise(payload, schema)
    assert requests is None or all(action.allowed for action in requests.actions)
    if isinstance(schema, dict):
        approval(schema, "tool", payload)


SHAPES = [
    found(RECORDED["batched"][0]["value"]),
    found(RECORDED["per_call"][1]["value"], RECORDED["per_call"][1]["response_schema"]),
    found(INBOX),
    approval(APPROVAL, "pay", {"n": 1}),
]


@pytest.mark.parametrize("requests", SHAPES)
def test_an_answer_of_somebody_else_is_an_option(requests: Requests) -> None:
    for options in product(*(action.allowed for action in requests.actions)):
        made = [MAKES.get(verb, ActionDecision(verb)) for verb in options]
        value = response(requests, [structs.replace(each, args={"n": 2}) if each.args else each for each in made])
        assert option_in(requests, value) == option_of(made)


@pytest.mark.parametrize("requests", SHAPES)
@pytest.mark.parametrize("value", [None, "approve", {}, [], {"decisions": []}, {"type": "judge"}, [{"type": ["edit"]}]])
def test_an_answer_in_another_shape_is_no_option(requests: Requests, value: Any) -> None:
    assert option_in(requests, value) is None


# ---- decisions ------------------------------------------------------------------------------------------------------

REQUESTS = st.lists(
    st.builds(
        ActionRequest,
        st.text(max_size=4),
        st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
        st.none() | st.text(max_size=5),
        st.lists(st.sampled_from(VERBS), min_size=1, max_size=5, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=4,
)


@given(REQUESTS, st.data())
def test_allowed_decisions_come_back_from_what_is_kept_of_them(
    requests: list[ActionRequest], data: st.DataObject
) -> None:
    verbs = [data.draw(st.sampled_from(request.allowed)) for request in requests]
    decisions = tuple(MAKES.get(verb, ActionDecision(verb)) for verb in verbs)
    answer = decided_answer(requests, Answer(None, decisions=decisions))
    assert answer.option in {option.id for option in options_of(requests)}
    assert answer.decisions == decisions
    details = json.loads(json.dumps(answer.details()))
    assert decided_answer(requests, Answer(answer.option, decisions=details["decisions"])) == answer


@given(REQUESTS)
def test_an_option_decides_every_action_alike(requests: list[ActionRequest]) -> None:
    for option in options_of(requests):
        if option.id in {"approve", "reject", "ignore"}:
            answer = decided_answer(requests, Answer(option.id))
            assert [decision.type for decision in answer.decisions] == [option.id] * len(requests)
            assert answer.option == option.id


@given(REQUESTS)
def test_requests_are_the_same_after_an_event(requests: list[ActionRequest]) -> None:
    assert read_requests(json.loads(json.dumps(written_requests(requests)))) == tuple(requests)


TWO = [
    ActionRequest("send", {"to": "a"}, allowed=("approve", "edit", "respond")),
    ActionRequest("erase", {"path": "/"}),
]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer("decide"), "expected decisions=, one for each of 'send', 'erase'"),
        (Answer("approve", modifications={"to": "b"}), "changed arguments in decisions="),
        (Answer("maybe"), "expected one of approve"),
        (Answer(None, decisions="approve"), "a list, got a str"),
        (Answer(None, decisions=["approve"]), r"each of 'send', 'erase' \(2\), got 1"),
        (Answer("reject", decisions=["approve", "approve"]), "got both"),
        (Answer(None, decisions=["approve", 7]), "a decision on 'erase'"),
        (Answer(None, decisions=["approve", {"type": "reject", "why": "?"}]), "a decision on 'erase'"),
        (Answer(None, decisions=["approve", {"type": "reject", "message": 7}]), "message of a decision as a text"),
        (Answer(None, decisions=[{"type": "edit", "args": {"f": print}}, "approve"]), "JSON can carry"),
        (
            Answer(None, decisions=[{"type": "edit", "edited_action": {"name": "pay", "args": {}}}, "approve"]),
            "the edit of a call of 'send', got 'pay'",
        ),
    ],
)
def test_an_answer_that_is_no_list_of_decisions_is_refused(answer: Answer[Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        decided_answer(TWO, answer)


@pytest.mark.parametrize(
    ("decisions", "fields"),
    [
        (["approve", "edit"], {"1.type": "expected one of approve, reject for 'erase', got 'edit'"}),
        ([{"type": "edit"}, "approve"], {"0.args": "expected all arguments of 'send' by name, got a NoneType"}),
        (
            [{"type": "edit", "args": ["b"]}, "approve"],
            {"0.args": "expected all arguments of 'send' by name, got a list"},
        ),
        (
            [{"type": "respond", "message": " "}, "approve"],
            {"0.message": "expected the answer in place of 'send', got none"},
        ),
        ([{"type": "approve", "args": {}}, "judge"], {"0.args", "1.type"}),
    ],
)
def test_a_decision_that_is_not_allowed_is_refused_by_its_place(decisions: Any, fields: Any) -> None:
    with pytest.raises(UnfitValues, match="decisions that the question takes") as error:
        decided_answer(TWO, Answer(None, decisions=decisions))
    assert error.value.fields == fields if isinstance(fields, dict) else set(error.value.fields) == fields


def test_an_approval_of_one_call_with_other_arguments_is_an_edit() -> None:
    assert decided_answer(TWO[:1], Answer("approve", modifications={"to": "b"})) == Answer(
        "edit", None, {"to": "b"}, (ActionDecision("edit", {"to": "b"}),)
    )
    with pytest.raises(UnfitValues, match="got 'edit'"):
        decided_answer(TWO[1:], Answer("approve", modifications={"path": "/var"}))


@pytest.mark.parametrize("given", [7, "send", {}, [], ["send"], [ActionRequest("a", allowed=())], [ActionRequest(7)]])  # type: ignore[arg-type]
def test_requests_of_a_caller_are_action_requests(given: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected"):
        checked_requests(given)
