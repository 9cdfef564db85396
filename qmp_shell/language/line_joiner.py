"""Join physical lines into logical lines.

A logical line goes on over several physical lines while a bracket is open, or when a line ends
with a backslash. This module does not know what a logical line means.
"""

from __future__ import annotations

import re

from .logical_line import LogicalLine, ParseError
from .words import TRANSACTION, IncompleteLiteral, literal_end, skip_blank, split_words

# Characters of a logical line; it ends there, complete or not, for its input may have no end.
_LONGEST = 64 << 20


class LineJoiner:
    """Joins physical lines; the time it takes is linear in the length of the input."""

    def __init__(self, first: int = 1) -> None:
        """:param first: the line number of the first physical line."""
        self._line = first
        self._reset()

    def _reset(self) -> None:
        self._lines: list[str] = []
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._length = 0
        # Only the text that was not scanned for the end of a literal yet is scanned when
        # another line comes; to scan all of it again would take quadratic time.
        self._unscanned: list[str] = []
        self._depth = 0
        self._seeks_comment = True

    @property
    def needs_more(self) -> bool:
        """Whether a logical line has begun that is not complete."""
        return bool(self._lines)

    @property
    def is_in_literal(self) -> bool:
        """Whether the lines so far end inside a literal."""
        return self._depth > 0

    @property
    def continued_text(self) -> str:
        """The text that the next physical line is joined to.

        It is empty at the beginning of a logical line.
        """
        return "".join(self._parts)

    def add_line(self, line: str) -> LogicalLine | None:
        """Add one physical line.

        :param line: its text, without the newline.
        :return: the logical line that it completes; None if more lines are needed.
        """
        self._lines.append(line)
        self._starts.append(self._length)
        continued = line.endswith("\\") and not self._ends_in_comment(line)
        part = line[:-1] if continued else line + "\n"
        self._parts.append(part)
        self._length += len(part)
        self._unscanned.append(part)
        needs_more = continued or self._ends_in_literal()
        if needs_more and self._length <= _LONGEST:
            return None
        return self.finish()

    def add_raw_line(self, line: str) -> LogicalLine:
        """Return one physical line as a logical line, whatever brackets or backslashes it has.

        The human monitor's lines are read this way.
        """
        self._lines, self._parts, self._starts = [line], [line], [0]
        return self.finish()

    def finish(self) -> LogicalLine:
        """Return the logical line so far, complete or not, and begin the next one."""
        text = "".join(self._parts).removesuffix("\n")
        source = LogicalLine(text, self._starts, self._lines, self._line)
        self._line += len(self._lines)
        self._reset()
        return source

    def _ends_in_literal(self) -> bool:
        """Whether the text so far ends inside a literal.

        A syntax error is not reported here: the line counts as complete, and the parser
        reports the error.
        """
        unscanned, self._unscanned = "".join(self._unscanned), []
        if not self._depth and "{" not in unscanned and "[" not in unscanned:
            return False
        self._depth, _ = _find_end(unscanned, self._depth)
        return self._depth > 0

    def _ends_in_comment(self, line: str) -> bool:
        """Whether a line ends in a comment, to which a backslash at its end belongs.

        All lines that a backslash has joined are scanned for it, so this is done once for them:
        behind a "#" that begins no comment, they may have others.
        """
        if line.lstrip().startswith("#"):
            return True
        if not self._seeks_comment or re.search(r"\W#", line) is None:
            return False
        _, self._seeks_comment = _find_end("".join([*self._unscanned, line]), self._depth)
        return self._seeks_comment


def _find_end(text: str, depth: int) -> tuple[int, bool]:
    """Return how many brackets are open at the end of a text, and whether it ends in a comment.

    :param depth: how many brackets are open at its beginning.
    :return: 0 and False if the text has a syntax error.
    """
    try:
        if depth:
            position, closing = literal_end(text, 0, depth), ""
        else:
            position, closing = _start_of_words(text)
        for word in split_words(text, position, closing=closing):
            position = word.value_start + len(word.value or "")
    except IncompleteLiteral as incomplete:
        return incomplete.depth, incomplete.is_in_comment
    except ParseError:
        return 0, False
    return 0, skip_blank(text, position) < len(text)


def _start_of_words(text: str) -> tuple[int, str]:
    """Return where the words of a line begin, and what may follow a string or literal there.

    That is after the message, or the action of a transaction, if the line begins with one in
    JSON. The argument of a dot command is not made of words, so there it is the end of the text.

    :raise IncompleteLiteral: the message or action is not closed.
    """
    start, closing = skip_blank(text, 0), ""
    if text.startswith(".", start):
        return len(text), closing
    opening = re.compile(TRANSACTION).match(text, start)
    if opening is not None:
        start, closing = skip_blank(text, opening.end()), ")"
    is_json = text.startswith(("{", "["), start)
    return literal_end(text, start) if is_json else start, closing
