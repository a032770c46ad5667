"""The command line: `runconsole watch`, `record`, `replay`, `check`, `report`, `open`, `relay`, `serve`, `demo`.

Errors are one sentence on stderr. Exit codes: 2 for wrong arguments; 3 for a stream that ended before its run did; 1
for every other failure, also of the run itself; 130 after Ctrl-C; 143 and 129 after SIGTERM and SIGHUP. A closed output
pipe (`| head`) changes none of these.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runconsole.errors import ConsoleFailed, InvalidArgument, RunConsoleError, RunInterrupted
from runconsole.protocols.registry import server_names
from runconsole.protocols.trpc.spec import TRANSFORMERS
from runconsole.redaction.secrets import Secret, bare
from runconsole.relay.command import relay_command
from runconsole.terminal.process import prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runconsole.console import Console


__all__ = ["main"]

_INTERRUPTED = 130

_Command = TypeVar("_Command", bound="Callable[..., None]")


class _SecretText(click.ParamType):  # type: ignore[type-arg]  # generic in click's stubs alone
    """An argument that may hold a secret: no error, help text or traceback shows it."""

    name = "text"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> Secret[str]:
        return Secret(value)


class _SecretLines(_SecretText):
    """Several such arguments; an environment variable holds one a line."""

    envvar_list_splitter = "\n"


class _Among(click.ParamType):  # type: ignore[type-arg]
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


class _QuietCommand(click.Command):
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


class _WrongArgument(click.ClickException):
    """An argument that the console refuses."""

    exit_code = 2


class _StreamEnded(click.ClickException):
    """A stream that ended before its run did."""

    exit_code = 3


class _Commands(click.Group):
    """A group that turns the package's own errors into one sentence and an exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        with prepared():
            return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RunConsoleError as error:
            raise _failure(error)(_one_line(error)) from None
        except KeyboardInterrupt:  # raised before a command handles it; click's own exit code would be 1
            raise click.exceptions.Exit(_INTERRUPTED) from None


def _one_line(error: RunConsoleError) -> str:
    """Return the error as one line: a server's words in it may hold line breaks and imitate another message."""
    return " ".join(str(error).split()) if isinstance(error, (ConsoleFailed, InvalidArgument)) else str(error)


def _failure(error: RunConsoleError) -> type[click.ClickException]:
    if isinstance(error, InvalidArgument):
        return _WrongArgument
    return _StreamEnded if isinstance(error, RunInterrupted) else click.ClickException


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="runconsole", prog_name="runconsole")
def cli() -> None:
    """A live console for long runs of agents and task orchestrators."""


def main() -> None:
    """Run the command line."""
    cli(prog_name="runconsole")


_token_option = click.option(
    "--token",
    type=_SecretText(),
    envvar="RUNCONSOLE_TOKEN",
    show_envvar=True,
    help="The server's secret. Better in the environment, where other users of the machine cannot read it.",
)


def _family_option(default: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--family",
        type=click.Choice(["execution", "tasks"]),
        default=default,
        show_default=True,
        help="The kind of run: 120 tasks in phases and waves, or four agents that ask a person.",
    )


# ---- watch ----------------------------------------------------------------------------------------------------------


