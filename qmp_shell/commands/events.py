"""``.events``: which events there are, and which are shown."""

from __future__ import annotations

from ..session import Session
from ..session.settings import name_matches
from ..static_typing import TYPE_CHECKING
from .base import Command, split_arguments

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Events(Command):
    name = "events"
    usage = "[on|off|PATTERN ...]"
    summary = "list events, and choose which are shown"
    has_output = True

    def is_saved_with(self, argument: str) -> bool:
        return bool(split_arguments(argument))

    def run(self, session: Session, argument: str) -> None:
        words = tuple(split_arguments(argument))
        settings = session.settings
        if words in (("on",), ("off",)):
            settings.events, settings.event_patterns = words == ("on",), ()
            session.display.note(f"{'all' if settings.events else 'no'} events are shown")
        elif words:
            settings.events, settings.event_patterns = True, words
            _note_shown(session, words)
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
        from ..complete import Candidate, Kind
        from .candidates import complete_kind

        found = complete_kind(Kind.EVENT, argument, names)
        if not argument.strip() or argument.strip() == found.typed:
            found.candidates.extend(
                [Candidate("on", "show all events"), Candidate("off", "show none")]
            )
        return found


def _note_shown(session: Session, patterns: tuple[str, ...]) -> None:
    """Note which events are shown now, and which patterns match no event of this VM.

    They are no error: after ``.connect``, another VM may have such events.
    """
    if session.user is None:
        return
    from ..schema.suggestions import format_suggestion

    attachment = session.attachment
    names = attachment.known_within(attachment.known_types.events)
    for pattern in patterns if names else ():
        name = pattern.removeprefix("!")
        if not any(name_matches(each, name) for each in names):
            suggestion = format_suggestion(name.upper(), names, "there are")
            session.display.note(f"the VM has no event like {name!r}{suggestion}")
    if names and not any(map(session.settings.shows_event, names)):
        session.display.note("so no events are shown; .events on shows all")
    else:
        shown = " ".join(each for each in patterns if not each.startswith("!"))
        left_out = " ".join(each.removeprefix("!") for each in patterns if each.startswith("!"))
        exception = f", except those like {left_out}" if left_out else ""
        session.display.note(
            f"{f'events like {shown}' if shown else 'all events'} are shown{exception}"
        )


COMMAND = Events()
