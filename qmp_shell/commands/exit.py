"""``.exit``: leave the shell."""

from __future__ import annotations

from ..session import Session
from .base import Command, refuse_argument


class Exit(Command):
    name = "exit"
    summary = "leave; the VM goes on, unless it is the shell's"
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        refuse_argument(self, argument)
        session.is_finished = True


COMMAND = Exit()
