"""Read a literal ``{...}`` or ``[...]`` that is still being typed: where in it the cursor stands.

Any text is read, valid or not, in linear time, and no error is raised. This module knows neither
types nor names, nor where in a line the literal stands.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Any, NamedTuple

from ..language import ParseError
from ..language.literal import parse_quoted
from ..language.words import DOUBLE_QUOTED, MAX_DEPTH, SINGLE_QUOTED

_TOKEN = re.compile(
    rf"(?P<string>{DOUBLE_QUOTED}|{SINGLE_QUOTED})"
    r"|(?P<unclosed>[\"'][^\n]*)"
    r"|(?P<comment>#[^\n]*)"
    r"|(?P<mark>[\[\]{}(),:])"
    r"|(?P<word>[^\s\[\]{}(),:\"'#]+)"
)
# What is left of a word, or of a string that is short enough to be one name.
_REST_OF_WORD = re.compile(r"[^\s\[\]{}(),:\"'#]*")
_CLOSING = {"}": "{", "]": "[", ")": "("}


class Expected(Enum):
    """What can stand at a place in a literal."""

    KEY = auto()
    COLON = auto()
    VALUE = auto()
    COMMA = auto()  # or a closing bracket


class LiteralDraft(NamedTuple):
    """A literal that is being typed, and the place of the cursor in it.

    :ivar given: the literal, as far as it is typed, before and after the cursor. Lists are
        dictionaries too, with the indexes as keys, and what is not in quotes is None. What the
        cursor is in is not part of it.
    :ivar path: the keys and indexes that lead to the object or list that the cursor is in.
    :ivar key: the key or index of the value that the cursor is in or behind; empty: none.
    :ivar expected: what can stand at the cursor.
    :ivar typed: what of the key or value is typed before the cursor, without its quote.
    :ivar quote: the quote before that; empty: none.
    :ivar usual_quote: the quote of the literal's first string.
    """

    given: dict[str, Any]
    path: list[str]
    key: str
    expected: Expected
    typed: str
    quote: str
    usual_quote: str


def read_literal(text: str, cursor: int) -> LiteralDraft | None:
    """Read a literal.

    :param text: it begins with the literal's first bracket.
    :param cursor: how many characters of it stand before the cursor.
    :return: None: the cursor is not in the literal, is in a comment of it, or nothing can be said.
    """
    reader = _Reader()
    last = reader.read(text, 0, max(cursor, 0))
    if not reader.is_readable or (last is not None and last.lastgroup == "comment"):
        return None
    typed, quote = "", ""
    rest = cursor
    if last is not None:
        quote = last[0][:1] if last.lastgroup == "unclosed" else ""
        typed = last[0][len(quote) :]
        if not quote or is_closed_at(text, cursor, quote):
            rest = word_end(text, cursor) + len(quote)
    top = reader.open[-1]
    expected, key = top.expected, top.key
    path = reader.path()
    reader.read(text, rest, len(text), is_behind=True)
    return LiteralDraft(
        reader.root, path, key, expected, typed, quote, reader.quote or quote or '"'
    )


def is_closed_at(text: str, cursor: int, quote: str) -> bool:
    """Whether a quote that is open at the cursor is closed right behind the word there."""
    return text.startswith(quote, word_end(text, cursor))


def word_end(text: str, cursor: int) -> int:
    """Return the position at which the word under the cursor ends."""
    rest = _REST_OF_WORD.match(text, cursor)
    return rest.end() if rest is not None else cursor


class _Container:
    """An object or a list that is not closed yet.

    :ivar items: what is in it, by key or index.
    :ivar is_nowhere: it stands where nothing can, so there is no path to it.
    """

    def __init__(self, opening: str, *, is_nowhere: bool = False) -> None:
        self.opening = opening
        self.items: dict[str, Any] = {}
        self.is_nowhere = is_nowhere
        self._count = 0
        self.key = ""
        self.expected = Expected.KEY
        if opening != "{":
            self.key, self.expected = "0", Expected.VALUE

    def end_item(self) -> None:
        """A comma."""
        if self.opening == "{":
            self.key, self.expected = "", Expected.KEY
        else:
            self._count += 1
            self.key, self.expected = str(self._count), Expected.VALUE

    def end_key(self) -> None:
        """A colon."""
        if self.expected is Expected.COLON:
            self.expected = Expected.VALUE

    def add(self, value: Any) -> None:
        """A string, what is in brackets, or None; what may not stand there is skipped."""
        if self.expected is Expected.VALUE:
            if self.key:
                self.items[self.key] = value
            self.expected = Expected.COMMA
        elif self.expected is Expected.KEY:
            self.key = value if isinstance(value, str) else ""
            self.expected = Expected.COLON


class _Reader:
    """Collects what a literal contains, token by token.

    :ivar root: what is in it.
    :ivar open: the objects and lists that are open, the outermost first.
    :ivar quote: the first quote in it; empty: there was none.
    :ivar is_readable: it is open, and what was read can be the beginning of a literal.
    """

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.open: list[_Container] = []
        self.quote = ""
        self.is_readable = True

    def path(self) -> list[str]:
        """The keys and indexes that lead to the innermost object or list that is open."""
        return [each.key for each in self.open[:-1]]

    def read(
        self, text: str, start: int, end: int, *, is_behind: bool = False
    ) -> re.Match[str] | None:
        """Read a part of a text, until the literal is closed or cannot be read on.

        :param is_behind: it is not typed up to its end, so its last word is a whole one.
        :return: the token that the part ends in and that may become longer; None: there is none.
        """
        for token in _TOKEN.finditer(text, start, end):
            may_grow = token.end() == end and token.lastgroup in ("unclosed", "comment", "word")
            if may_grow and not is_behind:
                self.is_readable = self.is_readable and not self._is_nowhere()
                return token
            self._add_token(token)
            if not self.is_readable:
                return None
        self.is_readable = bool(self.open) and not self._is_nowhere()
        return None

    def _is_nowhere(self) -> bool:
        return not self.open or any(each.is_nowhere for each in self.open)

    def _add_token(self, token: re.Match[str]) -> None:
        kind, text = token.lastgroup, token[0]
        if kind == "mark":
            self._add_mark(text)
        elif kind == "unclosed" or not self.open:
            self.is_readable = False
        elif kind == "string":
            self.quote = self.quote or text[0]
            self.open[-1].add(_parse_string(text))
        elif kind == "word":
            self.open[-1].add(None)  # neither a tag nor a name

    def _add_mark(self, mark: str) -> None:
        if mark in "{[(":
            self._add_opening(mark)
        elif not self.open:
            self.is_readable = False
        elif mark in _CLOSING:
            self._add_closing(mark)
        elif mark == ",":
            self.open[-1].end_item()
        else:
            self.open[-1].end_key()

    def _add_opening(self, mark: str) -> None:
        if not self.open:
            inner = _Container(mark)
            self.root = inner.items
        else:
            top = self.open[-1]
            inner = _Container(mark, is_nowhere=top.expected is not Expected.VALUE or not top.key)
            top.add(inner.items)
        self.open.append(inner)
        self.is_readable = len(self.open) <= MAX_DEPTH

    def _add_closing(self, mark: str) -> None:
        """Close the innermost container, if it is of this kind; else the literal is not valid."""
        inner = self.open.pop()
        self.is_readable = bool(self.open) and inner.opening == _CLOSING[mark]


def _parse_string(text: str) -> str:
    try:
        return parse_quoted(text, 0)
    except ParseError:  # an escape that is none
        return text[1:-1]
