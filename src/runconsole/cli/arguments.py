"""Arguments and options of the commands, and the console that they make. None of them shows a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runconsole.protocols.registry import server_names
from runconsole.protocols.trpc.spec import TRANSFORMERS
from runconsole.redaction.secrets import Secret

if TYPE_CHECKING:
    from runconsole.console import Console

__all__ = [
    "Among",
    "Price",
    "QuietCommand",
    "SecretLines",
    "SecretText",
    "console_of",
    "console_options",
    "given_options",
    "price_option",
    "token_option",
    "url_argument",
]

_Command = TypeVar("_Command", bound=Callable[..., None])


class SecretText(click.ParamType):  # type: ignore[type-arg]  # generic in click's stubs alone
    """An argument that may hold a secret: no error, help text or traceback shows it."""

    name = "text"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> Secret[str]:
        return Secret(value)


class SecretLines(SecretText):
    """Several such arguments; an environment variable holds one a line."""

    envvar_list_splitter = "\n"


class Among(click.ParamType):  # type: ignore[type-arg]
    """One of some words. Errors do not repeat a wrong word: it may be a secret in the wrong place."""

    name = "choice"

    def __init__(self, *words: str) -> None:
        self._words = words

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:  # noqa: ARG002 - as click has it
        return f"[{'|'.join(self._words)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self._words:
            self.fail(f"expected one of {', '.join(self._words)}, got something else", param, ctx)
        return str(value)


class QuietCommand(click.Command):
    """A command whose errors repeat no surplus argument: a header without quotes falls apart into such."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = ctx.allow_extra_args
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        ctx.allow_extra_args = given
        if rest and not given:
            count = f"{len(rest)} more" if len(rest) > 1 else "one more"
            ctx.fail(f"Got {count} arguments than expected: put a header between quotes, as in --header 'NAME: VALUE'.")
        return rest


class Price(click.ParamType):  # type: ignore[type-arg]
    """The price of a model, as its name and numbers; an environment variable holds one a line."""

    name = "price"
    envvar_list_splitter = "\n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[float, ...]] | None:
        if not value.strip():
            return None
        model, _, numbers = (part.strip() for part in value.rpartition("="))
        try:
            prices = tuple(map(float, numbers.split(",")))
        except ValueError:
            prices = ()
        if not model or not prices:
            self.fail("expected MODEL=INPUT,OUTPUT in US dollars per million tokens, got another text", param, ctx)
        return model, prices


def _prices_of(
    _ctx: click.Context, _param: click.Parameter, value: tuple[Any, ...]
) -> dict[str, tuple[float, ...]] | None:
    return dict(each for each in value if each is not None) or None


price_option = click.option(
    "--price",
    "prices",
    type=Price(),
    multiple=True,
    metavar="MODEL=INPUT,OUTPUT[,CACHED[,REASONING]]",
    envvar="RUNCONSOLE_PRICES",
    show_envvar=True,
    callback=_prices_of,
    help="What a model costs, in US dollars per million tokens; may be repeated. In the environment one a line.",
)
token_option = click.option(
    "--token",
    type=SecretText(),
    envvar="RUNCONSOLE_TOKEN",
    show_envvar=True,
    help="The server's secret. Better in the environment, where other users of the machine cannot read it.",
)


def console_options(command: _Command) -> _Command:
    """Give a command the options of `Console`."""
    options = (
        click.option("--protocol", type=click.Choice([*server_names(), "replay"]), help="Default: by the URL."),
        click.option("--task", help="The one task to follow; default: all the server sends."),
        click.option("--execution", help="The one execution to follow."),
        click.option("--session", help="Socket.IO: the session whose room is joined."),
        click.option("--masterplan", help="Socket.IO: the master plan whose room is joined."),
        click.option(
            "--subscribe",
            type=SecretText(),
            metavar="JSON",
            envvar="RUNCONSOLE_SUBSCRIBE",
            show_envvar=True,
            help="A subscription to send after connecting, instead of the usual. Plain JSON: a message or a list."
            ' tRPC: a path, or ["path", input]. Socket.IO: {"event": data}.',
        ),
        click.option(
            "--input",
            type=SecretText(),
            metavar="TEXT",
            envvar="RUNCONSOLE_INPUT",
            show_envvar=True,
            help="AG-UI: the message, or the RunAgentInput as JSON, that starts the run. LangGraph: the graph's input.",
        ),
        click.option("--assistant", help="LangGraph: the graph's name, or the assistant's id, that --input is for."),
        token_option,
        click.option("--auth", type=Among("header", "query", "params", "message", "auth"), help="The token's place."),
        click.option(
            "--header",
            "headers",
            type=SecretLines(),
            multiple=True,
            metavar="'NAME: VALUE'",
            envvar="RUNCONSOLE_HEADERS",
            show_envvar=True,
            help="A header; may be repeated. In the environment one a line.",
        ),
        click.option("--ca-file", "ssl", metavar="FILE", help="Certificates to trust, for wss://."),
        click.option("--transformer", type=click.Choice(TRANSFORMERS), help="tRPC's."),
        click.option("--title", help="A name for the run."),
        click.option("--token-budget", type=int, help="Tokens the run may use."),
        click.option("--cost-limit", type=float, help="US dollars the run may cost."),
        click.option("--expected-artifacts", type=int, help="The number of artifacts that are expected."),
        price_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


url_argument = click.argument("url", type=SecretText(), envvar="RUNCONSOLE_URL")


def console_of(
    url: Secret[str], subscribe: Secret[str] | None, headers: tuple[Secret[str], ...], options: Mapping[str, Any]
) -> Console:
    from runconsole.console import Console

    given: Any = {"url": url, **given_options(subscribe, headers, options)}
    return Console(**given)


def given_options(
    subscribe: Secret[str] | None, headers: tuple[Secret[str], ...], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of a command line as those of a console."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    given |= {"subscribe": _json_of(subscribe), "headers": _headers_of(headers)}
    if "input" in given:
        given["input"] = _input_of(given["input"])
    return given


def _json_of(text: Secret[str] | None) -> Secret[Any] | None:
    with suppress(ValueError):
        return None if text is None else Secret(json.loads(text.reveal()))
    raise click.BadParameter("expected JSON, got another text", param_hint="--subscribe")  # the text may hold a secret


def _input_of(text: Secret[str]) -> Secret[Any]:
    """Return a JSON object as what it holds, any other text as the message that it is."""
    with suppress(ValueError):
        value = json.loads(text.reveal())
        return Secret(value) if isinstance(value, dict) else text
    return text


def _headers_of(lines: tuple[Secret[str], ...]) -> Secret[Mapping[str, str]] | None:
    parts = [[part.strip() for part in line.reveal().partition(":")] for line in lines if line.reveal().strip()]
    if not all(name and colon for name, colon, _ in parts):
        del parts
        raise click.BadParameter("expected 'NAME: VALUE'", param_hint="--header")  # the value may be a secret
    return Secret({name: value for name, _, value in parts}) if parts else None
