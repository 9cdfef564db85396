"""Ending well when told to end by a signal."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

_NUMBERS = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def ended_by_signals(ends_itself: Callable[[SystemExit], bool] | None = None) -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise ``SystemExit`` here, so that what was begun is undone.

    Only the first counts, for undoing is not to be cut short by a second one; and none that
    is ignored, as ``nohup`` has it.

    :param ends_itself: is given the exception first. An event loop returns True and raises it
        when its turn comes; in the midst of one of its tasks it would be a fault of that task.
    """

    def leave(number: int, _: FrameType | None) -> None:
        for each in _NUMBERS:
            signal.signal(each, signal.SIG_IGN)
        end = SystemExit(128 + number)
        if ends_itself is None or not ends_itself(end):
            raise end

    before = {
        number: signal.signal(number, leave)
        for number in _NUMBERS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) == leave:  # and not ignored, by the first of them
                signal.signal(number, handler)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C through, where it was to wait."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
