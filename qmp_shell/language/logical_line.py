"""A logical line, and the error for one that cannot be parsed.

This module maps positions in the joined text back to the physical lines; it does not parse.
"""

from __future__ import annotations

from bisect import bisect_right

from ..errors import UsageError
from ..record import Record


class Position(Record):
    """A position in the input.

    :ivar line: the number of the physical line, from 1.
    :ivar column: the column in it, in characters, from 1.
    :ivar text: the text of that physical line.
    """

    def __init__(self, line: int, column: int, text: str) -> None:
        self.line = line
        self.column = column
        self.text = text


class LogicalLine:
    """One logical line, and the physical lines it was joined from.

    :ivar text: the text to parse. It contains a newline only inside a literal.
    """

    def __init__(self, text: str, starts: list[int], lines: list[str], first: int) -> None:
        """Create a logical line.

        :param text: the joined text.
        :param starts: for each physical line, where it begins in ``text``.
        :param lines: the physical lines.
        :param first: the line number of the first of them.
        """
        self.text = text
        self._first = first
        self._starts = starts
        self._lines = lines

    def position(self, offset: int) -> Position:
        """Return the position in the input of the character ``text[offset]``."""
        index = bisect_right(self._starts, offset) - 1
        return Position(self._first + index, offset - self._starts[index] + 1, self._lines[index])

    @property
    def source(self) -> str:
        """The physical lines."""
        return "\n".join(self._lines)

    @property
    def may_hold_secret(self) -> bool:
        """Whether the line is not to be shown again."""
        from .secrets import may_hold_secret

        return may_hold_secret(self.text)


class ParseError(UsageError, ValueError):
    """A line cannot be parsed.

    :ivar offset: where the error is in the logical line's text, in characters from 0.
    :ivar source: the logical line; None until the caller that has it sets it.
    """

    def __init__(self, message: str, offset: int, *, quoted: str | None = None) -> None:
        """
        :param quoted: a part of the line, which the message has in place of ``{}``; it is not shown
            if the line may hold a secret.
        """
        super().__init__(message)
        self.offset = offset
        self.source: LogicalLine | None = None
        self._quoted = quoted

    def __str__(self) -> str:
        message = super().__str__()
        if self._quoted is None:
            return message
        is_hidden = self.source is not None and self.source.may_hold_secret
        return message.format("this" if is_hidden else repr(self._quoted))
