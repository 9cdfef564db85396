"""The CPU time of QEMU's threads, which this host tells if QEMU runs on it. (proc(5))"""

from __future__ import annotations

import os


class HostThreads:
    """The threads of a VM's process."""

    def __init__(self, pid: int | None) -> None:
        """:param pid: None: it is not on this host, and nothing is known of it."""
        self._pid = pid

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
