"""A line as it was read, and what can be wrong with it."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from ..errors import UsageError


class Position(NamedTuple):
    """A place in what was read: line and column from 1, and the text of that line."""

    line: int
    column: int
    text: str


class LogicalLine:
    """One whole line, and the physical lines it was put together from.

    :ivar text: what to parse; it holds a newline only inside a literal.
    """

    def __init__(self, text: str, starts: list[int], lines: list[str], first: int) -> None:
        self.text = text
        self._first = first
        self._starts = starts
        self._lines = lines

    def position(self, offset: int) -> Position:
        """Where ``text[offset]`` stood."""
        index = bisect_right(self._starts, offset) - 1
        return Position(self._first + index, offset - self._starts[index] + 1, self._lines[index])


class ParseError(UsageError, ValueError):
    """A line that cannot be turned into a message.

    :ivar offset: where in the text, in characters from 0.
    :ivar source: the lines the text came from, once they are known.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset
        self.source: LogicalLine | None = None
