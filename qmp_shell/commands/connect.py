"""``.connect``: attach to a VM."""

from __future__ import annotations

from ..complete import Completions, Kind, NameRequest, NameSource, TypeSource
from ..session import Session
from .base import Command, complete_path, parse_path


class Connect(Command):
    name = "connect"
    usage = "[ADDRESS]"
    summary = "attach to this VM again, or to another"

    def run(self, session: Session, argument: str) -> None:
        session.attach(parse_path(argument) or None)

    def complete(self, argument: str, names: NameSource, _types: TypeSource) -> Completions:
        completions = complete_path(Kind.SOCKET, argument)
        known = names.candidates(NameRequest(Kind.SOCKET, completions.typed))
        return completions._replace(candidates=list(known))


COMMAND = Connect()
