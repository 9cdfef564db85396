"""``.find``: search commands, devices, events and types by what they do."""

from __future__ import annotations

from ..complete import Candidate, Kind, NameRequest
from ..errors import UsageError
from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, split_arguments

if TYPE_CHECKING:
    from ..vm.topics import Topic


def search(session: Session, words: list[str]) -> list[Topic]:
    """Find commands, devices, events and types for some words, the best match first."""
    from ..vm.topics import find_topics

    attachment = session.attachment
    devices = known_names(session, Kind.DRIVER)
    return find_topics(words, attachment.types, attachment.manual, devices)


def known_names(session: Session, kind: str) -> list[Candidate]:
    """The VM's names of a kind; empty or incomplete if it does not answer in time."""
    attachment, request = session.attachment, NameRequest(kind)
    return attachment.known_within(lambda: list(attachment.names.candidates(request)))


class Find(Command):
    name = "find"
    usage = "WORDS"
    summary = "search commands, devices, events and types"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        words = split_arguments(argument)
        if not any(words):
            raise self.usage_error()
        found = search(session, words)
        if not found:
            raise UsageError(f"nothing is found for {argument!r}; .commands lists all commands")
        session.display.best_pairs([(topic.name, topic.text) for topic in found])


COMMAND = Find()
