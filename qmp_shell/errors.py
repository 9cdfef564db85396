"""What can go wrong, as types; ``str()`` of an error is one line for the user.

How an error is laid out on a screen or in a log is the concern of the front ends, and what exit
status it ends a program with is that of ``cli.py``. Two more errors are defined next to what they
are about: ``CommandError`` in ``messages.py``, ``ParseError`` in ``language/``.
"""

from __future__ import annotations

import errno

_LONGEST_CAUSE = 200  # characters


def explain_encode_error(error: UnicodeEncodeError) -> str:
    """Why a text can be no name of a file and no argument of a program."""
    character = error.object[error.start]
    if "\ud800" <= character <= "\udfff":  # a byte that was read as no character
        return "this is not UTF-8"
    return f"the locale's encoding, {error.encoding}, has no {character!r}"


def explain_os_error(error: OSError | ValueError) -> str:
    """Why a file could not be used; a ValueError: its path cannot be one."""
    if not isinstance(error, OSError):
        return "not a valid path"
    if error.errno == errno.ENXIO:
        return "it is a socket, or nobody reads from it"
    return error.strerror or str(error)


class QMPError(Exception):
    """Any error that this package raises on purpose.

    :ivar hint: advice, on one line, if more is known than the error says; else empty.
    """

    hint = ""


class UsageError(QMPError):
    """What was asked for is not possible, whatever the state of the VM."""


class AddressError(UsageError, ValueError):
    """A text that is not an address."""


class ConnectError(QMPError):
    """No connection, no greeting, or no agreement on capabilities."""


class NoGreeting(ConnectError):
    """There is a connection, but the other side said nothing in time."""


class MonitorBusy(NoGreeting):
    """Another client holds the monitor, which serves one at a time."""


class ConnectionLost(QMPError):
    """The connection has ended, or there never was one."""


class ProtocolError(ConnectionLost):
    """The other side sent something that is not QMP; the connection cannot be used any more."""


class Timeout(QMPError, TimeoutError):
    """No reply within the time allowed. The command may still take effect."""


class OutputTimeout(Timeout):
    """What this program writes was not read within the time allowed."""


class CheckError(QMPError):
    """A dry run found something that the VM's schema does not allow."""


class WaitError(QMPError):
    """What is waited for has failed, or cannot happen any more."""


class PipelineError(QMPError):
    """The shell command or the file that a reply was given to has failed."""


class InternalError(QMPError):
    """A fault of this program itself."""

    def __init__(self, cause: BaseException) -> None:
        """:param cause: an exception that nobody expected."""
        import traceback

        cause_text = " ".join("".join(traceback.format_exception_only(cause)).split())
        shown = cause_text[:_LONGEST_CAUSE] + "..." * (len(cause_text) > _LONGEST_CAUSE)
        super().__init__(f"internal error: {shown}; please report it")


class ReportedError(QMPError):
    """A failure that was already reported to the user, and that ends the script.

    :ivar error: what failed.
    """

    def __init__(self, error: QMPError) -> None:
        super().__init__(str(error))
        self.error = error
