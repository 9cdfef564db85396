"""Values: quoted strings and bare words; literals are read next door, when there are any."""

from __future__ import annotations

import re
from typing import Any

from .source import ParseError

INTEGER = re.compile(r"[+-]?[0-9]+")
# Python refuses to read longer ones, for their time grows with the square of the length.
_LONGEST_INTEGER = 4300

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
JSON_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_LITERAL_ESCAPE = re.compile(r"\\(['\\])")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Bare(str):
    """A bare word: what it means depends on the type that is wanted.

    :ivar offset: where it stands in the text.
    """

    __slots__ = ("offset",)
    offset: int

    @classmethod
    def at(cls, text: str, offset: int) -> Bare:
        word = cls(text)
        word.offset = offset
        return word


def read_string(text: str, offset: int) -> str:
    """Read ``"..."`` with JSON's escapes, or ``'...'`` as it is.

    :raise ParseError: an escape is none of JSON's.
    """
    if text.startswith('"'):
        return _json_string(text, offset)
    return _LITERAL_ESCAPE.sub(r"\1", text[1:-1])


def read_untyped(word: Bare) -> Any:
    """Read a bare word where no type is known: an integer, a boolean, or itself.

    :raise ParseError: an integer too long to read.
    """
    if INTEGER.fullmatch(word):
        return read_integer(word, word.offset)
    lower = word.lower()
    if lower in ("true", "false"):
        return lower == "true"
    return str(word)


def read_integer(text: str, offset: int) -> int:
    """Read decimal digits, with or without a sign.

    :raise ParseError: there are too many of them.
    """
    if len(text) > _LONGEST_INTEGER:
        raise ParseError("this number is too long", offset)
    return int(text)


def _json_string(text: str, offset: int) -> str:
    def unescape(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2] not in JSON_ESCAPES:
            raise ParseError(
                rf"\{match[2]} is no escape in a string; a backslash is \\, or use '...'",
                offset + match.start(),
            )
        return JSON_ESCAPES[match[2]]

    return pair_surrogates(_ESCAPE.sub(unescape, text)[1:-1])


def pair_surrogates(text: str) -> str:
    r"""Make one character of each ``\ud83d\ude00``, as JSON has it."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