def _console_options(command: _Command) -> _Command:
    """Give a command the options of `Console`."""
    options = (
        click.option("--protocol", type=click.Choice([*server_names(), "replay"]), help="Default: by the URL."),
        click.option("--task", help="The one task to follow; default: all the server sends."),
        click.option("--execution", help="The one execution to follow."),
        click.option("--session", help="Socket.IO: the session whose room is joined."),
        click.option("--masterplan", help="Socket.IO: the master plan whose room is joined."),
        click.option(
            "--subscribe",
            type=_SecretText(),
            metavar="JSON",
            envvar="RUNCONSOLE_SUBSCRIBE",
            show_envvar=True,
            help="A subscription to send after connecting, instead of the usual. Plain JSON: a message or a list."
            ' tRPC: a path, or ["path", input]. Socket.IO: {"event": data}.',
        ),
        click.option(
            "--input",
            type=_SecretText(),
            metavar="TEXT",
            envvar="RUNCONSOLE_INPUT",
            show_envvar=True,
            help="AG-UI: the message, or the RunAgentInput as JSON, that starts the run.",
        ),
        _token_option,
        click.option("--auth", type=_Among("header", "query", "params", "message", "auth"), help="The token's place."),
        click.option(
            "--header",
            "headers",
            type=_SecretLines(),
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
    )
    for option in reversed(options):
        command = option(command)
    return command


_url_argument = click.argument("url", type=_SecretText(), envvar="RUNCONSOLE_URL")


@cli.command(cls=_QuietCommand)
@_url_argument
@_console_options
def watch(url: Secret[str], subscribe: Secret[str] | None, headers: tuple[Secret[str], ...], **options: Any) -> None:
    """Follow the run at URL in this terminal, until it is finished.

    Secrets belong in the environment, where other users of this machine cannot read them: RUNCONSOLE_URL for a URL
    with a password or a key in it, RUNCONSOLE_TOKEN, RUNCONSOLE_HEADERS, RUNCONSOLE_SUBSCRIBE.

    A digit and Enter answer a question of the run. If the output is no terminal, only the final screen is written, and
    the progress goes to stderr.

    Exit code: 0 for a run that completed; 1 for one that did not, or could not be followed; 2 for wrong arguments;
    3 for a stream that ended before its run (the run is "interrupted"); 130 after Ctrl-C.
    """
    _watch(_console(url, subscribe, headers, options))


@cli.command(cls=_QuietCommand)
@_url_argument
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@_console_options
def record(
    url: Secret[str],
    file: Path | None,
    subscribe: Secret[str] | None,
    headers: tuple[Secret[str], ...],
    **options: Any,
) -> None:
    """Follow the run at URL as `watch` does, and record it to FILE. With RUNCONSOLE_URL set, FILE is enough.

    FILE is compressed if its name ends in .gz or .zst. A recording of the same URL, task and execution whose run has
    not ended is continued; in any other recording a new run begins after its last line.
    """
    if file is None:
        file = Path(url.reveal())
        if "RUNCONSOLE_URL" not in os.environ or "://" in url.reveal():
            raise click.UsageError("Missing argument 'FILE'.")
        url = Secret(os.environ["RUNCONSOLE_URL"])
    _watch(_console(url, subscribe, headers, options | {"record": file}))


@cli.command(cls=_QuietCommand)
@click.argument("source", type=_SecretText(), envvar="RUNCONSOLE_URL")
@click.option("--json", "as_json", is_flag=True, help="Write the report as one line of JSON.")
@_console_options
def check(
    source: Secret[str],
    as_json: bool,  # noqa: FBT001 - click passes by name
    subscribe: Secret[str] | None,
    headers: tuple[Secret[str], ...],
    **options: Any,
) -> None:
    """Compare the events of SOURCE, a recording or a URL, with the promises of its event family.

    A URL is followed until its run has ended. Each line is a finding: the number of the event, the promise, the
    expected and the given value; broken promises come before advice.

    Exit code: 0 where every promise is kept, 1 where one is broken; 2 for wrong arguments; 3 for a stream that ended
    before its run did.
    """
    from runconsole.checking.command import run_check

    run_check(source, _given(subscribe, headers, options), as_json=as_json)


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--speed",
    type=click.FloatRange(0),
    help="Seconds of the run a second; 0 shows its end at once. Default: 1 in a terminal, else 0.",
)
@click.option("--title", help="A name for the run.")
def replay(file: Path, speed: float | None, title: str | None) -> None:
    """Show the run that was recorded to FILE in this terminal."""
    from runconsole.console import Console

    if speed is None:
        speed = 1.0 if sys.stdout.isatty() else 0.0
    _watch(Console(file, protocol="replay", speed=speed, title=title))


@cli.command()
@click.argument("file", metavar="RECORDING", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML file. Default: the recording's name with .html, in this directory. An older one is replaced.",
)
@click.option("--title", help="A name for the run.")
def report(file: Path, output: Path | None, title: str | None) -> None:
    """Write the run that was recorded to RECORDING, with its panel, to one HTML file.

    Any browser shows it, without a network: tables, output, timeline, and a scrubber back to the run's beginning.
    """
    from runconsole.console import Console

    place = output or Path(f"{file.name.removesuffix('.gz').removesuffix('.zst').removesuffix('.jsonl')}.html")
    Console(file, protocol="replay", title=title).to_html(place)
    click.echo(f"{place}: {place.expanduser().stat().st_size / 1024:,.0f} KiB")


@cli.command("open", cls=_QuietCommand)
@_url_argument
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The page's port. Default: a free one.")
@click.option("--browser/--no-browser", default=True, help="Open the page where there is a display.")
@_console_options
def open_page(
    url: Secret[str],
    subscribe: Secret[str] | None,
    headers: tuple[Secret[str], ...],
    port: int,
    browser: bool,  # noqa: FBT001 - click passes by name
    **options: Any,
) -> None:
    """Show the live panel of the run at URL, or of a recording, in a browser, until Ctrl-C. Jupyter is not needed.

    The page is served on this machine alone, at an address with a random token in it. Any number of its tabs show the
    run and answer its questions. At the end of the run it stays.
    """
    from runconsole.browser.opening import show_page

    console = _console(url, subscribe, headers, options | {"start": False})
    try:
        show_page(console, port=port, browser=browser, report=click.echo)
    except OSError as error:
        reason = (error.strerror or str(error)).rpartition(": ")[2]
        raise click.ClickException(f"Cannot listen on 127.0.0.1:{port} ({reason}); choose another --port.") from None
    click.echo("Ended.")


def _console(
    url: Secret[str], subscribe: Secret[str] | None, headers: tuple[Secret[str], ...], options: Mapping[str, Any]
) -> Console:
    from runconsole.console import Console

    given: Any = {"url": url, **_given(subscribe, headers, options)}
    return Console(**given)


