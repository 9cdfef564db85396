"""A line cut into words: names, and keys with the span of their value.

This is the notation's lexical half; what a value means is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .logical_line import ParseError

# How deep objects and lists may nest. QEMU's own reader stops at 1,024; nothing that it takes
# comes near this.
MAX_DEPTH = 100

_KEY = re.compile(r"""([^\s="'{}\[\]]+)=""")
_NAME = re.compile(r"[^\s|]+")
_BARE = re.compile(r"\S*")
_BLANK = re.compile(r"\s*")
DOUBLE_QUOTED = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
SINGLE_QUOTED = r"'[^'\\\n]*(?:\\.[^'\\\n]*)*'"
_QUOTED = {'"': re.compile(DOUBLE_QUOTED), "'": re.compile(SINGLE_QUOTED)}
# All that matters for finding a literal's end; a quote that is left over opens a string
# which is not closed on its line.
_IN_LITERAL = re.compile(rf"{DOUBLE_QUOTED}|{SINGLE_QUOTED}|#[^\n]*|[\[\]{{}}\"']")


class IncompleteLiteral(ParseError):
    """The text ends inside a literal; more lines may complete it.

    :ivar depth: how many brackets are open.
    """

    def __init__(self, offset: int, depth: int) -> None:
        super().__init__("this bracket is never closed", offset)
        self.depth = depth


PIPE = "|"
READ, READ_WRITE = "<", "<>"

_MARK = re.compile(r"(?P<mark>\||<>?)\s*")


class Word(NamedTuple):
    """One word: ``NAME`` alone, or ``KEY=VALUE``; or a mark and what stands behind it.

    :ivar start: where the word begins in the text.
    :ivar key: what stands before ``=``; all of the word if there is none. For ``<PATH`` and
        ``<>PATH`` the mark, and for ``| PIPELINE``, which takes all the rest of the line.
    :ivar value: the value as it is written; None: there is no ``=``.
    :ivar value_start: where the value begins.
    """

    start: int
    key: str
    value: str | None
    value_start: int


def split_words(text: str, position: int = 0) -> Iterator[Word]:
    """Cut ``text`` into its words, from ``position`` to its end or to a ``# comment``.

    :raise ParseError: a string is not closed, or something is stuck to a value.
    :raise Incomplete: a literal is not closed.
    """
    while (position := skip_blank(text, position)) < len(text) and text[position] != "#":
        mark = _MARK.match(text, position)
        key = _KEY.match(text, position)
        if mark is not None:
            is_pipe = mark["mark"] == PIPE
            end = len(text) if is_pipe else value_end(text, mark.end())
            yield Word(position, mark["mark"], text[mark.end() : end], mark.end())
            position = end
        elif key is None:
            name = _NAME.match(text, position)
            assert name is not None
            yield Word(position, name[0], None, name.end())
            position = name.end()
        else:
            end = value_end(text, key.end())
            yield Word(position, key[1], text[key.end() : end], key.end())
            position = end


def split_partial(text: str, position: int = 0) -> tuple[list[Word], Word]:
    """Cut a line that is being typed into its whole words and the one that its end is in.

    The latter is an empty name where a word can begin, and all of a comment. A string or
    literal in it may be open.
    """
    words: list[Word] = []
    try:
        for word in split_words(text, position):
            words.append(word)
            position = word.value_start + len(word.value or "")
    except ParseError:  # it is not whole
        start = skip_blank(text, position)
        key = _MARK.match(text, start) or _KEY.match(text, start)
        assert key is not None, "only a value can be wrong"
        return words, Word(start, key[1], text[key.end() :], key.end())
    if words and position == len(text):
        return words[:-1], words[-1]
    start = skip_blank(text, position)
    return words, Word(start, text[start:], None, len(text))


def skip_blank(text: str, position: int) -> int:
    """Where the next word begins."""
    blank = _BLANK.match(text, position)
    assert blank is not None
    return blank.end()


def value_end(text: str, start: int) -> int:
    """Find the end of the value that begins at ``start``.

    :raise ParseError: it is not closed, or something is stuck to it.
    """
    opening = text[start : start + 1]
    if opening in _QUOTED:
        quoted = _QUOTED[opening].match(text, start)
        if quoted is None:
            raise ParseError("this string is never closed", start)
        end, what = quoted.end(), "string"
    elif opening in ("{", "["):
        end, what = literal_end(text, start), opening + "..." + "}]"[opening == "["]
    else:
        bare = _BARE.match(text, start)
        assert bare is not None
        return bare.end()
    if end < len(text) and not text[end].isspace():
        raise ParseError(f"a blank is needed here, after the {what}", end)
    return end


def literal_end(text: str, start: int, depth: int = 0) -> int:
    """Find the end of a literal: where its first bracket is closed.

    :param depth: how many brackets are open already before ``start``.
    :raise ParseError: a string in it is not closed.
    :raise Incomplete: the text ends first.
    """
    for match in _IN_LITERAL.finditer(text, start):
        token = match[0]
        if token in ("{", "["):
            depth += 1
        elif token in ("}", "]"):
            depth -= 1
            if depth == 0:
                return match.end()
        elif token in ('"', "'"):
            raise ParseError("this string is never closed", match.start())
    raise IncompleteLiteral(start, depth)
