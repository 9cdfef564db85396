"""``unix-abstract:NAME``: a UNIX socket whose name is in Linux's abstract namespace.

It has no file, and no permissions: any user of the same network namespace may connect.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

from ..errors import AddressError, ConnectError
from ..static_typing import TYPE_CHECKING
from .stream import Address, SocketStream, find_credentials
from .unix import LONGEST_NAME, connect_unix, escape_commas, explain_busy

if TYPE_CHECKING:
    from .listen import Listener


class UnixAbstractAddress(Address):
    """A UNIX socket in the abstract namespace.

    :ivar name: its name, without the null byte that marks it as abstract.
    """

    waits_in_backlog = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"unix-abstract:{self.name}"

    def connect(self, timeout: float | None) -> SocketStream:
        return connect_unix(self._socket_name, timeout)

    def explain(self, error: OSError, after: str) -> str:
        if isinstance(error, BlockingIOError):
            return explain_busy(self)
        if isinstance(error, ConnectionRefusedError):
            start = f"{self._qemu_option},server=on,wait=off"
            return f"{self}: nobody listens there{after}; start QEMU with {start}"
        return super().explain(error, after)

    @contextlib.contextmanager
    def listen(self) -> Iterator[Listener]:
        """Open the socket; only programs of the same user, or of root, are accepted.

        :raise ConnectError: the name is in use.
        """
        from .listen import Listener

        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            try:
                listener.bind(self._socket_name)
                listener.listen(1)
            except OSError as error:
                raise ConnectError(f"{self}: {error.strerror or error}") from None
            yield Listener([listener], self._qemu_option, is_welcome=_is_same_user)

    @property
    def _socket_name(self) -> bytes:
        return b"\0" + os.fsencode(self.name)

    @property
    def _qemu_option(self) -> str:
        """The option that opens a monitor here."""
        return f"-qmp unix:{escape_commas(self.name)},abstract=on"


def parse(target: str) -> UnixAbstractAddress:
    """:raise AddressError: the name is empty or too long."""
    if not target or "\0" in target or len(os.fsencode(target)) > LONGEST_NAME:
        raise AddressError(f"a name of 1 to {LONGEST_NAME} bytes is needed")
    return UnixAbstractAddress(target)


def _is_same_user(connection: socket.socket) -> bool:
    """Whether the peer is run by the user of this program, or by root."""
    credentials = find_credentials(connection)
    return credentials is not None and credentials.is_own_user
