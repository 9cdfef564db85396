"""Everything that can go wrong, as types; the wording of a failure is its ``str()``.

Each error knows the exit status that ends a program which meets it. How an error
is laid out on a screen or in a log is the front ends' concern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .language.reader import Source
    from .protocol import Reply


class QMPError(Exception):
    """Anything this package raises on purpose.

    ``exit_status`` is what a program that ends because of it should return.
    """

    exit_status = 1


class CommandError(QMPError):
    """The VM refused a command.

    :ivar reply: the whole reply.
    :ivar error_class: QMP's error class, ``GenericError`` for most.
    :ivar description: the VM's own words.
    """

    exit_status = 1

    def __init__(self, reply: Reply) -> None:
        error: Any = reply.message["error"]
        if not isinstance(error, dict):
            error = {"desc": error}
        self.reply = reply
        self.error_class = str(error.get("class", "GenericError"))
        self.description = str(error.get("desc", ""))
        super().__init__(f"{reply.name}: {self.error_class}: {self.description}")


class UsageError(QMPError):
    """What was asked for makes no sense, whatever the VM's state."""

    exit_status = 2


class AddressError(UsageError, ValueError):
    """A text that is no address."""


class ParseError(UsageError, ValueError):
    """A line that cannot be turned into a message.

    :ivar offset: where in the text, in characters from 0.
    :ivar source: the lines the text came from, once they are known.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset
        self.source: Source | None = None


class ConnectError(QMPError):
    """No conversation could be started: nobody there, no greeting, no capabilities."""

    exit_status = 3


class ConnectionLost(QMPError):
    """The conversation is over, in the middle of things or before them."""

    exit_status = 4


class ProtocolError(ConnectionLost):
    """The other side said something that is not QMP; there is no going on from there."""


class Timeout(QMPError, TimeoutError):
    """No reply within the time allowed. The command may still take effect."""

    exit_status = 5
