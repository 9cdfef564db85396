"""``.hmp``: the human monitor."""

from __future__ import annotations

from ..complete import Completions, NameSource, TypeSource, complete_human
from ..session import Session
from .base import Command


class Hmp(Command):
    name = "hmp"
    usage = "[LINE]"
    summary = "run a human monitor line, or change to its mode"

    def run(self, session: Session, argument: str) -> None:
        """The line is the human monitor's own: it has no comments and its own quotes."""
        if argument:
            session.run_human(argument)
        else:
            session.enter_human_mode()

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        return complete_human(argument, types, names)


COMMAND = Hmp()
