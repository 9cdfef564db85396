"""Floods of events: a few of each name are shown, the others are counted."""

from __future__ import annotations

from typing import NamedTuple

# So many of one name within so many seconds are shown; more are summed up.
_SHOWN = 10
_SECONDS = 1.0


class _Count:
    """The events of one name since ``begin``, by the monotonic clock."""

    def __init__(self, begin: float) -> None:
        self.begin = begin
        self.shown = 0
        self.held = 0


class Sum(NamedTuple):
    """Events that were not shown."""

    name: str
    events: int


class Floods:
    """Decides which events are shown. It has no clock of its own."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def admits(self, name: str, now: float) -> bool:
        """Whether an event is to be shown; else it will be in a sum."""
        count = self._counts.get(name)
        if count is None or (count.held == 0 and now >= count.begin + _SECONDS):
            count = self._counts[name] = _Count(now)
        if count.shown < _SHOWN:
            count.shown += 1
            return True
        count.held += 1
        return False

    def sums(self, now: float, *, at_once: bool = False) -> list[Sum]:
        """What was held back for long enough, or, ``at_once``, at all; each is told once."""
        due = [
            name
            for name, count in self._counts.items()
            if count.held and (at_once or now >= count.begin + _SECONDS)
        ]
        sums = [Sum(name, self._counts[name].held) for name in due]
        for name in due:  # while it goes on, the sums alone are shown
            self._counts[name] = _Count(now)
            self._counts[name].shown = _SHOWN
        return sums

    @property
    def next_due(self) -> float | None:
        """When there will be something to sum up; None: nothing is held back."""
        return min(
            (count.begin + _SECONDS for count in self._counts.values() if count.held), default=None
        )
