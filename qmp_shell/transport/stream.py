"""The interfaces of a transport: an address, and the connection that it leads to.

Knows nothing of single schemes. :class:`SocketStream` serves all schemes that end in a socket.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence

from ..static_typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .tls import TlsOptions

MOST_DESCRIPTORS = 253
"""How many descriptors can be sent at once (unix(7), ``SCM_MAX_FD``)."""

# Seconds. Far beyond that, poll() and SO_SNDTIMEO overflow; and 0 can mean no limit.
_LONGEST_TIMEOUT = 1e6
_SHORTEST_TIMEOUT = 1e-3

_CREDENTIALS = "iII"  # struct ucred (unix(7)): pid, uid, gid


def limit_timeout(timeout: float | None) -> float | None:
    """Return a time-out that system calls accept: neither 0 nor so long that it overflows.

    :param timeout: in seconds; None: no limit.
    :return: in seconds; None: no limit.
    """
    if timeout is None or timeout > _LONGEST_TIMEOUT:
        return None
    return max(timeout, _SHORTEST_TIMEOUT)


class Stream(Protocol):
    """A connection: a stream of bytes in both directions that never blocks.

    It has one file descriptor, to be polled for reading and writing. (A child process is given
    one end of a socket pair as its standard input and output.) A stream that transforms the bytes
    (TLS) shows by the same descriptor what is to be done: :meth:`receive` returns all that could
    be transformed, so that nothing is held back from who polls, and never needs a poll for
    writing; :meth:`send` counts no data as sent that still waits in the stream.
    """

    def fileno(self) -> int:
        """Return the file descriptor."""

    def receive(self, limit: int) -> bytes:
        """Return received bytes; ``b""`` if the peer has closed the connection.

        :param limit: return at most this many.
        :raise BlockingIOError: nothing has been received.
        :raise OSError: the connection is broken.
        :raise ConnectError: the peer has refused the connection before it sent anything.
        """

    def send(self, data: memoryview, descriptors: Sequence[int] = ()) -> int:
        """Send as much as can be sent at once.

        :param descriptors: open file descriptors to send along with the first byte.
        :return: how many bytes were sent.
        :raise BlockingIOError: nothing can be sent yet.
        :raise OSError: the connection is broken.
        """

    @property
    def has_buffered(self) -> bool:
        """Whether received bytes are held in memory, of which poll() does not know.

        With TLS these are bytes that came with the end of the handshake.
        """

    @property
    def can_send_descriptors(self) -> bool:
        """Whether :meth:`send` accepts descriptors."""

    @property
    def peer_pid(self) -> int | None:
        """The process at the other end; None: it is on another host, or not known."""

    def close(self) -> None:
        """Close the connection."""


class Address(ABC):
    """Where a monitor can be reached. Two addresses of one scheme are equal if they lead there.

    :ivar can_reconnect: it can be connected to more than once.
    :ivar can_be_tried: connecting starts no program and asks nobody, so that it can be tried again
        and again.
    :ivar waits_in_backlog: while other clients wait there, connecting waits, too, and nobody
        notices if it is given up.
    :ivar silent_because: one more reason why no greeting may come, for an error message.
    :ivar is_agent: a guest agent is there, whatever the options say.
    :ivar note: what a person should know who uses this address; empty: nothing.
    """

    can_reconnect = True
    can_be_tried = True
    waits_in_backlog = False
    silent_because = ""
    is_agent = False
    note = ""

    def with_tls(self, _: TlsOptions) -> Address:
        """This address, with the user's options for TLS, of which only some kinds have a use.

        :raise UsageError: the user might think that TLS is spoken there.
        """
        return self

    @abstractmethod
    def __str__(self) -> str:
        """A text that can be parsed again."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    @property
    def _identity(self) -> tuple[type, str]:
        """What is equal for two addresses that lead to the same place."""
        return type(self), str(self)

    @abstractmethod
    def connect(self, timeout: float | None) -> Stream:
        """Connect once.

        :param timeout: seconds; None: no limit.
        :raise OSError: it did not work; :meth:`explain` says what to do about it.
        :raise ConnectError: it can't work.
        """

    def explain(self, error: OSError, after: str) -> str:  # noqa: ARG002  # schemes use it
        """Say in one line why :meth:`connect` failed, and what to do.

        :param after: `` after waiting 5 s`` if connecting was tried for some time, else empty.
        """
        if isinstance(error, TimeoutError):
            return f"{self}: connecting took too long"
        return f"{self}: {error.strerror or error}"


class SocketStream:
    """A connected stream socket."""

    has_buffered = False

    def __init__(self, connection: socket.socket) -> None:
        """:param connection: owned and closed by this object from now on."""
        connection.setblocking(False)
        self._socket = connection

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self, limit: int) -> bytes:
        return self._socket.recv(limit)

    def send(self, data: memoryview, descriptors: Sequence[int] = ()) -> int:
        if descriptors:
            return socket.send_fds(self._socket, [data], descriptors)
        return self._socket.send(data)

    @property
    def can_send_descriptors(self) -> bool:
        return self._socket.family == socket.AF_UNIX

    @property
    def peer_pid(self) -> int | None:
        return find_peer_pid(self._socket)

    def close(self) -> None:
        self._socket.close()


class Credentials:
    """Who is at the other end of a UNIX socket.

    :ivar pid: of the process; 0: it is in another PID namespace.
    :ivar uid: of its user.
    """

    def __init__(self, pid: int, uid: int) -> None:
        self.pid = pid
        self.uid = uid

    @property
    def is_own_user(self) -> bool:
        """Whether it is this program's user, or root, who can do all that this program can."""
        return self.uid in (0, os.geteuid())


def find_credentials(connection: socket.socket) -> Credentials | None:
    """Who was at the other end of a UNIX socket when it connected or began to listen.

    :return: None: it is another kind of socket, or the system does not tell (unix(7), ``ucred``).
    """
    if sys.platform != "linux" or connection.family != socket.AF_UNIX:
        return None
    size = struct.calcsize(_CREDENTIALS)
    try:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    except OSError:
        return None
    pid, uid, _ = struct.unpack(_CREDENTIALS, credentials)
    return Credentials(pid, uid)


def find_peer_pid(connection: socket.socket) -> int | None:
    """The process at the other end of a UNIX socket; None: see :func:`find_credentials`."""
    credentials = find_credentials(connection)
    return (credentials.pid or None) if credentials is not None else None
