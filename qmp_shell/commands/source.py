"""``.source``: run the lines of a file."""

from __future__ import annotations

import os

from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, parse_path

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Source(Command):
    name = "source"
    usage = "FILE"
    summary = "run the lines of a file"

    def run(self, session: Session, argument: str) -> None:
        path = parse_path(argument)
        if not path:
            raise self.usage_error()
        session.scripts.run_file(os.path.expanduser(path))

    def complete(self, argument: str, _names: NameSource, _types: TypeSource) -> Completions:
        from ..complete import Kind
        from .candidates import complete_path

        return complete_path(Kind.FILE, argument)


COMMAND = Source()
