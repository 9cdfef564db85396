"""A folder that looks like /proc, with processes that need not exist, and may say anything."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

_UNIX_HEADING = b"Num       RefCount Protocol Flags    Type St Inode Path\n"


class FakeProc:
    """A copy of /proc.

    :ivar root: its path, for :class:`~qmp_shell.discovery.Processes`.
    """

    def __init__(self, folder: Path) -> None:
        self.root = str(folder)
        self._folder = folder
        self._make_namespaces(folder / "self", {})
        os.symlink("/", folder / "self" / "root")

    def add(
        self,
        pid: int,
        arguments: Sequence[str | bytes],
        *,
        user: int | None = None,
        program: str = "",
        descriptors: Mapping[int, int] | None = None,
        cwd: str = "/",
        root: Path | None = None,
        environment: bytes = b"",
        namespaces: Mapping[str, str] | None = None,
    ) -> Path:
        """Add a process.

        :param user: None: this one.
        :param program: the path of its executable; empty: it cannot be read.
        :param descriptors: the inodes of its sockets; None: they cannot be looked at.
        :param root: what it sees as the root of the file system.
        :param namespaces: those that are not the test's own.
        :return: the folder of the process.
        """
        folder = self._folder / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes(b"".join(os.fsencode(each) + b"\0" for each in arguments))
        number = os.geteuid() if user is None else user
        (folder / "status").write_text(f"Name:\tqemu\nUid:\t1\t{number}\t1\t1\n")
        (folder / "stat").write_text(f"{pid} (a ) b) S {'0 ' * 18}0 0 0\n")
        (folder / "environ").write_bytes(environment)
        os.symlink(cwd, folder / "cwd")
        os.symlink(root or "/", folder / "root")
        if program:
            os.symlink(program, folder / "exe")
        if descriptors is not None:
            (folder / "fd").mkdir()
            os.symlink("/dev/null", folder / "fd" / "0")
            for descriptor, inode in descriptors.items():
                os.symlink(f"socket:[{inode}]", folder / "fd" / str(descriptor))
        self._make_namespaces(folder, namespaces or {})
        return folder

    def set_unix_sockets(self, *lines: str | bytes, pid: int | None = None) -> None:
        """Set the table of UNIX sockets.

        :param lines: flags, type, state, inode and name: ``00010000 0001 01 77 /run/vm.sock``.
        :param pid: of a process in another network namespace.
        """
        rows = (b"0000: 00000002 00000000 " + os.fsencode(line) + b"\n" for line in lines)
        self._write_table("unix", _UNIX_HEADING + b"".join(rows), pid)

    def set_tcp_sockets(self, *lines: str, name: str = "tcp") -> None:
        """Set the table of TCP sockets.

        :param lines: both ends, state and inode: ``0100007F:115C 00000000:0000 0A 77``.
        """
        rows = []
        for line in lines:
            local, remote, state, inode = line.split()
            rows.append(f"   0: {local} {remote} {state} 0:0 00:0 0 1000 0 {inode} 1 0 100\n")
        self._write_table(name, ("heading\n" + "".join(rows)).encode())

    def _write_table(self, name: str, table: bytes, pid: int | None = None) -> None:
        folder = self._folder / ("self" if pid is None else str(pid)) / "net"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(table)

    def _make_namespaces(self, folder: Path, namespaces: Mapping[str, str]) -> None:
        (folder / "ns").mkdir(parents=True, exist_ok=True)
        for kind in ("mnt", "net"):
            os.symlink(namespaces.get(kind, f"{kind}:[1]"), folder / "ns" / kind)
