"""The group of all commands: errors of the package are one sentence and an exit code."""

from __future__ import annotations

from typing import Any

import click

from runconsole.errors import ConsoleFailed, InvalidArgument, RunConsoleError, RunInterrupted
from runconsole.terminal.process import prepared

__all__ = ["INTERRUPTED", "STREAM_ENDED", "cannot_listen", "cli", "main"]

INTERRUPTED = 130
"""The exit code after Ctrl-C."""
STREAM_ENDED = 3
"""The exit code for a stream that ended before its run did."""


class _WrongArgument(click.ClickException):
    """An argument that the console refuses."""

    exit_code = 2


class _StreamEnded(click.ClickException):
    """A stream that ended before its run did."""

    exit_code = STREAM_ENDED


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
            raise click.exceptions.Exit(INTERRUPTED) from None


def _one_line(error: RunConsoleError) -> str:
    """Return the error as one line: a server's words in it may hold line breaks and imitate another message."""
    return " ".join(str(error).split()) if isinstance(error, (ConsoleFailed, InvalidArgument)) else str(error)


def _failure(error: RunConsoleError) -> type[click.ClickException]:
    if isinstance(error, InvalidArgument):
        return _WrongArgument
    return _StreamEnded if isinstance(error, RunInterrupted) else click.ClickException


def cannot_listen(error: OSError, where: str, options: str) -> click.ClickException:
    """Return the sentence about an address that cannot be had; `options` are those that name another one."""
    reason = (error.strerror or str(error)).rpartition(": ")[2]
    return click.ClickException(f"Cannot listen on {where} ({reason}); choose another {options}.")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="runconsole", prog_name="runconsole")
def cli() -> None:
    """A live console for long runs of agents and task orchestrators."""


def main() -> None:
    """Run the command line."""
    cli(prog_name="runconsole")
