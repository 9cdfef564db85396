"""Events of one name that come one after the other, however slowly: which share a line."""

from __future__ import annotations

import time

from ..messages import Event

# So many lines of events of one name whose data differ are shown before they share one.
_OWN_LINES = 3


class EventRun:
    """What the last line of events stands for.

    :ivar name: of the events; empty: there is no such line.
    :ivar count: how many events it stands for.
    :ivar since: when the first of them came, in seconds since the epoch.
    """

    def __init__(self) -> None:
        self.name = ""
        self.count = 0
        self.since = 0.0
        self._data: object = None
        self._lines = 0

    def add(self, event: Event) -> bool:
        """Add an event; returns whether it shares the line of the one before."""
        is_next = event.name == self.name
        shares = is_next and (event.data == self._data or self._lines >= _OWN_LINES)
        if shares:
            self.count += 1
        else:
            self.count, self.since = 1, event.timestamp
            self._lines = self._lines + 1 if is_next else 1
        self.name, self._data = event.name, event.data
        return shares

    def add_sum(self, name: str, events: int) -> bool:
        """Add events that were only counted; returns whether they share the line before."""
        shares = self.name == name
        if not shares:
            self.count, self.since = 0, time.time()
        self.count += events
        self.name, self._data, self._lines = name, None, _OWN_LINES
        return shares

    def end(self) -> None:
        """Something else was printed."""
        self.name, self._lines = "", 0
