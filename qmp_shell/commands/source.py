"""``.source``: run the lines of a file."""

from __future__ import annotations

import os

from ..complete import Completions, Kind, NameSource, TypeSource
from ..session import Session
from .base import Command, complete_path, parse_path


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
        return complete_path(Kind.FILE, argument)


COMMAND = Source()
