"""Split a logical line into words: names, ``key=value`` pairs, redirections and pipelines.

This is the notation's tokenizer. It finds where values begin and end; it does not know what
they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..record import Record
from .logical_line import ParseError

# How many levels deep objects and lists may be nested. QEMU's JSON parser allows 1,024
# (MAX_NESTING in qobject/json-streamer.c), but no command needs nearly as many as this.
MAX_DEPTH = 100

# How a line begins that opens a transaction.
TRANSACTION = r"transaction\s*\("

_KEY = re.compile(r"""([^\s="'{}\[\]]+)=""")
_NAME = re.compile(r"[^\s|<>]+")
_BARE = re.compile(r"\S*")
_BLANK = re.compile(r"\s*")
DOUBLE_QUOTED = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
SINGLE_QUOTED = r"'[^'\\\n]*(?:\\.[^'\\\n]*)*'"
_QUOTED = {'"': DOUBLE_QUOTED, "'": SINGLE_QUOTED}
# The tokens that matter for finding the end of a literal. A quote that only the last alternative
# matches begins a string that is not closed on its line.
_IN_LITERAL = rf"{DOUBLE_QUOTED}|{SINGLE_QUOTED}|#[^\n]*|[\[\]{{}}\"']"


class IncompleteLiteral(ParseError):
    """The text ends inside a literal, which more lines may complete.

    :ivar depth: the number of brackets that are open.
    :ivar is_in_comment: the text ends in a comment.
    """

    def __init__(self, offset: int, depth: int, *, is_in_comment: bool) -> None:
        super().__init__("this bracket is never closed", offset)
        self.depth = depth
        self.is_in_comment = is_in_comment


PIPE = "|"
READ, READ_WRITE = "<", "<>"
WRITE, APPEND = ">", ">>"
OPERATORS = (PIPE, READ, READ_WRITE, WRITE, APPEND)
_OPERATOR_MARKS = "|<>"  # what they begin with

_OPERATOR = re.compile(r"(?P<operator>\||<>?|>>?)\s*")


class Word(Record):
    """A word: ``NAME``, ``KEY=VALUE``, ``<PATH``, ``<>PATH``, ``>PATH``, ``>>PATH`` or
    ``| PIPELINE``.

    All positions are in characters from the beginning of the text.

    :ivar start: where the word begins.
    :ivar key: the part before ``=``; the whole word if there is no ``=``; or the operator
        (one of :data:`OPERATORS`).
    :ivar value: the value as it is written; None if there is no ``=``. For an operator it is the
        path as it is written, or the pipeline, which is the rest of the line.
    :ivar value_start: where the value begins; the end of the word if there is none.
    """

    def __init__(self, start: int, key: str, value: str | None, value_start: int) -> None:
        self.start = start
        self.key = key
        self.value = value
        self.value_start = value_start


def split_words(text: str, position: int = 0, *, closing: str = "") -> Iterator[Word]:
    """Split ``text`` into words, from ``position`` to its end or to a ``# comment``.

    :param closing: a character that may follow a string or a literal without a space.
    :raise ParseError: a string is not closed, or no space separates a value from the next word.
    :raise IncompleteLiteral: a literal is not closed.
    """
    while (position := skip_blank(text, position)) < len(text) and text[position] != "#":
        operator = _OPERATOR.match(text, position) if text[position] in _OPERATOR_MARKS else None
        key = _KEY.match(text, position)
        if operator is not None:
            is_pipe = operator["operator"] == PIPE
            end = len(text) if is_pipe else value_end(text, operator.end())
            operand = text[operator.end() : end]
            yield Word(position, operator["operator"], operand, operator.end())
            position = end
        elif key is None:
            name = _NAME.match(text, position)
            assert name is not None
            yield Word(position, name[0], None, name.end())
            position = name.end()
        else:
            end = value_end(text, key.end(), closing)
            yield Word(position, key[1], text[key.end() : end], key.end())
            position = end


def split_transaction(text: str, position: int) -> list[Word]:
    """Split what follows the ``transaction(`` of a transaction on one line.

    The ``)`` at its end is a word of its own, whether a space stands before it or not.

    :raise ParseError, IncompleteLiteral: as :func:`split_words`.
    """
    return _split_closing_bracket(list(split_words(text, position, closing=")")))


def _split_closing_bracket(words: list[Word]) -> list[Word]:
    """Make the ``)`` at the end of the last bare word a word of its own.

    A ``)`` whose ``(`` is in the same word is part of the value.
    """
    tail = [word for word in words if word.key in OPERATORS]
    others = [word for word in words if word.key not in OPERATORS]
    if not others:
        return words
    *before, last = others
    text = last.key if last.value is None else last.value
    if len(text) < 2 or not text.endswith(")") or "(" in text:
        return words
    end = (last.start if last.value is None else last.value_start) + len(text)
    cut = last.replaced(key=text[:-1]) if last.value is None else last.replaced(value=text[:-1])
    return [*before, cut, Word(end - 1, ")", None, end), *tail]


def split_partial(
    text: str, position: int = 0, *, is_transaction: bool = False
) -> tuple[list[Word], Word]:
    """Split a line that is still being typed into its complete words and the last one.

    :param text: the line up to the cursor.
    :param is_transaction: split it as :func:`split_transaction` does.
    :return: the complete words, and the word at the end of the text. The latter is an empty name
        where a new word can begin, and the whole comment inside one; a string or literal in it
        need not be closed.
    """
    words: list[Word] = []
    try:
        for word in split_words(text, position, closing=")" if is_transaction else ""):
            words.append(word)
            position = word.value_start + len(word.value or "")
    except ParseError:  # the last word is not complete
        start = skip_blank(text, position)
        key = _OPERATOR.match(text, start) or _KEY.match(text, start)
        assert key is not None, "only values raise errors"
        return words, Word(start, key[1], text[key.end() :], key.end())
    if is_transaction:
        words = _split_closing_bracket(words)
    if words and position == len(text):
        return words[:-1], words[-1]
    start = skip_blank(text, position)
    return words, Word(start, text[start:], None, len(text))


def skip_blank(text: str, position: int) -> int:
    """Return the position of the first character at or after ``position`` that is not blank."""
    blank = _BLANK.match(text, position)
    assert blank is not None
    return blank.end()


def value_end(text: str, start: int, closing: str = "") -> int:
    """Return where the value that begins at ``start`` ends.

    :param closing: a character that may follow a string or a literal without a space.
    :raise ParseError: the value is not closed, or no space separates it from the next word.
    :raise IncompleteLiteral: the value is a literal that is not closed.
    """
    opening = text[start : start + 1]
    if opening in _QUOTED:
        quoted = re.compile(_QUOTED[opening]).match(text, start)
        if quoted is None:
            raise ParseError("this string is never closed", start)
        end, what = quoted.end(), "string"
    elif opening in ("{", "["):
        end, what = literal_end(text, start), opening + "..." + "}]"[opening == "["]
    else:
        bare = _BARE.match(text, start)
        assert bare is not None
        return bare.end()
    if end < len(text) and not text[end].isspace() and text[end] != closing:
        raise ParseError(f"expected a space after the {what}", end)
    return end


def literal_end(text: str, start: int, depth: int = 0) -> int:
    """Return where a literal ends, which is where its first bracket is closed.

    :param start: where to begin; at the first bracket, if ``depth`` is 0.
    :param depth: the number of brackets that are already open before ``start``.
    :raise ParseError: a string in the literal is not closed.
    :raise IncompleteLiteral: the text ends before the literal does.
    """
    is_in_comment = False
    for match in re.compile(_IN_LITERAL).finditer(text, start):
        token = match[0]
        is_in_comment = token.startswith("#") and match.end() == len(text)
        if token in ("{", "["):
            depth += 1
        elif token in ("}", "]"):
            depth -= 1
            if depth == 0:
                return match.end()
        elif token in ('"', "'"):
            raise ParseError("this string is never closed", match.start())
    raise IncompleteLiteral(start, depth, is_in_comment=is_in_comment)
