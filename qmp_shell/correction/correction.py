"""A corrected line, and what is known of the words that it may have."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum, auto
from itertools import chain
from typing import Any, NamedTuple, Protocol

from ..complete import Kind, NameRequest, NameSource, TypeSource
from ..schema import Object
from ..schema.suggestions import guessable_commands, nearest_name

EXIT = ("exit", "bye", "logout", "q", "quit", ":q", "\\q")
"""How other programs call what is ``.exit`` here."""

# What the VM calls something, if it can stand in a line as it is.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_.:/@+-]*")

# What in a VM has a name that a command can be about.
_NAMED = (
    Kind.BLOCK,
    Kind.CHARDEV,
    Kind.DEVICE,
    Kind.EXPORT,
    Kind.JOB,
    Kind.NET_CLIENT,
    Kind.OBJECT,
)
_LONGEST = 300


def is_suggestible(line: str) -> bool:
    """Whether a line can be suggested: it is printable, and not so long that nobody reads it."""
    return len(line) <= _LONGEST and line.isprintable()


class Form(Enum):
    """What a line is."""

    QMP = auto()
    HUMAN = auto()
    DOT = auto()


class Correction(NamedTuple):
    """A line that was probably meant.

    :ivar line: the line, or several.
    :ivar form: what it is.
    :ivar before: what a hint says before the line.
    :ivar after: what it says after it.
    :ivar missing: arguments whose values only the user knows. The line ends with the first.
    :ivar is_rewritten: the line was written in another notation; otherwise words are misspelt or
        missing, which other hints may say better.
    """

    line: str
    form: Form = Form.QMP
    before: str = "write "
    after: str = ""
    missing: tuple[str, ...] = ()
    is_rewritten: bool = True

    def typed(self, *, human: bool) -> str:
        """The line as it is to be typed.

        :param human: in human monitor mode; else in QMP mode.
        """
        prefix = {Form.QMP: ".qmp " * human, Form.HUMAN: ".hmp " * (not human), Form.DOT: ""}
        ending = f" {self.missing[0]}=" if self.missing else ""
        return "\n".join(prefix[self.form] + each for each in self.line.split("\n")) + ending

    def hint(self, *, human: bool) -> str:
        """How a user is told of it."""
        shown = self._replace(missing=()).typed(human=human).replace("\n", ", then ")
        values = "".join(f" {name}=..." for name in self.missing)
        return f"{self.before}{shown}{values}{self.after}"


class DotCommand(Protocol):
    """A dot command, as far as it matters here.

    :ivar usage: its argument; empty: it takes none.
    """

    @property
    def usage(self) -> str: ...


class DotCommands(Protocol):
    """The dot commands that there are."""

    def names(self) -> Collection[str]:
        """Their names, without the dot."""

    def find(self, name: str) -> DotCommand | None:
        """The command of a name; None: there is none."""


class Vocabulary(NamedTuple):
    """The words that a line may have.

    :ivar types: the types of the VM's arguments.
    :ivar names: the names that exist in the VM.
    :ivar dot_commands: the commands to the shell itself.
    :ivar in_transaction: a line is an action of a transaction.
    :ivar views: how replies can be shown.
    """

    types: TypeSource
    names: NameSource
    dot_commands: DotCommands
    in_transaction: bool = False
    views: Collection[str] = ()

    def commands(self) -> Collection[str]:
        """The names that a QMP line may begin with; empty while they are not known."""
        if not self.in_transaction:
            return self.types.commands()
        actions = self.types.actions()
        return actions.values if actions is not None else ()

    def arguments(self, name: str, given: dict[str, Any]) -> Object | None:
        """The type of the arguments of a command or an action."""
        return self.types.action(name) if self.in_transaction else self.types.arguments(name, given)

    def has_arguments(self, name: str) -> bool:
        """Whether a command is known to take any arguments."""
        type_ = self.arguments(name, {})
        return type_ is not None and (bool(type_.members) or type_.is_open({}))

    def dot_line(self, name: str, rest: str, before: str, after: str = "") -> Correction:
        """A dot command, with what is to follow it if it takes an argument.

        :param rest: with the blank before it.
        """
        command = self.dot_commands.find(name)
        takes_argument = command is not None and command.usage
        line = f".{name}{rest if takes_argument else ''}"
        return Correction(line, Form.DOT, before, after)

    def human_commands(self) -> dict[str, str]:
        """The commands of the human monitor and what they do; empty while they are not known."""
        found = self.names.candidates(NameRequest(Kind.HUMAN))
        return {each.text: each.description for each in found}

    def jobs(self) -> list[str]:
        """The ids of jobs; empty while they are not known."""
        return [each.text for each in self.names.candidates(NameRequest(Kind.JOB))]

    def has_name(self, word: str) -> bool:
        """Whether something in the VM is known by a name."""
        found = (self.names.candidates(NameRequest(kind)) for kind in _NAMED)
        return any(each.text == word for each in chain.from_iterable(found))

    def free_node_name(self) -> str:
        """A name that no block node or block device has."""
        taken = {each.text for each in self.names.candidates(NameRequest(Kind.BLOCK))}
        names = (f"drive{number}" for number in range(len(taken) + 1))
        return next(name for name in names if name not in taken)

    def human_topics(self) -> list[str]:
        """What the human monitor's ``info`` shows; empty while it is not known."""
        return [each.text for each in self.names.candidates(NameRequest(Kind.TOPIC))]


def nearest(word: str, names: Collection[str]) -> str:
    """The name that is most similar to a word; empty: none is, or it can't stand in a line."""
    found = nearest_name(word, names)
    return found if is_plain(found) else ""


def nearest_command(word: str, names: Collection[str]) -> str:
    """As :func:`nearest`, for commands: none that destroys something is guessed."""
    return nearest(word, guessable_commands(word, names))


def is_plain(name: str) -> bool:
    """Whether a name of the VM's means only itself in a line."""
    return _PLAIN_NAME.fullmatch(name) is not None
