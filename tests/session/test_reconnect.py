"""The reconnect policy: what a status, a close and a server's words say about the next attempt."""

from __future__ import annotations

import pytest

from runconsole.reconnect import (
    AFRESH,
    DENIED,
    REFUSED,
    RETRY,
    STRANGE,
    UNCLEAR,
    Policy,
    is_rate_limit,
    meaning,
    of_close,
    of_refusal,
    of_status,
)


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
def test_a_refusal_that_asks_for_another_try_is_tried_a_few_times(text: str) -> None:
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
def test_a_close_that_means_not_allowed_is_final_with_words_and_judged_without(code: int) -> None:
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
