"""Reading JSON values of any shape: functions that never raise.

A VM is not trusted to send what its schema promises. Each function returns the value if it has
the wanted type, and an empty value of that type if it does not.
"""

from __future__ import annotations

from ..messages import Message
from ..static_typing import Any

# The largest magnitude that QEMU's own integers have (int64 and uint64); what is beyond it is
# not a number of bytes, and would overflow a float.
_LARGEST_INTEGER = 1 << 64


def read_object(value: object) -> Message:
    """The value if it is a JSON object; otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def read_objects(value: object) -> list[Message]:
    """The objects in a JSON array; items of other types are left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def read_string(value: object) -> str:
    """The value if it is a string; otherwise an empty one."""
    return value if isinstance(value, str) else ""


def read_integer(value: object) -> int | None:
    """The value if it is an integer of a size that QEMU has; otherwise None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= _LARGEST_INTEGER else None


def read_scalar(value: object) -> str:
    """A string or a number as text; otherwise an empty string."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        number = read_integer(value)
        return "" if number is None else str(number)
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else ""


def read_path(value: object, path: str) -> Any:
    """The member at a dotted path of object keys; None where there is none."""
    for key in path.split("."):
        value = read_object(value).get(key)
    return value
