"""Lines for the human monitor: how they are run, and what is remembered between two of them."""

from __future__ import annotations

import re

from ..language import Destination
from ..language.destination import DISPLAY, split_destination
from ..messages import CommandError, human_message
from ..static_typing import TYPE_CHECKING
from ..vm.question import is_read_only

if TYPE_CHECKING:
    from .session import Session

# A CPU's number has a few digits; Python refuses to read thousands of them.
_SELECT_CPU = re.compile(r"\s*cpu\s+(?P<number>[0-9]{1,9})\s*")


class HumanMonitor:
    """Runs lines in the human monitor of a session's VM.

    Each ``human-monitor-command`` gets a monitor of its own in QEMU, so a CPU that was selected
    with ``cpu N`` stays selected only if ``cpu-index`` names it in all later ones.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cpu: int | None = None

    def run(self, line: str) -> None:
        """Have the human monitor run a line, and display what it prints.

        :raise ParseError: what follows its ``|`` or ``>`` cannot be parsed.
        :raise CommandError: there is no human monitor; the reply was displayed.
        """
        session = self._session
        line, destination = _split_line(line.strip())
        if not line or line.startswith("#"):
            return
        if line == "exit":
            session.is_finished = True
            return
        message = human_message(line, self._cpu)
        with session.outputs.redirected(destination):
            if session.is_dry_run:
                session.executor.show_dry_run(message)
                self._note_answer(line, "")
                return
            session.executor.confirm([message])
            if not is_read_only(message):
                session.executor.inverse = ""
            reply = session.attachment.request(message)
            answer = reply.message.get("return")
            if isinstance(answer, str):
                self._note_answer(line, answer)
                if answer.strip():
                    session.display.lines(answer.rstrip().split("\n"))
                    self._hint_at(line, answer)
            else:
                session.replies.show(reply)
            if reply.is_error:
                raise CommandError(reply)

    def _note_answer(self, line: str, answer: str) -> None:
        cpu = selected_cpu(line, answer)
        if cpu is not None:
            self._cpu = cpu

    def _hint_at(self, line: str, answer: str) -> None:
        """Tell the user what a line should have been, if the human monitor has refused it."""
        session = self._session
        hint = session.corrector.explain_human(line, answer) if session.user is not None else ""
        if hint:
            session.display.hint(hint)


def selected_cpu(line: str, answer: str) -> int | None:
    """The CPU that a line has selected. QEMU answers a valid ``cpu N`` with nothing."""
    selected = _SELECT_CPU.fullmatch(line)
    return int(selected["number"]) if selected is not None and not answer.strip() else None


def _split_line(line: str) -> tuple[str, Destination]:
    """Split a line into itself and where its output goes.

    A password may hold any characters, so a line that may have one goes to the monitor as it is.
    """
    if "|" not in line and ">" not in line:
        return line, DISPLAY
    from ..language.secrets import may_hold_secret

    return (line, DISPLAY) if may_hold_secret(line) else split_destination(line, human=True)
