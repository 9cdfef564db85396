"""prompt_toolkit's completer, fed from the completion engine."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    Completion,
    FuzzyCompleter,
    PathCompleter,
)
from prompt_toolkit.document import Document

from ..complete import Kind, candidates
from ..shell import Session
from ..shell.names import SessionNames


class SessionCompleter(Completer):
    """Completes what the session knows; matching is left to :func:`fuzzy_completer`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names = SessionNames(session)
        self._paths = PathCompleter(expanduser=True)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        found = candidates(
            document.text_before_cursor,
            self._names,
            human=self._session.human is not None,
            in_transaction=self._session.in_transaction,
        )
        if found is None:
            return
        wanted, names = found
        if wanted.kind == Kind.FILE:
            typed = Document(wanted.typed)
            yield from self._paths.get_completions(typed, complete_event)
            return
        for name in names:
            yield Completion(
                name.text, start_position=-len(wanted.typed), display_meta=name.description
            )


def fuzzy_completer(session: Session) -> Completer:
    """The session's names, those first that match what is typed best.

    What is matched is taken off the line before the session is asked; a dot stays, for it
    tells what kind of name follows.
    """
    return FuzzyCompleter(SessionCompleter(session), pattern=r"^[^\s=.]+")
