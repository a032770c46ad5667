"""The exceptions of runconsole: one tree, each message saying what was expected, what came, what to do.

    RunConsoleError
    ├── CallRefused          the server said no to a call (cancel, pause, …)
    ├── CallUnanswered       a call was sent and no answer came: it may or may not have happened
    ├── ConsoleFailed        the link failed for good: following the run is over
    │   └── RunInterrupted   the server ended the stream in good order before the run had ended, again and again
    ├── InvalidArgument        an argument of the console is unknown or cannot be used (also ValueError and TypeError)
    ├── LinkLost             internal: a connection could not be made or broke
    ├── MissingPackage       an optional package is not installed (also ImportError)
    ├── NotConnected         a decision or call needs a live link and there was none in time
    ├── UnsupportedByWire    this wire has no such call
    ├── RecordingError       a recording cannot be read or written
    │   └── NotARecording    what is there is no recording (also InvalidArgument)
    └── DecisionError
        ├── DecisionRefused  the server (or the console) said no: `reason`
        ├── DecisionExpired  the deadline passed first
        └── DecisionUnknown  the link died between sent and answered

No message ever holds a secret or a server's stack trace.
"""

from __future__ import annotations

from runconsole.reconnect import DENIED, RETRY, STRANGE, Policy
from runconsole.text.marks import marked

__all__ = [
    "CallRefused",
    "CallUnanswered",
    "ConsoleFailed",
    "DecisionError",
    "DecisionExpired",
    "DecisionRefused",
    "DecisionUnknown",
    "InvalidArgument",
    "LinkLost",
    "MissingPackage",
    "NotARecording",
    "NotConnected",
    "RecordingError",
    "RunConsoleError",
    "RunInterrupted",
    "UnsupportedByWire",
]


class RunConsoleError(Exception):
    """Anything runconsole raises on purpose."""

    def __str__(self) -> str:
        """Return the sentence with visible marks: it may hold a server's words, and is printed to terminals."""
        return marked(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in a cell: the one sentence, no traceback."""
        return [f"{type(self).__name__}: {self}"]


class CallRefused(RunConsoleError):
    """The server said no to a call.

    Attributes:
        code: the server's own word for why, where it gave one.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class CallUnanswered(RunConsoleError):
    """A call was sent, and no answer came: it may or may not have happened."""


class ConsoleFailed(RunConsoleError):
    """The link failed for good (refused, wrong address, bad certificate): the console no longer follows the run."""


class RunInterrupted(ConsoleFailed):
    """The server ended the stream in good order before the run had ended, and connecting anew brought nothing."""


class InvalidArgument(RunConsoleError, ValueError, TypeError):
    """An argument of the console is unknown or its value cannot be used."""


class LinkLost(RunConsoleError):
    """A connection could not be made, or broke. Raised by transports, handled by the session.

    Attributes:
        policy: what it says about the next attempt.
        code: the WebSocket close code or HTTP status, where there was one.
        orderly: the server closed in good order (close code 1000).

    `fatal` and `doubtful` are short for two policies: trying again cannot help; trying again a few times may help
    (a proxy reloading, a server dying while we knock).
    """

    def __init__(
        self,
        message: str,
        *,
        fatal: bool = False,
        doubtful: bool = False,
        policy: Policy | None = None,
        code: int | None = None,
        orderly: bool = False,
    ) -> None:
        super().__init__(message)
        self.policy = policy or (DENIED if fatal else STRANGE if doubtful else RETRY)
        self.code = code
        self.orderly = orderly

    @property
    def fatal(self) -> bool:
        """Whether trying again cannot help, of a server that has not served us yet."""
        return self.policy.first == "fatal"

    @property
    def doubtful(self) -> bool:
        """Whether trying again a few times may help, of a server that has not served us yet."""
        return self.policy.first == "doubt"


class MissingPackage(RunConsoleError, ImportError):
    """Something needs a package that is not installed: the message says which, and how to install it."""


class NotConnected(RunConsoleError):
    """There was no live link within the time allowed; nothing was sent."""


class UnsupportedByWire(RunConsoleError):
    """The wire in use has no such call."""


class RecordingError(RunConsoleError):
    """A recording cannot be read or written."""


class NotARecording(RecordingError, InvalidArgument):
    """The file that was named is no recording, or not to be read."""


class DecisionError(RunConsoleError):
    """A decision was not carried out, or it is not known whether it was.

    Attributes:
        checkpoint_id: the checkpoint that was answered.
    """

    def __init__(self, message: str, checkpoint_id: str) -> None:
        super().__init__(message)
        self.checkpoint_id = checkpoint_id


class DecisionRefused(DecisionError):
    """The server refused: already decided, invalid option, not allowed."""


class DecisionExpired(DecisionError):
    """The deadline passed before the decision could be sent."""


class DecisionUnknown(DecisionError):
    """The decision was sent, and the link died (or nothing came) before an answer: it may or may not count."""
