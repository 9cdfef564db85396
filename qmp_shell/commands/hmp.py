"""``.hmp``: the human monitor."""

from __future__ import annotations

from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Hmp(Command):
    name = "hmp"
    usage = "[LINE]"
    summary = "run a human monitor line, or change to its mode"

    def run(self, session: Session, argument: str) -> None:
        """The line is the human monitor's own: it has no comments and its own quotes."""
        if argument:
            session.human_monitor.run(argument)
        else:
            session.is_human = True

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        from ..complete import complete_human

        return complete_human(argument, types, names)


COMMAND = Hmp()
