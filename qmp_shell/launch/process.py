"""Processes that end with the shell.

Knows nothing of QEMU.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
from collections.abc import Sequence

from ..child import prepare_child
from ..process import Process, is_ready
from ..signals import SignalsBlocked
from ..transport.stream import find_peer_pid


class Child(Process):
    """A program that this one has started, and what it started in turn in its process group."""

    def __init__(
        self, command: Sequence[str], *, output: int, descriptors: Sequence[int] = ()
    ) -> None:
        """Start it. Linux sends it SIGTERM when this program ends, however that ends.

        :param output: the file descriptor of its standard output and standard error.
        :param descriptors: other file descriptors for it to inherit.
        :raise OSError: it could not be started.
        """
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            # Ctrl-C at the prompt is for the shell alone.
            process_group=0,
            preexec_fn=prepare_child(),
        )
        super().__init__(self._popen.pid)

    @property
    def status(self) -> int | None:
        """Its exit status, or minus the number of the signal that ended it; None: it runs."""
        # An interrupt after waitpid(2) would lose the status.
        with SignalsBlocked():
            return self._popen.poll()

    def has_ended(self) -> bool:
        return self.status is not None

    def send(self, number: int) -> None:
        # Nobody else can get the number before it has been waited for.
        if not self.has_ended():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


def find_peer(connection: socket.socket) -> Process | None:
    """Find the process that connected to a UNIX socket of this program.

    :return: None: it has ended or hung up, is in a container, or the system does not tell.
    """
    pid = find_peer_pid(connection)
    if pid is None or pid == os.getpid():
        return None
    try:
        process = Process(pid)
    except ProcessLookupError:
        return None
    # It had this number when it connected. If it has ended since, another may have it now.
    if is_ready(connection.fileno(), select.POLLHUP):
        process.close()
        return None
    return process
