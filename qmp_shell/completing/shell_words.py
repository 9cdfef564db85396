"""Split a command line of bash, zsh or fish into words, without running any part of it."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_HOME = re.compile(r"~(?=/|\s|$)")


class ShellWord(NamedTuple):
    """A word of a shell's command line, with its quotes removed.

    :ivar text: without its quotes; variables, and a ``~`` at its beginning, are as they are typed.
    :ivar value: the same, with what stands for them in the environment.
    :ivar places: for each character of ``text``, where it stands in the line.
    :ivar start: where the word begins in the line.
    """

    text: str
    value: str
    places: list[int]
    start: int


class _Reader:
    """Reads one word of a command line, from a given position to the next blank."""

    def __init__(self, line: str, start: int) -> None:
        self._line = line
        self.start = self.position = start
        self._text: list[str] = []
        self._places: list[int] = []
        self._value: list[str] = []

    def read(self) -> ShellWord:
        quote = ""
        while self.position < len(self._line):
            character = self._line[self.position]
            if not quote and character.isspace():
                break
            if character == quote or (not quote and character in "'\""):
                quote = "" if quote else character
                self.position += 1
            elif character == "\\" and quote != "'":
                self._add_escaped(quote)
            elif quote == "'" or not self._add_expanded(quote):
                self._add(character)
        return ShellWord("".join(self._text), "".join(self._value), self._places, self.start)

    def _add(self, text: str, value: str | None = None) -> None:
        self._places += range(self.position, self.position + len(text))
        self._text.append(text)
        self._value.append(text if value is None else value)
        self.position += len(text)

    def _add_escaped(self, quote: str) -> None:
        following = self._line[self.position + 1 : self.position + 2]
        if quote and following not in ("$", "`", '"', "\\"):
            self._add("\\")
        else:
            self.position += 1
            self._add(following)

    def _add_expanded(self, quote: str) -> bool:
        """Read a variable or a home directory, if there is one here."""
        found = _VARIABLE.match(self._line, self.position)
        if found is not None:
            self._add(found[0], os.environ.get(found[1] or found[2], ""))
        elif not quote and self.position == self.start:
            found = _HOME.match(self._line, self.position)
            if found is not None:
                self._add("~", os.path.expanduser("~"))
        return found is not None


def split_line(line: str) -> list[ShellWord]:
    """Split a command line that is typed up to its end.

    :return: the last word is the one that is being typed, and may be empty.
    """
    words = []
    position = 0
    while position < len(line):
        if line[position].isspace():
            position += 1
            continue
        reader = _Reader(line, position)
        words.append(reader.read())
        position = reader.position
    if not words or (line[-1].isspace() and position == len(line) and _ends_outside(words, line)):
        words.append(ShellWord("", "", [], len(line)))
    return words


def _ends_outside(words: list[ShellWord], line: str) -> bool:
    """Whether the blank at the end of a line is not part of its last word."""
    places = words[-1].places
    return not places or places[-1] != len(line) - 1
