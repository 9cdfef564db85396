"""Everything that a display prints, as text: safe for a terminal, in colours or without.

A formatter is chosen once for an output. This is where text of the VM's is made safe: control
characters and terminal escapes are dropped from plain text and escaped in JSON.
"""

from __future__ import annotations

import time

from ..protocol import Event, Message
from .text import format_compact, format_event, sanitize, sanitize_line
from .views import VIEWS, Look


class Formatter:
    """Formats for one output."""

    def __init__(self, look: Look) -> None:
        """:param look: what the output can show."""
        self._look = look

    def reply(self, message: Message, view: str, *, is_error: bool = False) -> str:
        """A reply in a view.

        :param view: a name in :data:`~qmp_shell.render.views.VIEWS`.
        :param is_error: all of it is in the colour of errors.
        """
        if not is_error:
            return VIEWS[view](message, self._look)
        plain = self._look._replace(colour=False)
        return self._styled(VIEWS[view](message, plain), "error")

    def text(self, text: str) -> str:
        """Text of many lines, as of the human monitor."""
        return sanitize(text)

    def event(self, event: Event) -> str:
        """An event on one line."""
        return self._styled(format_event(event), "event")

    def event_sum(self, name: str, events: int) -> str:
        """How many events of one name were not shown one by one."""
        clock = time.strftime("%H:%M:%S")
        return self._styled(f"{clock} {sanitize_line(name)} x {events}", "event")

    def note(self, text: str) -> str:
        """A remark."""
        return self._styled(sanitize(text), "note")

    def heading(self, text: str) -> str:
        """What stands above other text."""
        return self._styled(sanitize(text), "heading")

    def error(self, text: str) -> str:
        """What is wrong."""
        return self._styled(sanitize(text), "error")

    def trace(self, direction: str, message: Message) -> str:
        """A message on the wire, on one line."""
        return self._styled(f"{direction} {format_compact(message)}", "note")

    def _styled(self, text: str, kind: str) -> str:
        """Each line of a text in the colour of its kind."""
        if not self._look.colour:
            return text
        from .palette import ESCAPES, RESET, TEXT_COLOURS

        escape = ESCAPES[TEXT_COLOURS[kind]]
        return "\n".join(f"{escape}{line}{RESET}" if line else "" for line in text.split("\n"))
