"""Names of members that have a dot in them, as ``zoned.zasl`` of the driver ``nvme``.

A line writes them as it writes a path into an object; only the names that the object has tell which
one is meant. This module does not know the types of members.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..static_typing import Any


def parts_of_name(path: Sequence[str], start: int, names: Collection[str]) -> int:
    """Return how many parts of a dotted path form a member's name: 2 if the name has a dot, else 1.

    :param start: the index of the part that the name begins with.
    :param names: the names of the members that the object has.
    """
    parts = path[start : start + 2]
    return len(parts) if ".".join(parts) in names else 1


def join_names(value: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Join names of members that have a dot; the parser has made nested objects of them.

    With the name ``zoned.zasl``, ``{"zoned": {"zasl": 1}}`` becomes ``{"zoned.zasl": 1}``.

    :param names: the names of the members that the object has.
    """
    joined: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and any(name.startswith(f"{key}.") for name in names):
            inner = {f"{key}.{name}": each for name, each in item.items()}
            joined |= {name: each for name, each in inner.items() if name in names}
            item = {name: each for name, each in item.items() if f"{key}.{name}" not in names}
            if not item:
                continue
        joined[key] = item
    return joined


def value_at(value: Any, path: Iterable[str]) -> Any:
    """The value that a path leads to in nested dictionaries; None: there is none."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
