"""A command in words that the user's own shell has split, as one line of the notation.

After the first ``=`` of a word all is the value: blanks, quotes, ``|``, ``>``, ``#`` and ``$``
are characters in it like others, for their meaning is that of the user's shell. This module does
not know what a command means, nor which dot commands exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from ..errors import UsageError
from .logical_line import LogicalLine, ParseError
from .notation import is_plain
from .values import is_ambiguous

# Words that mean the same in a line. Patterns; re compiles each when it is first used.
_NAME = r"""[^\s"'{}\[\]()=|<>#./\\][^\s"'{}\[\]()=|<>/\\]*"""
_DOT_NAME = r"""\.[^\s"'=|<>#\\]*"""
_HUMAN_NAME = r"""[^\s"'|<>\\]+"""
_KEY = r"""[^\s"'{}\[\]=|<>#][^\s"'{}\[\]=]*"""
# What a line's own parser refuses as well as this module could, and with a hint of what is meant.
_WITHOUT_VALUE = r"""[^\s"'{}\[\]()=|<>#$?\\-][^\s"'{}\[\]()=|<>#$\\]*"""
# A key behind a dot command, where other words, as paths, may have a "=" in them too.
_DOT_KEY = r"[A-Za-z_][\w.-]*"
# What is to be in quotes behind a dot command, and in the human monitor, which has quotes too.
_SPECIAL = r"""[\s"'\\|]|^[#<>]|^$"""
_SPECIAL_FOR_HUMAN = r"""\s|^"|^(?:\||>>?)$|\\$|^$"""
_ASKS = ("?", "-h", "--help")  # as the last word: what is wanted is help on the command
_OPENINGS = (["transaction("], ["transaction", "("])
_HUMAN_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}

Rule = Callable[[str], str]
"""Formats a word, or raises ParseError."""


def format_words(words: Sequence[str], *, human: bool) -> list[str]:
    """Format each word as a part of a line; joined by blanks they are the line.

    :param words: a command or a dot command and what follows it, or a message in JSON; at least
        one.
    :param human: the line is for the human monitor, unless it is a dot command.
    :raise UsageError: they are no command.
    """
    formatted = []
    for number, (word, rule) in enumerate(
        zip(words, _choose_rules([*words], human), strict=True), 1
    ):
        try:
            formatted.append(rule(word))
        except ParseError as error:
            line = " ".join(words)
            error.source = LogicalLine(line, [0], [line], 1)
            raise UsageError(f"word {number}: {error}") from None
    return formatted


def _choose_rules(words: list[str], human: bool) -> list[Rule]:
    """The rule for each word."""
    first, *others = words
    if first == ".hmp" and others:
        return [_dot_name, *_choose_rules(others, human=True)]
    if first.startswith("."):
        return [_dot_name, *([_dot_argument] * len(others))]
    if human and not others:
        return [_human_line]
    if human:
        return [_human_name, *([_human_word] * len(others))]
    if first.startswith("{") and not others:
        return [_unchanged]
    for opening in _OPENINGS:
        if words[: len(opening)] == opening:
            return _choose_in_transaction(words, len(opening))
    if others and others[-1] in _ASKS:
        return [_name, *([_argument] * (len(others) - 1)), _ask]
    return [_name, *([_argument] * len(others))]


def _choose_in_transaction(words: Sequence[str], start: int) -> list[Rule]:
    """The rule for each word of a transaction, whose actions begin at an index."""
    rules = [_unchanged if index < start else _in_action for index in range(len(words))]
    return [*rules[:-1], _closing]


def _in_action(word: str) -> str:
    return _argument(word) if "=" in word else _name(word)


def _unchanged(word: str) -> str:
    return word


def _ask(_: str) -> str:
    return "?"


def _name(word: str) -> str:
    return _match(_NAME, word, "{} is not a command name")


def _dot_name(word: str) -> str:
    return _match(_DOT_NAME, word, "{} is not the name of a dot command")


def _human_name(word: str) -> str:
    return _match(_HUMAN_NAME, word, "{} is not a command name")


def _human_line(word: str) -> str:
    """A name, or a whole line in the quotes of the user's shell."""
    return word if " " in word.strip() and "\n" not in word else _human_name(word)


def _match(pattern: str, word: str, message: str) -> str:
    """:raise ParseError: the word is not of the pattern."""
    if re.fullmatch(pattern, word) is None:
        hint = "; a whole line goes behind -c" if " " in word else ""
        raise ParseError(message + hint, 0, quoted=word)
    return word


def _closing(word: str) -> str:
    if word != ")":
        raise ParseError("the last word of a transaction( is )", 0)
    return word


def _argument(word: str) -> str:
    key, equals, value = word.partition("=")
    if not equals:
        return _argument_without_value(word)
    if not key:
        raise ParseError("a key is missing before =", 0)
    if re.fullmatch(_KEY, key) is None:
        raise ParseError("{} cannot be a key", 0, quoted=key)
    return f"{key}={_format_value(value)}"


def _argument_without_value(word: str) -> str:
    if re.fullmatch(_WITHOUT_VALUE, word) is not None:
        return word
    if word.startswith("{") and (literal := _format_literal(word)) is not None:
        return literal
    hint = ""
    if word.startswith("-"):
        hint = "; options of qmp-shell stand before the command"
    elif word.startswith(("|", ">", "<")):
        hint = "; |, > and < have a meaning behind -c only"
    raise ParseError("{} has no value; write key=value" + hint, 0, quoted=word)


def _dot_argument(word: str) -> str:
    if word.startswith("{") and (message := _format_literal(word)) is not None:
        return message
    key, equals, value = word.partition("=")
    if equals and re.fullmatch(_DOT_KEY, key) is not None:
        return f"{key}={_format_value(value)}"
    return _quote(word) if re.search(_SPECIAL, word) is not None else word


def _human_word(word: str) -> str:
    if re.search(_SPECIAL_FOR_HUMAN, word) is None:
        return word
    return '"' + "".join(_HUMAN_ESCAPES.get(each, each) for each in word) + '"'


def _format_value(value: str) -> str:
    """Format a value: a literal, a bare word whose type matters, or a string."""
    literal = _format_literal(value) if value.startswith(("{", "[")) else None
    if literal is not None:
        return literal
    return value if is_plain(value) or is_ambiguous(value) else _quote(value)


def _format_literal(value: str) -> str | None:
    """Format a literal on one line; None: it is none, but a text that begins as one does."""
    from .literal import parse_literal

    try:
        parsed = parse_literal(value, 0)
    except ParseError:
        return None
    # Half a character may come from an escape, which is kept, or from a byte that is not UTF-8.
    is_text = not any("\ud800" <= each <= "\udfff" for each in value)
    return json.dumps(parsed, ensure_ascii=is_text)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
