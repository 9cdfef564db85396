"""The script front end: lines from a pipe, a file or ``-c``; one JSON reply a line.

Replies go to standard output, everything else to standard error. Nothing here needs a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

from .errors import ConnectionLost, QMPError, ReportedError, UsageError
from .protocol import CommandError, Event, Message, Reply
from .render.formatter import Formatter
from .render.text import format_compact, sanitize_line
from .session import Session, Settings
from .session.scripts import Input, ScriptSession, format_place
from .signals import interruptible

if TYPE_CHECKING:
    from .render.progress import ProgressArea, ProgressBar

_READ_BYTES = 1 << 16


class ScriptDisplay:
    """Writes for a program to read. (:class:`~qmp_shell.session.Display`)"""

    supports_unicode = False

    def __init__(self, settings: Settings, formatter: Formatter) -> None:
        self._settings = settings
        self._format = formatter
        self._progress: ProgressArea | None = None

    def reply(self, reply: Reply) -> None:
        self._print_message(reply.message)

    def dry_run(self, message: Message) -> None:
        self._print(format_compact(message))

    def note(self, text: str) -> None:
        """Nothing: a program does not need it."""

    def text(self, text: str) -> None:
        self._print(self._format.text(text))

    def event(self, event: Event) -> None:
        with interruptible():  # the program that reads this may have stopped reading
            self._print_message(event.message)

    def late_reply(self, reply: Reply) -> None:
        """Nothing: that its command was given up has been reported."""

    def unexpected_reply(self, message: Message) -> None:
        complain(f"a reply that answers no command was received: {format_compact(message)}")

    def warning(self, text: str) -> None:
        complain(text)

    def progress(self, title: str) -> AbstractContextManager[ProgressBar | None]:
        from .render.progress import ProgressArea

        self._progress = ProgressArea()
        return self._progress.show(title)

    def trace(self, direction: str, message: Message) -> None:
        print(direction, format_compact(message), file=sys.stderr, flush=True)  # noqa: T201

    def _print_message(self, message: Message) -> None:
        self._print(self._format.reply(message, self._settings.view))

    def _print(self, text: str) -> None:
        if self._progress is not None:
            self._progress.hide()
        print(text, flush=True)  # noqa: T201


class LineInput(NamedTuple):
    """A line given with ``-c``; it may contain newlines."""

    text: str

    def place(self, _: int, column: int | None = None) -> str:
        return "" if column is None else f"column {column}: "

    def lines(self, _: ScriptSession) -> Iterator[bytes]:
        return iter(os.fsencode(self.text).split(b"\n"))


class StandardInput:
    """Standard input. While the next line is awaited, what the VM sends is received."""

    def place(self, line: int, column: int | None = None) -> str:
        return format_place("<stdin>", line, column)

    def lines(self, session: ScriptSession) -> Iterator[bytes]:
        if sys.stdin is None:  # Python's way to say that it was closed before the start
            return
        descriptor = sys.stdin.fileno()
        buffer = bytearray()
        while data := self._read(session, descriptor):
            scanned = len(buffer)
            buffer += data
            start = 0
            while (end := buffer.find(b"\n", max(start, scanned))) >= 0:
                yield bytes(buffer[start : end + 1])
                start = end + 1
            del buffer[:start]
        if buffer:
            yield bytes(buffer)

    def _read(self, session: ScriptSession, descriptor: int) -> bytes:
        if session.attachment.is_connected:
            self._receive_until_readable(session, descriptor)
        return os.read(descriptor, _READ_BYTES)

    @staticmethod
    def _receive_until_readable(session: ScriptSession, descriptor: int) -> None:
        is_readable = False

        def note_readable() -> None:
            nonlocal is_readable
            is_readable = True

        client = session.attachment.client
        client.watch(descriptor, note_readable)
        try:
            client.wait(lambda: is_readable)
        except ConnectionLost:
            # Only a line that needs the VM suffers from that, and will say so; unless the script
            # waits for events.
            if session.settings.events:
                raise
        finally:
            client.unwatch(descriptor)


def complain(message: str) -> None:
    """Say on standard error, on one line, what is wrong."""
    if sys.stderr is not None:
        print(f"qmp-shell: {sanitize_line(message)}", file=sys.stderr, flush=True)  # noqa: T201


class ErrorReport:
    """Reports failures on standard error. (:data:`~qmp_shell.session.Reporter`)

    :ivar first: the first failure; None: there was none.
    """

    def __init__(self, *, keep_going: bool) -> None:
        self._keep_going = keep_going
        self.first: QMPError | None = None

    def __call__(self, error: QMPError, place: str) -> bool:
        """Report a failure; returns whether to go on."""
        hint = error.hint if isinstance(error, CommandError) else ""
        complain(f"{place}{error}" + (f" (hint: {hint})" if hint else ""))
        self.first = self.first or error
        return self._keep_going and not isinstance(error, ConnectionLost)


def run_script(session: Session, inputs: list[Input], report: ErrorReport) -> QMPError | None:
    """Run all lines of all inputs.

    :param report: that of the session.
    :return: the first failure, which was reported; None: there was none.
    """
    for script, following in zip(inputs, [*inputs[1:], None], strict=True):
        # A transaction may be given in several -c, one line each.
        continues = isinstance(script, LineInput) and isinstance(following, LineInput)
        try:
            session.scripts.run(script, continues=continues)
        except ReportedError:
            break
        except (UsageError, ConnectionLost) as error:  # the input itself cannot be read
            if not report(error, ""):
                break
        if session.is_finished:
            break
    return report.first
