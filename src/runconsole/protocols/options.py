"""The arguments of a console that a protocol is made from: what to follow, and how to sign in."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from runconsole.redaction.secrets import Redactor, Secret
from runconsole.transports.address import shown_address, url_secrets
from runconsole.transports.base import Transport
from runconsole.transports.sign_in import header_secrets, named_secrets

__all__ = ["LinkOptions"]


class LinkOptions(Struct, frozen=True):
    """The arguments of a console that a protocol may use: what to follow, and how to sign in.

    An argument that may hold a secret is in a `Secret`: `reveal` returns it; a traceback with locals, ``rich.print``
    and a debugger do not show it.
    """

    url: Secret[str]
    protocol: str | None = None
    task: str | None = None
    execution: str | None = None
    session: str | None = None
    masterplan: str | None = None
    subscribe: Secret[Any] | None = None
    token: Secret[str] | None = None
    """A secret for the server. An explicit one counts more than a user and password in `url`. It is hidden in what is
    recorded and saved; but one that cannot be told from the words of a run (shorter than eight characters, or a word
    like ``execution``) stays where the server says it, unless under a name like ``token`` or behind ``Bearer``."""
    auth: str | None = None
    """Where the token goes; None is the header, on Socket.IO the auth object and, where the server does not answer to
    that, the header. As a header (``Bearer``) it takes the place of the user and password of `url`, which would
    be sent as ``Basic``; elsewhere it goes beside them. ``auth`` is Socket.IO's auth object."""
    headers: Secret[Mapping[str, str]] | None = None
    """Sent with the handshake. An ``Authorization`` here takes the place of all others: one is sent."""
    ssl: ssl_module.SSLContext | str | None = None
    """A context, or the path of a file of certificates to trust."""
    transformer: str = "auto"
    decide: str | Callable[..., Any] | None = None
    transport: Transport | None = None
    """Makes the connections instead of the protocol's own transport."""

    @property
    def address(self) -> str:
        """The URL as it may be shown."""
        return self.redact(shown_address(self.url.reveal()))

    @property
    def redactor(self) -> Redactor:
        """Hides the secrets of these options."""
        return _redactor(tuple(map(Secret, self.secrets())))

    def redact(self, text: str) -> str:
        """Return the text without our secrets."""
        return self.redactor.hide_said(text)

    def secrets(self) -> list[str]:
        """Return everything that must not be written down: the token, headers that sign in, what the URL hides."""
        token = [] if self.token is None else [self.token.reveal()]
        headers = [] if self.headers is None else header_secrets(self.headers.reveal())
        sent = [] if self.subscribe is None else named_secrets(self.subscribe.reveal())
        return [*token, *headers, *sent, *url_secrets(self.url.reveal())]


@lru_cache(16)
def _redactor(secrets: tuple[Secret[str], ...]) -> Redactor:
    return Redactor(secrets)
