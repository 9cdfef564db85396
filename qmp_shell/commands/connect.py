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
        found = complete_path(Kind.SOCKET, argument)
        return found._replace(candidates=[*names.candidates(NameRequest(Kind.VM, found.typed))])


COMMAND = Connect()
