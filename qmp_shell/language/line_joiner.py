"""Physical lines to whole ones: an open bracket or a trailing backslash wants more."""

from __future__ import annotations

from .logical_line import LogicalLine, ParseError
from .words import IncompleteLiteral, literal_end, skip_blank, split_words


class LineJoiner:
    """Puts physical lines together. Each is looked at once, however many there are."""

    def __init__(self, first: int = 1) -> None:
        """:param first: the number of the first line."""
        self._line = first
        self._clear()

    def _clear(self) -> None:
        self._lines: list[str] = []
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._length = 0
        self._unread = ""  # the end of the text, where no literal's end was looked for yet
        self._depth = 0

    @property
    def open(self) -> bool:
        """Whether more lines are wanted."""
        return bool(self._lines)

    @property
    def pending(self) -> str | None:
        """What a trailing backslash joins the next line to; None: that goes on in a literal."""
        return None if self._depth else "".join(self._parts)

    def push(self, line: str) -> LogicalLine | None:
        """Take one line, without its newline.

        :return: the whole line that it completes; None: more lines are wanted.
        """
        self._lines.append(line)
        self._starts.append(self._length)
        continued = line.endswith("\\") and not _is_comment(line)
        part = line[:-1] if continued else line + "\n"
        self._parts.append(part)
        self._length += len(part)
        self._unread += part
        if continued or self._literal_is_open():
            return None
        return self.flush()

    def push_raw(self, line: str) -> LogicalLine:
        """Take one line that is whole whatever is in it."""
        self._lines, self._parts, self._starts = [line], [line], [0]
        return self.flush()

    def flush(self) -> LogicalLine:
        """Give what there is, complete or not, and begin anew."""
        text = "".join(self._parts).removesuffix("\n")
        source = LogicalLine(text, self._starts, self._lines, self._line)
        self._line += len(self._lines)
        self._clear()
        return source

    def _literal_is_open(self) -> bool:
        """Whether the text so far ends inside a literal. What is wrong with it is told later."""
        unread, self._unread = self._unread, ""
        try:
            start = literal_end(unread, 0, self._depth) if self._depth else _after_message(unread)
            self._depth = 0
            for _ in split_words(unread, start):
                pass
        except IncompleteLiteral as incomplete:
            self._depth = incomplete.depth
            return True
        except ParseError:
            return False
        return False


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _after_message(text: str) -> int:
    """Where the words of a line begin: behind a message in JSON, and nowhere in a dot command.

    :raise Incomplete: the message is not closed.
    """
    start = skip_blank(text, 0)
    if text.startswith(".", start):
        return len(text)
    return literal_end(text, start) if text.startswith(("{", "["), start) else start
