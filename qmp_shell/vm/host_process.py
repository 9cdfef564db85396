"""QEMU's process, if it runs on this host and is reached through a UNIX socket."""

from __future__ import annotations

import socket

from ..transport.stream import find_peer_pid


def find_host_process(descriptor: int) -> int | None:
    """The process at the other end of a UNIX socket; None: not known, or on another host.

    :param descriptor: of the connection.
    """
    try:
        connection = socket.socket(fileno=descriptor)
    except OSError:  # it is no socket
        return None
    try:
        return find_peer_pid(connection)
    finally:
        connection.detach()  # it belongs to the caller
