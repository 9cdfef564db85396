"""The grey text behind the cursor, which Right takes over; it is never sent by itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

from prompt_toolkit.auto_suggest import AutoSuggest, AutoSuggestFromHistory, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.utils import get_cwidth

from ..session import Session


class LineSuggestion(AutoSuggest):
    """Suggests what the last line should have been, the line of a tour, or what undoes a change.

    Otherwise it suggests a line of the history.
    """

    def __init__(
        self, session: Session, find_tour_line: Callable[[], str], *, colour: bool
    ) -> None:
        """
        :param find_tour_line: finds the line to try now; empty: there is none.
        :param colour: what is suggested can be told from what was typed.
        """
        self._find_tour_line = find_tour_line
        self._session = session
        self._colour = colour
        self._history = AutoSuggestFromHistory()

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        for line in self._lines() if self._colour else ():
            if line.startswith(document.text) and line != document.text:
                return _AsideMenu(line[len(document.text) :], buffer, self._columns_left)
        found = self._history.get_suggestion(buffer, document) if document.text else None
        return found and _AsideMenu(found.text, buffer, self._columns_left)

    def _columns_left(self, document: Document) -> int:
        """How many columns of the screen are free behind the line that is being typed."""
        columns = shutil.get_terminal_size().columns
        return columns - get_cwidth(self._session.prompt + document.current_line) % columns

    def _lines(self) -> Iterator[str]:
        """What is suggested, the best first; empty: nothing."""
        session = self._session
        correction = session.corrector.line
        if correction:
            yield correction if "\n" not in correction else ""
            return
        yield self._find_tour_line()
        if not session.is_human and not session.parser.in_transaction:
            yield session.executor.inverse

    def begin(self, buffer: Buffer) -> None:
        """Suggest a line before anything is typed."""
        if not buffer.text:
            buffer.suggestion = self.get_suggestion(buffer, buffer.document)


class _AsideMenu(Suggestion):
    """A suggestion that is empty as long as a menu is drawn over a part of it."""

    def __init__(
        self, text: str, buffer: Buffer, find_columns_left: Callable[[Document], int]
    ) -> None:
        """:param find_columns_left: finds how many columns are free behind a line."""
        self._buffer = buffer
        self._find_columns_left = find_columns_left
        super().__init__(text)

    @property
    def text(self) -> str:
        state = self._buffer.complete_state
        if state is None or not state.completions:
            return self._text
        fits = get_cwidth(self._text) < self._find_columns_left(self._buffer.document)
        return self._text if fits else ""

    @text.setter
    def text(self, text: str) -> None:
        self._text = text
