"""The processes of this host, as /proc shows them. (proc(5))

Any of them may end at any moment, belong to somebody else, or call itself what it likes. So each
reader returns what it finds, or an empty value; none raises, and none returns without bound. Knows
nothing of QEMU.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

PROC = "/proc"

# In bytes. The kernel allows a command line of 2 MiB; a table has a line of 100 for each socket.
_LONGEST_FILE = 1 << 20
_LONGEST_TABLE = 1 << 26
_MOST_DESCRIPTORS = 1 << 16
_SOCKET = re.compile(r"socket:\[([0-9]{1,20})\]")
_USER_ID = re.compile(rb"^Uid:\s+[0-9]+\s+([0-9]{1,10})\s", re.MULTILINE)
# Which of the fields behind a process's name is the time of its start.
_START_TIME = 19


class FoundProcess(NamedTuple):
    """A process.

    :ivar arguments: its command line, beginning with the program; empty: it cannot be read.
    """

    pid: int
    arguments: tuple[str, ...]


class Processes:
    """The processes of a host.

    :ivar is_live: they are those of this host now, and no copy of its /proc.
    """

    def __init__(self, root: str = PROC) -> None:
        """:param root: where /proc is."""
        self._root = root
        self.is_live = root == PROC

    def pids(self) -> list[int]:
        """The numbers of all processes, in their order."""
        try:
            names = os.listdir(self._root)
        except OSError:
            return []
        return sorted(int(name) for name in names if name.isascii() and name.isdecimal())

    def process(self, pid: int) -> FoundProcess:
        """A process with its command line."""
        parts = self._read(pid, "cmdline").removesuffix(b"\0").split(b"\0")
        return FoundProcess(pid, tuple(os.fsdecode(part) for part in parts) if parts[0] else ())

    def executable(self, pid: int) -> str:
        """The path of the program that a process runs; empty: it cannot be read."""
        return self._read_link(pid, "exe").removesuffix(" (deleted)")

    def user(self, pid: int) -> int | None:
        """The number of the user whose rights a process has; None: it has ended."""
        match = _USER_ID.search(self._read(pid, "status"))
        return int(match[1]) if match is not None else None

    def age(self, pid: int) -> float | None:
        """For how many seconds a process has run; None: it is not known."""
        # The name before the fields is in brackets, and may hold any character.
        fields = self._read(pid, "stat").rpartition(b")")[2].split()
        now = _seconds_since_boot()
        try:
            started = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
        except (ValueError, IndexError):
            return None
        return max(now - started, 0.0) if now is not None else None

    def sockets(self, pid: int) -> dict[int, int] | None:
        """The sockets that a process has open: their inodes, by file descriptor.

        :return: None: this may not be looked at.
        """
        try:
            return dict(self._sockets(pid))
        except OSError:
            return None

    def find_owners(self, inodes: Collection[int]) -> Mapping[int, FoundProcess]:
        """The processes that have some sockets open, as far as they can be looked at.

        :return: by the socket's inode. If several processes share it, this is the oldest number.
        """
        owners: dict[int, FoundProcess] = {}
        wanted = set(inodes)
        for pid in self.pids() if wanted else ():
            found = wanted.intersection((self.sockets(pid) or {}).values())
            if found:
                owners.update(dict.fromkeys(found, self.process(pid)))
                wanted -= found
            if not wanted:
                break
        return owners

    def path_of(self, pid: int | str, *parts: str) -> str:
        """The path of something of a process, for example ``cwd/vm.sock``."""
        return os.path.join(self._root, str(pid), *parts)

    def working_folders(self, pid: int) -> list[str]:
        """Where a relative path of a process's command line may begin, the likeliest first.

        A process that has become a daemon has left the folder in which it was started, but the
        shell that started it has noted it in ``$PWD``.
        """
        environment = self._read(pid, "environ").split(b"\0")
        noted = next((each[4:] for each in environment if each.startswith(b"PWD=/")), b"")
        return [each for each in (self._read_link(pid, "cwd"), os.fsdecode(noted)) if each]

    def shares_namespace(self, pid: int, kind: str) -> bool | None:
        """Whether a process is in the same namespace as this one; None: it is not known.

        :param kind: ``mnt`` or ``net`` (namespaces(7)).
        """
        theirs = self._read_link(pid, f"ns/{kind}")
        try:
            ours = os.readlink(f"{self._root}/self/ns/{kind}")
        except OSError:
            return None
        return theirs == ours if theirs else None

    def has_other_root(self, pid: int) -> bool:
        """Whether a process is known to have another root folder than this one (chroot(2))."""
        theirs = self._read_link(pid, "root")
        return theirs not in ("", self._read_link("self", "root"))

    def read_table(self, name: str, pid: int | None = None) -> bytes:
        """A table of the network namespace of a process, as ``unix``; of this one if None."""
        return self._read("self" if pid is None else pid, f"net/{name}", _LONGEST_TABLE)

    def _sockets(self, pid: int) -> Iterator[tuple[int, int]]:
        folder = self.path_of(pid, "fd")
        for number in os.listdir(folder)[:_MOST_DESCRIPTORS]:
            match = _SOCKET.fullmatch(self._read_link(pid, f"fd/{number}"))
            if match is not None and number.isdecimal():
                yield int(number), int(match[1])

    def _read(self, pid: int | str, name: str, most: int = _LONGEST_FILE) -> bytes:
        try:
            with open(self.path_of(pid, name), "rb") as file:
                return file.read(most)
        except OSError:
            return b""

    def _read_link(self, pid: int | str, name: str) -> str:
        try:
            return os.readlink(self.path_of(pid, name))
        except OSError:
            return ""


def _seconds_since_boot() -> float | None:
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else None
