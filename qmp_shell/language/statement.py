"""Whole lines to statements: messages to send, and dot commands to obey.

The only thing remembered from one line to the next is an open transaction.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..protocol import Message
from .command import check_command_name, parse_command, parse_value
from .logical_line import LogicalLine, ParseError
from .words import PIPE, READ, READ_WRITE, Word, literal_end, skip_blank, split_words

_TRANSACTION = re.compile(r"transaction\s*\(")
_OUT_OF_BAND = re.compile(r"\.oob\s+(?=\S)")
_DOT = re.compile(r"\.(?P<name>\S*)\s*(?P<argument>.*)", re.DOTALL)
_MARKS = (PIPE, READ, READ_WRITE)
# Dot commands that people type without the dot, in this shell as in others.
_WITHOUT_DOT = re.compile(r"\s*(?:(?P<exit>exit)|(?:help|\?)(?:\s+(?P<topic>[^\s=]+))?)\s*")


class DescriptorFile(NamedTuple):
    """A file whose descriptor goes along with a command."""

    path: str
    writable: bool


class ExecuteStatement(NamedTuple):
    """A message to be sent, once its bare words are typed.

    :ivar files: to be opened, and their descriptors sent along.
    :ivar pipeline: the shell command that is given the reply; None: the reply is shown.
    """

    message: Message
    files: tuple[DescriptorFile, ...] = ()
    pipeline: str | None = None


class DotStatement(NamedTuple):
    """A command to this shell: ``.name argument``."""

    name: str
    argument: str


Statement = ExecuteStatement | DotStatement


def is_dot_command(text: str) -> bool:
    """Whether a line is a command to this shell; with its dot, or one that needs none."""
    return text.lstrip().startswith(".") or _WITHOUT_DOT.fullmatch(text) is not None


class StatementParser:
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

    def feed(self, source: LogicalLine) -> Statement | None:
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
        out_of_band = _OUT_OF_BAND.match(text, start)
        if out_of_band is not None:
            statement = _command(list(split_words(text, out_of_band.end())))
            message = {"exec-oob": statement.message.pop("execute"), **statement.message}
            return statement._replace(message=message)
        if text[start] == ".":
            return _dot(text[start:])
        if (without_dot := _WITHOUT_DOT.fullmatch(text)) is not None:
            return DotStatement(
                "exit" if without_dot["exit"] else "help", without_dot["topic"] or ""
            )
        opening = _TRANSACTION.match(text, start)
        if opening is not None:
            if self.in_transaction:
                raise ParseError("a transaction is open already; close it with )", start)
            return self._transaction([], text, opening.end())
        if self._actions is not None:
            return self._transaction(self._actions, text, start)
        if text[start] in "{[":
            message, tail = _raw_message(text, start)
            return _execute(message, tail)
        words = list(split_words(text, start))
        if len(words) > 1 and words[-1].key == "?" and words[-1].value is None:
            return DotStatement("help", text[start : words[-1].start].strip())
        return _command(words)

    def _transaction(self, before: list[Message], text: str, start: int) -> ExecuteStatement | None:
        """Add a line's actions to those before it; ``)`` ends them."""
        on_one_line = not before and not self.in_transaction
        start = skip_blank(text, start)
        tail: list[Word] = []
        if text.startswith("{", start):
            action, tail = _raw_action(text, start)
            actions, closed = [action], False
        else:
            words = list(split_words(text, start))
            if on_one_line:
                words = _with_bracket(words)
            tail = [word for word in words if word.key in _MARKS]
            actions, closed = _actions([w for w in words if w.key not in _MARKS], on_one_line)
        if tail and not closed:
            raise ParseError("this can only follow the ) of a transaction", tail[0].start)
        self._actions = actions = before + actions
        if not closed:
            return None
        spoiled = self._spoiled
        self.drop()
        if spoiled:
            raise ParseError("not sent, for a line of this transaction could not be read", start)
        return _execute({"execute": "transaction", "arguments": {"actions": actions}}, tail)


def _command(words: list[Word]) -> ExecuteStatement:
    """A command, with what stands behind its arguments."""
    if words[0].key in _MARKS:
        raise ParseError("a command's name comes first", words[0].start)
    command = parse_command(word for word in words if word.key not in _MARKS)
    return _execute(command.message(), [word for word in words if word.key in _MARKS])


def _execute(message: Message, tail: list[Word]) -> ExecuteStatement:
    """Read ``<PATH``, ``<>PATH`` and ``| PIPELINE``."""
    files = []
    pipeline = None
    for word in tail:
        if not word.value:
            what = "a shell command" if word.key == PIPE else "a path"
            raise ParseError(f"{what} is missing behind the {word.key}", word.start)
        if word.key == PIPE:
            pipeline = word.value
        else:
            path = parse_value(word.value, word.value_start)
            if not isinstance(path, str):
                raise ParseError("a path is needed here", word.value_start)
            files.append(DescriptorFile(str(path), word.key == READ_WRITE))
    return ExecuteStatement(message, tuple(files), pipeline)


def _dot(text: str) -> DotStatement:
    match = _DOT.match(text)
    assert match is not None
    return DotStatement(match["name"], match["argument"].strip())


def _raw_message(text: str, start: int) -> tuple[Message, list[Word]]:
    """A message in JSON, and what stands behind it."""
    end = literal_end(text, start)
    value = parse_value(text[start:end], start)
    if not isinstance(value, dict):
        raise ParseError("a message is an object: {...}", start)
    tail = list(split_words(text, end))
    for word in tail:
        if word.key not in _MARKS:
            raise ParseError("nothing may follow a message", word.start)
    return value, tail


def _raw_action(text: str, start: int) -> tuple[Message, list[Word]]:
    action, tail = _raw_message(text, start)
    if "type" not in action:
        raise ParseError("an action is {'type': NAME, 'data': {...}}", start)
    return action, tail


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
            check_command_name(word)
            groups.append([word])
        else:
            groups[-1].append(word)
    return [_action(group) for group in groups], closed


def _with_bracket(words: list[Word]) -> list[Word]:
    """The words of a line, with the ``)`` as one of its own where it is stuck to the last.

    A ``)`` that has its ``(`` in the same word, or is in quotes, belongs to a value.
    """
    tail = [word for word in words if word.key in _MARKS]
    *before, last = [word for word in words if word.key not in _MARKS] or [Word(0, "", None, 0)]
    text = last.key if last.value is None else last.value
    if len(text) < 2 or not text.endswith(")") or "(" in text:
        return words
    end = (last.start if last.value is None else last.value_start) + len(text)
    cut = last._replace(key=text[:-1]) if last.value is None else last._replace(value=text[:-1])
    return [*before, cut, Word(end - 1, ")", None, end), *tail]


def _action(words: list[Word]) -> Message:
    command = parse_command(words)
    return {"type": command.name, "data": command.arguments}
