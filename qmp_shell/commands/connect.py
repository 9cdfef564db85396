"""``.connect``: attach to a VM."""

from __future__ import annotations

from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, parse_path

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Connect(Command):
    name = "connect"
    usage = "[ADDRESS]"
    summary = "attach to this VM again, or to another"

    def run(self, session: Session, argument: str) -> None:
        session.attach(parse_path(argument) or None)

    def complete(self, argument: str, names: NameSource, _types: TypeSource) -> Completions:
        from ..complete import Kind, NameRequest
        from .candidates import complete_path

        completions = complete_path(Kind.SOCKET, argument)
        known = names.candidates(NameRequest(Kind.SOCKET, completions.typed))
        return completions._replace(candidates=list(known))


COMMAND = Connect()
