"""Runs the processes of all VMs, some at a time, and prints what they send as it comes."""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Sequence

from ..signals import SignalsBlocked, ended_by_signals, poll_timeout, use_uninterrupted
from .printer import Printer
from .worker import ErrorLine, Serve, Worker

_END_SECONDS = 2.0  # that processes may take to end by SIGTERM
_BY_SIGNAL = 128


def run_fleet(names: Sequence[str], serve: Serve, printer: Printer, *, parallel: int) -> int:
    """Serve VMs, each in a process of its own.

    :param names: as the user gave them; none twice.
    :param serve: is called in the new process.
    :param parallel: how many are served at the same time.
    :return: the highest exit status of all.
    :raise OutputTimeout, OSError: what they send cannot be written.
    """
    with ended_by_signals():
        return use_uninterrupted(
            lambda: _Fleet(names, serve, printer, parallel), _Fleet.run, _Fleet.stop
        )


class _Fleet:
    def __init__(self, names: Sequence[str], serve: Serve, printer: Printer, parallel: int) -> None:
        self._waiting = deque(names)
        self._serve = serve
        self._printer = printer
        self._parallel = parallel
        self._workers: list[Worker] = []
        self._worst = 0

    def run(self) -> int:
        try:
            while self._waiting or self._workers:
                while self._waiting and len(self._workers) < self._parallel:
                    self._start(self._waiting.popleft())
                self._receive()
        except KeyboardInterrupt:  # some do not answer; the answers of the others are here
            self._printer.finish()
            raise
        self._printer.finish()
        return self._worst

    def _start(self, name: str) -> None:
        with SignalsBlocked():  # none interrupts before the new process is known
            self._workers.append(Worker(name, self._serve, self._workers))

    def stop(self) -> None:
        """End all processes. All signals that end this program must be blocked."""
        for worker in self._workers:
            worker.end()
        deadline = time.monotonic() + _END_SECONDS
        for worker in self._workers:
            worker.kill(max(deadline - time.monotonic(), 0))

    def _receive(self) -> None:
        """Print what can be read now; wait for it a moment."""
        poll = select.poll()
        owners = {}
        # A long record is read to its end before others, so that only one is in memory.
        amid = [worker for worker in self._workers if worker.is_amid_record]
        for worker in amid[:1] or self._workers:
            for descriptor in worker.descriptors:
                owners[descriptor] = worker
                poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(poll_timeout(None)):
            worker = owners[descriptor]
            if descriptor in worker.descriptors:  # it has not been closed meanwhile
                for item in worker.receive(descriptor):
                    self._printer.show(worker.name, item)
        for worker in [each for each in self._workers if each.has_ended]:
            with SignalsBlocked():
                status = worker.wait()
                self._workers.remove(worker)
            self._note_status(worker.name, status)

    def _note_status(self, name: str, status: int) -> None:
        if status > _BY_SIGNAL + 2:
            text = f"qmp-shell: its process was ended by signal {status - _BY_SIGNAL}"
            self._printer.show(name, ErrorLine(text))
        self._worst = max(self._worst, status)
