"""``.watch``: a command's reply, again and again: what changed, and how fast numbers grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

_BARS = "▁▂▃▄▅▆▇█"
_KEPT = 20
# The members that tell the items of a list apart, whatever their order.
_NAMES = ("id", "node-name", "device", "qdev", "name", "label", "path", "qom-path")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a reply that has no parts, with its dotted path.

    An item of a list goes by its name if it has one, else by its index.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(
                item, f"{path}.{_name(item) or index}" if path else _name(item) or str(index)
            )
    else:
        yield path, value


def _name(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    return next((str(item[key]) for key in _NAMES if item.get(key)), "")


class Watch:
    """Compares each reply with the one before."""

    def __init__(self, *, unicode: bool) -> None:
        """:param unicode: sparklines can be shown."""
        self._unicode = unicode
        self._before: dict[str, Any] | None = None
        self._at = 0.0
        self._rates: dict[str, deque[float]] = {}

    def look(self, value: Any, now: float) -> list[str]:
        """Lines for what changed since the last time.

        :param now: by the monotonic clock, in seconds.
        """
        found = dict(leaves(value))
        before, seconds = self._before, now - self._at
        self._before, self._at = found, now
        if before is None:
            return []
        lines = [f"- {path}" for path in before if path not in found]
        for path, new in found.items():
            if path not in before:
                lines.append(f"+ {path}  {new}")
            elif new != before[path] or path in self._rates:
                lines += self._change(path, before[path], new, seconds)
        return lines

    def _change(self, path: str, old: Any, new: Any, seconds: float) -> list[str]:
        if _is_number(old) and _is_number(new) and (new > old or path in self._rates):
            rates = self._rates.setdefault(path, deque(maxlen=_KEPT))
            rates.append((new - old) / seconds if seconds > 0 else 0.0)
            if new == old:
                return []
            line = (
                f"  {path}  {new} ({'+' * (new > old)}{_plain(new - old)}, {_plain(rates[-1])}/s)"
            )
            return [f"{line}  {sparkline(rates)}" if self._unicode and len(rates) > 1 else line]
        return [f"  {path}  {old} -> {new}"] if old != new else []


def _plain(number: float) -> str:
    """A number without an exponent, and with a fraction only where that says something."""
    return f"{number:.0f}" if abs(number) >= 100 or number == int(number) else f"{number:.3g}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def sparkline(values: deque[float]) -> str:
    """A bar for each value, the highest of them eight eighths."""
    most = max(values, default=0)
    if most <= 0:
        return _BARS[0] * len(values)
    return "".join(_BARS[max(0, min(7, int(8 * value / most - 1e-9)))] for value in values)
