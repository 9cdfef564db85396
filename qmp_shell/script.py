"""The script front end: lines from a pipe, a file or ``-c``; one JSON reply a line.

Replies go to standard output, everything else to standard error. Nothing here needs a terminal.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import accumulate

from .errors import ConnectionLost, QMPError, ReportedError, UsageError
from .messages import Event, Message, Reply
from .output import STANDARD_ERROR, STANDARD_OUTPUT, Output, SafeText
from .render.formatter import Formatter
from .render.text import format_compact, sanitize_line
from .session import Session, Settings
from .session.display import TextDisplay
from .session.scripts import Input, ScriptSession, format_place, lines_as_they_come
from .static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .render.progress import ProgressArea, ProgressBar
    from .render.views import Subject

WRAP = "qmp-shell-wrap"
"""The program that starts QEMU, too."""

_MOST_HELD = 1 << 16  # characters of events that are printed together
_STANDARD_INPUT = "<stdin>"


class ScriptDisplay(TextDisplay):
    """Writes for a program to read. (:class:`~qmp_shell.session.Display`)"""

    supports_unicode = False

    def __init__(self, settings: Settings, formatter: Formatter) -> None:
        super().__init__(formatter)
        self._settings = settings
        self._output = Output(STANDARD_OUTPUT, timeout=lambda: settings.timeout)
        self._errors = Output(STANDARD_ERROR, timeout=lambda: settings.timeout)
        self._progress: ProgressArea | None = None
        self._events: list[SafeText] = []  # that are to be printed, all at once
        self._size = 0

    def reply(self, subject: Subject, view: str) -> None:
        self._print(self.format.reply(subject, view))

    def dry_run(self, message: Message) -> None:
        self._print(format_compact(message))

    def note(self, text: str) -> None:
        """Nothing: a program does not need it."""

    def hint(self, text: str) -> None:
        """Nothing: errors have theirs."""

    def show_text(self, text: SafeText) -> None:
        self._print(text)

    def event(self, event: Event) -> None:
        text = self.format.received(event, self._settings.view)
        self._events.append(text)
        self._size += len(text)
        if self._size > _MOST_HELD:
            self.flush()

    def after_delivery(self) -> None:
        self.flush()

    def flush(self) -> None:
        """Print the events that came together."""
        events, self._events, self._size = self._events, [], 0
        if events:
            self._hide_progress()
            self._output.write_lines(events)

    def late_reply(self, reply: Reply) -> None:
        """Nothing: that its command was given up has been reported."""

    def unexpected_reply(self, message: Message) -> None:
        self.warning(f"a reply that answers no command was received: {format_compact(message)}")

    def warning(self, text: str) -> None:
        self.flush()
        complain(text, self._settings.timeout)

    def progress(self, title: str) -> AbstractContextManager[ProgressBar | None]:
        from .render.progress import ProgressArea

        self._progress = ProgressArea()
        return self._progress.show(title)

    def screen(self) -> AbstractContextManager[None]:
        return nullcontext()

    def hold(self) -> AbstractContextManager[None]:
        return nullcontext()

    def make_way(self) -> None:
        """Nothing: what was printed is never changed."""

    def begin_row(self) -> None:
        """Nothing: what a program writes is taken as it is."""

    def trace(self, direction: str, message: Message) -> None:
        self.flush()
        self._errors.write_line(self.format.trace(direction, message))

    def _print(self, text: SafeText) -> None:
        self.flush()
        self._hide_progress()
        self._output.write_line(text)

    def _hide_progress(self) -> None:
        if self._progress is not None:
            self._progress.hide()


class LineInput:
    """A line given with ``-c``; it may contain newlines.

    :ivar name: tells it from others; empty: it is the only input.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.name = ""

    def place(self, _: int, column: int | None = None) -> str:
        named = f"{self.name}: " if self.name else ""
        return named if column is None else f"{named}column {column}: "

    def lines(self, _: ScriptSession) -> Iterator[bytes]:
        return iter(os.fsencode(self.text).split(b"\n"))


class WordsInput:
    """A command in words of the command line.

    :ivar words: as the user's shell has split them.
    """

    def __init__(self, words: Sequence[str]) -> None:
        """:param words: at least one."""
        self.words = words
        self._formatted: list[str] = []

    def prepare(self, *, human: bool) -> None:
        """Make a line of them.

        :param human: it is for the human monitor.
        :raise UsageError: they are no command.
        """
        from .language.shell_words import format_words

        self._formatted = format_words(self.words, human=human)

    def place(self, _: int, column: int | None = None) -> str:
        if column is None:
            return ""
        ends = accumulate(len(word) + 1 for word in self._formatted)
        return f"word {sum(end < column for end in ends) + 1}: "

    def lines(self, _: ScriptSession) -> Iterator[bytes]:
        return iter(os.fsencode(" ".join(self._formatted)).split(b"\n"))


class ReadInput:
    """Standard input that was read already."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def place(self, line: int, column: int | None = None) -> str:
        return format_place(_STANDARD_INPUT, line, column)

    def lines(self, _: ScriptSession) -> Iterator[bytes]:
        return iter(io.BytesIO(self.data))


class StandardInput:
    """Standard input. While the next line is awaited, what the VM sends is received."""

    def place(self, line: int, column: int | None = None) -> str:
        return format_place(_STANDARD_INPUT, line, column)

    def lines(self, session: ScriptSession) -> Iterator[bytes | None]:
        if sys.stdin is None:  # Python's way to say that it was closed before the start
            return
        yield from lines_as_they_come(session, sys.stdin.fileno(), _STANDARD_INPUT)


class ServedMonitor(StandardInput):
    """Standard input without a line; the VM's monitor is shared until SIGTERM, or the VM's end."""

    def lines(self, session: ScriptSession) -> Iterator[bytes]:
        """:raise ConnectionLost: the VM has ended."""
        try:
            session.attachment.client.wait(lambda: False)
        except SystemExit as end:
            if end.code != 128 + signal.SIGTERM:  # which is how a service is ended
                raise
        return iter(())


def complain(message: str, timeout: float | None = None) -> None:
    """Say on standard error, on one line, what is wrong.

    If it cannot be written there, it can be written nowhere; the exit status tells of it.

    :param timeout: seconds for which standard error may take nothing; None: no limit.
    """
    with suppress(OSError):
        Output(STANDARD_ERROR, timeout=lambda: timeout).write_line(
            sanitize_line(f"{_program()}: {message}")
        )


def _program() -> str:
    """The name of the program that runs; it has another one as a module of Python."""
    name = os.path.basename(sys.argv[0]).removesuffix(".pyz")
    return name if name == WRAP else "qmp-shell"


class ErrorReport:
    """Reports failures on standard error. (:data:`~qmp_shell.session.Reporter`)

    :ivar first: the first failure; None: there was none.
    """

    def __init__(self, settings: Settings, *, keep_going: bool) -> None:
        self._settings = settings
        self._keep_going = keep_going
        self.first: QMPError | None = None

    def __call__(self, error: QMPError, place: str) -> bool:
        """Report a failure; returns whether to go on."""
        text = f"{place}{error}" + (f" (hint: {error.hint})" if error.hint else "")
        complain(text, self._settings.timeout)
        self.first = self.first or error
        return self._keep_going and not isinstance(error, ConnectionLost)


def open_script_output(
    settings: Settings, formatter: Formatter, *, keep_going: bool
) -> tuple[ScriptDisplay, ErrorReport]:
    """What a script prints to: a display, and what reports failures."""
    return ScriptDisplay(settings, formatter), ErrorReport(settings, keep_going=keep_going)


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
