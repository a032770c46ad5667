"""Which silences are reported, and how often."""

from __future__ import annotations

from runconsole.events import CheckpointDecided, CheckpointOpened, Received, TaskCompleted
from runconsole.session.silence import Silence
from runconsole.state import RunState


def reported(silence: Silence, asked: str, *, live_s: float = 5.0) -> str | None:
    quiet = silence.look(live_s=live_s, quiet_s=live_s, events=0, asked=asked)
    return None if quiet is None else quiet.text


def test_a_silent_link_is_reported_once() -> None:
    silence = Silence(RunState(), after=4.0)
    assert reported(silence, "subscribed to 'a'", live_s=3.0) is None
    assert reported(silence, "subscribed to 'a'") == "the link is live, and no event has come yet: subscribed to 'a'"
    assert reported(silence, "subscribed to 'a'") is None


def test_a_refusal_that_comes_after_the_report_is_reported_too() -> None:
    silence = Silence(RunState(), after=4.0)
    assert reported(silence, "subscribed to 'a'") is not None
    assert "(the server said: no)" in (reported(silence, "subscribed to 'a' (the server said: no)") or "")
    assert reported(silence, "subscribed to 'a'") is None


def test_reports_on_a_changing_server_are_bounded() -> None:
    silence = Silence(RunState(), after=4.0)
    texts = [reported(silence, f"subscribed (the server said: {number})") for number in range(1000)]
    assert 0 < sum(text is not None for text in texts) < 20


def test_a_run_that_asks_is_not_said_to_be_done() -> None:
    state = RunState()
    silence = Silence(state, after=4.0)
    for event in (TaskCompleted("t"), CheckpointOpened("c", "t")):
        state.apply(Received("x", event, "{}", 1))
    assert silence.look(live_s=9.0, quiet_s=9.0, events=2, asked="") is None
    state.apply(Received("x", CheckpointDecided("c", "approve"), "{}", 2))
    quiet = silence.look(live_s=9.0, quiet_s=9.0, events=3, asked="")
    assert quiet is not None
    assert quiet.kind == "done"
