"""Another process: whether it has ended, and signals to it.

A signal never reaches another process that has got the same number since.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal


class Process:
    """Another process.

    :ivar pid: its number.
    :ivar descriptor: becomes readable when it ends (pidfd_open(2)); None: the system lacks that,
        and :meth:`has_ended` has to be called now and then.
    """

    def __init__(self, pid: int) -> None:
        """:raise ProcessLookupError: there is no such process."""
        self.pid = pid
        self.descriptor = _open(pid)

    def has_ended(self) -> bool:
        """Whether it has ended. It does not wait."""
        if self.descriptor is not None:
            return is_ready(self.descriptor)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # it exists, and is another user's
            pass
        return False

    def send(self, number: int) -> None:
        """Send a signal, unless it has ended, or belongs to another user."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.descriptor is not None:
                signal.pidfd_send_signal(self.descriptor, number)
            else:
                os.kill(self.pid, number)

    def close(self) -> None:
        """Close the descriptor; the process goes on."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, if the system tells that; returns whether it has."""
        if self.descriptor is not None:
            return is_ready(self.descriptor, seconds=seconds)
        return self.has_ended()


def program_of(pid: int) -> str:
    """The name of a process's program; empty: it is not known."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return ""


def is_ready(descriptor: int, events: int = select.POLLIN, *, seconds: float = 0.0) -> bool:
    """Whether a descriptor is readable, or has become so within a time."""
    poll = select.poll()
    poll.register(descriptor, events)
    return bool(poll.poll(seconds * 1000))


def _open(pid: int) -> int | None:
    """Return a pidfd; None: there are none on this system, or none for this program.

    :raise ProcessLookupError: there is no such process.
    """
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:
        return None
