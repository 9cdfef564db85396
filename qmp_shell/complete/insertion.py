"""How a name is written on the line, so that it is parsed as exactly that name.

Names come from the VM, from its guest and from images that somebody else made; they may hold
anything, a newline and a shell pipeline too. A name that cannot be written is not offered.
"""

from __future__ import annotations

import re

from ..language.notation import escape, format_string
from ..language.values import is_ambiguous
from .protocols import Candidate, Completions, Syntax

# A command's name, an argument's key, or a word of a dot command: neither can be quoted.
_WORD = re.compile(r"[^\s\"'{}\[\]()|<>#\\=.?][^\s\"'{}\[\]()|<>#\\=]*")
# Several arguments whose values are integers; the key of the first one may be typed already.
_ARGUMENTS = re.compile(rf"(?:{_WORD.pattern}=)?-?[0-9]+(?: {_WORD.pattern}=-?[0-9]+)*")
# Words without a dot that are dot commands nevertheless.
_RESERVED = ("exit", "help")
# A value without quotes: no quote or bracket opens it, no "$" makes it a reference, it lengthens no
# operator that stands before it, and no backslash or bracket ends the line.
_BARE_VALUE = re.compile(r"[^\s\"'{\[()$\\|<>][^\s\"'()\\]*")
# A reference, which cannot be quoted.
_REFERENCE = re.compile(r"\$[^\s\"'()\\]*")
# The same for the human monitor (get_str() in QEMU's monitor/hmp.c reads it).
_BARE_HUMAN = re.compile(r"[^\s\"'\\.-][^\s\"'\\]*")
_BARE_HUMAN_OPTION = re.compile(r"[^\s\"'\\,=.-][^\s\"'\\,=]*")
# All the escapes that the human monitor knows within quotes.
_HUMAN_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}


def insertion(
    candidate: Candidate, completions: Completions, *, is_open: bool = False
) -> str | None:
    """What takes the place of what is typed, the quote before it included.

    :param is_open: more is to follow, so a quoted string is not closed.
    :return: None: it can't be written there.
    """
    text = candidate.text
    if candidate.is_arguments:
        return text if _takes_arguments(text, completions) else None
    if completions.syntax == Syntax.DOT_NAME:
        return text
    if completions.syntax == Syntax.REFERENCE:
        return text if _REFERENCE.fullmatch(text) is not None and text.isprintable() else None
    if completions.syntax == Syntax.VALUE:
        return _value(candidate, completions, is_open)
    if completions.syntax == Syntax.LITERAL:
        return _in_literal(candidate, completions, is_open)
    if completions.syntax == Syntax.PATH:
        is_plain = text.isprintable() and text == text.strip() and not set(text) & set("#\"'\\")
        return text if is_plain and not completions.quote else _string(text, completions, is_open)
    if completions.syntax == Syntax.HUMAN:
        return _human(text, completions, is_open)
    pattern = _BARE_HUMAN_OPTION if completions.syntax == Syntax.HUMAN_OPTION else _WORD
    word = text[:-1] if candidate.is_key else text
    is_writable = pattern.fullmatch(word) is not None and word.isprintable()
    return text if is_writable and text not in _RESERVED else None


def _takes_arguments(text: str, completions: Completions) -> bool:
    """Whether several arguments can be written there, and are then parsed as exactly those."""
    has_key = completions.syntax == Syntax.WORD
    return (
        (has_key or completions.syntax == Syntax.VALUE)
        and not completions.quote
        and text.isprintable()
        and _ARGUMENTS.fullmatch(text) is not None
        and text.partition(" ")[0].count("=") == has_key
    )


def _value(candidate: Candidate, completions: Completions, is_open: bool) -> str | None:
    text = candidate.text
    is_bare = _BARE_VALUE.fullmatch(text) is not None and text.isprintable()
    if completions.is_any and not candidate.is_word:
        is_bare = is_bare and not is_ambiguous(text)
    return text if is_bare and not completions.quote else _string(text, completions, is_open)


def _string(text: str, completions: Completions, is_open: bool) -> str | None:
    """A text in quotes: in those that are typed, if it can be written in them."""
    is_ended = is_open or completions.is_closed
    if completions.quote == "'" and text.isprintable():
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}" + "'" * (not is_ended)
    if completions.quote == "'" and completions.is_closed:
        return None
    return format_string(text)[: -is_ended or None]


def _in_literal(candidate: Candidate, completions: Completions, is_open: bool) -> str:
    if candidate.is_word:
        return candidate.text
    quote = completions.quote or completions.usual_quote
    ending = "" if is_open or completions.is_closed else quote + ": " * candidate.is_key
    return quote + escape(candidate.text, quote) + ending


def _human(text: str, completions: Completions, is_open: bool) -> str | None:
    if not completions.quote and text.isprintable() and _BARE_HUMAN.fullmatch(text) is not None:
        return text
    escaped = "".join(_HUMAN_ESCAPES.get(character, character) for character in text)
    ending = "" if is_open or completions.is_closed else '"'
    return f'"{escaped}{ending}' if escaped.isprintable() else None
