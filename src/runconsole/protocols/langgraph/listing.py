"""The threads of a server that wait for people."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlsplit

from runconsole.errors import LinkLost
from runconsole.protocols.langgraph.spec import credentials
from runconsole.protocols.options import LinkOptions
from runconsole.protocols.signing import context_of_options
from runconsole.redaction.secrets import Secret
from runconsole.transports.sse.loading import load_requests

__all__ = ["interrupted_threads"]

_MOST = 100
_PATIENCE_S = 30.0
_WANTED = "a LangGraph Agent Server"


async def interrupted_threads(options: LinkOptions) -> list[Secret[str]]:
    """Return the addresses of at most 100 interrupted threads, those that were updated last. Raises LinkLost."""
    requests_of = load_requests()
    from runconsole.transports.sse.requests import Failed

    url, headers = credentials(options)
    parts = urlsplit(url.reveal())
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    path = f"{parts.path.rstrip('/')}/threads/search"
    search = Secret(parts._replace(scheme=scheme, path=path, query="", fragment="").geturl())
    requests = requests_of(search, headers, ssl=context_of_options(options), hide=options.redact, wanted=_WANTED)
    wanted = json.dumps({"status": "interrupted", "limit": _MOST, "sort_by": "updated_at", "sort_order": "desc"})
    try:
        status, body = await requests.fetch("POST", search, wanted, patience=_PATIENCE_S)
    except Failed as failed:
        raise failed.lost from None
    finally:
        await requests.close()
    if status in {401, 403}:
        raise LinkLost(f"{options.address} refused us with HTTP {status}: pass a valid token=", fatal=True)
    ids = _thread_ids(body) if status == 200 else None
    if ids is None:
        raise LinkLost(f"expected {_WANTED} at {options.address}, got HTTP {status} without a list of threads")
    given = urlsplit(options.url.reveal())
    base = given._replace(path=given.path.rstrip("/"), fragment="")
    return [Secret(base._replace(path=f"{base.path}/threads/{quote(name, safe='')}").geturl()) for name in ids]


def _thread_ids(body: bytes) -> list[str] | None:
    """Return the ids of threads that have interrupts; None for what is no list of threads."""
    try:
        threads: Any = json.loads(body)
    except ValueError:
        return None
    if not isinstance(threads, list):
        return None
    return [
        thread["thread_id"]
        for thread in threads
        # A cancelled run leaves its thread "interrupted", too: without an interrupt nobody is asked.
        if isinstance(thread, dict) and isinstance(thread.get("thread_id"), str) and thread.get("interrupts")
    ]
