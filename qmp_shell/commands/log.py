"""``.log``: every message in a file."""

from __future__ import annotations

from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, parse_path, split_arguments

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Log(Command):
    name = "log"
    usage = "[FILE|off]"
    summary = "log every message to a file"

    def is_saved_with(self, argument: str) -> bool:
        return bool(split_arguments(argument))

    def run(self, session: Session, argument: str) -> None:
        path = parse_path(argument)
        if not path:
            session.display.lines([session.tracer.log_path or "off"])
        elif path == "off" and not argument.startswith(('"', "'")):
            session.tracer.log_to(None)
            session.display.note("no messages are logged")
        else:
            session.tracer.log_to(path)
            session.display.note(f"every message is logged to {path}")

    def complete(self, argument: str, _names: NameSource, _types: TypeSource) -> Completions:
        from ..complete import Kind
        from .candidates import complete_path

        return complete_path(Kind.FILE, argument)


COMMAND = Log()
