"""Everything that a display prints, as text: safe for a terminal, in colours or without.

A formatter is chosen once for an output. This is where text of the VM's is made safe: control
characters and terminal escapes are dropped from plain text and escaped in JSON.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from ..messages import Event, Message, ReceivedMessage
from ..output import SafeText
from ..static_typing import TYPE_CHECKING
from .text import fold, format_clock, format_compact, format_event, sanitize, sanitize_line
from .views import VIEWS, Look, Subject, json_view

if TYPE_CHECKING:
    from ..documentation.markup import Block
    from .job_lines import JobLine
    from .parts import Node


class Formatter:
    """Formats for one output.

    :ivar look: what the output can show.
    """

    def __init__(self, look: Look) -> None:
        self.look = look

    def reply(self, subject: Subject, view: str) -> SafeText:
        """A reply in a view; an error is JSON in any view.

        :param view: a name in :data:`~qmp_shell.render.views.VIEWS`.
        """
        if "error" in subject.message:
            return self._json(subject, view)
        return VIEWS[view].draw(subject, self.look)

    def message(self, message: Message, view: str) -> SafeText:
        """A message as JSON; all of an error is in the colour of errors.

        :param view: one of a reply.
        """
        return self._json(Subject(message), view)

    def received(self, message: ReceivedMessage, view: str) -> SafeText:
        """A message as it was received, as JSON."""
        return self._json(Subject(message.message, received=message), view)

    def _json(self, subject: Subject, view: str) -> SafeText:
        is_error = "error" in subject.message
        look = self.look.replaced(colour=False) if is_error else self.look
        text = VIEWS[json_view(view)].draw(subject, look)
        return self._styled(text, "error") if is_error else text

    def lines(self, lines: Iterable[str]) -> SafeText:
        """Lines, none of which becomes several."""
        return SafeText("\n".join(map(sanitize_line, lines)))

    def pairs(self, rows: Iterable[tuple[str, str]]) -> SafeText:
        """Two columns: names, and what they are."""
        from .table import draw_pairs

        return draw_pairs(rows, self.look)

    def draw(self, nodes: Iterable[Node]) -> SafeText:
        """Lines of several colours, or trees of them; long ones are wrapped."""
        from .tree import draw_forest

        return draw_forest(nodes, self.look)

    def document(self, blocks: Iterable[Block]) -> SafeText:
        """A text of the manual, as wide as a terminal, also where there is none."""
        from .document import draw_document

        return draw_document(blocks, self.look)

    def event(self, event: Event) -> SafeText:
        """An event on one line."""
        return self._styled(format_event(event), "event")

    def repeated_event(self, event: Event, count: int, since: float) -> SafeText:
        """The last of several events of one name, on one line.

        :param since: when the first one came, in seconds since the epoch.
        """
        text = SafeText(f"{format_event(event)} x {count} since {format_clock(since)}")
        return self._styled(text, "event")

    def job(self, line: JobLine) -> SafeText:
        """The steps of a job on one line."""
        return self._styled(line.text(), "event")

    def event_sum(self, name: str, events: int) -> SafeText:
        """How many events of one name were not shown one by one."""
        clock = time.strftime("%H:%M:%S")
        return self._styled(sanitize_line(f"{clock} {name} x {events}"), "event")

    def note(self, text: str) -> SafeText:
        """A remark on one line; where it cannot be dim, a comment."""
        return self._remark(text, "note")

    def hint(self, text: str) -> SafeText:
        """What may help against an error, on one line; where it has no colour, a comment."""
        return self._remark(f"hint: {text}", "hint")

    def alert(self, text: str) -> SafeText:
        """What has gone wrong by itself, on one line; where it has no colour, a comment."""
        return self._remark(text, "error")

    def _remark(self, text: str, kind: str) -> SafeText:
        mark = "" if self.look.colour else "# "
        return self._styled(self._folded(text, mark), kind)

    def quoted(self, text: str) -> SafeText:
        """What another program has printed, or the user has typed, of many lines."""
        return self._styled(sanitize(text), "note")

    def heading(self, text: str) -> SafeText:
        """A line that stands above other text."""
        return self._styled(self._folded(text), "heading")

    def error(self, *lines: str) -> SafeText:
        """What is wrong, on one line or on several."""
        return self._styled(SafeText("\n".join(map(self._folded, lines))), "error")

    def trace(self, direction: str, message: Message) -> SafeText:
        """A message on the wire, on one line."""
        return self._styled(SafeText(f"{direction} {format_compact(message)}"), "note")

    def _folded(self, text: str, mark: str = "") -> SafeText:
        """A line of prose; on a terminal that is not wide enough, several.

        :param mark: what each line begins with.
        """
        line = sanitize_line(f"{mark}{text}")
        width = self.look.find_width()
        return line if width is None else fold(line, width, mark)

    def _styled(self, text: SafeText, kind: str) -> SafeText:
        """Each line of a text in the colour of its kind."""
        if not self.look.colour:
            return text
        from .palette import ESCAPES, RESET, TEXT_COLOURS

        escape = ESCAPES[TEXT_COLOURS[kind]]
        lines = (f"{escape}{line}{RESET}" if line else "" for line in text.split("\n"))
        return SafeText("\n".join(lines))
