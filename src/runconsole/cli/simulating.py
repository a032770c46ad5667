"""The commands of the simulator: `serve` and `demo`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from runconsole.cli.arguments import token_option
from runconsole.cli.group import cannot_listen, cli
from runconsole.redaction.secrets import bare

__all__: list[str] = []

_Command = TypeVar("_Command", bound=Callable[..., None])


def _family_option(default: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--family",
        type=click.Choice(["execution", "tasks"]),
        default=default,
        show_default=True,
        help="The kind of run: 120 tasks in phases and waves, or four agents that ask a person.",
    )


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
    type=click.Choice(["json", "trpc", "socketio", "agui", "langgraph"]),
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
    "--dialect",
    type=click.Choice(["decide", "resolve", "outcome", "on_interrupt", "rest", "protocol"]),
    help="How a strict tRPC server decides (decide, resolve), AG-UI asks (outcome, on_interrupt), or a run of LangGraph"
    " was started (rest, protocol).",
)
@click.option("--flat", is_flag=True, help="Send the flat events of the tasks family's core.")
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help=_FAULTS_HELP)
@token_option
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
        raise cannot_listen(error, f"{options['host']}:{options['port']}", "--host or --port") from None
    with simulator:
        click.echo(_greeting(simulator.url, options))
        try:
            simulator.wait_finished()
            late = "that start one begin another" if options["wire"] == "agui" else "that connect now get all of it"
            click.echo(f"The run is over; clients {late}. Press Ctrl-C to end.")
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
    starts_runs = options["wire"] == "agui"
    given, option = (', input="go"', " --input go") if starts_runs else ("", "")
    begins = "has begun" if options["autostart"] else "begins with the first client"
    return (
        f"Serving a run of the {options['family']} family (seed {options['seed']}) on {url}\n"
        f'  in a notebook:  ConsoleWidget("{url}"{given}{token})\n'
        f"  in a terminal:  runconsole watch {url}{option}\n"
        f"{'Every client begins a run of its own' if starts_runs else f'The run {begins}'}. Press Ctrl-C to end."
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
