"""Signals: ending in good order, and when Ctrl-C may interrupt."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
# A signal that arrives just before poll() is called is acted on when poll() returns.
_LONGEST_POLL = 1.0  # seconds


@contextlib.contextmanager
def ended_by_signals(end_soon: Callable[[SystemExit], bool] | None = None) -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise ``SystemExit`` in the context, so that it is left properly.

    Only the first signal counts: a second one must not interrupt the cleaning up. A signal that
    is ignored, as ``nohup`` has it, stays ignored.

    :param end_soon: is given the exception first. An event loop returns True and raises it
        between two of its tasks; raised within a task, it would count as that task's failure.
    """

    def end(number: int, _: FrameType | None) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        error = SystemExit(128 + number)
        if end_soon is None or not end_soon(error):
            raise error

    before = {
        number: signal.signal(number, end)
        for number in _ENDING
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) == end:  # after a signal they stay ignored
                signal.signal(number, handler)


def poll_timeout(deadline: float | None) -> float:
    """How long ``poll()`` may wait now, in milliseconds; the caller calls it again until then.

    :param deadline: a time of :func:`time.monotonic`; None: no limit.
    """
    left = _LONGEST_POLL if deadline is None else deadline - time.monotonic()
    return min(max(left, 0.0), _LONGEST_POLL) * 1000


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Unblock SIGINT in the context, where it is blocked around it."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
