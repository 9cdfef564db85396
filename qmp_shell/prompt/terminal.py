"""A session's output on a terminal: in colours, and above the line that is being edited."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import termios
import time
from collections.abc import Iterator

from prompt_toolkit.application import get_app_or_none

from ..protocol import Event, Message, Reply
from ..render.formatter import Formatter
from ..render.progress import ProgressArea, ProgressBar
from ..render.text import sanitize_line
from ..session import Settings
from .event_limiter import EventLimiter
from .pager import page
from .timer import Timer


@contextlib.contextmanager
def typing_ahead() -> Iterator[None]:
    """Keep what is typed while a command runs for the next prompt, which then shows it.

    Otherwise the terminal would echo it at once, within the reply, and swallow Ctrl-D. Ctrl-C
    still interrupts.
    """
    before = termios.tcgetattr(sys.stdin)
    quiet = termios.tcgetattr(sys.stdin)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


class TerminalDisplay:
    """Prints at once; while a line is edited, above it. (:class:`~qmp_shell.session.Display`)"""

    def __init__(self, settings: Settings, formatter: Formatter) -> None:
        self.supports_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        self._settings = settings
        self._format = formatter
        self._limiter = EventLimiter()
        self._sum_timer = Timer(self.show_event_sums)
        self._progress = ProgressArea()
        self._unprinted: list[str] = []

    def reply(self, reply: Reply) -> None:
        self._print(self._json(reply.message), may_page=True)

    def dry_run(self, message: Message) -> None:
        self._print(self._format.reply(message, "compact"))

    def text(self, text: str) -> None:
        self._print(self._format.text(text), may_page=True)

    def event(self, event: Event) -> None:
        if self._limiter.allows(event.name, time.monotonic()):
            self._print(self._format.event(event))
            return
        self.show_event_sums()
        due = self._limiter.next_due
        if _is_editing() and due is not None:  # otherwise they are shown before the next prompt
            self._sum_timer.set(due)

    def show_event_sums(self, *, all_at_once: bool = False) -> None:
        """Say how many events were not shown one by one."""
        for name, events in self._limiter.take_sums(time.monotonic(), all_at_once=all_at_once):
            self._print(self._format.event_sum(name, events))

    def late_reply(self, reply: Reply) -> None:
        head = self._format.note(f"late reply to {sanitize_line(reply.name)}:")
        self._print(f"{head}\n{self._json(reply.message)}")

    def unexpected_reply(self, message: Message) -> None:
        self._print(self._format.note("a reply that answers no command:"))
        self._print(self._json(message))

    def trace(self, direction: str, message: Message) -> None:
        self._print(self._format.trace(direction, message))

    def note(self, text: str) -> None:
        self.remark(f"note: {text}")

    def remark(self, text: str) -> None:
        """Show a remark without a label."""
        self._print(self._format.note(text))

    def heading(self, text: str) -> None:
        """Print the line about the VM that precedes the first prompt."""
        self._print(self._format.heading(text))

    def warning(self, text: str) -> None:
        self._print(self._format.error(text))

    def progress(self, title: str) -> contextlib.AbstractContextManager[ProgressBar | None]:
        return self._progress.show(title)

    def flush(self) -> None:
        """Print what was held back, above the edited line if there is one.

        prompt_toolkit's run_in_terminal() does the same, but the terminal then echoes what is
        typed meanwhile.
        """
        unprinted, self._unprinted = self._unprinted, []
        app = get_app_or_none()
        editing = app is not None and app.is_running
        if app is not None and editing:
            app.renderer.erase()
        for text in unprinted:
            self._write(text)
        if app is not None and editing:
            app.renderer.request_absolute_cursor_position()
            app.invalidate()

    def _json(self, message: Message) -> str:
        return self._format.reply(message, self._settings.view, is_error="error" in message)

    def _print(self, text: str, *, may_page: bool = False) -> None:
        if _is_editing():
            if not self._unprinted:
                asyncio.get_running_loop().call_soon(self.flush)
            self._unprinted.append(text)
        elif not (may_page and self._settings.pager and page(text)):
            self._write(text)

    def _write(self, text: str) -> None:
        self._progress.hide()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _is_editing() -> bool:
    """Whether a line is being edited."""
    app = get_app_or_none()
    return app is not None and app.is_running
