"""Whole lines to statements: messages to send, and dot commands to obey.

The only thing remembered from one line to the next is an open transaction.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..protocol import Message
from .command import check_name, read_command, read_value
from .source import ParseError, Source
from .words import Word, literal_end, skip_blank, split_words

_TRANSACTION = re.compile(r"transaction\s*\(")
_DOT = re.compile(r"\.(?P<name>\S*)\s*(?P<argument>.*)", re.DOTALL)
# Dot commands that people type without the dot, in this shell as in others.
_WITHOUT_DOT = re.compile(r"\s*(?:(?P<exit>exit)|(?:help|\?)(?:\s+(?P<topic>[^\s=]+))?)\s*")


class Execute(NamedTuple):
    """A message to be sent, once its bare words are typed."""

    message: Message


class Dot(NamedTuple):
    """A command to this shell: ``.name argument``."""

    name: str
    argument: str


Statement = Execute | Dot


class Assembler:
    """Turns whole lines into statements, and the lines of a transaction into one."""

    def __init__(self) -> None:
        self._actions: list[Message] | None = None
        self._spoiled = False

    @property
    def in_transaction(self) -> bool:
        """Whether a ``transaction(`` is open."""
        return self._actions is not None

    def drop(self) -> None:
        """Forget an open transaction."""
        self._actions = None
        self._spoiled = False

    def spoil(self) -> None:
        """Let an open transaction end in an error, for one of its lines could not be read."""
        self._spoiled = self.in_transaction

    def feed(self, source: Source) -> Statement | None:
        """Take one whole line.

        :return: what is to be done; None: nothing, or a transaction wants more lines.
        :raise ParseError: it can't be read. An open transaction stays as it was.
        """
        try:
            return self._statement(source.text)
        except ParseError as error:
            error.source = source
            raise

    def _statement(self, text: str) -> Statement | None:
        start = skip_blank(text, 0)
        if start == len(text) or text[start] == "#":
            return None
        if text[start] == ".":
            return _dot(text[start:])
        if (without_dot := _WITHOUT_DOT.fullmatch(text)) is not None:
            return Dot("exit" if without_dot["exit"] else "help", without_dot["topic"] or "")
        opening = _TRANSACTION.match(text, start)
        if opening is not None:
            if self.in_transaction:
                raise ParseError("a transaction is open already; close it with )", start)
            return self._transaction([], text, opening.end())
        if self._actions is not None:
            return self._transaction(self._actions, text, start)
        if text[start] in "{[":
            return Execute(_raw_message(text, start))
        words = list(split_words(text, start))
        if [word.key for word in words[1:]] == ["?"]:
            return Dot("help", words[0].key)
        return Execute(read_command(words).message())

    def _transaction(self, before: list[Message], text: str, start: int) -> Execute | None:
        """Add a line's actions to those before it; ``)`` ends them."""
        on_one_line = not before and not self.in_transaction
        start = skip_blank(text, start)
        if text.startswith("{", start):
            actions, closed = [_raw_action(text, start)], False
        else:
            actions, closed = _actions(list(split_words(text, start)), on_one_line)
        self._actions = actions = before + actions
        if not closed:
            return None
        spoiled = self._spoiled
        self.drop()
        if spoiled:
            raise ParseError("not sent, for a line of this transaction could not be read", start)
        return Execute({"execute": "transaction", "arguments": {"actions": actions}})


def _dot(text: str) -> Dot:
    match = _DOT.match(text)
    assert match is not None
    return Dot(match["name"], match["argument"].strip())


def _raw_message(text: str, start: int) -> Message:
    end = literal_end(text, start)
    value = read_value(text[start:end], start)
    if not isinstance(value, dict):
        raise ParseError("a message is an object: {...}", start)
    for word in split_words(text, end):
        raise ParseError("nothing may follow a message", word.start)
    return value


def _raw_action(text: str, start: int) -> Message:
    action = _raw_message(text, start)
    if "type" not in action:
        raise ParseError("an action is {'type': NAME, 'data': {...}}", start)
    return action


def _actions(words: list[Word], several: bool) -> tuple[list[Message], bool]:
    """The actions in one line of a transaction, and whether ``)`` ends it.

    :param several: a word without ``=`` begins one more action.
    """
    closed = False
    groups: list[list[Word]] = []
    for word in words:
        if closed:
            raise ParseError("nothing may follow the ) of a transaction", word.start)
        if word.value is None and word.key == ")":
            closed = True
        elif not groups or (several and word.value is None):
            check_name(word)
            groups.append([word])
        else:
            groups[-1].append(word)
    return [_action(group) for group in groups], closed


def _action(words: list[Word]) -> Message:
    command = read_command(words)
    return {"type": command.name, "data": command.arguments}
