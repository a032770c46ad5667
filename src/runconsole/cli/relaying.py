"""The command `runconsole relay`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from runconsole.cli.arguments import QuietCommand, SecretText, console_of, console_options
from runconsole.cli.group import INTERRUPTED, cannot_listen, cli
from runconsole.errors import ConsoleFailed, InvalidArgument
from runconsole.redaction.secrets import Secret, bare

if TYPE_CHECKING:
    from runconsole.console import Console
    from runconsole.relay.relay import Relay
    from runconsole.relay.stores import Store

__all__: list[str] = []

_LOOK_S = 0.2


@cli.command(cls=QuietCommand)
@click.argument("upstream", type=SecretText(), envvar="RUNCONSOLE_URL")
@click.option(
    "--store",
    "place",
    type=SecretText(),
    required=True,
    envvar="RUNCONSOLE_STORE",
    show_envvar=True,
    metavar="FILE|redis://...",
    help="Where the run is kept: a recording, or a Redis server: redis://HOST:PORT/DB?stream=NAME.",
)
@click.option("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="Default: this machine, a free port.")
@click.option(
    "--upstream-token",
    type=SecretText(),
    envvar="RUNCONSOLE_UPSTREAM_TOKEN",
    show_envvar=True,
    help="The secret for UPSTREAM, where it is another than that of the viewers (--token); '' is none.",
)
@console_options
def relay(
    upstream: Secret[str], place: Secret[str], listen: str, upstream_token: Secret[str] | None, **options: Any
) -> None:
    """Follow the run at UPSTREAM once, keep all of it, and serve it to any number of viewers, until Ctrl-C.

    Viewers come late, go and come back; each gets the whole run, and may answer its questions: the first answer
    counts. Started again with the same store, also after `kill -9`, the relay goes on where it was. After the end
    of the run it goes on serving it.

    --token is the secret of both sides: viewers send it, and the relay signs in with it at UPSTREAM, unless
    --upstream-token is given. Without it, only this machine is served.

    The address is written to stdout, everything else to stderr.

    Exit code: 1 if UPSTREAM cannot be followed from the start, or the store cannot be had; 2 for wrong arguments;
    130 after Ctrl-C, 143 after SIGTERM.
    """
    from runconsole.relay.stores import store_at
    from runconsole.reporting.serving import check_place

    host, port = _host_and_port(listen)
    token = check_place(
        host, port, bare(options["token"]), names=("the host of --listen ", "the port of --listen", "--token")
    )
    if upstream_token is not None:
        options["token"] = upstream_token if upstream_token.reveal() else None
    subscribe, headers = options.pop("subscribe"), options.pop("headers")

    def console(**more: Any) -> Console:
        return console_of(upstream, subscribe, headers, options | {"start": False} | more)

    _run(store_at(place, _say), console, (host, port), token)


def _run(store: Store, make_console: Callable[..., Console], place: tuple[str, int], token: Secret[str] | None) -> None:
    """Relay until something ends the program."""
    from runconsole.api.run import engine_of
    from runconsole.clock import now_micros
    from runconsole.console import Console
    from runconsole.relay.relay import Relay
    from runconsole.relay.stores import check_run

    options = engine_of(make_console()).options
    if options.inferred_protocol() == "replay":
        raise InvalidArgument("expected the URL of a server, got the path of a recording: `runconsole replay` shows it")
    with ExitStack() as stack:
        stack.callback(store.close)
        store.open()
        has_ended = check_run(store, options, now_micros())
        console = (
            Console(store.path, protocol="replay", title=options.title, start=False)
            if has_ended
            else make_console(record=store.path)
        )
        relay = Relay(console, store, place=place, token=token)
        stack.callback(relay.stop)
        try:
            relay.start()
        except OSError as error:
            raise cannot_listen(error, f"{place[0]}:{place[1]}", "--listen") from None
        click.echo(f"Relaying {options.address} on {relay.url}")
        _say(f"kept in {store.name}{'; the run has ended, its server is not asked' if has_ended else ''}")
        try:
            _attend(relay, store)
        except KeyboardInterrupt:
            _say("ended")
            sys.exit(INTERRUPTED)


def _attend(relay: Relay, store: Store) -> None:
    """Report changes of the link, until something raises. Raises ConsoleFailed."""
    console, said = relay.console, ""
    while True:
        reason = relay.trouble
        status = f"{console.status}: {reason}" if reason else console.status
        if status != said:
            said = status
            _say(f"upstream: {' '.join(status.split())}")
            if console.status == "failed" and not len(relay.journal):
                raise ConsoleFailed(f"cannot follow the run: {reason or 'no reason was given'}")
            if console.status in {"ended", "failed"}:
                _say("all that came is served until Ctrl-C")
        if store.problem is not None:
            raise ConsoleFailed(store.problem)
        time.sleep(_LOOK_S)


def _say(text: str) -> None:
    click.echo(f"runconsole relay: {text}", err=True)


def _host_and_port(listen: str) -> tuple[str, int]:
    """Return the parts of HOST:PORT. Raises InvalidArgument."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or not port.isascii():
        raise InvalidArgument(f"expected --listen to be HOST:PORT, as 127.0.0.1:8765, got {listen!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)
