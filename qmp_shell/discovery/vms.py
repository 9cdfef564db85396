"""The VMs that run on this host, from all that tells of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ..transport.unix import real_path
from .command_line import LibvirtTarget, is_qemu, parse_command_line
from .libvirt import may_use_system
from .monitors import FoundMonitor, MonitorReader
from .processes import Processes
from .proxmox import FOLDER, find_proxmox_sockets, is_of_proxmox

_MOST_VMS = 10_000


class FoundVm(NamedTuple):
    """A QEMU that runs.

    :ivar pid: None: it is not known.
    :ivar program: the name of its program; empty: it is not known.
    :ivar name: empty: it has none.
    :ivar machine: the machine's type; empty: the default, or not known.
    :ivar memory: in bytes; None: the default, or not known.
    :ivar uptime: in seconds; None: it is not known.
    :ivar user: whose rights it has: a name, or a number that has no name; empty: it is not known.
    :ivar is_own: these are the rights of this user.
    :ivar manager: ``libvirt`` or ``proxmox``, if that has started it; else empty.
    :ivar monitors: the QMP monitors that it listens at.
    """

    pid: int | None
    program: str
    name: str
    machine: str
    memory: int | None
    uptime: float | None
    user: str
    is_own: bool
    manager: str
    monitors: tuple[FoundMonitor, ...]

    @property
    def best_monitor(self) -> FoundMonitor | None:
        """The one to connect to: the first that is free, else any; None: there is none."""
        usable = [each for each in self.monitors if not each.problem]
        return min(usable, key=lambda each: bool(each.is_busy), default=None)


def find_vms(processes: Processes | None = None, proxmox_folder: str = FOLDER) -> list[FoundVm]:
    """The VMs of this user, and for root those of all users, sorted by their names.

    Those of libvirt are this user's if this user may ask libvirt's daemon.
    """
    processes = processes or Processes()
    finder = _Finder(processes, proxmox_folder)
    vms = list(islice(finder.find(), _MOST_VMS))
    vms += finder.find_unseen(vms)
    return sorted(_with_holders(vms, processes), key=lambda vm: (vm.name, vm.pid or 0))


def read_vm(pid: int, processes: Processes | None = None) -> FoundVm | None:
    """One VM, without who holds its monitors; None: that process is no QEMU, or not this user's."""
    return _Finder(processes or Processes(), FOLDER).read(pid)


def _with_holders(vms: Sequence[FoundVm], processes: Processes) -> Iterator[FoundVm]:
    """The VMs, with the processes that hold their monitors."""
    clients = [each.client for vm in vms for each in vm.monitors if each.client is not None]
    peers = [client.peer for client in clients if client.peer is not None]
    owners = processes.find_owners(peers)
    for vm in vms:
        yield vm._replace(
            monitors=tuple(
                each._replace(holder=owners.get(each.client.peer or 0) if each.client else None)
                for each in vm.monitors
            )
        )


class _Finder:
    """Looks at each process."""

    def __init__(self, processes: Processes, proxmox_folder: str) -> None:
        self._processes = processes
        self._proxmox_folder = proxmox_folder
        self._reader = MonitorReader(processes)
        self._user = os.geteuid()

    def find(self) -> Iterator[FoundVm]:
        """The VMs that are processes of this host."""
        found = map(self.read, self._processes.pids())
        yield from (vm for vm in found if vm is not None)

    def find_unseen(self, vms: Sequence[FoundVm]) -> list[FoundVm]:
        """Those of Proxmox whose processes cannot be seen, as from within a container."""
        known = {real_path(each.address) for vm in vms for each in vm.monitors}
        found = []
        for name, path in find_proxmox_sockets(self._proxmox_folder):
            if real_path(path) not in known:
                monitor = self._reader.read_file(path)
                if not monitor.problem:
                    found.append(
                        FoundVm(None, "", name, "", None, None, "", False, "proxmox", (monitor,))
                    )
        return found

    def read(self, pid: int) -> FoundVm | None:
        """One VM; None: that process is no QEMU, or not this user's."""
        arguments = self._processes.process(pid).arguments
        program = self._processes.executable(pid) if arguments else ""
        if not arguments or not (is_qemu(arguments[0]) or is_qemu(program)):
            return None
        line = parse_command_line(arguments, program)
        user = self._processes.user(pid)
        is_system = LibvirtTarget(is_system=True) in line.monitors
        if self._user not in (0, user) and not (is_system and may_use_system()):
            return None
        own = self._processes.sockets(pid)
        found = [self._reader.read(pid, line.name, own, target) for target in line.monitors]
        monitors = tuple(each for each in found if each is not None)
        manager = ""
        if any(isinstance(target, LibvirtTarget) for target in line.monitors):
            manager = "libvirt"
        elif any(is_of_proxmox(each.address, self._proxmox_folder) for each in monitors):
            manager = "proxmox"
        return FoundVm(
            pid,
            line.program,
            line.name,
            line.machine,
            line.memory,
            self._processes.age(pid),
            _format_user(user),
            user == self._user,
            manager,
            monitors,
        )


def _format_user(number: int | None) -> str:
    if number is None:
        return ""
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except (KeyError, OverflowError):  # one that has no name here, as in a container
        return str(number)