def _given(
    subscribe: Secret[str] | None, headers: tuple[Secret[str], ...], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of a command line as those of a console."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    given |= {"subscribe": _json_of(subscribe), "headers": _headers_of(headers)}
    if "input" in given:
        given["input"] = _input_of(given["input"])
    return given


def _watch(console: Console) -> None:
    """Follow the run to its end; exit with the code for that end."""
    from runconsole.terminal import follow, show

    try:
        follow(console)
        show(console)
        if console.status == "failed" or console.run.status == "interrupted":
            console.wait(timeout=1)  # raises, with the reason
    except KeyboardInterrupt:
        show(console)
        sys.exit(_INTERRUPTED)
    finally:
        console.stop()
    if console.run.status != "completed":
        sys.exit(1)


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


cli.add_command(relay_command(_QuietCommand, _SecretText(), _console_options, _console))


# ---- serve ----------------------------------------------------------------------------------------------------------


_FAULTS_HELP = """Have something go wrong after that many events; may be repeated. Each of:

\b
drop:AFTER[:CODE]             cut every connection, or close it with a code
crash:AFTER[:SECONDS[:1]]     cut, be away, come back; with :1 without a memory
freeze:AFTER:SECONDS          neither read nor write for a while
half-open:AFTER               connections die without a sign
slow:AFTER:SECONDS[:PAUSE]    take a pause over each event, for a while
duplicate:AFTER[:COUNT]       send the last events again
reorder:AFTER[:SPAN]          send the next events in another order
garbage:AFTER                 send a frame that is none
refuse:TIMES[:AFTER[:STATUS]] turn the next clients away
lose-reply:NTH[:AFTER[:0]]    take a decision, do not answer; with :0 keep the connection
ask-reconnect:AFTER           ask clients to connect anew (tRPC)
stray:AFTER                   send the refusal of another client's request
"""


@cli.command()
@_family_option("execution")
@click.option(
    "--wire",
    type=click.Choice(["json", "trpc", "socketio"]),
    default="json",
    show_default=True,
    help="The protocol to speak.",
)
@click.option("--superjson", is_flag=True, help="tRPC's transformer.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--speed", type=float, help="Simulated seconds a second; 0: without waiting. Default: 8; tasks: 1.")
@click.option("--seed", type=int, default=1, show_default=True, help="The run's dice.")
@click.option("--failures", type=int, help="Tasks of an execution that fail for good.")
@click.option(
    "--decision-timeout", type=float, metavar="SECONDS", help="Time to decide, for every checkpoint of tasks."
)
@click.option("--replay", type=click.Choice(["all", "none"]), default="all", help="What a late client gets first.")
@click.option("--delivery", type=click.Choice(["push", "subscribe"]), default="push", help="All events, or by channel.")
@click.option("--autostart", is_flag=True, help="Begin the run at once, not with the first client.")
@click.option("--strict", is_flag=True, help="Be as unkind as the backends are: rooms, subscriptions, no end.")
@click.option(
    "--dialect", type=click.Choice(["resolve", "decide"]), default="decide", help="How tRPC decides, if strict."
)
@click.option("--flat", is_flag=True, help="Send the flat events of the tasks family's core.")
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help=_FAULTS_HELP)
@_token_option
def serve(faults: tuple[str, ...], **options: Any) -> None:
    """Play a simulated run for consoles to follow, until Ctrl-C."""
    from runconsole.simulator import Simulator

    try:
        simulator = Simulator(**options | {"token": bare(options["token"])}, faults=_faults_of(faults)).start()
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        where = f"{options['host']}:{options['port']}"
        reason = (error.strerror or str(error)).rpartition(": ")[2]
        raise click.ClickException(f"Cannot listen on {where} ({reason}); choose another --host or --port.") from None
    with simulator:
        click.echo(_greeting(simulator.url, options))
        try:
            simulator.wait_finished()
            click.echo("The run is over; clients that connect now get all of it. Press Ctrl-C to end.")
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            click.echo("Ended.")


def _faults_of(texts: tuple[str, ...]) -> list[Any]:
    from runconsole.simulator.faults import parse_fault

    try:
        return [parse_fault(text) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from None


def _greeting(url: str, options: Mapping[str, Any]) -> str:
    token = ", token=..." if options["token"] else ""
    begins = "has begun" if options["autostart"] else "begins with the first client"
    return (
        f"Serving a run of the {options['family']} family (seed {options['seed']}) on {url}\n"
        f'  in a notebook:  ConsoleWidget("{url}"{token})\n'
        f"  in a terminal:  runconsole watch {url}\n"
        f"The run {begins}. Press Ctrl-C to end."
    )


# ---- demo -----------------------------------------------------------------------------------------------------------


@cli.command()
@_family_option("tasks")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the notebooks are copied; files you have edited stay as they are. Default: a temporary directory.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="JupyterLab's port. Default: a free one.")
@click.option("--browser/--no-browser", default=True, help="Open the page where there is a display.")
def demo(family: str, directory: Path | None, port: int, browser: bool) -> None:  # noqa: FBT001 - click passes by name
    """Open JupyterLab with a run of the simulator already live in a notebook."""
    from runconsole.demo import run_demo
    from runconsole.recording import home_path

    home = None if directory is None else home_path(directory)
    run_demo(family=family, directory=home, port=port, browser=browser, report=click.echo)
