"""What can go wrong, as types; the wording of a failure is its ``str()``.

Each error knows the exit status that ends a program which meets it. How an error
is laid out on a screen or in a log is the front ends' concern. Two more stand by what
they speak of: ``CommandError`` by the reply, ``ParseError`` by the line.
"""

from __future__ import annotations


class QMPError(Exception):
    """Anything this package raises on purpose.

    ``exit_status`` is what a program that ends because of it should return.
    """

    exit_status = 1


class UsageError(QMPError):
    """What was asked for makes no sense, whatever the VM's state."""

    exit_status = 2


class CheckError(QMPError):
    """What the VM's schema does not allow, found in a dry run."""


class WaitError(QMPError):
    """What was waited for has failed, or can't come about any more."""


class Told(QMPError):
    """A failure that the user was told of already, and that ends the script."""

    def __init__(self, error: QMPError) -> None:
        super().__init__(str(error))
        self.exit_status = error.exit_status


class PipelineError(QMPError):
    """The shell command that a reply was given to has failed."""


class AddressError(UsageError, ValueError):
    """A text that is no address."""


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
