"""Everything that a display prints, as text: safe for a terminal, in colours or without.

A formatter is chosen once for an output. This is where text of the VM's is made safe: control
characters and terminal escapes are dropped from plain text and escaped in JSON.
"""

from __future__ import annotations

import time

from ..protocol import Event, Message
from .palette import ESCAPES, RESET, TEXT_COLOURS
from .text import format_compact, format_event, format_pretty, sanitize


class Formatter:
    """Formats for one output."""

    def __init__(self, *, colour: bool, ascii_only: bool) -> None:
        """
        :param ascii_only: escape all other characters in JSON.
        """
        self._colour = colour
        self._ascii_only = ascii_only

    def message(self, message: Message, *, pretty: bool, is_error: bool = False) -> str:
        """A message as JSON.

        :param pretty: over many lines, indented.
        :param is_error: all of it in the colour of errors.
        """
        if pretty:
            text = format_pretty(message, ascii_only=self._ascii_only)
        else:
            text = format_compact(message)
        if not self._colour:
            return text
        if is_error:
            return self._styled(text, "error")
        from .highlight import highlight_json

        return highlight_json(text)

    def text(self, text: str) -> str:
        """Text of many lines, as of the human monitor."""
        return sanitize(text)

    def event(self, event: Event) -> str:
        """An event on one line."""
        return self._styled(format_event(event), "event")

    def event_sum(self, name: str, count: int) -> str:
        """Events of one name that were not shown one by one."""
        clock = time.strftime("%H:%M:%S")
        return self._styled(sanitize(f"{clock} {name} x {count}"), "event")

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
        if not self._colour:
            return text
        escape = ESCAPES[TEXT_COLOURS[kind]]
        return "\n".join(f"{escape}{line}{RESET}" if line else "" for line in text.split("\n"))
