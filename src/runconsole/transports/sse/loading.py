"""Loading of the HTTP client, which is optional."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runconsole.errors import LinkLost
from runconsole.transports.internals import unusable

if TYPE_CHECKING:
    from runconsole.transports.sse.requests import SseRequests

__all__ = ["load_requests"]

_PACKAGES = {"httpx2", "httpcore2", "anyio", "h11", "truststore", "idna"}


def load_requests() -> type[SseRequests]:
    """Return the class that makes requests. Raises LinkLost where httpx2 is missing or unusable."""
    try:
        from runconsole.transports.sse.requests import SseRequests
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise unusable("httpx2", str(error)) from None
        raise LinkLost(
            'expected the HTTP client httpx2, which is not installed: pip install "runconsole[agents]"', fatal=True
        ) from None
    except (ImportError, AttributeError) as error:
        raise unusable("httpx2", str(error)) from None
    return SseRequests
