"""Text that is safe to print, and JSON as text. It needs no other library."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from ..protocol import Event

if TYPE_CHECKING:
    from ..vm.records import Version

# The control characters C0 (without tab and newline), DEL and C1; separators of lines, and what
# changes the direction of text.
_REMOVED = {*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)}
_REMOVE = dict.fromkeys(_REMOVED - {0x09, 0x0A})
# json.dumps() escapes C0. These are the others that a terminal may interpret, and surrogates,
# which cannot be encoded.
_UNSAFE_IN_JSON = "[\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]"


def sanitize(text: str) -> str:
    """Text without control characters but newline and tab, so that a terminal can show it."""
    return text.translate(_REMOVE).encode("utf-8", "replace").decode()


def sanitize_line(text: str) -> str:
    """The same, with a blank for each newline."""
    return " ".join(sanitize(text).split("\n"))


def format_compact(value: Any) -> str:
    """JSON on one line, in ASCII, as QEMU itself writes it."""
    return json.dumps(value)


def format_pretty(value: Any, *, ascii_only: bool = False) -> str:
    """JSON over many lines, indented, with keys in the VM's order.

    :param ascii_only: escape all characters beyond ASCII; else only unsafe ones.
    """
    text = json.dumps(value, indent=2, ensure_ascii=ascii_only)
    return re.sub(_UNSAFE_IN_JSON, lambda match: f"\\u{ord(match[0]):04x}", text)


def format_event(event: Event) -> str:
    """An event on one line: local time with milliseconds, name, data."""
    stamp = event.timestamp
    clock = time.strftime("%H:%M:%S", time.localtime(stamp)) + f".{int(stamp % 1 * 1000):03}"
    line = f"{clock} {sanitize_line(event.name)}"
    return f"{line} {format_compact(event.data)}" if event.data else line


def format_version(version: Version) -> str:
    """QEMU's version and the distribution's package: ``7.2.22 (Debian 1:7.2)``."""
    package = f" ({version.package})" if version.package else ""
    return sanitize_line(version.number + package)
