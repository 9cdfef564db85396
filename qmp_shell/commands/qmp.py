"""``.qmp``: leave human monitor mode."""

from __future__ import annotations

from ..session import Session
from .base import Command, refuse_argument


class Qmp(Command):
    name = "qmp"
    summary = "go back from human monitor mode"

    def run(self, session: Session, argument: str) -> None:
        refuse_argument(self, argument)
        session.human = None


COMMAND = Qmp()
