"""Numbers for people: sizes, percentages, rates."""

from __future__ import annotations

from collections.abc import Iterable

from ..static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..vm.records import Progress

_BARS = "▁▂▃▄▅▆▇█"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_DURATIONS = ((86_400, "d"), (3_600, "h"), (60, "min"))  # in seconds


def format_size(size: int | None) -> str:
    """A number of bytes, as ``4 GiB``; empty if it is not known."""
    if size is None:
        return ""
    amount = float(size)
    unit = _UNITS[0]
    for unit in _UNITS:
        if abs(round(amount, 1)) < 1024 or unit == _UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"


def format_percent(progress: Progress, prefix: str = "") -> str:
    """How far something is, as ``34%``, after a prefix; empty if it is not known."""
    percent = progress.percent
    return "" if percent is None else f"{prefix}{percent}%"


def format_number(number: float) -> str:
    """A number, with a fraction only where that says something."""
    is_whole = isinstance(number, int) or abs(number) >= 100 or number == int(number)
    return f"{number:.0f}" if is_whole else f"{number:.3g}"


def format_duration(seconds: float) -> str:
    """How long something has lasted, in its two largest units: ``3 d 4 h``."""
    left = int(seconds)
    parts: list[str] = []
    for length, unit in _DURATIONS:
        amount, left = divmod(left, length)
        if amount or parts:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2]) or f"{left} s"


def format_sparkline(values: Iterable[float]) -> str:
    """A bar for each value, the highest of them eight eighths high."""
    values = list(values)
    highest = max(values, default=0)
    if highest <= 0:
        return _BARS[0] * len(values)
    steps = (int(8 * value / highest - 1e-9) for value in values)
    return "".join(_BARS[max(0, min(7, step))] for step in steps)
