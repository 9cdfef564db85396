"""One monitor of a QEMU: the address that leads there, and who is connected."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

from ..errors import UsageError
from ..transport import parse_address
from ..transport.stream import Address
from ..transport.tcp import TcpAddress
from ..transport.unix import UnixAddress, real_path
from ..transport.unix_abstract import UnixAbstractAddress
from .command_line import (
    AbstractTarget,
    DescriptorTarget,
    LibvirtTarget,
    Target,
    TcpTarget,
    UnixTarget,
)
from .holders import Connection, Found, Sockets, find_port, find_unix
from .libvirt import find_libvirt_problem, make_libvirt_address
from .places import find_place
from .processes import FoundProcess, Processes
from .unix_sockets import UnixSocket

_OTHER_NETWORK = "in another network namespace, as of a container"
_NOBODY = "nobody listens there any more"
_REPLACED = "another socket has this path now"
_UNWRITABLE = "it has a name that cannot be written as an address"
_ANY_HOST = ("", "0.0.0.0", "::")


class FoundMonitor(NamedTuple):
    """A QMP monitor.

    :ivar address: as this program takes it.
    :ivar is_busy: a client holds it, so that another one has to wait; None: it is not known.
    :ivar client: that client's connection; None: there is none, or it is not known.
    :ivar holder: that client's process; None: it is not known.
    :ivar problem: why it cannot be connected to; empty: it can.
    """

    address: str
    is_busy: bool | None = None
    client: Connection | None = None
    holder: FoundProcess | None = None
    problem: str = ""


class MonitorReader:
    """Finds out about monitors of processes."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._sockets = Sockets(processes)

    def read(
        self, pid: int, name: str, own: dict[int, int] | None, target: Target
    ) -> FoundMonitor | None:
        """What is known of a monitor; None: nothing is, but that there is one.

        :param pid: of the QEMU that has it.
        :param name: that QEMU's.
        :param own: the sockets of that process; None: they are not known.
        :param target: where its command line says that the monitor is.
        """
        if isinstance(target, LibvirtTarget):
            address = make_libvirt_address(name, is_system=target.is_system)
            problem = find_libvirt_problem(self._processes.user(pid), is_system=target.is_system)
            problem = problem or _find_writing_problem(address)
            return FoundMonitor(str(address), is_busy=False, problem=problem)
        if isinstance(target, DescriptorTarget):
            named = self._find_name(pid, (own or {}).get(target.number))
            return self._read_unix(pid, own, named) if named is not None else None
        if isinstance(target, TcpTarget):
            return self._read_port(pid, own, target)
        return self._read_unix(pid, own, target)

    def read_file(self, path: str) -> FoundMonitor:
        """What is known of a monitor at a path, the process of which is not known."""
        names = {os.fsencode(each) for each in (path, real_path(path))}
        found = find_unix(
            self._sockets.unix, lambda each: each.name in names and each.may_be_at(path)
        )
        return _make(UnixAddress(path), found, "" if found.listeners else _NOBODY)

    def _find_name(self, pid: int, inode: int | None) -> UnixTarget | AbstractTarget | None:
        """What a listening socket that QEMU has inherited is bound to."""
        for each in self._sockets.unix_of(pid):
            if each.inode == inode and each.is_listening and each.name:
                name = os.fsdecode(each.name)
                return AbstractTarget(name[1:]) if name.startswith("\0") else UnixTarget(name)
        return None

    def _read_unix(
        self, pid: int, own: dict[int, int] | None, target: UnixTarget | AbstractTarget
    ) -> FoundMonitor:
        address: Address
        if isinstance(target, AbstractTarget):
            name = b"\0" + os.fsencode(target.name)
            address, problem = UnixAbstractAddress(target.name), self._find_network_problem(pid)
        else:
            name = os.fsencode(target.path)
            place, problem = find_place(self._processes, pid, target.path)
            address = UnixAddress(place)

        def is_wanted(each: UnixSocket) -> bool:
            return each.name == name and (own is None or each.inode in own.values())

        sockets = self._sockets.unix_of(pid)
        found = find_unix(sockets, is_wanted)
        problem = problem or _find_absence(found, own)
        if isinstance(address, UnixAddress) and found.listeners and not problem:
            listeners = (each for each in sockets if each.is_listening and is_wanted(each))
            if not any(each.may_be_at(address.path) for each in listeners):
                problem = _REPLACED
        return _make(address, found, problem)

    def _read_port(self, pid: int, own: dict[int, int] | None, target: TcpTarget) -> FoundMonitor:
        host = "localhost" if target.host in _ANY_HOST else target.host
        found = find_port(
            self._sockets.tcp_of(pid),
            target.port,
            lambda each: own is None or each.inode in own.values(),
        )
        problem = self._find_network_problem(pid) or _find_absence(found, own)
        monitor = _make(TcpAddress(host, target.port), found, problem)
        return monitor._replace(address=f"tls:{monitor.address}") if target.tls else monitor

    def _find_network_problem(self, pid: int) -> str:
        return _OTHER_NETWORK if self._processes.shares_namespace(pid, "net") is False else ""


def _find_absence(found: Found, own: dict[int, int] | None) -> str:
    """Why a monitor is not there; empty: it is, or the process's sockets are not known."""
    return _NOBODY if own is not None and not found.listeners else ""


def _make(address: Address, found: Found, problem: str) -> FoundMonitor:
    client = next(iter(found.connections), None)
    is_busy = client is not None if found.listeners or found.connections else None
    problem = problem or _find_writing_problem(address)
    return FoundMonitor(str(address), is_busy, client, problem=problem)


def _find_writing_problem(address: Address) -> str:
    """Whether the text of an address, a part of which another process has chosen, leads elsewhere.

    :return: empty: it does not.
    """
    with suppress(UsageError):
        if parse_address(str(address)) == address:
            return ""
    return _UNWRITABLE
