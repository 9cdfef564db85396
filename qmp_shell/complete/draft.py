"""What is being typed, read once: text, cursor and mode, and what kind of line that makes.

A :class:`Draft` does not change. Completion, marks, the toolbar and the decision whether Enter
ends the line all use the same one; nothing else classifies a line that is being typed. It knows
no VM: names and types are looked up by whoever uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from functools import cached_property
from typing import Any, NamedTuple

from ..language import LineJoiner, is_dot_command
from ..language.command import parse_partial_arguments
from ..language.words import OPERATORS, PIPE, Word, split_partial
from ..schema import Object
from .protocols import TypeSource

TRANSACTION = re.compile(r"\s*transaction\s*\(")
"""How a line begins that opens a transaction."""

# A message, or the action of a transaction on one line.
_JSON = re.compile(r"\s*(?:transaction\s*\(\s*)?\{")
_DOT_NAME = re.compile(r"\s*(?P<typed>\.\w*)")
_DOT_ARGUMENT = re.compile(r"\s*\.(?P<name>\w+)\s+(?P<argument>.*)", re.DOTALL)
# Help is also asked for without a dot; "help key=value" would be a command of that name.
_HELP = re.compile(r"\s*(?:help|\?)\s+(?P<topic>(?:[^\s=][^=]*)?)")


class DraftKind(Enum):
    """The kinds of line that can be typed."""

    COMMAND = auto()  # a command, or an action of a transaction
    DOT_NAME = auto()  # the name of a dot command
    DOT_ARGUMENT = auto()  # the argument of a dot command
    JSON = auto()  # a message, or an action of a transaction, in JSON
    COMMENT = auto()
    HUMAN = auto()  # a line for the human monitor


class DotDraft(NamedTuple):
    """A dot command and its argument, up to the cursor."""

    name: str
    argument: str


class MessageDraft(NamedTuple):
    """A message, or an action of a transaction, that is typed as JSON.

    :ivar text: it, from its first bracket on, and what follows it.
    :ivar cursor: how many characters of that stand before the cursor; negative: it is before it.
    """

    text: str
    cursor: int
    is_action: bool


class ActionDraft:
    """A command, or an action of a transaction, and the words of its arguments."""

    def __init__(self, name: Word, *, is_action: bool) -> None:
        self.name = name
        self.words: list[Word] = []
        self.is_action = is_action

    @cached_property
    def given(self) -> dict[str, Any]:
        """Its arguments, as far as they are typed."""
        return parse_partial_arguments(self.words)

    def find_type(self, types: TypeSource) -> Object | None:
        """The type of its arguments; None: the type is unknown."""
        if self.is_action:
            return types.action(self.name.key)
        return types.arguments(self.name.key, self.given)


class CommandDraft:
    """A line of key=value words.

    :ivar actions: the commands or actions that are named; the cursor is in the last one.
    :ivar word: the word that the cursor is in or right after, up to the cursor.
    :ivar whole_word: the same word with what of it stands after the cursor.
    :ivar is_action: the line has actions of a transaction.
    :ivar pipe: what stands between a ``|`` and the cursor; None: the cursor is not behind one.
    :ivar may_begin_action: the word may be the name of a command or of one more action.
    """

    def __init__(self, text: str, cursor: int, *, in_transaction: bool) -> None:
        opening = TRANSACTION.match(text)
        start = opening.end() if opening is not None and opening.end() <= cursor else 0
        is_transaction = start > 0
        words, last = split_partial(text, start, is_transaction=is_transaction)
        before, self.word, self.whole_word, after = _words_at([*words, last], cursor)
        self.is_action = in_transaction or is_transaction
        self.actions: list[ActionDraft] = []
        for word in before:
            if word.value is None and word.key != ")" and (is_transaction or not self.actions):
                self.actions.append(ActionDraft(word, is_action=self.is_action))
            elif word.value is not None and self.actions:
                self.actions[-1].words.append(word)
        if self.actions:
            self.actions[-1].words.extend(_leading_arguments(after))
        self.pipe = self.word.value if self.word.key == PIPE else None
        self.may_begin_action = self.word.value is None and (is_transaction or not self.actions)

    @property
    def is_in_literal(self) -> bool:
        """Whether the cursor is in a ``{...}`` or ``[...]``, or right behind it."""
        value = self.word.value or ""
        return value.startswith(("{", "[")) and self.word.key not in OPERATORS


class Draft:
    """A text that is being typed, and the cursor in it.

    :ivar kind: what kind of line the cursor is in.
    :ivar before: the text of that line up to the cursor; a line before it that ends in a
        backslash or in a literal is joined to it.
    :ivar after: the text of that line behind the cursor.
    :ivar row: the number of the physical line that the cursor is in, from 0.
    :ivar joined: how many characters of :attr:`before` come from the lines before it.
    :ivar needs_more: Enter does not end the text, because a bracket is open.
    :ivar command: the line as a command; None for other kinds.
    :ivar message: the line as JSON; None for other kinds.
    :ivar dot: the line as a dot command; None for other kinds.
    """

    def __init__(
        self,
        text: str,
        cursor: int | None = None,
        *,
        human: bool = False,
        in_transaction: bool = False,
    ) -> None:
        """
        :param cursor: how many characters stand before it; None: all.
        :param human: the text goes to the human monitor.
        :param in_transaction: a ``transaction(`` is open, so the text is an action of it.
        """
        cursor = len(text) if cursor is None else cursor
        lines = text.split("\n")
        self.row = text.count("\n", 0, cursor)
        column = cursor - sum(len(line) + 1 for line in lines[: self.row])
        self.needs_more = False
        self.joined = 0
        line = lines[self.row] if human else self._join(lines)
        self.before = line[: self.joined + column]
        self.after = line[self.joined + column :]
        self.command: CommandDraft | None = None
        self.dot: DotDraft | None = None
        self.message: MessageDraft | None = None
        self.kind = self._classify(line, human=human)
        if self.kind is DraftKind.JSON:
            start = line.index("{")
            is_action = in_transaction or TRANSACTION.match(line) is not None
            self.message = MessageDraft(line[start:], len(self.before) - start, is_action)
        if self.kind is DraftKind.COMMAND:
            self.command = CommandDraft(line, len(self.before), in_transaction=in_transaction)
            if self.command.word.value is None and self.command.word.key.startswith("#"):
                self.kind, self.command = DraftKind.COMMENT, None

    @cached_property
    def is_own_word(self) -> bool:
        """Whether it is a dot command, or ``exit``, ``help`` or ``?`` without the dot."""
        return self.dot is not None or self.kind is DraftKind.DOT_NAME or self._is_bare_dot_command

    def _join(self, lines: list[str]) -> str:
        """The logical line that the cursor is in; below the cursor, only a literal continues it."""
        joiner = LineJoiner()
        for line in lines[: self.row]:
            joiner.add_line(line)
        parts = [joiner.continued_text + lines[self.row]]
        self.joined = len(parts[0]) - len(lines[self.row])
        joiner.add_line(lines[self.row])
        is_continued = True
        for line in lines[self.row + 1 :]:
            is_continued = is_continued and joiner.is_in_literal
            if is_continued:
                parts.append(line)
            joiner.add_line(line)
        self.needs_more = joiner.needs_more
        return "\n".join(parts)

    def _classify(self, line: str, *, human: bool) -> DraftKind:
        self._is_bare_dot_command = not human and is_dot_command(line)
        if _DOT_NAME.fullmatch(self.before) is not None:
            return DraftKind.DOT_NAME
        argument = _DOT_ARGUMENT.fullmatch(self.before)
        topic = _HELP.fullmatch(self.before) if not human else None
        if argument is not None:
            self.dot = DotDraft(argument["name"], argument["argument"])
        elif topic is not None:
            self.dot = DotDraft("help", topic["topic"])
        if self.dot is not None:
            return DraftKind.DOT_ARGUMENT
        if human:
            return DraftKind.HUMAN
        return DraftKind.JSON if _JSON.match(line) is not None else DraftKind.COMMAND


def _words_at(words: list[Word], cursor: int) -> tuple[list[Word], Word, Word, list[Word]]:
    """The words before the cursor, the one it is in (cut there, and whole), and those after it.

    The word is an empty name where a word can begin.
    """
    before: list[Word] = []
    current: Word | None = None
    after: list[Word] = []
    for word in words:
        # Two words may stand without a space between them, as before a ")" or a "|"; the cursor
        # is in the first one then.
        if word.start > cursor or current is not None:
            after.append(word)
        elif _end(word) < cursor:
            before.append(word)
        else:
            current = word
    if current is None:
        empty = Word(cursor, "", None, cursor)
        return before, empty, empty, after
    return before, _cut(current, cursor), current, after


def _end(word: Word) -> int:
    return (
        word.value_start + len(word.value) if word.value is not None else word.start + len(word.key)
    )


def _cut(word: Word, cursor: int) -> Word:
    """The part of a word that stands before the cursor. An operator is not divided."""
    is_in_key = cursor < word.value_start and word.key not in OPERATORS
    if word.value is None or is_in_key or cursor == word.start:
        return Word(word.start, word.key[: cursor - word.start], None, cursor)
    return word.replaced(value=word.value[: max(cursor - word.value_start, 0)])


def _leading_arguments(words: Sequence[Word]) -> Iterator[Word]:
    """Arguments at the beginning, up to the name of one more action."""
    for word in words:
        if word.value is None:
            return
        yield word
