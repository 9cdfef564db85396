"""Text that is safe to print, and JSON as text. It needs no other library.

Here, and where colours are added to it, :data:`~qmp_shell.output.SafeText` is made.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from functools import cache
from json.encoder import encode_basestring, encode_basestring_ascii

from ..messages import Event
from ..output import SafeText
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
_CONTAINERS = (dict, list)
_NARROWEST = 20  # columns; on a narrower terminal nearly all words would be broken

_Layout = Callable[[int], tuple[str, str, str]]
"""Given how deep an object or a list is nested: what stands before its first item, before each
other one, and behind the last."""


def sanitize(text: str) -> SafeText:
    """Text without control characters but newline and tab, so that a terminal can show it."""
    if text.isascii() and text.isprintable():
        return SafeText(text)
    return SafeText(text.translate(_REMOVE).encode("utf-8", "replace").decode())


def sanitize_line(text: str) -> SafeText:
    """The same, with a blank for each newline."""
    return SafeText(" ".join(sanitize(text).split("\n")))


def fold(line: SafeText, width: int, indent: str = "") -> SafeText:
    """A line of prose over several lines, broken at blanks.

    :param width: of the terminal, in columns. Where a word is longer, the terminal breaks it.
    :param indent: what each line but the first begins with.
    """
    if len(line) <= width:
        return line
    from ..manual import wrap

    return SafeText("\n".join(wrap(line, max(width, _NARROWEST), rest=indent)))


def fold_question(sentence: str, question: str, width: int) -> SafeText:
    """A sentence and a question after it. Only the sentence may be broken, as by :func:`fold`.

    :return: ends with a blank, after which the answer is typed.
    """
    folded = fold(sanitize_line(sentence), width)
    columns = len(folded.rpartition("\n")[2]) + len(question) + 2
    return SafeText(f"{folded}{' ' if columns <= width else chr(10)}{question} ")


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
        return _JsonPrinter(encode_basestring_ascii, marks, _on_one_line).format(value)
    return SafeText(json.dumps(value).replace("\x7f", "\\u007f"))


def format_pretty(value: Any, *, ascii_only: bool = False, marks: JsonMarks = PLAIN) -> SafeText:
    """JSON over many lines, indented, with keys in the VM's order.

    :param ascii_only: escape all characters beyond ASCII; else only unsafe ones.
    """
    quote = encode_basestring_ascii if ascii_only else encode_basestring
    return _JsonPrinter(quote, marks, _indented).format(value)


class _JsonPrinter:
    """Makes JSON of a value, with its marks in the same pass: to look for the tokens again, as a
    lexer does, takes twice as long. (On one machine 8 ms for the 380 KB of QEMU's schema.)
    """

    def __init__(self, quote: Callable[[str], str], marks: JsonMarks, layout: _Layout) -> None:
        """
        :param quote: makes a JSON string.
        :param layout: where lines begin.
        """
        self._parts: list[str] = []
        self._quote = quote
        self._marks = marks
        self._layout = layout

    def format(self, value: Any) -> SafeText:
        """The text of a value."""
        self._add("", value, 0)
        text = "".join(self._parts)
        if text.isascii() and "\x7f" not in text:
            return SafeText(text)
        return SafeText(re.sub(f"[{_UNSAFE_IN_JSON}]", _escape, text))

    def _add(self, before: str, value: Any, depth: int) -> None:
        """
        :param before: what stands before the value.
        :param depth: how many objects and lists the value is in.
        """
        marks = self._marks
        if isinstance(value, str):
            self._parts.append(f"{before}{marks.string}{self._quote(value)}{marks.end}")
        elif isinstance(value, _CONTAINERS):
            self._add_items(before, value, depth)
        else:
            is_constant = value is None or value is True or value is False
            mark = marks.constant if is_constant else marks.number
            self._parts.append(f"{before}{mark}{json.dumps(value)}{marks.end}")

    def _add_items(self, before: str, value: dict[str, Any] | list[Any], depth: int) -> None:
        if not value or depth == _DEEPEST:
            text = json.dumps(value, ensure_ascii=self._quote is encode_basestring_ascii)
            self._parts.append(before + text)
            return
        first, further, last = self._layout(depth)
        if isinstance(value, dict):
            quote, mark, end = self._quote, self._marks.key, self._marks.end
            separator = f"{before}{{{first}"
            for key, item in value.items():
                self._add(f"{separator}{mark}{quote(key)}{end}: ", item, depth + 1)
                separator = further
            self._parts.append(f"{last}}}")
        else:
            separator = f"{before}[{first}"
            for item in value:
                self._add(separator, item, depth + 1)
                separator = further
            self._parts.append(f"{last}]")


def _on_one_line(_: int) -> tuple[str, str, str]:
    """The layout without line breaks."""
    return "", ", ", ""


@cache
def _indented(depth: int) -> tuple[str, str, str]:
    """The layout with a line for each item."""
    newline = "\n" + "  " * depth
    return f"{newline}  ", f",{newline}  ", newline


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
