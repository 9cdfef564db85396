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

# Blanks are looked at from the first of them only, so that many of them take linear time.
_COUNT = re.compile(r"(?<!\s)\s+(?P<count>[0-9]{1,9})\s*(?:#.*)?$")


class Save(Command):
    name = "save"
    usage = "FILE [N]"
    summary = "save what was typed as a script"
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        if session.user is None or session.transcript is None:
            raise UsageError(".save is for the prompt; nothing is typed in a script")
        path, count = _split_count(argument)
        path = os.path.expanduser(parse_path(path))
        if not path:
            raise self.usage_error()
        lines = list(session.transcript.script(count)) if count != 0 else []
        if os.path.exists(path) and not session.user.confirm(f"{path} exists and is overwritten"):
            raise UsageError("not saved")
        destination = Destination(file=OutputFile(path, appends=False))
        with Delivery(destination, lambda: session.settings.timeout) as delivery:
            delivery.deliver("\n".join(lines))
        session.display.note(f"{len(lines)} line{'s' * (len(lines) != 1)} in {path}")

    def complete(self, argument: str, _names: NameSource, _types: TypeSource) -> Completions:
        from ..complete import Kind
        from .candidates import complete_path

        return complete_path(Kind.FILE, argument)


def _split_count(argument: str) -> tuple[str, int | None]:
    """Split what is meant to be a path from the number behind it; None: there is none."""
    match = _COUNT.search(argument)
    return (
        (argument[: match.start()], int(match["count"])) if match is not None else (argument, None)
    )


COMMAND = Save()
