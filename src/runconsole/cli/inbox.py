"""The command that shows the open questions of several runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from runconsole.cli.arguments import QuietCommand, SecretText, console_options, given_options
from runconsole.cli.group import INTERRUPTED, cli
from runconsole.redaction.secrets import Secret

if TYPE_CHECKING:
    from runconsole.fleet.runset import RunSet

__all__: list[str] = []

QUESTIONS_OPEN = 4
"""The exit code for a list with questions in it."""
_PLENTY_S = 3600.0


@cli.command(cls=QuietCommand)
@click.argument("url", metavar="URL...", type=SecretText(), nargs=-1, required=True, envvar="RUNCONSOLE_URL")
@click.option("--list", "as_list", is_flag=True, help="Write the open questions and end, in a terminal too.")
@click.option(
    "--wait",
    type=click.FloatRange(0, _PLENTY_S),
    default=10.0,
    show_default=True,
    help="The most seconds until the list is written.",
)
@console_options
def inbox(
    url: tuple[Secret[str], ...],
    as_list: bool,  # noqa: FBT001 - click passes by name
    wait: float,
    subscribe: Secret[str] | None,
    headers: tuple[Secret[str], ...],
    **options: Any,
) -> None:
    """Show the open questions of the runs at the URLs, the nearest deadline first, and answer them here.

    A digit chooses an answer, Enter sends it, Tab goes to the next question. It ends when every run has ended. The
    options hold for each of the runs.

    If the output is no terminal, the open questions are written, one a line, and the runs to stderr.

    Exit code: 0 where every run has ended, or the list is empty; 4 for a list of open questions; 1 if a run could not
    be followed; 2 for wrong arguments; 130 after Ctrl-C.
    """
    from runconsole.fleet.runset import RunSet
    from runconsole.terminal.inbox import answer_questions, list_questions

    runs = RunSet(given_options(subscribe, headers, options))
    try:
        runs.add(url)
        runs.start()
        if as_list or not sys.stdout.isatty():
            count = list_questions(runs, wait)
        else:
            answer_questions(runs)
            count = 0
        is_whole = _tell_unreached(runs) and not runs.unlisted
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        runs.stop()
    if not is_whole:
        sys.exit(1)
    if count:
        sys.exit(QUESTIONS_OPEN)


def _tell_unreached(runs: RunSet) -> bool:
    """Report each run that cannot be followed; return True where there is none."""
    unreached = [member for member in runs.members if member.console.status in {"failed", "connecting", "retrying"}]
    for member in unreached:
        reason = member.engine.reason or "no reason known"
        click.echo(f"Error: cannot follow {member.console.address}: {' '.join(reason.split())}", err=True)
    return not unreached
