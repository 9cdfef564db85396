"""What changed between two replies to the same command, for ``.watch``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..static_typing import Any
from .cells import format_plain, name_of
from .quantities import format_number, format_sparkline

# How many rates a sparkline shows.
_SAMPLES = 20
# A number that is larger is no counter of QEMU's, and would overflow a float.
_LARGEST = 1 << 64


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a reply that is not an object or a list, with its dotted path.

    An item of a list is called by its name if it has one that no item before it has, else by its
    index.
    """
    prefix = f"{path}." if path else ""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flatten(item, f"{prefix}{key}")
    elif isinstance(value, list):
        names: set[str] = set()
        for index, item in enumerate(value):
            name = name_of(item)
            part = str(index) if not name or name in names else name
            names.add(part)
            yield from flatten(item, f"{prefix}{part}")
    else:
        yield path, value


class ChangeReport:
    """Compares each reply with the one before."""

    def __init__(self, *, supports_unicode: bool) -> None:
        """:param supports_unicode: sparklines can be shown."""
        self._supports_unicode = supports_unicode
        self._before: dict[str, Any] | None = None
        self._added_at = 0.0
        self._comparisons = 0
        # Rates of all numbers since the first comparison, so that sparklines begin together.
        self._rates: dict[str, deque[float]] = {}

    def add(self, value: Any, now: float) -> list[str]:
        """A line for each change since the reply before; none for the first reply.

        :param value: what the command returned.
        :param now: by the monotonic clock, in seconds.
        """
        current = dict(flatten(value))
        before, seconds = self._before, now - self._added_at
        self._before, self._added_at = current, now
        if before is None:
            return []
        self._comparisons += 1
        self._rates = {path: rates for path, rates in self._rates.items() if path in current}
        lines = [f"- {path}" for path in before if path not in current]
        for path, new in current.items():
            if path not in before:
                lines.append(f"+ {path}  {format_plain(new)}")
            else:
                lines += self._compare(path, before[path], new, seconds)
        return lines

    def _compare(self, path: str, old: Any, new: Any, seconds: float) -> list[str]:
        if not _is_number(old) or not _is_number(new):
            change = f"{format_plain(old)} -> {format_plain(new)}"
            return [f"  {path}  {change}"] if old != new else []
        growth = new - old
        # A number that becomes smaller is no counter, or was reset: it has no rate then.
        rate = growth / seconds if growth > 0 and seconds > 0 else 0.0
        rates = self._rates.setdefault(path, deque(maxlen=_SAMPLES))
        rates.append(rate)
        if growth <= 0:
            return [f"  {path}  {old} -> {new}"] if growth else []
        line = f"  {path}  {new} (+{format_number(growth)}, {format_number(rate)}/s)"
        samples = min(self._comparisons, _SAMPLES)
        if not self._supports_unicode or samples < 2:
            return [line]
        return [f"{line}  {format_sparkline(rates):>{samples}}"]


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _LARGEST
