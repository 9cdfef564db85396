"""``.events``: which events there are, and which are shown."""

from __future__ import annotations

from ..complete import Candidate, Completions, Kind, NameSource, TypeSource
from ..session import Session
from .base import Command, complete_kind, split_arguments


class Events(Command):
    name = "events"
    usage = "[on|off|PATTERN ...]"
    summary = "list events, and choose which are shown"
    has_output = True

    def run(self, session: Session, argument: str) -> None:
        words = tuple(split_arguments(argument))
        settings = session.settings
        if words in (("on",), ("off",)):
            settings.events, settings.event_patterns = words == ("on",), ()
        elif words:
            settings.events, settings.event_patterns = True, words
        else:
            self._list(session)

    def _list(self, session: Session) -> None:
        settings = session.settings
        lines = [
            f"{'*' if settings.shows_event(name) else ' '} {name}"
            for name in session.attachment.types.events()
        ]
        patterns = " ".join(settings.event_patterns) or "all"
        lines.append(f"shown (*): {patterns if settings.events else 'none'}")
        session.display.lines(lines)

    def complete(self, argument: str, names: NameSource, _: TypeSource) -> Completions | None:
        found = complete_kind(Kind.EVENT, argument, names)
        if not argument.strip() or argument.strip() == found.typed:
            found.candidates.extend(
                [Candidate("on", "show all events"), Candidate("off", "show none")]
            )
        return found


COMMAND = Events()
