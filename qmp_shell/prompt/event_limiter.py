"""Floods of events: a few of each name are shown, the others are counted."""

from __future__ import annotations

from typing import NamedTuple

# So many events of one name are shown within so many seconds; the others are summed up.
_SHOWN = 10
_SECONDS = 1.0


class _Count:
    """The events of one name since ``begin``, by the monotonic clock."""

    def __init__(self, begin: float, shown: int = 0) -> None:
        self.begin = begin
        self.shown = shown
        self.hidden = 0


class EventSum(NamedTuple):
    """How many events of a name were not shown."""

    name: str
    events: int


class EventLimiter:
    """Decides which events are shown. It has no clock of its own."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def allows(self, name: str, now: float) -> bool:
        """Whether an event is to be shown; if not, it will be in a sum."""
        count = self._counts.get(name)
        if count is None or (count.hidden == 0 and now >= count.begin + _SECONDS):
            count = self._counts[name] = _Count(now)
        if count.shown < _SHOWN:
            count.shown += 1
            return True
        count.hidden += 1
        return False

    def take_sums(self, now: float, *, all_at_once: bool = False) -> list[EventSum]:
        """Return the counts of the events that were not shown, and reset them.

        :param now: a time of :func:`time.monotonic`.
        :param all_at_once: include the counts that are not due yet.
        """
        due = [
            name
            for name, count in self._counts.items()
            if count.hidden and (all_at_once or now >= count.begin + _SECONDS)
        ]
        sums = [EventSum(name, self._counts[name].hidden) for name in due]
        for name in due:  # as long as the flood goes on, only sums are shown
            self._counts[name] = _Count(now, shown=_SHOWN)
        return sums

    @property
    def next_due(self) -> float | None:
        """When the next sum is due, by the monotonic clock; None: no event is hidden."""
        return min(
            (count.begin + _SECONDS for count in self._counts.values() if count.hidden),
            default=None,
        )
