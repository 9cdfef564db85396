"""Parse logical lines into statements: messages to send, and dot commands to run.

The only state kept between lines is an open transaction. This module does not know the schema,
nor which dot commands exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..messages import Message
from ..record import Record
from .command import check_command_name, parse_command, parse_value
from .destination import DISPLAY, Destination, check_host_command, parse_destination
from .logical_line import LogicalLine, ParseError
from .words import (
    OPERATORS,
    READ,
    READ_WRITE,
    TRANSACTION,
    Word,
    literal_end,
    skip_blank,
    split_transaction,
    split_words,
)

# Patterns; re compiles each when it is first used, since most lines need none of them.
_DOT = r"(?s)\.(?P<name>\S*)\s*(?P<argument>.*)"
# The dot commands that may be typed without the dot, because other shells have them so.
_WITHOUT_DOT = r"(?s)\s*(?:(?P<exit>exit)|(?:help|\?)(?P<topic>(?:\s+[^\s=|>]+)?(?:\s*[|>].*)?))\s*"
_WORDS_WITHOUT_DOT = ("exit", "help", "?")


class DescriptorFile(Record):
    """A file to open, whose descriptor is sent along with a command.

    :ivar path: the path to open.
    :ivar writable: whether to open it for reading and writing; otherwise only for reading.
    """

    def __init__(self, path: str, writable: bool) -> None:
        self.path = path
        self.writable = writable


class ExecuteStatement(Record):
    """A message to send, after its bare words have been converted to typed values.

    :ivar message: the message; its leaves may be
        :class:`~qmp_shell.language.values.BareWord` objects.
    :ivar files: the files whose descriptors are sent along.
    :ivar destination: where the reply goes.
    """

    def __init__(
        self,
        message: Message,
        files: tuple[DescriptorFile, ...] = (),
        destination: Destination = DISPLAY,
    ) -> None:
        self.message = message
        self.files = files
        self.destination = destination


class DotStatement(Record):
    """A dot command: ``.name argument``.

    :ivar name: the name without the dot.
    :ivar argument: the rest of the line, without surrounding blanks.
    """

    def __init__(self, name: str, argument: str) -> None:
        self.name = name
        self.argument = argument


Statement = ExecuteStatement | DotStatement


def is_dot_command(text: str) -> bool:
    """Whether a line is a dot command, including those that may be typed without the dot."""
    return text.lstrip().startswith(".") or _match_without_dot(text) is not None


def is_help_line(text: str) -> bool:
    """Whether a line asks for help on a command: ``COMMAND ?``."""
    try:
        return _asks_for_help(list(split_words(text, skip_blank(text, 0))))
    except ParseError:
        return False


def _asks_for_help(words: Sequence[Word]) -> bool:
    return len(words) > 1 and words[-1].key == "?" and words[-1].value is None


def _match_without_dot(text: str) -> re.Match[str] | None:
    if not text.lstrip().startswith(_WORDS_WITHOUT_DOT):
        return None
    return re.fullmatch(_WITHOUT_DOT, text)


class StatementParser:
    """Parses logical lines into statements, and collects the actions of a transaction."""

    def __init__(self, resolve: Callable[[Message], Message] = lambda action: action) -> None:
        """
        :param resolve: is given each action of a transaction as soon as its line was parsed, and
            returns what is sent in its place. It may raise :class:`ParseError`.
        """
        self._resolve = resolve
        self._actions: list[Message] | None = None  # those of the open transaction
        self._is_invalid = False

    @property
    def in_transaction(self) -> bool:
        """Whether a ``transaction(`` is open."""
        return self._actions is not None

    def discard_transaction(self) -> None:
        """Discard the open transaction, if there is one."""
        self._actions = None
        self._is_invalid = False

    def mark_invalid(self) -> None:
        """Mark the open transaction as invalid, because one of its lines could not be parsed.

        The ``)`` that closes it then raises an error instead of returning a statement. Without
        an open transaction this does nothing.
        """
        self._is_invalid = self.in_transaction

    def parse(self, source: LogicalLine) -> Statement | None:
        """Parse one logical line.

        :return: the statement; None if the line is blank or a comment, or if it is part of a
            transaction that it does not close.
        :raise ParseError: the line is not valid. An open transaction is not changed by that,
            unless the line closes one that is marked as invalid.
        """
        try:
            return self._parse_line(source.text)
        except ParseError as error:
            error.source = source
            raise

    def _parse_line(self, text: str) -> Statement | None:
        start = skip_blank(text, 0)
        if start == len(text) or text[start] == "#":
            return None
        if text[start] == ".":
            return _parse_dot_command(text[start:])
        if (without_dot := _match_without_dot(text)) is not None:
            return DotStatement(
                "exit" if without_dot["exit"] else "help", (without_dot["topic"] or "").strip()
            )
        opening = None
        if text.startswith("transaction", start):
            opening = re.compile(TRANSACTION).match(text, start)
        if opening is not None:
            if self.in_transaction:
                raise ParseError("a transaction is already open; close it with )", start)
            return self._parse_actions([], text, opening.end())
        if self._actions is not None:
            return self._parse_actions(self._actions, text, start)
        if text[start] in "{[":
            message, tail = _parse_json_message(text, start)
            _check_operators(tail)
            return _with_operators(message, tail)
        words = list(split_words(text, start))
        if _asks_for_help(words):
            return DotStatement("help", text[start : words[-1].start].strip())
        return _parse_execute(words)

    def _parse_actions(
        self, before: list[Message], text: str, start: int
    ) -> ExecuteStatement | None:
        """Parse the actions in a line, and add them to the transaction.

        :param before: the actions of the transaction so far.
        :param start: where the line's actions begin.
        :return: the whole transaction, if ``)`` closes it.
        """
        on_one_line = not before and not self.in_transaction
        start = skip_blank(text, start)
        if text.startswith("{", start):
            action, tail = _parse_json_action(text, start)
            closed = on_one_line and bool(tail) and tail[0].key == ")"
            actions, tail = [action], tail[closed:]
            _check_operators(tail)
        else:
            # On a line of its own, a value may end with a bracket; a name cannot.
            split = split_transaction if on_one_line or "=" not in text else split_words
            words = list(split(text, start))
            tail = [word for word in words if word.key in OPERATORS]
            words = [word for word in words if word.key not in OPERATORS]
            actions, closed = _group_actions(words, on_one_line)
        if tail and not closed:
            raise ParseError("this can only follow the ) of a transaction", tail[0].start)
        # A transaction may have many lines, so none copies the actions before it.
        before.extend([self._resolve(each) for each in actions])
        self._actions = before
        if not closed:
            return None
        is_invalid = self._is_invalid
        self.discard_transaction()
        if is_invalid:
            raise ParseError("not sent: a line of this transaction could not be parsed", start)
        message = {"execute": "transaction", "arguments": {"actions": before}}
        return _with_operators(message, tail)


def _parse_execute(words: list[Word]) -> ExecuteStatement:
    """Parse a command with its arguments, redirections and pipeline."""
    if words[0].key in OPERATORS:
        raise ParseError("a command's name comes first", words[0].start)
    tail = [word for word in words if word.key in OPERATORS]
    others = [word for word in words if word.key not in OPERATORS]
    if tail:
        check_host_command((word.value or "" for word in others), tail[0])
    return _with_operators(parse_command(others).message(), tail)


def _with_operators(message: Message, tail: list[Word]) -> ExecuteStatement:
    """Parse ``<PATH``, ``<>PATH`` and where the reply goes, and add them to a message.

    :param tail: the words that begin with an operator.
    :raise ParseError: an operator's operand is missing, or not a path.
    """
    if not tail:
        return ExecuteStatement(message, (), DISPLAY)
    files = [_parse_descriptor(word) for word in tail if word.key in (READ, READ_WRITE)]
    others = [word for word in tail if word.key not in (READ, READ_WRITE)]
    destination = parse_destination(others)
    return ExecuteStatement(message, tuple(files), destination)


def _parse_descriptor(word: Word) -> DescriptorFile:
    if not word.value:
        raise ParseError(f"a path is missing after {word.key}", word.start)
    path = parse_value(word.value, word.value_start)
    if not isinstance(path, str):
        raise ParseError("expected a path", word.value_start)
    return DescriptorFile(str(path), word.key == READ_WRITE)


def _parse_dot_command(text: str) -> DotStatement:
    """Parse a line that begins with a dot."""
    match = re.match(_DOT, text)
    assert match is not None
    return DotStatement(match["name"], match["argument"].strip())


def _parse_json_message(text: str, start: int) -> tuple[Message, list[Word]]:
    """Parse a message that is written as JSON.

    :return: the message, and the words after it.
    """
    end = literal_end(text, start)
    value = parse_value(text[start:end], start)
    if not isinstance(value, dict):
        raise ParseError("a message must be an object: {...}", start)
    return value, list(split_words(text, end))


def _check_operators(words: list[Word]) -> None:
    """:raise ParseError: one of the words after a message does not begin with an operator."""
    for word in words:
        if word.key not in OPERATORS:
            raise ParseError("nothing may follow a message", word.start)


def _parse_json_action(text: str, start: int) -> tuple[Message, list[Word]]:
    """Parse an action of a transaction that is written as JSON, and the words after it."""
    action, tail = _parse_json_message(text, start)
    if "type" not in action:
        raise ParseError("an action must be {'type': NAME, 'data': {...}}", start)
    return action, tail


def _group_actions(words: list[Word], several: bool) -> tuple[list[Message], bool]:
    """Parse the words of a line that is part of a transaction.

    :param several: whether a word without ``=`` begins another action.
    :return: the actions in the line, and whether ``)`` closes the transaction.
    """
    closed = False
    groups: list[list[Word]] = []
    for word in words:
        if closed:
            raise ParseError("nothing may follow the ) of a transaction", word.start)
        if word.value is None and word.key == ")":
            closed = True
        elif not groups or (several and word.value is None):
            check_command_name(word)
            groups.append([word])
        else:
            groups[-1].append(word)
    return [_parse_action(group) for group in groups], closed


def _parse_action(words: list[Word]) -> Message:
    """Parse ``NAME key=value ...`` into an action (QAPI doc: ``TransactionAction``)."""
    command = parse_command(words)
    return {"type": command.name, "data": command.arguments}
