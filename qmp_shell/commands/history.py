"""``.history``: what was typed."""

from __future__ import annotations

from ..errors import UsageError
from ..session import Session
from .base import Command, split_arguments

_MOST_DIGITS = 9


class History(Command):
    name = "history"
    usage = "[N]"
    summary = "show what was typed, or the last N lines"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        if session.user is None:
            raise UsageError(".history is for the prompt; nothing is typed in a script")
        words = split_arguments(argument)
        count = words[0] if words else ""
        is_number = count.isascii() and count.isdecimal() and len(count) <= _MOST_DIGITS
        if len(words) > 1 or not (is_number or not count):
            raise UsageError(".history takes a number of lines")
        lines = session.user.history(human=session.is_human)
        if count:
            lines = lines[max(len(lines) - int(count), 0) :]
        if lines:
            session.display.lines(line for text in lines for line in text.split("\n"))


COMMAND = History()
