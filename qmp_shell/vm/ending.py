"""How a VM has ended, as far as its last event and its process tell."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from ..process import Process
from .incidents import Incidents
from .read import read_string

# A process closes its connections shortly before it ends; on a busy host that takes longer.
_END_SECONDS = 1.0
_QUIT = "host-qmp-quit"  # what SHUTDOWN says of it; a storage daemon does not send that event


class Ending(NamedTuple):
    """How the connection to a VM has ended.

    :ivar reason: why QEMU has ended, as ``host-qmp-quit`` (qemu-qmp-ref(7), ``ShutdownCause``);
        empty: it has not said.
    :ivar pid: QEMU's process; None: it is on another host, or not known.
    :ivar has_process_ended: whether that has ended.
    """

    reason: str
    pid: int | None
    has_process_ended: bool


class EndWatch:
    """Tells how a VM has ended, once the connection to it is lost."""

    def __init__(self, pid: int | None) -> None:
        """:param pid: QEMU's process, which runs; None: it is not known."""
        self._process: Process | None = None
        if pid is not None:
            with suppress(ProcessLookupError):  # it has handed on its socket, and ended
                self._process = Process(pid)

    def find(self, incidents: Incidents) -> Ending:
        """How it has ended.

        :param incidents: what has happened to the VM before.
        """
        shutdown = incidents.shutdown
        reason = read_string(shutdown.data.get("reason")) if shutdown is not None else ""
        reason = reason or (_QUIT if incidents.was_quit else "")
        if self._process is None:
            return Ending(reason, None, has_process_ended=False)
        return Ending(reason, self._process.pid, self._process.wait(_END_SECONDS))

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
