"""What is told while a monitor is silent, and who holds it, or while nobody listens there yet."""

from __future__ import annotations

import os

from .client import GREETING_SECONDS
from .errors import MonitorBusy
from .output import STANDARD_ERROR
from .script import complain
from .transport.stream import Address

# After so long the user is told what is waited for, or that it is in vain.
_PATIENCE_SECONDS = 1.0


class SilenceWatch:
    """Is called again and again while a monitor is silent (:data:`~.transport.OnSilence`).

    A client that held the monitor when it was last looked at, and still does, will not leave soon.
    If it is another one each time, they take turns, and this one's will come.
    """

    def __init__(self, address: Address, *, wait: float, agent: bool = False) -> None:
        """
        :param wait: for how many seconds the user wants to wait for a client that stays.
        :param agent: the address is a guest agent's.
        """
        self._address = address
        self._agent = agent
        self._wait = wait
        self._before: object = None
        self._has_told = False
        self._has_told_of_absence = False

    def note_absence(self, seconds: float) -> None:
        """Is called again and again while nobody listens (:data:`~.transport.OnAbsence`)."""
        if seconds >= _PATIENCE_SECONDS and not self._has_told_of_absence:
            self._has_told_of_absence = True
            self._tell(f"waiting for somebody to listen at {self._address} (Ctrl-C gives up)")

    def __call__(self, seconds: float) -> bool:
        """:raise MonitorBusy: another client holds the monitor."""
        # What looks at processes is of no use to those who are answered at once.
        from .discovery import find_use, read_vm
        from .render.vms import explain_busy, format_holder

        use = find_use(self._address)
        connection = use.connection if use is not None else None
        stays = connection is not None and connection == self._before
        self._before = connection
        if seconds < _PATIENCE_SECONDS:
            return True
        vm = read_vm(use.server.pid) if use is not None and use.server is not None else None
        if use is not None and stays and seconds >= self._wait:
            raise MonitorBusy(explain_busy(use, vm, agent=self._agent))
        if not self._has_told:
            self._has_told = True
            held = f", held by {format_holder(use)}" if use is not None and connection else ""
            self._tell(f"waiting for {self._address}{held} (Ctrl-C gives up)")
        if connection is not None or seconds < GREETING_SECONDS:
            return True
        # A VM that nobody is connected to is silent for another reason. Behind what is no VM of
        # this host, as a forwarded port, somebody may hold the monitor.
        return vm is None and seconds < self._wait

    def _tell(self, text: str) -> None:
        if os.isatty(STANDARD_ERROR):
            complain(text)
