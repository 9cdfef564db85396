"""Values: quoted strings and bare words; literals are read next door, when there are any."""

from __future__ import annotations

import re
from typing import Any

from .logical_line import ParseError

INTEGER = re.compile(r"[+-]?[0-9]+")
# Python refuses to read longer ones, for their time grows with the square of the length.
_LONGEST_INTEGER = 4300
_MOST_BITS = 14_000  # of an integer that it writes, too

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
# The words that are booleans where a boolean is wanted.
SWITCH_WORDS = dict.fromkeys(("true", "on", "yes", "y"), True) | dict.fromkeys(
    ("false", "off", "no", "n"), False
)

_COUNT = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)"
    r"|(?P<whole>[0-9]+)(?P<fraction>\.[0-9]+)?(?P<unit>[bB]|[kKmMgGtTpPeE](?:iB)?)?)"
)
FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LITERAL_ESCAPE = re.compile(r"\\(['\\])")
_SURROGATE = re.compile("[\ud800-\udfff]")


class BareWord(str):
    """A bare word: what it means depends on the type that is wanted."""

    __slots__ = ()


def parse_string(text: str, offset: int) -> str:
    """Read ``"..."`` with JSON's escapes, or ``'...'`` as it is.

    :raise ParseError: an escape is none of JSON's.
    """
    if text.startswith('"'):
        return _json_string(text, offset)
    return _LITERAL_ESCAPE.sub(r"\1", text[1:-1])


def parse_untyped(word: BareWord) -> Any:
    """Read a bare word where no type is known: an integer, a boolean, or itself."""
    if INTEGER.fullmatch(word) and len(word) <= _LONGEST_INTEGER:
        return int(word)
    lower = word.lower()
    if lower in ("true", "false"):
        return lower == "true"
    return str(word)


def parse_integer(word: BareWord) -> int | None:
    """Read a word as an integer is written: decimal, ``0x`` hex, or with a binary unit.

    The units are QEMU's own: ``B K M G T P E``, ``KiB`` and so on, in either case; ``1.5G``
    is a whole number too.

    :return: None: it is none, or too long a one to be read.
    """
    match = _COUNT.fullmatch(word)
    if match is None or len(word) > _LONGEST_INTEGER:
        return None
    if match["hex"]:
        size = int(match["hex"], 16)
    else:
        unit = 1024 ** "BKMGTPE".index((match["unit"] or "B")[0].upper())
        digits = (match["fraction"] or ".")[1:]
        if digits and unit == 1:
            return None
        size, rest = divmod(int(match["whole"] + digits) * unit, 10 ** len(digits))
        if rest:
            return None
    if size.bit_length() > _MOST_BITS:
        return None
    return -size if match["sign"] == "-" else size


def parse_float(word: BareWord) -> float | None:
    """Read a word as a number with a fraction or an exponent; None: it is none."""
    if FLOAT.fullmatch(word) is None:
        return None
    value = float(word)
    return value if value not in (float("inf"), float("-inf")) else None


def is_ambiguous(word: str) -> bool:
    """Whether what a word means depends on the type that is wanted."""
    return (
        word == "null"
        or word.lower() in SWITCH_WORDS
        or _COUNT.fullmatch(word) is not None
        or FLOAT.fullmatch(word) is not None
    )


def has_ambiguous_words(value: Any) -> bool:
    """Whether a tree has a bare word whose meaning depends on its type.

    Without one, all bare words are strings, and no type need be known.
    """
    if isinstance(value, dict):
        return any(has_ambiguous_words(item) for item in value.values())
    if isinstance(value, list):
        return any(has_ambiguous_words(item) for item in value)
    return isinstance(value, BareWord) and is_ambiguous(value)


def parse_python_integer(text: str, offset: int) -> int:
    """Read an integer as Python writes it: ``12``, ``0x10``, ``0b11``, ``1_000``.

    :raise ParseError: it is too long.
    :raise ValueError: it is none.
    """
    if len(text) <= _LONGEST_INTEGER:
        value = int(text) if INTEGER.fullmatch(text) else int(text, 0)
        if value.bit_length() <= _MOST_BITS:
            return value
    raise ParseError("this number is too long", offset)


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

    return join_surrogates(_ESCAPE.sub(unescape, text)[1:-1])


def join_surrogates(text: str) -> str:
    r"""Make one character of each ``\ud83d\ude00``, as JSON has it."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
