"""``.qmp``: leave human monitor mode, or run one QMP line in it."""

from __future__ import annotations

from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, parse_command

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Qmp(Command):
    name = "qmp"
    usage = "[COMMAND]"
    summary = "leave human monitor mode, or run a QMP line"

    def run(self, session: Session, argument: str) -> None:
        if not argument.partition("#")[0].strip():
            session.is_human = False
            return
        statement = parse_command(argument)
        if statement is None:
            raise self.usage_error()
        message = session.executor.resolve(statement.message)
        session.executor.execute(message, statement.files, statement.destination)

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        from ..complete import Draft, complete

        return complete(Draft(argument), names, types)


COMMAND = Qmp()
