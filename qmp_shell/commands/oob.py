"""``.oob``: execute a command out-of-band."""

from __future__ import annotations

from ..errors import UsageError
from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, parse_command

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Oob(Command):
    name = "oob"
    usage = "COMMAND ..."
    summary = "execute a command out-of-band"

    def run(self, session: Session, argument: str) -> None:
        statement = parse_command(argument)
        if statement is None:
            raise UsageError("write .oob COMMAND key=value ...")
        message = dict(statement.message)
        message = {"exec-oob": message.pop("execute", None), **message}
        message = session.executor.resolve(message)
        session.executor.execute(message, statement.files, statement.destination)

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        from ..complete import Draft, complete

        return complete(Draft(argument), names, types)


COMMAND = Oob()
