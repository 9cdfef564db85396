"""``fd:N``: a connected stream socket that this program inherited as file descriptor N."""

from __future__ import annotations

import os
import socket
import stat

from ..errors import AddressError, ConnectError
from .stream import Address, SocketStream

_LONGEST_NUMBER = 9  # digits; more descriptors than that can't be open


class FdAddress(Address):
    """An inherited socket. It can be used once: a closed connection can't be made again.

    :ivar number: the file descriptor.
    """

    can_reconnect = False
    can_be_tried = False

    def __init__(self, number: int) -> None:
        self.number = number

    def __str__(self) -> str:
        return f"fd:{self.number}"

    def connect(self, _timeout: float | None) -> SocketStream:
        try:
            is_socket = stat.S_ISSOCK(os.fstat(self.number).st_mode)
        except OSError:
            raise ConnectError(f"{self}: no such file descriptor was inherited") from None
        if not is_socket:
            raise ConnectError(f"{self} is not a socket")
        connection = socket.socket(fileno=os.dup(self.number))
        try:
            self._check(connection)
            self._mark_used()
            return SocketStream(connection)
        except BaseException:
            connection.close()
            raise

    def _check(self, connection: socket.socket) -> None:
        """:raise ConnectError: this is not a connected stream socket."""
        if connection.type != socket.SOCK_STREAM:
            raise ConnectError(f"{self} is not a stream socket")
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ConnectError(f"{self} is a listening socket; a connected one is needed")
        try:
            connection.getpeername()
        except OSError:
            raise ConnectError(
                f"{self} is not connected (any more); an inherited socket can be used only once"
            ) from None

    def _mark_used(self) -> None:
        """Leave an unconnected socket in place of the inherited one.

        So a second use is recognized, and no other file can get this number meanwhile.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as placeholder:
            os.dup2(placeholder.fileno(), self.number, inheritable=False)


def parse(target: str) -> FdAddress:
    """:raise AddressError: the target is not a number."""
    if not (target.isascii() and target.isdecimal()) or len(target) > _LONGEST_NUMBER:
        raise AddressError("the number of a file descriptor is needed")
    return FdAddress(int(target))
