"""The TCP sockets of a network namespace: who listens, and who is connected to whom. (proc(5))"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from typing import NamedTuple

from .processes import Processes

_STATES = {"01": False, "0A": True}  # established, listening
_MAPPED = bytes(10) + b"\xff\xff"  # begins an IPv6 address that stands for one of IPv4
_IPV4_BYTES = 4
_FAMILIES = ("tcp", "tcp6")


class End(NamedTuple):
    """One end of a connection.

    :ivar host: an IP address in network order.
    """

    host: bytes
    port: int

    @property
    def text(self) -> str:
        """The host as it is written."""
        try:
            family = socket.AF_INET if len(self.host) == _IPV4_BYTES else socket.AF_INET6
            return socket.inet_ntop(family, self.host)
        except ValueError:
            return "?"


class TcpSocket(NamedTuple):
    """A socket that listens or is connected."""

    inode: int
    is_listening: bool
    local: End
    remote: End


def list_tcp_sockets(processes: Processes, pid: int | None = None) -> list[TcpSocket]:
    """The TCP sockets of a process's network namespace; of this one if None."""
    tables = (processes.read_table(family, pid) for family in _FAMILIES)
    return [each for table in tables for each in _parse_table(table)]


def _parse_table(table: bytes) -> Iterator[TcpSocket]:
    for line in table.decode("ascii", "replace").split("\n")[1:]:
        fields = line.split()
        try:
            if fields[3] in _STATES:
                local, remote = _parse_end(fields[1]), _parse_end(fields[2])
                yield TcpSocket(int(fields[9]), _STATES[fields[3]], local, remote)
        except (ValueError, IndexError):
            continue


def _parse_end(text: str) -> End:
    host, _, port = text.partition(":")
    words = (host[start : start + 8] for start in range(0, len(host), 8))
    address = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return End(address.removeprefix(_MAPPED), int(port, 16))
