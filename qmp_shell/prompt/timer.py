"""One timer of the running prompt's event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Timer:
    """Calls a function once, at the earliest time that it was set to.

    Each prompt has an event loop of its own, and a timer ends with it; so a timer that was set
    in an earlier loop counts as not set.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    def set(self, due: float) -> None:
        """Call the function at a time by the monotonic clock, or when it is set to already."""
        loop = asyncio.get_running_loop()
        if self._handle is not None and self._loop is loop:
            if self._due <= due:
                return
            self._handle.cancel()
        self._loop, self._due = loop, due
        self._handle = loop.call_later(max(due - time.monotonic(), 0), self._fire)

    def _fire(self) -> None:
        self._handle = None
        self._callback()
