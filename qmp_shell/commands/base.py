"""The base class of dot commands, and functions that parse their arguments."""

from __future__ import annotations

import re

from ..errors import UsageError
from ..language import ExecuteStatement, LineJoiner, ParseError, StatementParser
from ..language.destination import DISPLAY, split_destination
from ..language.values import parse_string
from ..language.words import DOUBLE_QUOTED, SINGLE_QUOTED, value_end
from ..session import Session
from ..static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource

_WORD = re.compile(rf"\s*(?:(?P<quoted>{DOUBLE_QUOTED}|{SINGLE_QUOTED})(?=\s|$)|(?P<bare>\S+))")
# Blanks are looked at from the first of them only, so that many of them take linear time.
_COMMENT = re.compile(r"(?:^|(?<!\s)\s+)#")


class Command:
    """The base of all dot commands (:class:`~qmp_shell.session.DotCommand`)."""

    name: str
    usage = ""
    summary: str
    has_output = False
    is_saved = True

    def is_saved_with(self, _argument: str) -> bool:
        """Whether ``.save`` keeps it with this argument, even if its output is displayed.

        :raise UsageError: the argument cannot be understood.
        """
        return self.is_saved

    def usage_error(self) -> UsageError:
        """The error for an argument that cannot be understood."""
        return UsageError(f"write .{self.name} {self.usage}".rstrip())

    def output_error(self) -> UsageError:
        """The error for a line whose output is to go elsewhere, or to be shown in a view."""
        return UsageError(f".{self.name} takes neither | nor >")

    def complete(
        self, _argument: str, _names: NameSource, _types: TypeSource
    ) -> Completions | None:
        """What can stand at the end of the argument; by default nothing that is known."""
        return None


def split_arguments(argument: str) -> list[str]:
    """The words of an argument, up to a ``# comment``; a word may be in quotes.

    :raise ParseError: a word has an escape that is none.
    :raise UsageError: a word is not closed by its quote.
    """
    words = []
    position = 0
    while (match := _WORD.match(argument, position)) is not None:
        position = match.end()
        if match["quoted"]:
            words.append(parse_string(match["quoted"], match.start("quoted")))
        elif match["bare"].startswith("#"):
            break
        elif match["bare"].startswith(('"', "'")):
            raise UsageError(f"{match['bare']} is not closed by its quote")
        else:
            words.append(match["bare"])
    return words


def parse_path(argument: str) -> str:
    """The one path that an argument is: in quotes, or all up to a ``# comment``.

    :raise ParseError: it is not closed by its quote, or has an escape that is none.
    :raise UsageError: something follows it.
    """
    if not argument.startswith(('"', "'")):
        return _COMMENT.split(argument, maxsplit=1)[0]
    end = value_end(argument, 0)
    if split_arguments(argument[end:]):
        raise UsageError("nothing but a # comment may follow a path in quotes")
    return parse_string(argument[:end], 0)


def parse_command(argument: str, start: int = 0) -> ExecuteStatement | None:
    """The QMP command that begins at an offset in an argument; its bare words have no types yet.

    :return: None: it is no command.
    :raise ParseError: it cannot be parsed; the error's offset is that in the argument.
    """
    # Blanks in the place of what stands before it keep the positions right.
    line = LineJoiner().add_line(" " * start + argument[start:])
    try:
        statement = StatementParser().parse(line) if line is not None else None
    except ParseError as error:
        error.source = None
        raise
    return statement if isinstance(statement, ExecuteStatement) else None


def refuse_output(command: Command, argument: str) -> None:
    """:raise UsageError: the output is to go elsewhere, or to be shown in a view."""
    if split_destination(argument)[1] != DISPLAY:
        raise command.output_error()


def refuse_argument(command: Command, argument: str) -> None:
    """:raise UsageError: there is an argument, which the command does not take."""
    refuse_output(command, argument)
    if split_arguments(argument):
        raise UsageError(f".{command.name} takes no argument")


def require_vm(session: Session) -> None:
    """:raise UsageError: there is no VM, only a schema."""
    if session.attachment.is_offline:
        raise UsageError("there is no VM, only its schema")
