"""The grey text behind the cursor, which Right takes over; it is never sent by itself."""

from __future__ import annotations

from prompt_toolkit.auto_suggest import AutoSuggest, AutoSuggestFromHistory, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document

from ..session import Session


class LineSuggestion(AutoSuggest):
    """Suggests what undoes the last change, and otherwise a line of the history."""

    def __init__(self, session: Session, *, colour: bool) -> None:
        """:param colour: what is suggested can be told from what was typed."""
        self._session = session
        self._colour = colour
        self._history = AutoSuggestFromHistory()

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        session = self._session
        may_undo = session.human is None and not session.parser.in_transaction and self._colour
        inverse = session.inverse if may_undo else ""
        if inverse.startswith(document.text) and inverse != document.text:
            return Suggestion(inverse[len(document.text) :])
        return self._history.get_suggestion(buffer, document) if document.text else None

    def begin(self, buffer: Buffer) -> None:
        """Suggest what undoes the last change before anything is typed."""
        if not buffer.text:
            buffer.suggestion = self.get_suggestion(buffer, buffer.document)
