"""What completion asks for, what answers it, and what it returns."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol

from ..schema import Enum as EnumType
from ..schema import Object, Type


class Candidate(NamedTuple):
    """Something that can stand at a place, and what it is.

    :ivar is_key: a value follows. It ends in ``=``, but in a literal, where a colon is inserted
        behind it.
    :ivar is_word: a word of the notation, as ``true``; it is never put in quotes.
    :ivar is_arguments: several arguments whose values are integers (``core-id=1 thread-id=0``), or
        such a value and more arguments (``1 thread-id=0``).
    :ivar order: names of a lower number stand first; those of the same are sorted by their text.
    :ivar is_free: a new device can use it; False: something does, or no device can.
    """

    text: str
    description: str = ""
    is_key: bool = False
    is_word: bool = False
    is_arguments: bool = False
    order: int = 0
    is_free: bool = True


class NameRequest(NamedTuple):
    """A request for the names of a kind.

    :ivar kind: one of :class:`~qmp_shell.complete.Kind`.
    :ivar typed: what of the name is typed already.
    :ivar given: the other arguments of the command, as far as they are typed.
    :ivar key: the argument that the name is a value of; empty if it is none.
    """

    kind: str
    typed: str = ""
    given: dict[str, Any] = {}  # noqa: RUF012 (never written to)
    key: str = ""


class Syntax(Enum):
    """How names are written at a place."""

    DOT_NAME = auto()
    WORD = auto()  # a command, a key, or a word of a dot command
    VALUE = auto()  # the value of an argument
    LITERAL = auto()  # a key or a value in a literal
    REFERENCE = auto()  # a reference to a value: $NAME.PATH
    PATH = auto()  # all that follows a dot command
    HUMAN = auto()  # a word for the human monitor
    HUMAN_OPTION = auto()  # a part of such a word: DRIVER,key=value


class Completions(NamedTuple):
    """What can stand at the cursor.

    :ivar typed: what of it is typed already.
    :ivar candidates: they take the place of what is typed.
    :ivar quote: a quote that stands before what is typed; the name is then to be closed by it.
    :ivar files: the kind of this host's files that can stand there; None: none can.
    :ivar syntax: how the candidates are written.
    :ivar is_any: the value is not of one type, so a bare word may be read as another one.
    :ivar usual_quote: in a literal, the quote that a string gets if none is typed.
    :ivar is_closed: the quote that closes what is typed stands behind the cursor already.
    """

    typed: str
    candidates: list[Candidate]
    quote: str = ""
    files: str | None = None
    syntax: Syntax = Syntax.WORD
    is_any: bool = False
    usual_quote: str = '"'
    is_closed: bool = False


class NameSource(Protocol):
    """Provides names."""

    def candidates(self, request: NameRequest) -> Iterable[Candidate]:
        """The names of a kind that the VM's answers so far contain."""


class TypeSource(Protocol):
    """Provides the types of arguments."""

    def commands(self) -> list[str]:
        """The names of all commands; empty while they are not known."""

    def arguments(self, name: str, given: dict[str, Any]) -> Object | None:
        """The type of a command's arguments, some of which are given."""

    def returns(self, name: str) -> Type | None:
        """The type of what a command returns; None: it is not known."""

    def argument_summary(self, command: str, path: list[str], given: dict[str, Any]) -> str:
        """What the manual says of an argument, or of a member in it, in one sentence.

        :param path: the parts of its key, list indexes among them.
        :param given: the arguments of the command, as far as they are typed.
        :return: empty: nothing is known.
        """

    def actions(self) -> EnumType | None:
        """The types of action that a transaction takes."""

    def action(self, name: str) -> Object | None:
        """The type of an action's arguments."""
