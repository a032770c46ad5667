"""The commands that follow a run, or show, check or write a recorded one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runconsole.cli.arguments import (
    QuietCommand,
    SecretText,
    console_of,
    console_options,
    given_options,
    price_option,
    url_argument,
)
from runconsole.cli.group import INTERRUPTED, STREAM_ENDED, cannot_listen, cli
from runconsole.redaction.secrets import Secret, bare

if TYPE_CHECKING:
    from runconsole.console import Console

__all__: list[str] = []


@cli.command(cls=QuietCommand)
@url_argument
@console_options
def watch(url: Secret[str], subscribe: Secret[str] | None, headers: tuple[Secret[str], ...], **options: Any) -> None:
    """Follow the run at URL in this terminal, until it is finished.

    Secrets belong in the environment, where other users of this machine cannot read them: RUNCONSOLE_URL for a URL
    with a password or a key in it, RUNCONSOLE_TOKEN, RUNCONSOLE_HEADERS, RUNCONSOLE_SUBSCRIBE.

    A digit and Enter answer a question of the run. If the output is no terminal, only the final screen is written, and
    the progress goes to stderr.

    Exit code: 0 for a run that completed; 1 for one that did not, or could not be followed; 2 for wrong arguments;
    3 for a stream that ended before its run (the run is "interrupted"); 130 after Ctrl-C.
    """
    _watch(console_of(url, subscribe, headers, options))


@cli.command(cls=QuietCommand)
@url_argument
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@console_options
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
    _watch(console_of(url, subscribe, headers, options | {"record": file}))


@cli.command(cls=QuietCommand)
@click.argument("source", type=SecretText(), envvar="RUNCONSOLE_URL")
@click.option("--json", "as_json", is_flag=True, help="Write the report as one line of JSON.")
@console_options
def check(
    source: Secret[str],
    as_json: bool,  # noqa: FBT001 - click passes by name
    subscribe: Secret[str] | None,
    headers: tuple[Secret[str], ...],
    **options: Any,
) -> None:
    """Compare the events of SOURCE, a recording or a URL, with the promises of its event family.

    A URL is followed until its run has ended: by its own end, by a close in good order, or by half a minute of silence
    after all that was announced is done. Each line is a finding: the number of the event, the promise, the expected and
    the given value; broken promises come before advice. Ctrl-C ends a check with what was found so far.

    Exit code: 0 where every promise is kept, 1 where one is broken; 2 for wrong arguments; 3 for a source that could
    not be checked to its end; 130 after Ctrl-C, 143 after SIGTERM.
    """
    from runconsole.checking.reading import checked
    from runconsole.options import is_path

    place = bare(source)
    given = {} if is_path(place) else given_options(subscribe, headers, options)
    report, interruption = checked(place, **given)
    click.echo(report.to_json() if as_json else str(report))
    if interruption is not None:
        sys.exit(interruption.code if isinstance(interruption, SystemExit) else INTERRUPTED)
    if report.broken:
        sys.exit(1)
    if not report.is_whole:
        sys.exit(STREAM_ENDED)


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--speed",
    type=click.FloatRange(0),
    help="Seconds of the run a second; 0 shows its end at once. Default: 1 in a terminal, else 0.",
)
@click.option("--title", help="A name for the run.")
@price_option
def replay(file: Path, speed: float | None, **options: Any) -> None:
    """Show the run that was recorded to FILE in this terminal."""
    from runconsole.console import Console

    if speed is None:
        speed = 1.0 if sys.stdout.isatty() else 0.0
    _watch(Console(file, protocol="replay", speed=speed, **options))


@cli.command()
@click.argument("file", metavar="RECORDING", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML file. Default: the recording's name with .html, in this directory. An older one is replaced.",
)
@click.option("--title", help="A name for the run.")
@price_option
def report(file: Path, output: Path | None, **options: Any) -> None:
    """Write the run that was recorded to RECORDING, with its panel, to one HTML file.

    Any browser shows it, without a network: tables, output, timeline, and a scrubber back to the run's beginning.
    """
    from runconsole.console import Console

    place = output or Path(f"{file.name.removesuffix('.gz').removesuffix('.zst').removesuffix('.jsonl')}.html")
    Console(file, protocol="replay", **options).to_html(place)
    click.echo(f"{place}: {place.expanduser().stat().st_size / 1024:,.0f} KiB")


@cli.command("open", cls=QuietCommand)
@url_argument
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The page's port. Default: a free one.")
@click.option("--browser/--no-browser", default=True, help="Open the page where there is a display.")
@console_options
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

    console = console_of(url, subscribe, headers, options | {"start": False})
    try:
        show_page(console, port=port, browser=browser, report=click.echo)
    except OSError as error:
        raise cannot_listen(error, f"127.0.0.1:{port}", "--port") from None
    click.echo("Ended.")


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
        sys.exit(INTERRUPTED)
    finally:
        console.stop()
    if console.run.status != "completed":
        sys.exit(1)
