"""prompt_toolkit's completers, fed from the completion engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    Completion,
    FuzzyCompleter,
    PathCompleter,
)
from prompt_toolkit.document import Document

from ..complete import Candidate, Kind, Wanted, candidates, wanted
from ..errors import ConnectionLost
from ..shell import Session
from ..shell.names import SessionNames


class SessionCompleter(Completer):
    """Completes what the session knows, those names first that match what is typed best.

    :param on_lost: is told when the VM turns out to be lost.
    """

    def __init__(self, session: Session, on_lost: Callable[[ConnectionLost], None]) -> None:
        self._session = session
        self._on_lost = on_lost
        self._names = SessionNames(session)
        # What is matched is taken off the line before the names are asked for; a dot stays,
        # for it tells what kind of name follows.
        self._fuzzy = FuzzyCompleter(_All(session, self._names), pattern=r"^[^\s=.]+")
        self._paths = PathCompleter(expanduser=True)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        what = wanted(document.text_before_cursor, **_mode(self._session))
        if what is None:
            return
        if what.kind == Kind.FILE:
            path = Document(what.typed.removeprefix("unix:"))
            yield from self._paths.get_completions(path, complete_event)
            return
        if not what.typed and not complete_event.completion_requested:
            return
        try:
            near = [name for name in self._names.candidates(what.kind) if what.typed in name.text]
            # Any letters in their order will do where nothing has all of them in a row.
            if not near:
                yield from self._fuzzy.get_completions(document, complete_event)
        except ConnectionLost as error:
            self._on_lost(error)
            return
        for name in sorted(near, key=lambda name: not name.text.startswith(what.typed)):
            yield _completion(name, what)


class _All(Completer):
    """All names of the kind that can stand at the cursor, whatever stands there."""

    def __init__(self, session: Session, names: SessionNames) -> None:
        self._session = session
        self._names = names

    def get_completions(self, document: Document, _: CompleteEvent) -> Iterable[Completion]:
        found = candidates(document.text_before_cursor, self._names, **_mode(self._session))
        if found is None:
            return
        what, names = found
        for name in names:
            yield _completion(name, what)


def _completion(name: Candidate, what: Wanted) -> Completion:
    return Completion(name.text, start_position=-len(what.typed), display_meta=name.description)


def _mode(session: Session) -> dict[str, bool]:
    return {"human": session.human is not None, "in_transaction": session.in_transaction}
