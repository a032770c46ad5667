"""A Redis Stream of numbered lines, written by the one who holds its lease."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from runconsole.errors import InvalidArgument, MissingPackage, RecordingError, RunConsoleError
from runconsole.redaction.secrets import Secret
from runconsole.text.marks import marked

__all__ = ["LEASE_S", "RedisAway", "RedisStream", "StreamTaken"]

LEASE_S = 10.0
"""Seconds after which the lease of a relay that was killed is free."""
_ANSWER_WITHIN_S = 5.0
_LOOK_S = 0.1
_FOREVER = -0.001
"""As Redis says that a key does not expire."""
_PAGE = 1000
_STREAM = "runconsole"
_LINE = b"line"

_APPEND = """
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {'taken', holder} end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local count = 0
if #newest > 0 then count = tonumber(string.match(newest[1][1], '^%d+')) end
local first = tonumber(ARGV[3])
if count > first and newest[1][2][2] ~= ARGV[count - first + 3] then return {'other', tostring(count)} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
if count >= first then
  for place = count - first + 4, #ARGV do
    redis.call('XADD', KEYS[1], (first + place - 3) .. '-0', 'line', ARGV[place])
  end
end
return {'had', tostring(count)}
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_REPLACE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""

T = TypeVar("T")


class RedisAway(RunConsoleError):
    """Redis cannot be reached, or cannot write now: it is worth another try."""


class StreamTaken(RunConsoleError):
    """Another relay writes the stream."""


