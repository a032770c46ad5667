"""Answers and commands of a page, carried out on the I/O thread."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from runconsole.clock import now_micros
from runconsole.engine.deciding import Decider
from runconsole.errors import DecisionRefused, InvalidArgument
from runconsole.replay import Replay
from runconsole.state import RunState
from runconsole.view.checkpoints import answered
from runconsole.widget.messages import Decide

__all__ = ["control_replay", "decide"]

_LONG_WAIT = 2.0


def decide(decider: Decider, state: RunState, message: Decide) -> None:
    """Submit an answer to a question of the shown run.

    Raises DecisionRefused if it ends at once, InvalidArgument for another run's question.
    """
    checkpoint_id, option = answered(state, message.checkpoint, message.answer.option)
    if checkpoint_id in state.checkpoints and not decider.asks(state, checkpoint_id):
        raise InvalidArgument("the newest run asks a question of the same id: nothing was sent; answer that one")
    answer = structs.replace(message.answer, option=option, feedback=message.answer.feedback or None)
    decider.request(message.id, checkpoint_id, answer)
    decision = state.decisions.get(message.id)
    if decision is not None and decision.state in {"refused", "expired"}:
        error = decision.error or "it does not count any more"
        raise DecisionRefused(f"{error}{_waited(message.at)}", decision.checkpoint_id)


def control_replay(replay: Replay | None, action: str, value: Any) -> None:
    """Carry out a command of the panel's controls. Raises InvalidArgument."""
    if replay is None:
        raise InvalidArgument("expected a recording to play, got a live run")
    if not replay.is_begun:
        raise InvalidArgument("the console is stopped: call start() in a cell")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match action:
        case "play":
            replay.play()
        case "pause":
            replay.pause()
        case "seek" if is_number:
            replay.seek(value)
        case "speed" if is_number:
            replay.speed = value
        case _:
            raise InvalidArgument(
                f"expected 'play', 'pause', 'seek' or 'speed' with a number, got {action!r}, {value!r}"
            )


def _waited(pressed_at: float | None) -> str:
    """Return a phrase on the wait of a press for the kernel, if it was long."""
    if pressed_at is None:
        return ""
    seconds = now_micros() / 1e6 - pressed_at / 1e3
    return f" (it waited {seconds:.0f} s for the kernel)" if seconds >= _LONG_WAIT else ""
