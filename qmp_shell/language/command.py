"""``NAME key=value ...`` to a command, with dotted keys made into objects and lists."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..protocol import Message
from .logical_line import ParseError
from .values import BareWord, parse_string
from .words import MAX_DEPTH, Word

_INDEX = re.compile(r"0|[1-9][0-9]*")


class ParsedCommand(NamedTuple):
    """A command as it was written: its bare words are still to be typed.

    :ivar arguments: nested dictionaries and lists; the leaves are values or
        :class:`~qmp_shell.language.values.Bare` words.
    """

    name: str
    arguments: dict[str, Any]

    def message(self) -> Message:
        """What is sent for it, once its bare words are typed."""
        message: Message = {"execute": self.name}
        if self.arguments:
            message["arguments"] = self.arguments
        return message


def parse_command(words: Iterable[Word]) -> ParsedCommand:
    """Make a command of a line's words.

    :raise ParseError: they make none.
    """
    words = iter(words)
    name = next(words)
    check_command_name(name)
    tree = _Branch()
    for word in words:
        if word.value is None:
            raise ParseError(_not_an_argument(word.key), word.start)
        _set(tree, word)
    return ParsedCommand(name.key, {key: _built(node) for key, node in tree.nodes.items()})


def _not_an_argument(text: str) -> str:
    if text.startswith("="):
        return "a key is missing before the ="
    if "=" in text:
        return "a key has no quotes or brackets in it; write key=value"
    return f"{text!r} has no value; write key=value"


def check_command_name(word: Word) -> None:
    """Refuse as a command's name what can't be one.

    :raise ParseError: it can't.
    """
    if word.value is not None:
        raise ParseError("a command's name comes first, then key=value", word.start)
    if any(mark in word.key for mark in "=\"'{}[]()"):
        raise ParseError(f"{word.key!r} is no command's name", word.start)


def parse_value(text: str, offset: int) -> Any:
    """Read one value, as it is written behind ``key=``.

    :param offset: where it stands in the line, for the errors.
    :return: a string, number, boolean, None, list or dictionary; :class:`Bare` for a bare word.
    :raise ParseError: it is none of these.
    """
    if text.startswith(("{", "[")):
        from .literal import parse_literal

        return parse_literal(text, offset)
    if text.startswith(('"', "'")):
        return parse_string(text, offset)
    return BareWord(text)


class _Leaf(NamedTuple):
    value: Any
    offset: int


class _Branch:
    """What lies under one key while it is put together: by name or by index, not both."""

    def __init__(self, offset: int = 0) -> None:
        self.nodes: dict[str, _Leaf | _Branch] = {}
        self.offset = offset


def _set(tree: _Branch, word: Word) -> None:
    """Put a value where its dotted key says."""
    assert word.value is not None
    leaf = _Leaf(parse_value(word.value, word.value_start), word.start)
    *path, last = word.key.split(".")
    if len(path) > MAX_DEPTH:
        raise ParseError(f"keys are nested more than {MAX_DEPTH} deep", word.start)
    branch = tree
    offset = word.start
    walked = ""
    for part in path:
        _check_part(part, offset)
        node = branch.nodes.setdefault(part, _Branch(word.start))
        offset += len(part) + 1
        walked += part
        if isinstance(node, _Leaf):
            raise ParseError(f"{walked!r} has a value already, so it has no members", word.start)
        walked += "."
        branch = node
    _check_part(last, offset)
    if last in branch.nodes:
        taken = branch.nodes[last]
        kind = "given twice" if isinstance(taken, _Leaf) else "given members already"
        raise ParseError(f"{word.key!r} is {kind}", word.start)
    branch.nodes[last] = leaf


def _check_part(part: str, offset: int) -> None:
    if not part:
        raise ParseError("a name is missing here, between the dots", offset)


def _built(node: _Leaf | _Branch) -> Any:
    if isinstance(node, _Leaf):
        return node.value
    indexes = [key for key in node.nodes if _INDEX.fullmatch(key)]
    if not indexes:
        return {key: _built(child) for key, child in node.nodes.items()}
    if len(indexes) < len(node.nodes):
        raise ParseError("names and list indexes are mixed under this key", node.offset)
    missing = next((n for n in range(len(indexes)) if str(n) not in node.nodes), None)
    if missing is not None:
        raise ParseError(f"list index {missing} is missing under this key", node.offset)
    return [_built(node.nodes[str(n)]) for n in range(len(indexes))]


def parse_partial_arguments(words: Iterable[Word]) -> dict[str, Any]:
    """What is known of a command's arguments while they are typed; mistakes are left out.

    :return: nested dictionaries, lists too (with their indexes as keys); bare words are strings.
    """
    tree: dict[str, Any] = {}
    for word in words:
        if word.value is None:
            continue
        with contextlib.suppress(ParseError):
            value = parse_value(word.value, word.value_start)
            *path, last = word.key.split(".")
            branch: Any = tree
            for part in path:
                branch = branch.setdefault(part, {}) if isinstance(branch, dict) else None
            if isinstance(branch, dict):
                branch.setdefault(last, value)
    return tree
