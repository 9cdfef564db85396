"""The CPU time of QEMU's threads, which this host tells if QEMU runs on it. (proc(5))"""

from __future__ import annotations

import os

from .host_process import find_host_process


class HostThreads:
    """The threads of the process at the other end of a UNIX socket."""

    def __init__(self, descriptor: int) -> None:
        """:param descriptor: of the connection; one that is no UNIX socket tells nothing."""
        self._pid = find_host_process(descriptor)

    def seconds(self, thread: int | None) -> float | None:
        """The CPU time that a thread has used; None: it is not known.

        :param thread: its number, as ``query-cpus-fast`` has it.
        """
        if self._pid is None or thread is None:
            return None
        try:
            with open(f"/proc/{self._pid}/task/{thread}/stat", encoding="utf-8") as file:
                # The name before it is in brackets, and may hold any character.
                fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            return None
