"""Files of the host that QEMU could write over, if it runs on this one. (proc(5))

Nothing is opened; a file that this user cannot see is taken for one that is not there.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from ..process import program_of

# The processes that have a UNIX socket here for a VM on another host.
_FORWARDERS = ("ssh", "sshd", "sshd-session", "socat")


class HostFile(NamedTuple):
    """Something with contents that would be lost.

    :ivar size: in bytes; None: it is a block device.
    """

    path: str
    size: int | None


class HostFiles:
    """The files that a VM's process sees."""

    def __init__(self, pid: int | None) -> None:
        """:param pid: None: it is not on this host, and no files are known."""
        self._pid = None if pid is None or program_of(pid) in _FORWARDERS else pid

    def find(self, path: str) -> HostFile | None:
        """The file of a path, as QEMU takes it; None: there is none with contents, it seems.

        Character devices (``/dev/null``), pipes and sockets keep nothing that could be lost.

        :param path: one that is relative begins in QEMU's working directory.
        """
        found = self._stat(path) if path and self._pid is not None else None
        if found is None:
            return None
        if stat.S_ISBLK(found.st_mode):
            return HostFile(path, None)
        has_contents = stat.S_ISREG(found.st_mode) and found.st_size > 0
        return HostFile(path, found.st_size) if has_contents else None

    def _stat(self, path: str) -> os.stat_result | None:
        process = f"/proc/{self._pid}"
        # QEMU may be in a container, with a root of its own. Only who may trace it can see that.
        places = [f"{process}/root{path}", path]
        if not path.startswith("/"):
            places = [f"{process}/cwd/{path}"]
        for place in places:
            try:
                return os.stat(place)
            except PermissionError:
                continue
            except (OSError, ValueError):  # not there, or nothing that can be a path
                return None
        return None
