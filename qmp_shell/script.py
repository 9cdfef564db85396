"""The script front end: lines from a pipe, a file or ``-c``; one JSON reply a line.

Replies go to standard output, all else to standard error. Nothing here needs a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

from .errors import ConnectionLost, QMPError, Told, UsageError
from .protocol import CommandError, Event, Message, Reply
from .render.text import format_compact, format_pretty, sanitize, sanitize_line
from .session import Session, Settings
from .session.display import ProgressDisplay
from .session.scripts import Input, place_in, run_lines
from .signals import interruptible

_READ_BYTES = 1 << 16


class ScriptDisplay(ProgressDisplay):
    """Writes a session's answers for a program to read."""

    unicode = False

    def __init__(self, settings: Settings, *, colour: bool = False) -> None:
        self._settings = settings
        self._colour = colour

    def reply(self, reply: Reply) -> None:
        self._put(reply.message)

    def draft(self, message: Message) -> None:
        print(format_compact(message), flush=True)  # noqa: T201

    def remark(self, text: str) -> None:
        """A program reads this."""

    def text(self, text: str) -> None:
        print(sanitize(text), flush=True)  # noqa: T201

    def event(self, event: Event) -> None:
        with interruptible():  # who reads this may have stopped to
            self._put(event.message)

    def late(self, reply: Reply) -> None:
        """Who gave up waiting has been told so already."""

    def stray(self, message: Message) -> None:
        complain(f"an answer to nothing was sent: {format_compact(message)}")

    def warn(self, text: str) -> None:
        complain(text)

    def trace(self, direction: str, message: Message) -> None:
        print(direction, format_compact(message), file=sys.stderr, flush=True)  # noqa: T201

    def _put(self, message: Message) -> None:
        text = (
            format_pretty(message, ascii_only=True)
            if self._settings.pretty
            else format_compact(message)
        )
        if self._colour:
            from .render.colour import colour_json

            text = colour_json(text)
        self.hide_progress()
        print(text, flush=True)  # noqa: T201


class LineInput(NamedTuple):
    """A line given with ``-c``; it may hold newlines."""

    text: str

    def place(self, _: int, column: int | None = None) -> str:
        return "" if column is None else f"column {column}: "

    def lines(self, _: Session) -> Iterator[bytes]:
        return iter(os.fsencode(self.text).split(b"\n"))


class StandardInput:
    """Standard input. While the next line is awaited, the VM is listened to."""

    def place(self, line: int, column: int | None = None) -> str:
        return place_in("<stdin>", line, column)

    def lines(self, session: Session) -> Iterator[bytes]:
        if sys.stdin is None:  # Python's way to say that it was closed before the start
            return
        descriptor = sys.stdin.fileno()
        rest = bytearray()
        while data := self._read(session, descriptor):
            begin = len(rest)
            rest += data
            start = 0
            while (end := rest.find(b"\n", max(start, begin))) >= 0:
                yield bytes(rest[start : end + 1])
                start = end + 1
            del rest[:start]
        if rest:
            yield bytes(rest)

    def _read(self, session: Session, descriptor: int) -> bytes:
        if session.connected:
            self._listen_until_readable(session, descriptor)
        return os.read(descriptor, _READ_BYTES)

    @staticmethod
    def _listen_until_readable(session: Session, descriptor: int) -> None:
        readable = False

        def note() -> None:
            nonlocal readable
            readable = True

        client = session.client
        client.watch(descriptor, note)
        try:
            client.wait(lambda: readable)
        except ConnectionLost:
            # Only a line that needs the VM suffers from that, and will say so; unless it is
            # events that are waited for.
            if session.settings.events:
                raise
        finally:
            client.unwatch(descriptor)


def complain(message: str) -> None:
    """Say on standard error, in one line, what is wrong."""
    if sys.stderr is not None:
        print(f"qmp-shell: {sanitize_line(message)}", file=sys.stderr, flush=True)  # noqa: T201


class _Report:
    """Tells of failures on standard error.

    :ivar status: that of the first failure; 0: there was none.
    """

    def __init__(self, *, keep_going: bool) -> None:
        self._keep_going = keep_going
        self.status = 0

    def __call__(self, error: QMPError, place: str) -> bool:
        """:return: whether to go on."""
        hint = error.hint if isinstance(error, CommandError) else ""
        complain(f"{place}{error}" + (f" (hint: {hint})" if hint else ""))
        self.status = self.status or error.exit_status
        return self._keep_going and not isinstance(error, ConnectionLost)


def run_script(session: Session, inputs: list[Input], *, keep_going: bool) -> int:
    """Run all lines of all inputs, and say what fails.

    :param keep_going: go on after a failed line.
    :return: the exit status: 0, or that of the first failure.
    """
    session.report = report = _Report(keep_going=keep_going)
    for item, following in zip(inputs, [*inputs[1:], None], strict=True):
        # A transaction may be given in several -c, one line each.
        goes_on = isinstance(item, LineInput) and isinstance(following, LineInput)
        try:
            run_lines(session, item, goes_on=goes_on)
        except Told:
            break
        except (UsageError, ConnectionLost) as error:  # of the input as a whole
            if not report(error, ""):
                break
        if session.done:
            break
    return report.status
