"""The reconnect policy: what a status, a close and a server's words say about the next attempt; pauses; users' own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole import Console, ConsoleFailed, InvalidArgument
from runconsole.errors import LinkLost
from runconsole.options import check
from runconsole.reconnect import (
    AFRESH,
    DENIED,
    REFUSED,
    RETRY,
    STRANGE,
    UNCLEAR,
    LinkFailure,
    Policy,
    Reconnect,
    is_rate_limit,
    meaning,
    of_close,
    of_refusal,
    of_status,
)
from runconsole.testing import FakeTransport


@pytest.mark.parametrize(
    "text",
    [
        *("invalid token", "Invalid or expired token", "token is not valid", "Token has expired", "jwt malformed"),
        *("Unauthorized", "unauthorised", "Forbidden", "not allowed", "Authentication error", "authentication failed"),
        *("INVALID_TOKEN", "AUTH_FAILED", "TokenExpiredError", "PERMISSION_DENIED", "invalid API key", "no token"),
        *("Authentication token required", "please log in", "Connection rejected by server", "insufficient scope"),
    ],
)
def test_words_of_refusal_are_known_in_every_spelling(text: str) -> None:
    assert meaning(text) == "refusal"


@pytest.mark.parametrize(
    "text",
    [
        *("token bucket empty, try again", "token bucket empty", "rate limit exceeded", "Too many requests"),
        *("too many tokens", "token limit reached", "quota exhausted", "slow down", "still starting", "server restart"),
        *("authentication service unavailable, try again later", "idle timeout", "forbidden: rate limit reached"),
    ],
)
def test_a_limit_or_a_server_that_is_busy_is_no_refusal(text: str) -> None:
    assert meaning(text) == "busy"
    assert of_close(1008, text) is of_close(4003, text) is of_refusal(text) is RETRY


@pytest.mark.parametrize(
    "text",
    ["", "policy violation", "max tokens reached: 4000", "no tokens left", "going away", "tokens: unknown", "no"],
)
def test_other_words_say_nothing_of_us(text: str) -> None:
    assert meaning(text) is None


@pytest.mark.parametrize("text", ["Unauthorized, try again later", "token expired, please try again"])
def test_a_refusal_that_invites_a_retry_is_retried(text: str) -> None:
    assert of_close(4401, text) is of_close(1008, text) is of_refusal(text) is UNCLEAR


@pytest.mark.parametrize(
    ("status", "policy"),
    [
        *((status, REFUSED) for status in (401, 403)),
        *((status, RETRY) for status in (408, 425, 429, 500, 502, 503, 504)),
        *((status, STRANGE) for status in (404, 426)),
        *((status, AFRESH) for status in (200, 301, 400, 405, 410, 421)),
    ],
)
def test_a_status_in_place_of_a_handshake(status: int, policy: Policy) -> None:
    assert of_status(status) is policy


@pytest.mark.parametrize("status", [400, 404, 405, 406, 409, 410, 412, 421, 426, 451, 502])
def test_a_server_that_was_live_restarts_whatever_it_answers(status: int) -> None:
    assert of_status(status).later == "retry"


@pytest.mark.parametrize("code", [1008, 3000, 3003, 4001, 4003, 4401, 4403])
def test_a_close_that_means_not_allowed_is_final_with_words(code: int) -> None:
    for reason in ("invalid token", "unauthorized", "Forbidden", "not allowed", "authentication required"):
        assert of_close(code, reason) is DENIED
    assert of_close(code, "") is of_close(code, "bye") is REFUSED


@pytest.mark.parametrize(
    ("code", "reason", "policy"),
    [
        *((code, "", RETRY) for code in (1000, 1005, 1001, 1006, 1011, 1012, 1013, 4000, 4408, 4429, 4503)),
        (1012, "unauthorized gateway restarted", RETRY),
        (4404, "", UNCLEAR),
        (4410, "gone", UNCLEAR),
        (4000, "invalid token", REFUSED),
        (1000, "Unauthorized", REFUSED),
    ],
)
def test_other_closes(code: int, reason: str, policy: Policy) -> None:
    assert of_close(code, reason) is policy


@pytest.mark.parametrize(
    ("said", "status", "policy"),
    [("no", 401, REFUSED), ("no", 403, REFUSED), ("no", None, RETRY), ("no", 503, RETRY), ("too many", 403, RETRY)],
)
def test_a_refusal_may_hold_a_status(said: str, status: int | None, policy: Policy) -> None:
    assert of_refusal(said, status=status) is policy


def test_a_limit_is_known_by_its_words() -> None:
    assert is_rate_limit("API rate-limit exceeded")
    assert not is_rate_limit("invalid token")


# ---- pauses ----------------------------------------------------------------------------------------------------------

LOST = LinkFailure("lost", "retry")


def test_pauses_double_up_to_the_longest() -> None:
    policy = Reconnect(jitter=0)
    assert [policy(LOST, attempt) for attempt in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@given(st.integers(1, 3000))
def test_a_pause_is_half_to_all_of_its_length(attempt: int) -> None:
    pause = Reconnect()(LOST, attempt)
    assert pause is not None
    assert 0.25 <= pause <= 30.0


def test_two_clients_do_not_knock_in_step() -> None:
    assert len({Reconnect()(LOST, 1) for _ in range(20)}) > 1


def test_attempts_may_be_limited() -> None:
    policy = Reconnect(jitter=0, most=2)
    assert [policy(LOST, attempt) for attempt in (1, 2, 3)] == [0.5, 1, None]
    assert Reconnect(most=0)(LOST, 1) is None


@pytest.mark.parametrize(("was_served", "most"), [(False, 4), (True, 6)])
def test_doubts_are_bounded_and_fatal_is_fatal(*, was_served: bool, most: int) -> None:
    def doubtful(doubts: int) -> LinkFailure:
        return LinkFailure("odd", "doubt", was_served, doubts)

    assert Reconnect()(doubtful(most - 1), most - 1) is not None
    assert Reconnect()(doubtful(most), most) is None
    assert Reconnect()(LinkFailure("no", "fatal", was_served), 1) is None


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"first": -1}, "expected first= to be seconds, 0 or more, got -1"),
        ({"first": "1"}, "expected first= to be seconds, 0 or more, got '1'"),
        ({"first": 2, "longest": 1}, "expected longest= to be seconds, `first` or more, got 1"),
        ({"longest": float("inf")}, "expected longest= to be seconds, `first` or more, got inf"),
        ({"jitter": 2}, "expected jitter= to be a part, 0 to 1, got 2"),
        ({"most": 1.5}, "expected most= to be a whole number, 0 or more, got 1.5"),
        ({"most": True}, "expected most= to be a whole number, 0 or more, got True"),
    ],
)
def test_numbers_that_are_none_are_refused(numbers: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Reconnect(**numbers)


# ---- a user's own ----------------------------------------------------------------------------------------------------


def failed(console: Console) -> str:
    with console, pytest.raises(ConsoleFailed) as caught:
        console.wait(20)
    return str(caught.value)


def test_function_is_asked_about_each_failure_and_may_give_up() -> None:
    asked: list[tuple[LinkFailure, int]] = []

    def policy(failure: LinkFailure, attempt: int) -> float | None:
        asked.append((failure, attempt))
        return 0 if attempt < 3 else None

    fake = FakeTransport(*(LinkLost(f"no {n}", policy=AFRESH, code=410) for n in range(5)))
    assert "no 2" in failed(Console("ws://fake", transport=fake, reconnect=policy))
    assert [attempt for _, attempt in asked] == [1, 2, 3]
    assert asked[0][0] == LinkFailure("no 0", "fatal", was_served=False, code=410)
    assert fake.connections == 3


def test_numbers_of_the_usual_policy_are_taken() -> None:
    fake = FakeTransport(*[LinkLost("nobody there")] * 5)
    assert "nobody there" in failed(Console("ws://fake", transport=fake, reconnect=Reconnect(first=0, most=3)))
    assert fake.connections == 4


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (lambda _failure, _attempt: "soon", "TypeError: expected seconds until the next attempt, or None, got 'soon'"),
        (lambda _failure, _attempt: -1, "TypeError: expected seconds until the next attempt, or None, got -1"),
        (lambda _failure, _attempt: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda: 1, "TypeError"),
    ],
)
def test_policy_that_fails_ends_the_link_in_words(policy: Any, words: str) -> None:
    told = failed(Console("ws://fake", transport=FakeTransport(LinkLost("nobody there")), reconnect=policy))
    assert f"nobody there; reconnect= failed ({words}" in told


@pytest.mark.parametrize(
    ("url", "policy", "sentence"),
    [
        ("ws://h", 5, r"expected reconnect= to be a Reconnect, or a function .*, got 5: pass for example Reconnect\("),
        ("run.jsonl", Reconnect(), "expected no reconnect= beside a recording"),
    ],
)
def test_policy_that_cannot_be_used_is_refused(url: str, policy: Any, sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        Console(url, reconnect=policy, start=False)


def test_running_console_takes_another_policy() -> None:
    fake = FakeTransport()
    with Console("ws://fake", transport=fake) as console:
        fake.wait_for(lambda it: it.connections == 1)
        console._engine.adopt(check({"url": "ws://fake", "transport": fake, "reconnect": Reconnect(most=0)}))
        fake.fail()
        with pytest.raises(ConsoleFailed):
            console.wait(20)
    assert fake.connections == 1
