"""Floods of events: a few of each name are shown, the others are counted."""

from __future__ import annotations

from typing import NamedTuple

# So many events of one name are shown within so many seconds; the others are summed up.
_SHOWN = 10
_SECONDS = 1.0
# The events of so many names are told apart within this time.
_MOST_NAMES = 1_000
_OTHERS = "other events"


class _Count:
    """The events of one name since ``begin``, by the monotonic clock."""

    def __init__(self, begin: float, shown: int = 0) -> None:
        self.begin = begin
        self.shown = shown
        self.hidden = 0

    @property
    def due(self) -> float:
        """When the hidden events are to be summed up."""
        return self.begin + _SECONDS


class EventSum(NamedTuple):
    """How many events of a name were not shown."""

    name: str
    events: int


class EventLimiter:
    """Decides which events are shown. It has no clock of its own.

    :ivar next_due: when the next sum is due, by the monotonic clock; None: no event is hidden.
    """

    def __init__(self) -> None:
        self.next_due: float | None = None
        self._counts: dict[str, _Count] = {}
        self._forgot_at = 0.0

    def allows(self, name: str, now: float) -> bool:
        """Whether an event is to be shown; if not, it will be in a sum."""
        if name not in self._counts and not self._has_room(now):
            name = _OTHERS
        count = self._counts.get(name)
        if count is None or (count.hidden == 0 and now >= count.due):
            count = self._counts[name] = _Count(now, shown=_SHOWN if name == _OTHERS else 0)
        if count.shown < _SHOWN:
            count.shown += 1
            return True
        count.hidden += 1
        if self.next_due is None or count.due < self.next_due:
            self.next_due = count.due
        return False

    def _has_room(self, now: float) -> bool:
        """Whether one more name can be counted; those of which no event came lately are forgotten.

        All of them are looked at once a second at most, however many new names come.
        """
        if len(self._counts) >= _MOST_NAMES and now >= self._forgot_at + _SECONDS:
            self._forgot_at = now
            self._counts = {
                name: count
                for name, count in self._counts.items()
                if count.hidden or now < count.due
            }
        return len(self._counts) < _MOST_NAMES

    def take_sums(self, now: float, *, all_at_once: bool = False) -> list[EventSum]:
        """Return the counts of the events that were not shown, and reset them.

        :param now: a time of :func:`time.monotonic`.
        :param all_at_once: include the counts that are not due yet.
        """
        if self.next_due is None or (now < self.next_due and not all_at_once):
            return []
        hidden = {name: count for name, count in self._counts.items() if count.hidden}
        due = [name for name, count in hidden.items() if all_at_once or now >= count.due]
        sums = [EventSum(name, hidden.pop(name).hidden) for name in due]
        for name in due:  # as long as the flood goes on, only sums are shown
            self._counts[name] = _Count(now, shown=_SHOWN)
        self.next_due = min((count.due for count in hidden.values()), default=None)
        return sums
