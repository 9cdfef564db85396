"""``.find``: search commands, events and types by what they do."""

from __future__ import annotations

from ..errors import UsageError
from ..session import Session
from .base import Command, split_arguments

# As many as fit on a screen.
_MOST_SHOWN = 15


class Find(Command):
    name = "find"
    usage = "WORDS"
    summary = "search commands, events and types"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        words = split_arguments(argument)
        if not any(words):
            raise self.usage_error()
        from ..vm.topics import find_topics

        attachment = session.attachment
        found = find_topics(words, attachment.types, attachment.manual)
        if not found:
            raise UsageError(f"nothing is found for {argument!r}; .commands lists all commands")
        session.display.pairs((topic.name, topic.text) for topic in found[:_MOST_SHOWN])
        left = len(found) - _MOST_SHOWN
        if left > 0:
            session.display.note(f"{left} more; add a word to find fewer")


COMMAND = Find()
