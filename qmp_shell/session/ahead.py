"""Scripts send some commands before they have shown the replies to earlier ones.

While QEMU executes a command, the script reads its next line and prints the reply to the line
before. Only commands that change nothing in the VM are sent early, so the result is the same as if
each was sent after the reply to the one before was shown: no command follows a failure that ends
the script, and the hint for a failed command describes the VM as it was when the command failed.
"""

from __future__ import annotations

from collections.abc import Callable

from ..language import (
    ExecuteStatement,
    LogicalLine,
    ParseError,
    StatementParser,
    has_ambiguous_words,
)
from ..language.destination import DISPLAY
from ..messages import Message, Request, arguments_of, is_out_of_band
from ..vm.question import READ_ONLY, is_read_only

# Characters; a longer line is sent like all that change something.
_LONGEST_LINE = 4096
_BEGINNINGS = ("{", *READ_ONLY)


class SentCommand:
    """A command that was sent, or will be if the one before it succeeds; its reply is not shown.

    :ivar later: functions that show what was received after its reply; called once that is shown.
    """

    def __init__(self, line: LogicalLine, request: Request) -> None:
        self.line = line
        self.request = request
        self.later: list[Callable[[], None]] = []

    @property
    def is_answered(self) -> bool:
        """Whether its reply has come."""
        return self.request.reply is not None


def read_message(parser: StatementParser, line: LogicalLine) -> Message | None:
    """The message of a line that is nothing but a command which changes nothing.

    :return: None: it is something else, or more has to be known to send it. The line is then to
        be run after all that came before it.
    """
    text = line.text
    if (
        len(text) > _LONGEST_LINE
        or parser.in_transaction
        or "$" in text
        or not text.isascii()
        or not text.isprintable()
        or not text.lstrip().startswith(_BEGINNINGS)
    ):
        return None
    try:
        statement = parser.parse(line)
    except ParseError:
        return None
    if not isinstance(statement, ExecuteStatement) or statement.files:
        return None
    message = statement.message
    is_plain = (
        statement.destination == DISPLAY
        and is_read_only(message)
        and not is_out_of_band(message)
        and "id" not in message
        and not has_ambiguous_words(message)
        and not any(isinstance(value, dict) for value in arguments_of(message).values())
    )
    return message if is_plain else None
