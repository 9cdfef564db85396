"""Parse the literals ``{...}`` and ``[...]``, in JSON or Python notation or a mix of both.

This module does not know where in a command a literal stands.
"""

from __future__ import annotations

import re

from ..static_typing import Any
from .logical_line import ParseError
from .values import FLOAT, INTEGER, JSON_ESCAPES, join_surrogates, parse_python_integer
from .words import DOUBLE_QUOTED, MAX_DEPTH, SINGLE_QUOTED

_TOKEN = re.compile(
    rf"(?:\s|\#[^\n]*)*(?P<token>{DOUBLE_QUOTED}|{SINGLE_QUOTED}|[{{}}()\[\],:]|[^\s{{}}()\[\],:\"'\#]+|\Z)"
)
_CONSTANTS = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}
_OTHER_CONSTANTS = dict.fromkeys(("on", "yes", "TRUE"), "true") | dict.fromkeys(
    ("off", "no", "FALSE"), "false"
)
ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})"
    r"|([0-7]{1,3})|(.))",
    re.DOTALL,
)
_ESCAPES = {**JSON_ESCAPES, "'": "'", "a": "\a", "v": "\v"}


def parse_literal(text: str, offset: int) -> Any:
    """Parse ``{...}`` or ``[...]``.

    :param text: the literal and nothing else.
    :param offset: the position of ``text`` in the logical line, in characters; used to locate
        errors.
    :return: a dictionary or a list.
    :raise ParseError: the text is not a valid literal.
    """
    return _LiteralParser(text, offset).parse()


class _LiteralParser:
    """A recursive descent parser of one literal, with one token of look-ahead."""

    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        self._offset = offset
        self._position = 0
        self._advance()

    def parse(self) -> Any:
        value = self._parse_value(0)
        if self._token:
            raise self._error("nothing may follow here")
        return value

    def _advance(self) -> None:
        """Read the next token; it is empty at the end of the text."""
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            self._start = self._position
            raise self._error("this cannot be parsed")
        self._start = match.start("token")
        self._token = match["token"]
        self._position = match.end()

    def _error(self, message: str, quoted: str | None = None) -> ParseError:
        """Return an error at the current token."""
        return ParseError(message, self._offset + self._start, quoted=quoted)

    def _accept(self, token: str) -> bool:
        """Skip the current token if it is ``token``; return whether it was."""
        if self._token != token:
            return False
        self._advance()
        return True

    def _parse_value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._error(f"brackets are nested more than {MAX_DEPTH} levels deep")
        if self._accept("{"):
            return self._parse_object(depth)
        if self._accept("["):
            return self._parse_list(depth, "]")
        if self._accept("("):  # JSON has no tuples; they are sent as lists
            return self._parse_list(depth, ")")
        value = self._parse_scalar()
        self._advance()
        return value

    def _parse_object(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not self._accept("}"):
            if not self._token.startswith(('"', "'")):
                raise self._error("expected a key in quotes, or }")
            key = self._parse_scalar()
            if key in members:
                raise self._error("{} is given twice", key)
            self._advance()
            if not self._accept(":"):
                raise self._error("expected : after the key {}", key)
            members[key] = self._parse_value(depth + 1)
            if not self._accept(",") and self._token != "}":
                raise self._error("expected , or }")
        return members

    def _parse_list(self, depth: int, end: str) -> list[Any]:
        items: list[Any] = []
        while not self._accept(end):
            items.append(self._parse_value(depth + 1))
            if not self._accept(",") and self._token != end:
                raise self._error(f"expected , or {end}")
        return items

    def _parse_scalar(self) -> Any:
        """Parse the current token as a string, constant or number, without skipping it."""
        token = self._token
        if token.startswith(('"', "'")):
            return parse_quoted(token, self._offset + self._start)
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        return self._parse_number(token)

    def _parse_number(self, token: str) -> int | float:
        if re.fullmatch(FLOAT, token) and not re.fullmatch(INTEGER, token):
            value = float(token)
            if value not in (float("inf"), float("-inf")):
                return value
            raise self._error("this number is too large")
        try:
            return parse_python_integer(token, self._offset + self._start)
        except ParseError:
            raise
        except ValueError:
            if token in _OTHER_CONSTANTS:
                raise self._error(
                    f"{{}} is not a value; write {_OTHER_CONSTANTS[token]}", token
                ) from None
            if token and token not in "{}()[],:":
                raise self._error("{} is not a value; a string needs quotes", token) from None
            raise self._error("expected a value") from None


def parse_quoted(text: str, offset: int) -> str:
    """Parse a quoted string, in which the escapes of JSON and of Python are both allowed.

    :raise ParseError: a string in double quotes has an escape that neither JSON nor Python has.
    """

    def unescape(match: re.Match[str]) -> str:
        digits = match[1] or match[2] or match[3]
        if digits or match[4]:
            return chr(int(digits, 16) if digits else int(match[4], 8))
        # In Python's notation, which single quotes stand for, "\/" is two characters.
        if match[5] in _ESCAPES and not (match[5] == "/" and text[0] == "'"):
            return _ESCAPES[match[5]]
        if text[0] == '"':
            raise ParseError(
                rf"\{match[5]} is not a valid escape; write a backslash as \\",
                offset + match.start(),
            )
        return match[0]

    return join_surrogates(ESCAPE.sub(unescape, text)[1:-1])
