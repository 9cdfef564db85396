"""A session's output on a terminal: in colours, and above the line that is being edited."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

from prompt_toolkit.application import get_app, get_app_or_none, get_app_session
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.utils import get_cwidth

from ..messages import Event, Message, Reply
from ..output import STANDARD_OUTPUT, Output, SafeText
from ..process import is_ready
from ..render.controls import NEW_LINE, begin_row, erase_rows
from ..render.formatter import Formatter
from ..render.progress import ProgressArea, ProgressBar
from ..render.views import Subject
from ..session import Settings
from ..session.display import TextDisplay
from .events import JOB_KEY, EventPrinter, is_editing
from .pager import page

if TYPE_CHECKING:
    from ..session.pipeline import Background
    from .screen import TerminalScreen

# How much is kept while something else uses the terminal; the VM may send events for days.
_MOST_UNPRINTED = 1_000
_BEST = 15  # rows that fit on most screens
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.contextmanager
def terminal_modes(*, on: int = 0, off: int = 0) -> Iterator[None]:
    """Switch some of the terminal's local modes (termios(3)) on or off."""
    before = termios.tcgetattr(sys.stdin)
    changed = termios.tcgetattr(sys.stdin)
    changed[3] = (changed[3] | on) & ~off
    termios.tcsetattr(sys.stdin, termios.TCSANOW, changed)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def typing_ahead(*, keeps_lines: bool) -> AbstractContextManager[None]:
    """Keep what is typed while a command runs for the next prompt, which then shows it.

    Otherwise the terminal would echo it at once, within the reply, and swallow Ctrl-D. Ctrl-C
    still interrupts, but does not drop what is being printed, as it would otherwise.

    :param keeps_lines: the terminal gives out whole lines only, before and afterwards.
    """
    hidden = termios.ECHO if keeps_lines else termios.ECHO | termios.ICANON
    return terminal_modes(on=termios.NOFLSH, off=hidden)


def is_typed_ahead() -> bool:
    """Whether something was typed while a command ran."""
    keys = get_app_session().input
    read = get_typeahead(keys)
    store_typeahead(keys, read)
    return bool(read) or is_ready(sys.stdin.fileno(), seconds=0.0)


def usual_terminal() -> AbstractContextManager[None]:
    """Have the terminal as programs expect it, for one that the user runs from here."""
    return terminal_modes(on=termios.ECHO | termios.ICANON, off=termios.NOFLSH)


