"""The exceptions of runconsole: one tree, each message saying what was expected, what came, what to do.

    RunConsoleError
    ├── CallRefused          the server said no to a call (cancel, pause, …)
    ├── CallUnanswered       a call was sent and no answer came: it may or may not have happened
    ├── ConsoleFailed        the link failed for good: following the run is over
    │   └── RunInterrupted   the server ended the stream in good order before the run had ended, again and again
    ├── InvalidArgument        an argument of the console is unknown or cannot be used (also ValueError and TypeError)
    │   └── UnfitValues      the values of an answer do not fit the form of its question
    ├── LinkLost             internal: a connection could not be made or broke
    ├── MissingPackage       an optional package is not installed (also ImportError)
    ├── NoOneToAsk           a run of this process asks, and no answer can ever come
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

from collections.abc import Mapping

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
    "NoOneToAsk",
    "NotARecording",
    "NotConnected",
    "RecordingError",
    "RunConsoleError",
    "RunInterrupted",
    "UnfitValues",
    "UnsupportedByWire",
]


class RunConsoleError(Exception):
    """Base class of every exception that runconsole raises on purpose."""

    def __str__(self) -> str:
        """Return the sentence with marks for control characters: it may hold a server's words, for a terminal."""
        return marked(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """Return the text that IPython shows in a cell: one sentence, no traceback."""
        return [f"{type(self).__name__}: {self}"]


class CallRefused(RunConsoleError):
    """The server refused a call.

    Attributes:
        code: the server's own code for the reason, where it gave one.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class CallUnanswered(RunConsoleError):
    """A call was sent, and no answer came: its effect is unknown."""


class ConsoleFailed(RunConsoleError):
    """The link failed for good (refused, wrong address, bad certificate): the console no longer follows the run."""


class RunInterrupted(ConsoleFailed):
    """The server ended the stream in good order before the run had ended, and connecting anew brought nothing."""


class InvalidArgument(RunConsoleError, ValueError, TypeError):
    """An argument of the console is unknown or its value cannot be used."""


class UnfitValues(InvalidArgument):
    """The values or decisions of an answer do not fit its question: nothing was sent.

    Attributes:
        fields: the reason for each field, by its name, with dots between the names that lead to it; empty for all of
            the values. A decision on an action is named by its number, from 0: ``1.args.to``.
    """

    def __init__(self, fields: Mapping[str, str], expected: str = "values= that fit the form of the question") -> None:
        said = "; ".join(f"{name}: {reason}" if name else reason for name, reason in fields.items())
        super().__init__(f"expected {expected}: {said}")
        self.fields = dict(fields)


class LinkLost(RunConsoleError):
    """A connection could not be made, or broke. Raised by transports, handled by the session.

    Attributes:
        policy: the verdicts on the next attempt.
        code: the WebSocket close code or HTTP status, where there was one.
        orderly: the server closed in good order (close code 1000).
        unfinished: the run has not ended, even if everything that is known of it is done.

    `fatal` and `doubtful` are short for two policies: a new attempt cannot help; a few new attempts may help (a proxy
    reloads, a server ends during the handshake).
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
        unfinished: bool = False,
    ) -> None:
        super().__init__(message)
        self.policy = policy or (DENIED if fatal else STRANGE if doubtful else RETRY)
        self.code = code
        self.orderly = orderly
        self.unfinished = unfinished

    @property
    def fatal(self) -> bool:
        """True if a new attempt cannot help, with a server that has not served us yet."""
        return self.policy.first == "fatal"

    @property
    def doubtful(self) -> bool:
        """True if a few new attempts may help, with a server that has not served us yet."""
        return self.policy.first == "doubt"


class MissingPackage(RunConsoleError, ImportError):
    """A feature needs a package that is not installed: the message names it and the command that installs it."""


class NoOneToAsk(RunConsoleError):
    """A run of this process asks a question, and no answer can ever come: the message says why, and what to do."""


class NotConnected(RunConsoleError):
    """There was no live link within the time allowed; nothing was sent."""


class UnsupportedByWire(RunConsoleError):
    """The wire in use has no such call."""


class RecordingError(RunConsoleError):
    """A recording cannot be read or written."""


class NotARecording(RecordingError, InvalidArgument):
    """The named file is no recording, or must not be read."""


class DecisionError(RunConsoleError):
    """A decision was not carried out, or its effect is unknown.

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
    """The decision was sent, and the link died (or no answer came): the decision may or may not count."""
