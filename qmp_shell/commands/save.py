"""``.save``: what was typed, as a script."""

from __future__ import annotations

import os
import re

from ..errors import UsageError
from ..language import Destination, OutputFile
from ..session import Session
from ..session.delivery import Delivery
from ..static_typing import TYPE_CHECKING
from .base import Command, parse_path

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource

_COUNT = re.compile(r"\s+(?P<count>[0-9]{1,9})\s*(?:#.*)?$")


class Save(Command):
    name = "save"
    usage = "FILE [N]"
    summary = "save what was typed as a script"
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        if session.user is None or session.transcript is None:
            raise UsageError(".save is for the prompt; nothing is typed in a script")
        match = _COUNT.search(argument)
        path = parse_path(argument[: match.start()] if match is not None else argument)
        if not path:
            raise self.usage_error()
        path = os.path.expanduser(path)
        count = int(match["count"]) if match is not None else None
        lines = list(session.transcript.script(count)) if count != 0 else []
        if os.path.exists(path) and not session.user.confirm(f"{path} exists and is overwritten"):
            raise UsageError("not saved")
        with Delivery(Destination(file=OutputFile(path, appends=False))) as delivery:
            delivery.deliver("\n".join(lines))
        session.display.note(f"{len(lines)} line{'s' * (len(lines) != 1)} in {path}")

    def complete(self, argument: str, _names: NameSource, _types: TypeSource) -> Completions:
        from ..complete import Kind
        from .candidates import complete_path

        return complete_path(Kind.FILE, argument)


COMMAND = Save()
