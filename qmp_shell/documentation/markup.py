"""Parse the part of reStructuredText that the manual is written in.

That is: titles, paragraphs, lists with ``-``, definition lists, code behind ``::``, and within a
paragraph code, strong and emphasized text. docutils, which makes the manual pages, takes
longer to load than everything else of the shell, so it is not used at the prompt; tests compare
what the two read. This module does not know how a text is shown.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

_UNDERLINE = re.compile(r"(=+|-+)")
_SPAN = re.compile(r"``(?P<code>.+?)``|\*\*(?P<strong>.+?)\*\*|\*(?P<emphasis>[^*]+)\*")
_BULLET = "- "
_CODE_FOLLOWS = "::"


class Heading(NamedTuple):
    text: str


class Paragraph(NamedTuple):
    """A paragraph on one line, its spans still marked; see :func:`parse_spans`."""

    text: str


class Code(NamedTuple):
    """Lines that stay as they are."""

    lines: tuple[str, ...]


class Item(NamedTuple):
    """An item of a list.

    :ivar term: what is defined, its spans still marked; empty: the list has no terms.
    """

    term: str
    body: tuple[Block, ...]


Block = Heading | Paragraph | Code | Item


class Span(NamedTuple):
    """A piece of a paragraph.

    :ivar kind: ``code``, ``strong`` or ``emphasis``; empty: it is plain.
    """

    text: str
    kind: str = ""


def parse_blocks(source: str) -> tuple[Block, ...]:
    """Parse a text into its blocks."""
    return tuple(_Reader(source.splitlines()).blocks())


def parse_spans(text: str) -> Iterator[Span]:
    """Parse the text of a paragraph."""
    position = 0
    for match in _SPAN.finditer(text):
        if match.start() > position:
            yield Span(text[position : match.start()])
        kind = match.lastgroup or ""
        yield Span(match[kind], kind)
        position = match.end()
    if position < len(text):
        yield Span(text[position:])


class _Reader:
    """Reads blocks from lines, none of which is indented unless the one before it tells why."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._next = 0

    def blocks(self) -> Iterator[Block]:
        while self._skip_blank_lines():
            line = self._lines[self._next]
            if self._is_underline(self._next + 1):
                self._next += 2
                yield Heading(line)
            elif line.startswith(_BULLET):
                self._lines[self._next] = line.replace(_BULLET, "  ", 1)
                yield Item("", parse_blocks(self._take_indented()))
            elif self._is_indented(self._next + 1):
                self._next += 1
                yield Item(line, parse_blocks(self._take_indented()))
            else:
                yield from self._paragraph()

    def _paragraph(self) -> Iterator[Block]:
        start = self._next
        while self._next < len(self._lines) and self._lines[self._next]:
            self._next += 1
        text = " ".join(self._lines[start : self._next])
        is_followed_by_code = text.endswith(_CODE_FOLLOWS)
        yield Paragraph(text[:-1] if is_followed_by_code else text)
        if is_followed_by_code and self._skip_blank_lines():
            yield Code(tuple(self._take_indented().splitlines()))

    def _skip_blank_lines(self) -> bool:
        """:return: whether a line is left."""
        while self._next < len(self._lines) and not self._lines[self._next]:
            self._next += 1
        return self._next < len(self._lines)

    def _take_indented(self) -> str:
        """The indented lines that come next, without their common indentation."""
        start = self._next
        while self._next < len(self._lines) and (
            not self._lines[self._next] or self._is_indented(self._next)
        ):
            self._next += 1
        return textwrap.dedent("\n".join(self._lines[start : self._next])).strip("\n")

    def _is_indented(self, index: int) -> bool:
        return self._lines[index : index + 1] != [] and self._lines[index].startswith(" ")

    def _is_underline(self, index: int) -> bool:
        return index < len(self._lines) and _UNDERLINE.fullmatch(self._lines[index]) is not None
