"""Ending well when told to end by a signal."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_NUMBERS = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise ``SystemExit`` here, so that what was begun is undone.

    Only the first counts, for undoing is not to be cut short by a second one; and none that
    is ignored, as ``nohup`` has it.
    """
    before = {
        number: signal.signal(number, _leave)
        for number in _NUMBERS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) == _leave:  # and not ignored, by the first of them
                signal.signal(number, handler)


def _leave(number: int, _: FrameType | None) -> None:
    for each in _NUMBERS:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)
