"""The arguments of a console that define a protocol's connection: subscriptions and credentials."""

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
    """The arguments of a console that a protocol may use: subscriptions and credentials.

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
    input: Secret[Any] | None = None
    """AG-UI's: the message, or the RunAgentInput, that starts a run. LangGraph's: the input of the graph."""
    assistant: str | None = None
    """LangGraph's: the graph's name, or the assistant's id, that the input is for."""
    token: Secret[str] | None = None
    """A secret for the server. It overrides a user and password in `url`. It is hidden in recorded and saved text; but
    an ambiguous one (shorter than eight characters, or a word like ``execution``) stays in the server's text, unless it
    stands under a name like ``token`` or behind ``Bearer``."""
    auth: str | None = None
    """The place of the token; None is the header, on Socket.IO the auth object and, if the server does not answer to
    that, the header. As a header (``Bearer``) it replaces the user and password of `url`, which would be sent as
    ``Basic``; elsewhere it is sent beside them. ``auth`` is Socket.IO's auth object."""
    headers: Secret[Mapping[str, str]] | None = None
    """Sent with the handshake. An ``Authorization`` here replaces all others: one is sent."""
    ssl: ssl_module.SSLContext | str | None = None
    """A context, or the path of a file of certificates to trust."""
    transformer: str = "auto"
    decide: str | Callable[..., Any] | None = None
    transport: Transport | None = None
    """Makes the connections instead of the protocol's own transport."""

    @property
    def address(self) -> str:
        """The URL in a form that may be shown."""
        return self.redact(shown_address(self.url.reveal()))

    @property
    def redactor(self) -> Redactor:
        """The redactor of these options' secrets."""
        return _redactor(tuple(map(Secret, self.secrets())))

    def redact(self, text: str) -> str:
        """Return the text without our secrets."""
        return self.redactor.hide_said(text)

    def secrets(self) -> list[str]:
        """Return all secrets: the token, headers that sign in, and the secret parts of the URL."""
        token = [] if self.token is None else [self.token.reveal()]
        headers = [] if self.headers is None else header_secrets(self.headers.reveal())
        sent = [] if self.subscribe is None else named_secrets(self.subscribe.reveal())
        given = [] if self.input is None else named_secrets(self.input.reveal())
        return [*token, *headers, *sent, *given, *url_secrets(self.url.reveal())]


@lru_cache(16)
def _redactor(secrets: tuple[Secret[str], ...]) -> Redactor:
    return Redactor(secrets)
