"""Commands for tasks over the channel protocol: the server's offer of them, and the message that carries one."""

from __future__ import annotations

import msgspec

from runconsole.protocols.base import Request, TaskCommand

__all__ = ["command_message", "offered_commands"]

_OFFER = '"taskCommands"'
_VERBS = frozenset({"cancel", "pause", "resume", "retry"})


class _Event(msgspec.Struct):
    taskCommands: tuple[str, ...] | None = None  # noqa: N815 - the wire's name


_read = msgspec.json.Decoder(_Event | list[_Event]).decode


def offered_commands(frame: str | bytes) -> tuple[str, ...] | None:
    """Return the commands that a server offers beside an event of a frame; None where it says nothing of them."""
    if not isinstance(frame, str) or _OFFER not in frame:
        return None
    try:
        found = _read(frame)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
    offers = [event.taskCommands for event in (found if isinstance(found, list) else [found])]
    offered = next((offer for offer in reversed(offers) if offer is not None), None)
    return None if offered is None else tuple(verb for verb in offered if verb in _VERBS)


def command_message(command: TaskCommand) -> Request:
    """Return the message of a command."""
    details = {_camel_case(name): value for name, value in command.details.items() if value is not None}
    return Request("call", f"task.{command.verb}", {"taskId": command.task_id, **details})


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