class TerminalDisplay(TextDisplay):
    """Prints at once; while a line is edited, above it. (:class:`~qmp_shell.session.Display`)

    :ivar events: prints events.
    :ivar is_at_prompt: a prompt of :meth:`begin_line` is the last that was printed.
    """

    def __init__(
        self,
        settings: Settings,
        formatter: Formatter,
        background: Background = contextlib.nullcontext,
        *,
        is_dumb: bool,
    ) -> None:
        """
        :param background: what is done while a pager runs.
        :param is_dumb: what was printed cannot be changed, and there are no function keys.
        """
        super().__init__(formatter)
        self._background = background
        self.is_at_prompt = False
        self._is_dumb = is_dumb
        self._output = Output(STANDARD_OUTPUT)
        self.supports_unicode = self._output.supports_unicode
        self._settings = settings
        self.events = EventPrinter(self, settings, formatter, may_replace=not is_dumb)
        self._progress = ProgressArea()
        self._unprinted: list[_Line] = []
        self._is_held = False
        self._left_out = 0
        # The last line on the screen, if it may be replaced, and how it lies there.
        self._last_line = _NOTHING
        self._last_place = (0, 0)

    def reply(self, subject: Subject, view: str) -> None:
        text = self.format.reply(subject, view)
        # A job that the command has started goes on changing its line, so that comes last.
        job = self._last_line if self._last_line.key.startswith(JOB_KEY) else None
        if job is not None:
            self._erase_last()
        self._print(text, may_page=True)
        lines = text.count("\n") + 1
        if lines > shutil.get_terminal_size().lines and view == "json":
            how = (
                "| .table, | .tree show it otherwise"
                if self._is_dumb
                else "F4 for a table or a tree"
            )
            self.remark(f"{lines} lines; {how}")
        if job is not None:
            self.print_line(job.text, key=job.key)

    def dry_run(self, message: Message) -> None:
        self._print(self.format.message(message, "compact"))

    def show_text(self, text: SafeText) -> None:
        self._print(text, may_page=True)

    def event(self, event: Event) -> None:
        self.events.show(event)

    def late_reply(self, reply: Reply) -> None:
        self.remark(f"late reply to {reply.name}:")
        self._print(self._json(reply.message))

    def unexpected_reply(self, message: Message) -> None:
        if self.events.allows("replies that answer no command"):
            self.remark("a reply that answers no command:")
            self._print(self._json(message))

    def trace(self, direction: str, message: Message) -> None:
        self._print(self.format.trace(direction, message))

    def best_pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        if self._captured is not None or len(rows) <= _BEST:
            self.pairs(rows)
            return
        self.pairs(rows[:_BEST])
        self.note(f"{len(rows) - _BEST} more; add a word to find fewer, or | less to see all")

    def note(self, text: str) -> None:
        self.remark(f"note: {text}")

    def hint(self, text: str) -> None:
        self._print(self.format.hint(text))

    def remark(self, text: str) -> None:
        """Show a remark without a label."""
        self._print(self.format.note(text))

    def heading(self, text: str) -> None:
        """Print the line about the VM that precedes the first prompt."""
        self._print(self.format.heading(text))

    def warning(self, *lines: str) -> None:
        self._print(self.format.error(*lines))

    def alert(self, text: str) -> None:
        """Tell of what has gone wrong by itself, and not in answer to a line."""
        self._print(self.format.alert(text))

    def quote(self, text: str) -> None:
        """Show what another program has printed, or, once more, what was typed."""
        self._print(self.format.quoted(text))

    def progress(self, title: str) -> contextlib.AbstractContextManager[ProgressBar | None]:
        return contextlib.nullcontext() if self._is_dumb else self._progress.show(title)

    def begin_line(self, prompt: SafeText) -> None:
        """Print a prompt, behind which the terminal shows what is typed."""
        self.is_at_prompt = True  # before the user, who may press Ctrl-C, sees it
        self._output.write(prompt)

    def end_line(self) -> None:
        """Nothing is typed behind a prompt any more; begin a new line if none was begun."""
        if self.is_at_prompt:
            self._output.write(NEW_LINE)
        self.is_at_prompt = False

    def note_line_end(self) -> None:
        """A line was entered, so that the terminal has begun a new one."""
        self.is_at_prompt = False

    @contextlib.contextmanager
    def screen(self) -> Iterator[TerminalScreen | None]:
        """What is to be printed meanwhile is printed at the end."""
        if self._is_dumb:
            yield None
            return
        from .screen import open_screen

        self.make_way()
        with self.hold(), open_screen(self._output, self.format.look) as screen:
            yield screen

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """What is to be printed meanwhile is printed at the end."""
        self._is_held = True
        try:
            yield
        except SystemExit:  # the terminal may take nothing any more
            self._unprinted.clear()
            raise
        finally:
            self._is_held = False
            self.flush()
            if self._left_out:
                self.remark(f"{self._left_out} lines before these were left out")
            self._left_out = 0

    async def _flush_soon(self) -> None:
        """Print what is held back, once the terminal has answered where the cursor is.

        An answer to an earlier request counts the rows below the cursor's place at that time. If
        lines were printed since, the prompt would be drawn too high, and scroll the screen.
        """
        try:
            await get_app().renderer.wait_for_cpr_responses()
        finally:  # also if the line was entered meanwhile, which ends this task
            self.flush()

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
        for each in unprinted:
            self._write(each)
        if app is not None and editing:
            app.renderer.request_absolute_cursor_position()
            app.invalidate()

    def _json(self, message: Message) -> SafeText:
        return self.format.message(message, self._settings.view)

    @property
    def last_key(self) -> str:
        """What the last line is about; empty: it cannot be replaced."""
        self._note_entered_line()
        return self._unprinted[-1].key if self._unprinted else self._last_line.key

    def print_line(self, text: SafeText, *, key: str = "", replaces: bool = False) -> None:
        """Print one line.

        :param key: what it is about, if it may be replaced later.
        :param replaces: it takes the place of the last line, if that is about the same.
        """
        new = _Line(text, key, replaces)
        if replaces and self._unprinted and self._unprinted[-1].key == key:
            self._unprinted[-1] = new._replace(replaces=self._unprinted[-1].replaces)
            return
        is_first = not self._unprinted
        self._unprinted.append(new)
        if self._is_held:
            if len(self._unprinted) > 2 * _MOST_UNPRINTED:
                self._left_out += _MOST_UNPRINTED
                del self._unprinted[:_MOST_UNPRINTED]
        elif not is_editing():
            self.flush()
        elif is_first:
            get_app().create_background_task(self._flush_soon())

    def _print(self, text: SafeText, *, may_page: bool = False) -> None:
        """
        :param may_page: show it in a pager if it is taller than the screen.
        """
        is_busy = self._is_held or self._is_dumb or is_editing()
        if may_page and not is_busy and self._settings.pager and page(text, self._background):
            self.make_way()
        else:
            self.print_line(text)

    def _write(self, new: _Line) -> None:
        self._note_entered_line()
        self.end_line()
        self._progress.hide()
        if new.replaces and new.key == self._last_line.key:
            self._erase_last()
        self._output.write_line(new.text)
        columns = shutil.get_terminal_size().columns
        self._last_line = new if new.key else _NOTHING
        self._last_place = (_rows(new.text, columns) if new.key else 0, columns)

    def _note_entered_line(self) -> None:
        """If a line has just been entered, that is the last one, and not what was printed before.

        The line editor may then wait for the terminal before it ends.
        """
        app = get_app_or_none()
        if app is not None and not app.is_running:
            self._last_line = _NOTHING

    def _erase_last(self) -> None:
        """Take the last line off the screen, if it is still where it was printed."""
        rows, columns = self._last_place
        if columns == shutil.get_terminal_size().columns:
            self._progress.hide()
            self._output.write(erase_rows(rows))
        self._last_line = _NOTHING

    def make_way(self) -> None:
        self._progress.hide()
        self._last_line = _NOTHING

    def begin_row(self) -> None:
        if self._is_dumb:
            return
        with contextlib.suppress(OSError):  # $COLUMNS does not matter here
            self._output.write(begin_row(os.get_terminal_size(STANDARD_OUTPUT).columns))


class _Line(NamedTuple):
    """What is to be printed; see :meth:`TerminalDisplay.print_line`."""

    text: SafeText
    key: str
    replaces: bool


_NOTHING = _Line(NEW_LINE, "", False)


def _rows(text: SafeText, columns: int) -> int:
    """How many rows of the screen a line takes."""
    return max(1, -(-get_cwidth(_COLOURS.sub("", text)) // max(columns, 1)))