class RedisStream:
    """The stream. Used by one thread at a time.

    Args:
        place: the URL of the server; `?stream=` names the stream.

    Raises InvalidArgument, MissingPackage.
    """

    def __init__(self, place: Secret[str]) -> None:
        try:
            import redis
        except ImportError:
            raise MissingPackage("expected redis to be installed: pip install 'runconsole[relay]'") from None
        self._errors = redis.exceptions
        url, self._key = _parts(place.reveal())
        self._lease = f"{self._key}:lease"
        self.name = f"{_shown(url)}?stream={self._key}"
        self._owner = (
            f"{socket.gethostname()}, process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
            f" #{_processes()}/{os.getpid()}/{secrets.token_hex(8)}"
        )
        try:
            self._client: Any = redis.Redis.from_url(
                url,
                decode_responses=False,
                socket_timeout=_ANSWER_WITHIN_S,
                socket_connect_timeout=_ANSWER_WITHIN_S,
                retry=None,
            )
            self._client.connection_pool.make_connection()  # raises for options that there are not; connects nowhere
        except (ValueError, TypeError):
            del url, place
            raise InvalidArgument(
                f"expected --store to be redis://HOST:PORT/DB?stream=NAME, got one that cannot be used: {self.name}"
            ) from None
        self._append = self._client.register_script(_APPEND)
        self._release = self._client.register_script(_RELEASE)
        self._replace = self._client.register_script(_REPLACE)

    def claim(self, say: Callable[[str], None]) -> None:
        """Take the lease; at once where the relay that had it is known to be gone, else when it has expired.

        `say` is told of a wait.

        Raises RecordingError where another relay holds it, or the server is away.
        """
        try:
            before = LEASE_S
            while not self._try(self._take):
                holder, left = self._try(self._holder)
                if left > before or left == _FOREVER:
                    raise RecordingError(self._taken(holder))
                if before == LEASE_S:
                    say(f"another relay ({holder}) wrote to {self.name} just now; waiting whether it is still there")
                before = min(left, LEASE_S - _LOOK_S)
                time.sleep(_LOOK_S)
        except RedisAway as error:
            raise RecordingError(f"cannot reach the store {self.name} ({error})") from None

    def _take(self) -> bool:
        if self._client.set(self._lease, self._owner, nx=True, px=int(LEASE_S * 1000)):
            return True
        holder = self._client.get(self._lease) or b""
        arguments = [holder, self._owner, int(LEASE_S * 1000)]
        return _is_gone(holder) and bool(self._replace(keys=[self._lease], args=arguments))

    def _holder(self) -> tuple[str, float]:
        """Return who holds the lease, and for how many seconds at most."""
        holder, left = self._client.get(self._lease), self._client.pttl(self._lease)
        return _words(holder), left / 1000

    def _taken(self, holder: str) -> str:
        return f"another relay writes to {self.name} ({holder}): stop it, or choose another store, as ?stream=NAME"

    def lines(self) -> Iterator[bytes]:
        """Yield all lines. Raises RedisAway, InvalidArgument where the key holds something else."""
        after, count = b"-", 0
        while True:
            page = self._try(lambda: self._client.xrange(self._key, after, "+", _PAGE))  # noqa: B023 - called at once
            for entry, fields in page:
                count += 1
                if entry != b"%d-0" % count or _LINE not in fields:
                    raise InvalidArgument(self._foreign())
                yield fields[_LINE]
            if len(page) < _PAGE:
                return
            after = b"(" + page[-1][0]

    def append(self, first: int, lines: list[bytes]) -> int:
        """Write lines behind the first `first` ones, and renew the lease; return the number that was there before.

        Where that is less than `first`, nothing was written. Raises RedisAway, StreamTaken.
        """
        arguments: list[Any] = [self._owner, int(LEASE_S * 1000), first, *lines]
        said, what = self._try(lambda: self._append(keys=[self._key, self._lease], args=arguments))
        if said == b"taken":
            raise StreamTaken(self._taken(_words(what)))
        if said == b"other":
            raise StreamTaken(f"another relay has written to {self.name} meanwhile: start this one again")
        return int(what)

    def close(self) -> None:
        """Give the lease back, where the server is there, and disconnect."""
        with suppress(RedisAway, InvalidArgument):
            self._try(lambda: self._release(keys=[self._lease], args=[self._owner]))
        self._client.close()

    def _foreign(self) -> str:
        return f"expected a new stream, or that of a relay, at {self.name}, which holds something else: choose another"

    def _try(self, work: Callable[[], T]) -> T:
        """Do something with the server. Raises RedisAway, InvalidArgument."""
        known = self._errors
        try:
            return work()
        except known.AuthenticationError:
            raise InvalidArgument(f"the server of {self.name} does not let us in: check user and password") from None
        except (known.ConnectionError, known.TimeoutError, OSError) as error:
            raise RedisAway(_words(error)) from None
        except known.ResponseError as error:
            if "WRONGTYPE" in str(error):
                raise InvalidArgument(self._foreign()) from None
            raise RedisAway(_words(error)) from None
        except known.RedisError as error:
            raise RedisAway(_words(error)) from None


def _parts(url: str) -> tuple[str, str]:
    """Return the URL for the client, and the name of the stream."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    names = [value for name, value in query if name == "stream"]
    rest = urlencode([(name, value) for name, value in query if name != "stream"])
    key = names[-1] if names else _STREAM
    if not key.strip() or not key.isprintable():
        raise InvalidArgument("expected ?stream= of --store to be the name of a key of Redis, got an empty one")
    return urlunsplit(parts._replace(query=rest)), key


def _shown(url: str) -> str:
    """Return the URL without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _words(said: object) -> str:
    """Return words of the server, or of its client, without the lease's key, on one line."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said or "nobody")
    return marked(" ".join(text.partition(" #")[0].split()))


def _processes() -> str:
    """Return what tells the processes of this machine, since it started, from all others; "" where nothing does."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}{Path('/proc/self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return ""


def _is_gone(holder: bytes) -> bool:
    """Return whether the process that holds a lease was one of this machine, and has ended."""
    where, _, rest = holder.decode("utf-8", "replace").rpartition(" #")[2].partition("/")
    number = rest.partition("/")[0]
    if not where or where != _processes() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
