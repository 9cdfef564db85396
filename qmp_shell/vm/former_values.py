"""Values as they were before a command changes them; see ``records.py`` for how they are read."""

from __future__ import annotations

from ..static_typing import Any
from .read import read_integer, read_object, read_objects, read_string

# The limits that block_set_io_throttle requires, and those that it may be given, with the values
# that they have otherwise (BlockIOThrottle and BlockDeviceInfo in qapi/block-core.json).
_LIMITS = ("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")
_OTHER_LIMITS = {
    **{f"{name}_max": 0 for name in _LIMITS},
    **{f"{name}_max_length": 1 for name in _LIMITS},
    "iops_size": 0,
}


def parse_limits(value: object) -> dict[str, dict[str, int]]:
    """The I/O limits of each block device, from the answer to ``query-block``.

    Those are left out that have their usual values and need not be given.

    :return: by the name of the device, and by the QOM path or id of what it belongs to.
    """
    found: dict[str, dict[str, int]] = {}
    for entry in read_objects(value):
        inserted = read_object(entry.get("inserted"))
        limits = {
            name: number
            for name in (*_LIMITS, *_OTHER_LIMITS)
            if (number := read_integer(inserted.get(name))) != _OTHER_LIMITS.get(name)
            and number is not None
        }
        if all(name in limits for name in _LIMITS):
            for name in ("device", "qdev"):
                found[read_string(entry.get(name))] = limits
    found.pop("", None)
    return found


def parse_switches(value: object) -> dict[str, bool]:
    """Whether each migration capability is on, from ``query-migrate-capabilities``."""
    return {
        read_string(entry.get("capability")): entry["state"]
        for entry in read_objects(value)
        if isinstance(entry.get("state"), bool)
    }


def parse_speeds(value: object) -> dict[str, int]:
    """The speed limit of each block job in bytes/s, from ``query-block-jobs``."""
    speeds = ((each.get("device"), read_integer(each.get("speed"))) for each in read_objects(value))
    return {read_string(name): speed for name, speed in speeds if speed is not None}


def parse_value(value: object) -> Any:
    """A value of any type, in a list; empty: there is none, or it cannot be written on a line."""
    return [value] if isinstance(value, str | bool | int) else []
