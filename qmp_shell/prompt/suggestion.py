"""The grey text behind the cursor, which Right takes over; it is never sent by itself."""

from __future__ import annotations

from prompt_toolkit.auto_suggest import AutoSuggest, AutoSuggestFromHistory, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document

from ..session import Session


class LineSuggestion(AutoSuggest):
    """Suggests what the last line should have been, or what undoes the last change.

    Otherwise it suggests a line of the history.
    """

    def __init__(self, session: Session, *, colour: bool) -> None:
        """:param colour: what is suggested can be told from what was typed."""
        self._session = session
        self._colour = colour
        self._history = AutoSuggestFromHistory()

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        line = self._line() if self._colour else ""
        if line.startswith(document.text) and line != document.text:
            return Suggestion(line[len(document.text) :])
        return self._history.get_suggestion(buffer, document) if document.text else None

    def _line(self) -> str:
        """What the session suggests; empty: nothing that fits on one line."""
        session = self._session
        if session.correction:
            return session.correction if "\n" not in session.correction else ""
        may_undo = session.human is None and not session.parser.in_transaction
        return session.inverse if may_undo else ""

    def begin(self, buffer: Buffer) -> None:
        """Suggest a line of the session's before anything is typed."""
        if not buffer.text:
            buffer.suggestion = self.get_suggestion(buffer, buffer.document)
