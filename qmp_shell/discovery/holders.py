"""Which process is connected to a monitor, of those of this host.

QEMU serves one client of a monitor at a time; others wait until that one leaves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

from ..transport.stream import Address
from ..transport.tcp import PortAddress
from ..transport.unix import UnixAddress, real_path
from ..transport.unix_abstract import UnixAbstractAddress
from .processes import FoundProcess, Processes
from .tcp_sockets import TcpSocket, list_tcp_sockets
from .unix_sockets import UnixSocket, list_unix_sockets, parse_table

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::")


class Connection(NamedTuple):
    """A client's connection to a monitor.

    :ivar inode: of the socket at the monitor's end, which no other connection has.
    :ivar peer: of the socket at the client's end; None: it is not known.
    :ivar host: the host that the client is on; empty: this one.
    """

    inode: int
    peer: int | None
    host: str = ""


class Use(NamedTuple):
    """Who is at a monitor.

    :ivar connection: the client that holds it; None: none does.
    :ivar holder: that client's process; None: it is not known.
    :ivar server: the process that listens there; None: it is not known.
    :ivar offers: the paths of UNIX sockets at which the holder listens itself.
    """

    connection: Connection | None
    holder: FoundProcess | None = None
    server: FoundProcess | None = None
    offers: tuple[str, ...] = ()


class Sockets:
    """The sockets of this network namespace, and of others that are asked for."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    @cached_property
    def unix(self) -> list[UnixSocket]:
        """The UNIX sockets of this network namespace."""
        return list_unix_sockets(self._processes)

    @cached_property
    def tcp(self) -> list[TcpSocket]:
        """The TCP sockets of this network namespace."""
        return list_tcp_sockets(self._processes)

    def unix_of(self, pid: int) -> list[UnixSocket]:
        """Those that a process can have.

        A process in another namespace listens in that, but a connection to it belongs to the
        namespace of who has connected.
        """
        if self._processes.shares_namespace(pid, "net") is not False:
            return self.unix
        return self.unix + parse_table(self._processes.read_table("unix", pid))

    def tcp_of(self, pid: int) -> list[TcpSocket]:
        """Those of the network namespace of a process."""
        if self._processes.shares_namespace(pid, "net") is not False:
            return self.tcp
        return list_tcp_sockets(self._processes, pid)


class Found(NamedTuple):
    """The sockets of one monitor.

    :ivar listeners: the inodes of those that listen.
    :ivar connections: those that were accepted.
    :ivar is_waited_for: a client waits to be accepted; False: that is not so, or not known.
    """

    listeners: list[int]
    connections: list[Connection]
    is_waited_for: bool = False


def find_use(address: Address, processes: Processes | None = None) -> Use | None:
    """Who is at a monitor; connections of this process do not count.

    :return: None: that cannot be known, as for a monitor on another host.
    """
    processes = processes or Processes()
    sockets = Sockets(processes)
    if isinstance(address, PortAddress):
        found = find_port(sockets.tcp, address.port) if address.host in _LOCAL_HOSTS else None
    else:
        found = _find_unix(address, sockets)
    if found is None:
        return None
    peers = [each.peer for each in found.connections if each.peer is not None]
    owners = processes.find_owners([*peers, *found.listeners])
    server = next((owners[each] for each in found.listeners if each in owners), None)
    for connection in found.connections:
        holder = owners.get(connection.peer) if connection.peer is not None else None
        is_known = connection.peer is not None or connection.host != ""
        is_own = holder is not None and holder.pid == os.getpid()
        # Of one that nothing is known of, this may be the only client.
        if not is_own and (is_known or found.is_waited_for):
            offers = _find_offers(holder, processes, sockets) if holder is not None else ()
            return Use(connection, holder, server, offers)
    return Use(None, server=server)


def _find_offers(holder: FoundProcess, processes: Processes, sockets: Sockets) -> tuple[str, ...]:
    own = set((processes.sockets(holder.pid) or {}).values())
    names = (os.fsdecode(s.name) for s in sockets.unix if s.is_listening and s.inode in own)
    return tuple(name for name in names if name.startswith("/"))


def _find_unix(address: Address, sockets: Sockets) -> Found | None:
    if isinstance(address, UnixAbstractAddress):
        name = b"\0" + os.fsencode(address.name)
        return find_unix(sockets.unix, lambda each: each.name == name)
    if not isinstance(address, UnixAddress):
        return None
    path = os.path.abspath(os.path.expanduser(address.path))
    with suppress(OSError):  # if it has gone, its name tells as much
        status = os.stat(path)
        file = (status.st_dev, status.st_ino)
        if any(each.file == file for each in sockets.unix):
            return find_unix(sockets.unix, lambda each: each.file == file)
    names = {os.fsencode(each) for each in (path, real_path(path))}
    return find_unix(sockets.unix, lambda each: each.name in names)


def find_unix(sockets: Iterable[UnixSocket], is_wanted: Callable[[UnixSocket], bool]) -> Found:
    """The UNIX sockets of a monitor.

    :param is_wanted: whether a socket is one of them.
    """
    wanted = [each for each in sockets if is_wanted(each)]
    return Found(
        [each.inode for each in wanted if each.is_listening],
        [Connection(each.inode, each.peer) for each in wanted if _is_accepted(each)],
        is_waited_for=any(not each.inode for each in wanted),
    )


def find_port(
    sockets: list[TcpSocket], port: int, is_wanted: Callable[[TcpSocket], bool] = lambda _: True
) -> Found:
    """The sockets of a monitor at a TCP port of this host; see :func:`find_unix`."""
    wanted = [each for each in sockets if each.local.port == port and is_wanted(each)]
    ends = {(each.local, each.remote): each.inode for each in sockets}
    connections = []
    for each in filter(_is_accepted, wanted):
        peer = ends.get((each.remote, each.local))
        connections.append(Connection(each.inode, peer, "" if peer else each.remote.text))
    return Found([each.inode for each in wanted if each.is_listening], connections)


def _is_accepted(each: UnixSocket | TcpSocket) -> bool:
    return not each.is_listening and each.inode != 0
