"""What the prompt shows of a tour, and the keys that belong to it."""

from __future__ import annotations

import textwrap

from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from ..launch.tour import Tour
from ..session import Session
from .suggestion import LineSuggestion

_KEYS = "Right takes this line, Enter runs it. F2 skips it, F3 ends the tour."
_WORDS = "(.tour next goes on without it, .tour off ends the tour.)"


class Guide:
    """Shows a tour while a line is edited in QMP mode, where its lines can be run."""

    def __init__(self, tour: Tour | None, session: Session) -> None:
        """:param tour: None: there is none, and nothing is shown."""
        self._tour = tour
        self._session = session
        self._printed = ""

    @property
    def line(self) -> str:
        """The line to try now; empty: none is to be shown."""
        return self._shown.line if self._shown is not None else ""

    @property
    def _shown(self) -> Tour | None:
        session = self._session
        is_in_place = not session.is_human and not session.parser.in_transaction
        return self._tour if is_in_place and self._tour is not None and self._tour.line else None

    def take_news(self) -> list[str]:
        """What to print before a line is read, if it cannot stay on the screen."""
        tour = self._shown
        if tour is None or tour.line == self._printed:
            return []
        words = [] if self._printed else [_WORDS]
        self._printed = tour.line
        return [tour.title, f"  {tour.line}", *words]

    def rows(self, columns: int, most: int) -> list[StyleAndTextTuples]:
        """What stays on the screen below the line that is edited.

        :param columns: the width of the terminal.
        :param most: how many rows there is room for; if it needs more, it is not shown.
        """
        tour = self._shown
        if tour is None:
            return []
        rows = [
            *_wrap("class:tour.title", f"{tour.title} {tour.aid}", columns),
            *_wrap("class:tour.line", tour.line, columns, indent="  "),
            *_wrap("", _KEYS, columns),
        ]
        return rows if len(rows) <= most else []

    def add_keys(self, keys: KeyBindings, suggestion: LineSuggestion) -> None:
        """Add the keys of the tour.

        :param suggestion: is made anew if another line is to be tried.
        """
        is_shown = Condition(lambda: self._shown is not None)
        is_empty = Condition(lambda: not get_app().current_buffer.text)

        @keys.add("right", filter=is_shown & is_empty & ~is_searching)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text(self.line)

        @keys.add("f2", filter=is_shown & ~is_searching)
        @keys.add("f3", filter=is_shown & ~is_searching)
        def _(event: KeyPressEvent) -> None:
            tour = self._shown
            assert tour is not None
            if event.key_sequence[0].key == "f2":
                tour.go_on()
            else:
                tour.end()
            suggestion.begin(event.current_buffer)


def _wrap(style: str, text: str, columns: int, indent: str = "") -> list[StyleAndTextTuples]:
    width = max(columns - 1, 2 * len(indent) + 1)
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    return [[(style, line)] for line in lines]
