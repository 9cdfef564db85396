"""The line that was probably meant by the last one, if that was refused."""

from __future__ import annotations

from contextlib import suppress

from ..errors import CheckError, ConnectionLost, QMPError, UsageError
from ..language import is_dot_command
from ..static_typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..correction import Correction, DotCommands
    from ..language import StatementParser
    from ..vm import Attachment


class CorrectedSession(Protocol):
    """A session, as far as it matters here."""

    attachment: Attachment
    is_human: bool
    parser: StatementParser

    @property
    def commands(self) -> DotCommands:
        """The dot commands that there are."""


class Corrector:
    """Says what refused lines should have been.

    :ivar line: what the user is offered in the place of the last line, or several lines; it is
        never sent by itself. Empty: the last line was not refused, or that is not known.
    """

    def __init__(self, session: CorrectedSession) -> None:
        self._session = session
        self.line = ""

    def offer(self, line: str) -> None:
        """Offer a line in the place of the last one.

        :param line: empty: none.
        """
        if line:
            from ..correction import is_suggestible

            line = line if all(map(is_suggestible, line.split("\n"))) else ""
        self.line = line

    def error_with_line(self, problem: str, line: str, before: str = "write ") -> UsageError:
        """The error for a line in the place of which another one is offered.

        :param line: what is offered, and stands in the hint.
        :param before: what the hint says before it.
        """
        self.offer(line)
        error = UsageError(problem)
        error.hint = f"{before}{line}"
        return error

    def explain(self, text: str, error: QMPError) -> None:
        """Find what a line should have been for which an error was raised, and have that say so.

        A dot command that exists says by itself what is wrong, as does the human monitor.
        """
        session = self._session
        is_for_human = session.is_human and not text.lstrip().startswith(".")
        is_own = is_dot_command(text) and session.commands.find(text.split()[0].removeprefix("."))
        if is_for_human or is_own:
            return
        from .hints import find_correction

        with suppress(ConnectionLost):  # the next line that needs the VM will say so
            found = find_correction(
                text,
                session.attachment,
                session.commands,
                in_transaction=session.parser.in_transaction,
            )
            hint = self._offer(found) if found is not None else ""
            says_more = not error.hint and not isinstance(error, CheckError)
            if found is not None and (found.is_rewritten or says_more):
                error.hint = hint

    def explain_human(self, line: str, answer: str) -> str:
        """Find what a line should have been that the human monitor has refused.

        :param answer: what it printed.
        :return: a hint; empty: it was not refused, or nothing is known.
        """
        from .hints import find_human_correction

        session = self._session
        with suppress(ConnectionLost):  # the next line that needs the VM will say so
            found = find_human_correction(line, answer, session.attachment, session.commands)
            if found is not None:
                return self._offer(found)
        return ""

    def _offer(self, found: Correction) -> str:
        """Offer a correction; returns the hint that says it."""
        human = self._session.is_human
        self.offer(found.typed(human=human))
        return found.hint(human=human)
