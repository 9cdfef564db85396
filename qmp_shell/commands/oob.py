"""``.oob``: execute a command out-of-band.

With a command behind it, it is a command itself: ``language/statement.py`` makes an ``exec-oob``
message of it.
"""

from __future__ import annotations

from ..complete import Completions, Draft, NameSource, TypeSource, complete
from ..errors import UsageError
from ..session import Session
from .base import Command


class Oob(Command):
    name = "oob"
    usage = "COMMAND ..."
    summary = "execute a command out-of-band"

    def run(self, session: Session, argument: str) -> None:  # noqa: ARG002
        raise UsageError("write .oob COMMAND key=value ...")

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        return complete(Draft.of_command(argument), names, types)


COMMAND = Oob()
