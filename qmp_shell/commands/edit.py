"""``.edit``: change a line in the user's own editor."""

from __future__ import annotations

from ..errors import UsageError
from ..session import Session
from .base import Command, refuse_argument


class Edit(Command):
    name = "edit"
    summary = "change the last line in $EDITOR"
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        refuse_argument(self, argument)
        if session.user is None:
            raise UsageError(".edit is for the prompt; nothing is typed in a script")
        lines = session.user.history(human=session.is_human)
        typed = [line for line in lines if not line.lstrip().startswith(".edit")]
        session.user.edit(typed[-1] if typed else "")


COMMAND = Edit()
