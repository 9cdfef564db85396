"""Literals: ``{...}`` and ``[...]``, in JSON's notation, in Python's, or in a mixture."""

from __future__ import annotations

import re
from typing import Any

from .logical_line import ParseError
from .values import FLOAT, INTEGER, JSON_ESCAPES, join_surrogates, parse_python_integer
from .words import DOUBLE_QUOTED, MAX_DEPTH, SINGLE_QUOTED

_TOKEN = re.compile(
    rf"(?:\s|\#[^\n]*)*(?P<token>{DOUBLE_QUOTED}|{SINGLE_QUOTED}|[{{}}()\[\],:]|[^\s{{}}()\[\],:\"'\#]+|\Z)"
)
_WORDS = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}
_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})"
    r"|([0-7]{1,3})|(.))",
    re.DOTALL,
)
_ESCAPES = {**JSON_ESCAPES, "'": "'", "a": "\a", "v": "\v"}


def parse_literal(text: str, offset: int) -> Any:
    """Read ``{...}`` or ``[...]``, in JSON's notation or in Python's.

    :param offset: where it stands in the line, for the errors.
    :raise ParseError: it is neither.
    """
    return _Literal(text, offset).read()


class _Literal:
    """A literal being read, token by token."""

    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        self._offset = offset
        self._position = 0
        self._next()

    def read(self) -> Any:
        value = self._value(0)
        if self._token:
            raise self._error("nothing may follow here")
        return value

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            self._start = self._position
            raise self._error("this can't be read")
        self._start = match.start("token")
        self._token = match["token"]
        self._position = match.end()

    def _error(self, message: str) -> ParseError:
        return ParseError(message, self._offset + self._start)

    def _skip(self, token: str) -> bool:
        if self._token != token:
            return False
        self._next()
        return True

    def _value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._error(f"brackets are nested more than {MAX_DEPTH} deep")
        if self._skip("{"):
            return self._object(depth)
        if self._skip("["):
            return self._list(depth, "]")
        if self._skip("("):  # a tuple, in Python's notation
            return self._list(depth, ")")
        value = self._atom()
        self._next()
        return value

    def _object(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not self._skip("}"):
            if self._token[:1] not in ('"', "'") or not self._token:
                raise self._error("a key in quotes or } is needed here")
            key = self._atom()
            if key in members:
                raise self._error(f"{key!r} is given twice")
            self._next()
            if not self._skip(":"):
                raise self._error(f"a : is needed here, after the key {key!r}")
            members[key] = self._value(depth + 1)
            if not self._skip(",") and self._token != "}":
                raise self._error("a , or } is needed here")
        return members

    def _list(self, depth: int, end: str) -> list[Any]:
        items: list[Any] = []
        while not self._skip(end):
            items.append(self._value(depth + 1))
            if not self._skip(",") and self._token != end:
                raise self._error(f"a , or {end} is needed here")
        return items

    def _atom(self) -> Any:
        token = self._token
        if token[:1] in ('"', "'") and token:
            return _string(token, self._offset + self._start)
        if token in _WORDS:
            return _WORDS[token]
        return self._number(token)

    def _number(self, token: str) -> int | float:
        if INTEGER.fullmatch(token):
            return parse_python_integer(token, self._offset + self._start)
        if FLOAT.fullmatch(token):
            value = float(token)
            if value not in (float("inf"), float("-inf")):
                return value
            raise self._error("this number is too large")
        try:
            return parse_python_integer(token, self._offset + self._start)
        except ParseError:
            raise
        except ValueError:
            if token and token not in "{}()[],:":
                raise self._error(f"{token!r} is no value; a string needs quotes") from None
            raise self._error("a value is needed here") from None


def _string(text: str, offset: int) -> str:
    """A string within a literal, where JSON's escapes and Python's both hold."""

    def unescape(match: re.Match[str]) -> str:
        digits = match[1] or match[2] or match[3]
        if digits or match[4]:
            return chr(int(digits, 16) if digits else int(match[4], 8))
        if match[5] in _ESCAPES and not (match[5] == "/" and text[0] == "'"):
            return _ESCAPES[match[5]]
        if text[0] == '"':
            raise ParseError(
                rf"\{match[5]} is no escape in a string; a backslash is \\",
                offset + match.start(),
            )
        return match[0]

    return join_surrogates(_ESCAPE.sub(unescape, text)[1:-1])
