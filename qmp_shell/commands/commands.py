"""``.commands``: the VM's commands."""

from __future__ import annotations

from ..complete import Completions, Kind, NameRequest, NameSource, TypeSource
from ..errors import UsageError
from ..session import Session
from ..session.settings import name_matches
from .base import Command, split_arguments
from .candidates import complete_kind


class Commands(Command):
    name = "commands"
    usage = "[PATTERN]"
    summary = "list the VM's commands, or some of them"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        words = split_arguments(argument)
        if len(words) > 1:
            raise self.usage_error()
        names = session.attachment.types.commands()
        if not names:
            raise UsageError("the VM does not tell its commands")
        pattern = words[0] if words else ""
        found = [name for name in names if name_matches(name, pattern)]
        if not found:
            raise UsageError(f"the VM has no command like {pattern!r}")
        candidates = session.attachment.names.candidates(NameRequest(Kind.COMMAND))
        about = {candidate.text: candidate.description for candidate in candidates}
        session.display.pairs((name, about.get(name, "")) for name in found)

    def complete(self, argument: str, names: NameSource, _: TypeSource) -> Completions | None:
        return complete_kind(Kind.COMMAND, argument, names)


COMMAND = Commands()
