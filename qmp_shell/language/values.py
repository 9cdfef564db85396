"""Parse scalar values: quoted strings, and bare words as each of the types they may have.

This module does not know which type an argument has (``word_types.py`` does), nor literals
(``literal.py``, which is only imported if there is one).
"""

from __future__ import annotations

import re

from ..static_typing import Any
from .logical_line import ParseError

# Patterns; re compiles each when it is first used, since most lines need none of them.
INTEGER = r"[+-]?[0-9]+"
# Converting between decimal text and integers takes quadratic time, so Python refuses integers of
# more digits than this (sys.int_info.default_max_str_digits), when it formats them too.
_MAX_DIGITS = 4300
_MAX_BITS = 14_000  # fewer than those of an integer of _MAX_DIGITS digits

_ESCAPE = r"(?s)\\(?:u([0-9a-fA-F]{4})|(.))"
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
# The words for a boolean argument, in lower case.
SWITCH_WORDS = dict.fromkeys(("true", "on", "yes", "y"), True) | dict.fromkeys(
    ("false", "off", "no", "n"), False
)

_SCALED = r"(?P<whole>[0-9]+)(?P<fraction>\.[0-9]+)?(?P<unit>[bB]|[kKmMgGtTpPeE](?:iB)?)"
_SCALED_INTEGER = rf"(?P<sign>[+-]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<digits>[0-9]+))|{_SCALED}"
FLOAT = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_LITERAL_ESCAPE = r"\\(['\\])"
_SURROGATE = "[\ud800-\udfff]"


class BareWord(str):
    """A value written without quotes or brackets; it is converted by the argument's type."""

    __slots__ = ()


def parse_string(text: str, offset: int) -> str:
    r"""Parse ``"..."``, in which JSON's escapes hold, or ``'...'``, which is taken literally.

    In single quotes only ``\'`` and ``\\`` are escapes.

    :param text: the string with its quotes.
    :param offset: the position of ``text`` in the logical line, in characters; used to locate
        errors.
    :raise ParseError: a string in double quotes has an escape that JSON does not have.
    """
    if text.startswith('"'):
        return _parse_json_string(text, offset)
    return re.sub(_LITERAL_ESCAPE, r"\1", text[1:-1])


def parse_untyped(word: BareWord) -> Any:
    """Convert a bare word whose type is not known to an integer, a boolean or a string."""
    if re.fullmatch(INTEGER, word) and len(word) <= _MAX_DIGITS:
        return int(word)
    lower = word.lower()
    if lower in ("true", "false"):
        return lower == "true"
    return str(word)


def parse_integer(word: BareWord) -> int | None:
    """Convert a bare word to an integer: decimal, hexadecimal (``0x10``) or scaled (``4G``).

    The units are those of QEMU's command line: ``B``, ``K``, ``M``, ``G``, ``T``, ``P`` and
    ``E``, in either case, each 1024 times the one before it; ``KiB`` is the same as ``K``. A
    fraction is allowed if the result is a whole number, as ``1.5G`` is. A sign is not allowed
    before a number with a unit: in ``qemu-img resize``, ``+1G`` is a difference.

    :return: the integer; None if the word is not an integer, or has too many digits.
    """
    match = re.fullmatch(_SCALED_INTEGER, word)
    if match is None or len(word) > _MAX_DIGITS:
        return None
    size: int
    if match["unit"]:
        unit = 1024 ** "BKMGTPE".index(match["unit"][0].upper())
        digits = (match["fraction"] or ".")[1:]
        if digits and unit == 1:
            return None
        size, rest = divmod(int(match["whole"] + digits) * unit, 10 ** len(digits))
        if rest:
            return None
    else:
        size = int(match["hex"], 16) if match["hex"] else int(match["digits"])
    if size.bit_length() > _MAX_BITS:
        return None
    return -size if match["sign"] == "-" else size


def parse_float(word: BareWord) -> float | None:
    """Convert a bare word to a floating-point number.

    :return: the number; None if the word is not a number, or is too large for a float.
    """
    if re.fullmatch(FLOAT, word) is None:
        return None
    value = float(word)
    return value if value not in (float("inf"), float("-inf")) else None


def is_ambiguous(word: str) -> bool:
    """Whether the value of a bare word depends on its type; otherwise it is a string."""
    return (
        word == "null"
        or word.lower() in SWITCH_WORDS
        or re.fullmatch(_SCALED_INTEGER, word) is not None
        or re.fullmatch(FLOAT, word) is not None
    )


def has_ambiguous_words(value: Any) -> bool:
    """Whether a tree contains a bare word whose value depends on its type.

    If not, all bare words are strings, and the schema is not needed.

    :param value: dictionaries and lists; the leaves are values or :class:`BareWord` objects.
    """
    if isinstance(value, dict):
        return any(has_ambiguous_words(item) for item in value.values())
    if isinstance(value, list):
        return any(has_ambiguous_words(item) for item in value)
    return isinstance(value, BareWord) and is_ambiguous(value)


def parse_python_integer(text: str, offset: int) -> int:
    """Parse an integer in Python's notation: ``12``, ``0x10``, ``0b11``, ``1_000``.

    :param offset: the position of ``text`` in the logical line, in characters; used to locate
        errors.
    :raise ParseError: the integer has too many digits.
    :raise ValueError: the text is not an integer.
    """
    if len(text) <= _MAX_DIGITS:
        if not text.isascii():  # int() takes the digits of other scripts, too
            raise ValueError
        value = int(text) if re.fullmatch(INTEGER, text) else int(text, 0)
        if value.bit_length() <= _MAX_BITS:
            return value
    raise ParseError("this number is too long", offset)


def _parse_json_string(text: str, offset: int) -> str:
    def unescape(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2] not in JSON_ESCAPES:
            raise ParseError(
                rf"\{match[2]} is not a valid escape; write a backslash as \\, or use '...'",
                offset + match.start(),
            )
        return JSON_ESCAPES[match[2]]

    return join_surrogates(re.sub(_ESCAPE, unescape, text)[1:-1])


def join_surrogates(text: str) -> str:
    r"""Replace each surrogate pair by the character it encodes.

    JSON writes characters outside the Basic Multilingual Plane as such pairs:
    ``\ud83d\ude00``. A surrogate that is not part of a pair is left as it is.
    """
    if not re.search(_SURROGATE, text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
