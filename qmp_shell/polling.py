"""Waiting for file descriptors: for input, and for replies as fast as QEMU sends them."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

_AWAKE_SECONDS = 0.0003  # within which QEMU answers most queries
_LOST_SECONDS = 0.00005  # for which another process had the processor
_HIGHEST_CREDIT = 100
_FIRST_CREDIT = 40  # after a pause
_PAUSE_SECONDS = 1.0
# A signal that arrives just before select() is called is acted on when it returns.
_LONGEST_WAIT = 1.0  # seconds


def read_input(descriptor: int, most: int) -> bytes:
    """Wait until an input is readable, and read from it; empty: it has ended.

    It may be one that does not block: whoever has the same terminal or pipe can set it so.

    :param most: so many bytes are read at once.
    """
    while not select.select([descriptor], [], [], _LONGEST_WAIT)[0]:
        pass
    return os.read(descriptor, most)


class EagerPolling:
    """Asks again and again for a moment, and sleeps only then.

    Where QEMU answers a query in 0.15 ms, to wake up who waits for it takes half as long again: on
    a virtual machine with two processors, 5,000 commands, each sent when the one before was
    answered, took 1.05 s instead of 1.35 s (and 1.0 s through a bare socket).

    If other processes want the processor, perhaps QEMU itself, they have to wait meanwhile. So each
    attempt that was of no use costs four credits, and one of use earns one. Without credit, there
    is a pause, in which it sleeps at once. So where fewer than four of five attempts are of use,
    as when other processes use both processors all the time, the commands take about as long as
    without it.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        used_time: Callable[[], float] = time.thread_time,
    ) -> None:
        """
        :param clock: returns seconds.
        :param used_time: returns for how many seconds this thread has had a processor.
        """
        self._clock = clock
        self._used_time = used_time
        self._credit = _HIGHEST_CREDIT
        self._pause_end = 0.0

    def poll(self, poll: select.poll, timeout: float) -> list[tuple[int, int]]:
        """Do what ``poll.poll(timeout)`` does.

        :param timeout: milliseconds.
        """
        if timeout > 0 and self._clock() >= self._pause_end:
            ready = poll.poll(0) or self._poll_awake(poll)
            if ready:
                return ready
        return poll.poll(timeout)

    def _poll_awake(self, poll: select.poll) -> list[tuple[int, int]]:
        start, used_before = self._clock(), self._used_time()
        end = start + _AWAKE_SECONDS
        while not (ready := poll.poll(0)) and self._clock() < end:
            pass
        now, used = self._clock(), self._used_time()
        lost = (now - start) - (used - used_before)
        if ready and lost < _LOST_SECONDS:
            self._credit = min(self._credit + 1, _HIGHEST_CREDIT)
        else:
            self._credit -= 4
            if self._credit <= 0:
                self._credit = _FIRST_CREDIT
                self._pause_end = now + _PAUSE_SECONDS
        return ready
