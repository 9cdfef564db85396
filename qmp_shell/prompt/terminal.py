"""What a session says, on a terminal: in colours, and above the line that is being edited."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import termios
import time
from collections.abc import Iterator

from prompt_toolkit.application import get_app_or_none

from ..protocol import Event, Message, Reply
from ..render.colour import colour, colour_json
from ..render.text import format_compact, format_event, format_pretty, sanitize
from ..session import Settings
from ..session.display import ProgressDisplay
from .floods import Floods
from .pager import page


@contextlib.contextmanager
def typing_ahead() -> Iterator[None]:
    """Keep what is typed while a command runs for the next prompt, which will show it.

    The terminal itself would show it at once, in the midst of the reply, and swallow Ctrl-D.
    Ctrl-C still interrupts.
    """
    before = termios.tcgetattr(sys.stdin)
    quiet = termios.tcgetattr(sys.stdin)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


class TerminalDisplay(ProgressDisplay):
    """Prints at once; while a line is edited, above it, which is left as it was."""

    def __init__(self, settings: Settings, *, colour: bool) -> None:
        self._settings = settings
        self._colour = colour
        self.unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        self._floods = Floods()
        self._summing: asyncio.AbstractEventLoop | None = None
        self._waiting: list[str] = []

    def reply(self, reply: Reply) -> None:
        self._print(self._json(reply.message, error=reply.is_error), may_page=True)

    def draft(self, message: Message) -> None:
        text = format_compact(message)
        self._print(colour_json(text) if self._colour else text)

    def remark(self, text: str) -> None:
        self.note(f"note: {text}")

    def text(self, text: str) -> None:
        self._print(sanitize(text), may_page=True)

    def event(self, event: Event) -> None:
        if self._floods.admits(event.name, time.monotonic()):
            self._print(self._in("yellow", format_event(event)))
            return
        self.sum_up()
        app, due = get_app_or_none(), self._floods.next_due
        if app is None or not app.is_running or due is None:
            return  # it is done before the next prompt
        loop = asyncio.get_running_loop()
        if self._summing is not loop:
            self._summing = loop  # each prompt has one of its own, and its timers end with it
            loop.call_later(due - time.monotonic(), self._sum_up_later)

    def _sum_up_later(self) -> None:
        self._summing = None
        self.sum_up()

    def sum_up(self, *, at_once: bool = False) -> None:
        """Say how many events were not shown one by one."""
        for name, events in self._floods.sums(time.monotonic(), at_once=at_once):
            clock = time.strftime("%H:%M:%S")
            self._print(self._in("yellow", sanitize(f"{clock} {name} x {events}")))

    def late(self, reply: Reply) -> None:
        head = self._in("dim", f"late reply to {sanitize(reply.name)}:")
        self._print(f"{head}\n{self._json(reply.message, error=reply.is_error)}")

    def stray(self, message: Message) -> None:
        self._print(self._in("dim", "a reply to nothing that was asked:"))
        self._print(self._json(message, error="error" in message))

    def trace(self, direction: str, message: Message) -> None:
        self._print(self._in("dim", f"{direction} {format_compact(message)}"))

    def note(self, text: str) -> None:
        """Something by the way."""
        self._print(self._in("dim", sanitize(text)))

    def heading(self, text: str) -> None:
        """Something to begin with."""
        self._print(self._in("bold", sanitize(text)))

    def warn(self, text: str) -> None:
        """Something that is wrong."""
        self._print(self._in("red", sanitize(text)))

    def flush(self) -> None:
        """Print what waits, above the edited line if there is one.

        prompt_toolkit's run_in_terminal() would do, but it has the terminal echo what is typed
        meanwhile, in the midst of things.
        """
        waiting, self._waiting = self._waiting, []
        app = get_app_or_none()
        editing = app is not None and app.is_running
        if app is not None and editing:
            app.renderer.erase()
        for text in waiting:
            self._write(text)
        if app is not None and editing:
            app.renderer.request_absolute_cursor_position()
            app.invalidate()

    def _json(self, message: Message, *, error: bool) -> str:
        if self._settings.pretty:
            text = format_pretty(message, ascii_only=not self.unicode)
        else:
            text = format_compact(message)
        if error:
            return self._in("red", text)
        return colour_json(text) if self._colour else text

    def _in(self, how: str, text: str) -> str:
        return colour(text, how) if self._colour else text

    def _print(self, text: str, *, may_page: bool = False) -> None:
        app = get_app_or_none()
        if app is not None and app.is_running:
            if not self._waiting:
                asyncio.get_running_loop().call_soon(self.flush)
            self._waiting.append(text)
        elif not (may_page and self._settings.pager and page(text)):
            self._write(text)

    def _write(self, text: str) -> None:
        self.hide_progress()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
