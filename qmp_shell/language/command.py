"""Parse ``NAME key=value ...`` into a command, building objects and lists from dotted keys.

This module does not know the types of arguments: bare words stay :class:`BareWord` objects
until ``word_types.py`` converts them.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

from ..messages import Message
from ..record import Record
from ..static_typing import Any
from .logical_line import ParseError
from .references import parse_bare_word
from .values import BareWord, parse_string
from .words import MAX_DEPTH, Word

_MARKS_OF_STRINGS = ('"', "'")
_NOT_IN_NAMES = frozenset("=\"'{}[]()")
_INDEX = re.compile(r"0|[1-9][0-9]*")


class ParsedCommand(Record):
    """A command whose bare words have not been converted to typed values yet.

    :ivar name: the command's name.
    :ivar arguments: nested dictionaries and lists. The leaves are values, or
        :class:`~qmp_shell.language.values.BareWord` objects.
    """

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        self.name = name
        self.arguments = arguments

    def message(self) -> Message:
        """Return the QMP message, without ``arguments`` if there are none."""
        message: Message = {"execute": self.name}
        if self.arguments:
            message["arguments"] = self.arguments
        return message


def parse_command(words: Iterable[Word]) -> ParsedCommand:
    """Parse the words of a line: a name, and ``key=value`` pairs.

    :param words: at least one word; no redirections or pipelines among them.
    :raise ParseError: the words do not form a command.
    """
    words = iter(words)
    name = next(words)
    check_command_name(name)
    root = _Branch()
    for word in words:
        if word.value is None:
            problem = _explain_missing_value(word.key, words)
            raise ParseError(problem, word.start, quoted=word.key)
        _insert(root, word)
    return ParsedCommand(name.key, {key: _build_value(node) for key, node in root.nodes.items()})


def _explain_missing_value(text: str, after: Iterable[Word]) -> str:
    """Return the error message for a word, ``{}``, that is not ``key=value``.

    :param after: the words after it, in which a quote may be closed.
    """
    if text.startswith(_MARKS_OF_STRINGS):
        parts = [text[1:], *(f"{word.key}={word.value or ''}" for word in after)]
        if not any(text[0] in part for part in parts):
            return "this string is never closed"
    if text.startswith("="):
        return "a key is missing before ="
    if "=" in text:
        return "a key cannot contain quotes or brackets; write key=value"
    return "{} has no value; write key=value"


def check_command_name(word: Word) -> None:
    """Check that a word can be the name of a command.

    :raise ParseError: the word is ``key=value``, or contains quotes or brackets.
    """
    if word.value is not None:
        raise ParseError("a command's name comes first, then key=value", word.start)
    if not _NOT_IN_NAMES.isdisjoint(word.key):
        raise ParseError("{} is not a command name", word.start, quoted=word.key)


def parse_value(text: str, offset: int) -> Any:
    """Parse one value, as it is written after ``key=``.

    :param text: the value and nothing else.
    :param offset: the position of ``text`` in the logical line, in characters; used to locate
        errors.
    :return: a string, number, boolean, None, list or dictionary; a :class:`BareWord` if the
        value is written without quotes or brackets.
    :raise ParseError: the text is not a valid value.
    """
    if text.startswith(("{", "[")):
        from .literal import parse_literal

        return parse_literal(text, offset)
    if text.startswith(_MARKS_OF_STRINGS):
        return parse_string(text, offset)
    if text.startswith("$"):
        return parse_bare_word(text, offset)
    return BareWord(text)


class _Leaf:
    """The value of a complete key."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _Branch:
    """The object or list below a key, while it is being built.

    :ivar nodes: its members. List indexes are strings here, because whether it is a list is
        only known once all keys have been inserted.
    :ivar offset: the position, in the logical line, of the first key below it.
    """

    def __init__(self, offset: int = 0) -> None:
        self.nodes: dict[str, _Leaf | _Branch] = {}
        self.offset = offset


def _insert(root: _Branch, word: Word) -> None:
    """Insert the value of ``word`` into the tree, at the place that its dotted key names.

    :raise ParseError: the key is malformed, or contradicts a previous one.
    """
    assert word.value is not None
    leaf = _Leaf(parse_value(word.value, word.value_start))
    *path, last = word.key.split(".")
    if len(path) > MAX_DEPTH:
        raise ParseError(f"keys are nested more than {MAX_DEPTH} levels deep", word.start)
    branch = root
    offset = word.start
    prefix = ""
    for part in path:
        _check_part(part, offset)
        node = branch.nodes.setdefault(part, _Branch(word.start))
        offset += len(part) + 1
        prefix += part
        if isinstance(node, _Leaf):
            raise ParseError(
                "{} already has a value, so it cannot have members", word.start, quoted=prefix
            )
        prefix += "."
        branch = node
    _check_part(last, offset)
    if last in branch.nodes:
        is_leaf = isinstance(branch.nodes[last], _Leaf)
        problem = "is given twice" if is_leaf else "already has members"
        raise ParseError(f"{{}} {problem}", word.start, quoted=word.key)
    branch.nodes[last] = leaf


def _check_part(part: str, offset: int) -> None:
    """Check one part of a dotted key.

    :raise ParseError: it is empty.
    """
    if not part:
        raise ParseError("a name is missing here, next to a dot", offset)


def _build_value(node: _Leaf | _Branch) -> Any:
    """Convert a finished tree to nested dictionaries and lists.

    :raise ParseError: the indexes of a list are not 0 to n-1, or are mixed with names.
    """
    if isinstance(node, _Leaf):
        return node.value
    indexes = [key for key in node.nodes if _INDEX.fullmatch(key)]
    if not indexes:
        return {key: _build_value(child) for key, child in node.nodes.items()}
    if len(indexes) < len(node.nodes):
        raise ParseError("names and list indexes are mixed under this key", node.offset)
    missing = next((n for n in range(len(indexes)) if str(n) not in node.nodes), None)
    if missing is not None:
        raise ParseError(f"list index {missing} is missing under this key", node.offset)
    return [_build_value(node.nodes[str(n)]) for n in range(len(indexes))]


def parse_partial_arguments(words: Iterable[Word]) -> dict[str, Any]:
    """Parse the arguments of a line that is still being typed.

    Words that are incomplete or wrong are skipped; no error is raised.

    :param words: the words after the command's name.
    :return: nested dictionaries. Lists are dictionaries too, with the indexes as keys, because
        some of the indexes may not be typed yet.
    """
    root: dict[str, Any] = {}
    for word in words:
        if word.value is None:
            continue
        with contextlib.suppress(ParseError):
            value = parse_value(word.value, word.value_start)
            *path, last = word.key.split(".", MAX_DEPTH + 1)
            if len(path) > MAX_DEPTH:
                continue
            branch: Any = root
            for part in path:
                branch = branch.setdefault(part, {}) if isinstance(branch, dict) else None
            if isinstance(branch, dict):
                branch.setdefault(last, value)
    return root
