"""A client for AG-UI endpoints, without a console: the events of a run as they come.

    from runconsole import agui

    async for event in agui.connect("http://localhost:8000/agui", "What is new?"):
        print(event.type)

It needs ``pip install "runconsole[agents]"``. With the package ag-ui-protocol the events are its models.
"""

from __future__ import annotations

import json
import ssl as ssl_module
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from runconsole.errors import ConsoleFailed, InvalidArgument, LinkLost, RunInterrupted
from runconsole.options import check, concealed
from runconsole.protocols.agui.run_input import first_input
from runconsole.protocols.agui.spec import AguiProtocol
from runconsole.redaction.secrets import bare
from runconsole.transports.sse.transport import BROKEN, ENDED, OPENED

__all__ = ["connect"]

_ENDS = frozenset({"RUN_FINISHED", "RUN_ERROR"})


async def connect(
    url: str,
    input: Any,  # noqa: A002 - as the console's option
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    ssl: ssl_module.SSLContext | str | None = None,
) -> AsyncGenerator[Any, None]:
    """Start a run, and yield its events until its stream ends. Leaving the loop breaks the stream off.

    Args:
        url: the address of the endpoint, ``http(s)://``.
        input: a message to the agent, or a RunAgentInput as a dict or as a model; ids that are missing are made.
        token: sent as ``Authorization: Bearer``.
        headers: sent with the request.
        ssl: a context, or the path of a CA file, for ``https://``.

    Yields:
        The models of `ag_ui.core` where that package is installed, and dicts where it is not, or does not know the
        event. The request is sent once.

    Raises:
        InvalidArgument: an argument cannot be used.
        ConsoleFailed: there is no stream: the server refused, or is no AG-UI endpoint.
        RunInterrupted: the stream ended before the run did; what became of it is unknown.
    """
    given = concealed({"url": url, "input": input, "token": token, "headers": headers, "ssl": ssl, "protocol": "agui"})
    del url, input, token, headers  # a traceback with locals shows the remaining variables
    options = check(given)
    if options.input is None:
        raise InvalidArgument("expected input= to be a message, or a RunAgentInput as a dict, got None")
    protocol = AguiProtocol()
    wrong = protocol.problem_of_address(options)
    if wrong is not None:
        raise InvalidArgument(wrong)
    read, lost, is_over, is_open = _reader(), None, False, False
    try:
        async with protocol.transport(options).connect() as connection:
            await connection.send(json.dumps(first_input(bare(options.input))))
            while lost is None:
                for frame in map(str, await connection.receive()):
                    if frame == OPENED:
                        is_open = True
                    elif frame == ENDED or frame.startswith(BROKEN):
                        lost = "the server ended the stream" if frame == ENDED else frame.removeprefix(BROKEN)
                    else:
                        event, kind = read(frame)
                        is_over = is_over or kind in _ENDS
                        yield event
    except LinkLost as error:
        lost = str(error)
        if not is_open:
            raise ConsoleFailed(lost) from None
    if not is_over:
        raise RunInterrupted(f"{lost} before it had told the end of the run. What became of the run is unknown")


def _reader() -> Callable[[str], tuple[Any, str]]:
    """Return what makes an event, and its type, of a JSON text."""
    try:
        from ag_ui.core import Event
        from pydantic import TypeAdapter, ValidationError
    except ImportError:
        return _plain

    validate = TypeAdapter(Event).validate_json

    def read(text: str) -> tuple[Any, str]:
        try:
            event = validate(text)
        except ValidationError:
            return _plain(text)
        return event, str(event.type.value)

    return read


def _plain(text: str) -> tuple[Any, str]:
    """Return the value of a JSON text, and the type in it; the text itself for what is no JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return text, ""
    return value, str(value.get("type")) if isinstance(value, dict) else ""
