"""The interfaces of a transport: an address, and the connection that it leads to.

Knows nothing of single schemes. :class:`SocketStream` serves all schemes that end in a socket.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol


class Stream(Protocol):
    """A connection: a stream of bytes in both directions that never blocks.

    It has one file descriptor, to be polled for reading and writing. (A child process is given
    one end of a socket pair as its standard input and output.)
    """

    def fileno(self) -> int:
        """Return the file descriptor."""

    def receive(self, limit: int) -> bytes:
        """Return received bytes; ``b""`` if the peer has closed the connection.

        :param limit: return at most this many.
        :raise BlockingIOError: nothing has been received.
        :raise OSError: the connection is broken.
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
        """Whether received bytes are held in memory, of which poll() does not know (TLS)."""

    @property
    def can_send_descriptors(self) -> bool:
        """Whether :meth:`send` accepts descriptors."""

    def close(self) -> None:
        """Close the connection."""


class Address(ABC):
    """Where a monitor can be reached. Two addresses of one scheme are equal if they lead there.

    :ivar can_reconnect: it can be connected to more than once.
    """

    can_reconnect = True

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

    @abstractmethod
    def explain(self, error: OSError, after: str) -> str:
        """Say in one line why :meth:`connect` failed, and what to do.

        :param after: `` after waiting 5 s`` if connecting was tried for some time, else empty.
        """


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

    def close(self) -> None:
        self._socket.close()


def explain_error(address: Address, error: OSError) -> str:
    """Say why connecting failed, where the reason is the same for every scheme."""
    if isinstance(error, TimeoutError):
        return f"{address}: connecting took too long"
    return f"{address}: {error.strerror or error}"
