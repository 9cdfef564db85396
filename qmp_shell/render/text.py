"""Text that is safe to print, and JSON as text. It needs no other library.

Here, and where colours are added to it, :data:`~qmp_shell.output.SafeText` is made.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii

from ..output import SafeText
from ..protocol import Event
from ..record import Record
from ..static_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..vm.records import Version

# DEL and C1; separators of lines; and characters that cannot be seen (category Cf of Unicode, but
# not U+200C and U+200D, with which some languages and many emojis are written).
_INVISIBLE = (
    *((0x7F, 0x9F), (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F)),
    *((0x890, 0x891), (0x8E2, 0x8E2), (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F)),
    *((0x2028, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB)),
    *((0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3)),
    *((0x1D173, 0x1D17A), (0xE0000, 0xE007F)),
)
_C0 = {*range(0x20)} - {ord("\t"), ord("\n")}
_REMOVE = dict.fromkeys(_C0.union(*(range(first, last + 1) for first, last in _INVISIBLE)))
# json.dumps() escapes C0. Surrogates cannot be encoded.
_UNSAFE_IN_JSON = "".join(
    f"{chr(first)}-{chr(last)}" for first, last in (*_INVISIBLE, (0xD800, 0xDFFF))
)
# From this level of nesting on, JSON stays on one line, without marks: a line of each deeper level
# would begin with so many blanks that a message of 2 MB took gigabytes.
_DEEPEST = 40


def sanitize(text: str) -> SafeText:
    """Text without control characters but newline and tab, so that a terminal can show it."""
    if text.isascii() and text.isprintable():
        return SafeText(text)
    return SafeText(text.translate(_REMOVE).encode("utf-8", "replace").decode())


def sanitize_line(text: str) -> SafeText:
    """The same, with a blank for each newline."""
    return SafeText(" ".join(sanitize(text).split("\n")))


def shorten(text: str, most: int = 60) -> SafeText:
    """A name on one line; of a longer one the beginning."""
    return sanitize_line(text if len(text) <= most else f"{text[:most]}...")


class JsonMarks(Record):
    """What stands before each kind of token of JSON, and after each token: terminal escapes."""

    def __init__(
        self, key: str = "", string: str = "", number: str = "", constant: str = "", end: str = ""
    ) -> None:
        self.key = key
        self.string = string
        self.number = number
        self.constant = constant
        self.end = end


PLAIN = JsonMarks()
"""No marks."""


def format_compact(value: Any, marks: JsonMarks = PLAIN) -> SafeText:
    """JSON on one line, in ASCII, as QEMU itself writes it."""
    if marks is not PLAIN:
        return _JsonPrinter(encode_basestring_ascii, marks).format(value, None)
    return SafeText(json.dumps(value).replace("\x7f", "\\u007f"))


def format_pretty(value: Any, *, ascii_only: bool = False, marks: JsonMarks = PLAIN) -> SafeText:
    """JSON over many lines, indented, with keys in the VM's order.

    :param ascii_only: escape all characters beyond ASCII; else only unsafe ones.
    """
    quote = encode_basestring_ascii if ascii_only else encode_basestring
    return _JsonPrinter(quote, marks).format(value, "\n")


class _JsonPrinter:
    """Makes JSON of a value, with its marks in the same pass: to look for the tokens again, as a
    lexer does, takes twice as long. (On one machine 11 ms for the 380 KB of QEMU's schema.)
    """

    def __init__(self, quote: Callable[[str], str], marks: JsonMarks) -> None:
        """:param quote: makes a JSON string."""
        self._parts: list[str] = []
        self._quote = quote
        self._marks = marks

    def format(self, value: Any, newline: str | None) -> SafeText:
        """The text of a value.

        :param newline: what begins a line: a newline and an indentation; None: all is on one line.
        """
        self._add("", value, newline, 0)
        text = "".join(self._parts)
        if text.isascii() and "\x7f" not in text:
            return SafeText(text)
        return SafeText(re.sub(f"[{_UNSAFE_IN_JSON}]", _escape, text))

    def _add(self, before: str, value: Any, newline: str | None, depth: int) -> None:
        """
        :param before: what stands before the value.
        :param depth: how many objects and lists the value is in.
        """
        marks = self._marks
        if isinstance(value, str):
            self._parts.append(f"{before}{marks.string}{self._quote(value)}{marks.end}")
        elif isinstance(value, dict | list) and (not value or depth == _DEEPEST):
            text = json.dumps(value, ensure_ascii=self._quote is encode_basestring_ascii)
            self._parts.append(before + text)
        elif isinstance(value, dict):
            self._add_object(before, value, newline, depth)
        elif isinstance(value, list):
            self._add_list(before, value, newline, depth)
        else:
            is_constant = value is None or value is True or value is False
            mark = marks.constant if is_constant else marks.number
            self._parts.append(f"{before}{mark}{json.dumps(value)}{marks.end}")

    def _add_object(
        self, before: str, value: dict[str, Any], newline: str | None, depth: int
    ) -> None:
        inner, first, further, last = _layout(newline)
        quote, marks = self._quote, self._marks
        separator = f"{before}{{{first}"
        for key, item in value.items():
            start = f"{separator}{marks.key}{quote(key)}{marks.end}: "
            self._add(start, item, inner, depth + 1)
            separator = further
        self._parts.append(f"{last}}}")

    def _add_list(self, before: str, value: list[Any], newline: str | None, depth: int) -> None:
        inner, first, further, last = _layout(newline)
        separator = f"{before}[{first}"
        for item in value:
            self._add(separator, item, inner, depth + 1)
            separator = further
        self._parts.append(f"{last}]")


def _layout(newline: str | None) -> tuple[str | None, str, str, str]:
    """How the items of an object or a list are laid out.

    :return: the newline within each; what stands before the first, before the others, and behind
        the last.
    """
    if newline is None:
        return None, "", ", ", ""
    inner = newline + "  "
    return inner, inner, f",{inner}", newline


def _escape(match: re.Match[str]) -> str:
    """The JSON escape of a character, two of them for one beyond U+FFFF."""
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"


def format_clock(timestamp: float) -> SafeText:
    """A local time without a date.

    :param timestamp: in seconds since the epoch.
    """
    return SafeText(time.strftime("%H:%M:%S", time.localtime(timestamp)))


def format_event(event: Event) -> SafeText:
    """An event on one line: local time with milliseconds, name, data."""
    stamp = event.timestamp
    clock = f"{format_clock(stamp)}.{int(stamp % 1 * 1000):03}"
    line = f"{clock} {sanitize_line(event.name)}"
    return SafeText(f"{line} {format_compact(event.data)}" if event.data else line)


def format_version(version: Version) -> SafeText:
    """QEMU's version and the distribution's package: ``7.2.22 (Debian 1:7.2)``."""
    package = f" ({shorten(version.package)})" if version.package else ""
    return sanitize_line(shorten(version.number) + package)
