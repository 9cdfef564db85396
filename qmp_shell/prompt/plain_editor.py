"""Reading lines on a terminal that cannot move its cursor (``TERM=dumb``), or for a screen reader.

The terminal itself edits the line. Nothing on the screen is ever changed: what the VM sends is
printed below what is being typed, and then the prompt again.
"""

from __future__ import annotations

import os
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress

from ..complete import Draft
from ..errors import ConnectionLost
from ..output import SafeText
from ..polling import read_input
from ..process import is_ready
from ..render.text import sanitize_line
from ..session import Session
from ..vm import Attachment
from .guide import Guide
from .history import Histories
from .reattachment import INTERVAL_SECONDS, Reattachment
from .signals import PromptSignals
from .terminal import TerminalDisplay, terminal_modes

_CONTINUATION = "... "
_LONGEST_LINE = 1 << 16  # bytes; a terminal in this mode takes no more than 4,096


def read_answer(
    question: SafeText, attachment: Attachment, display: TerminalDisplay, signals: PromptSignals
) -> str:
    """Ask a question, and have the VM watched until a line was typed.

    :raise EOFError: Ctrl-D.
    :raise KeyboardInterrupt: Ctrl-C.
    :raise SystemExit: SIGTERM or SIGHUP.
    """
    try:
        with signals.raised(), terminal_modes(on=termios.ECHO):
            is_readable = False
            while not is_readable:
                display.begin_line(question)
                with suppress(ConnectionLost):  # the command finds it
                    is_readable = attachment.client.wait_until_readable(
                        sys.stdin.fileno(), unless=lambda: not display.is_at_prompt
                    )
                is_readable = is_readable or not attachment.is_connected
            return _read_typed(display)
    finally:
        display.end_line()


def _read_typed(display: TerminalDisplay) -> str:
    """What was typed behind a prompt, when there is a line of it.

    :raise EOFError: Ctrl-D on an empty line.
    """
    data = b""
    while not data.endswith(b"\n"):  # Ctrl-D within a line gives out what there is of it
        part = read_input(sys.stdin.fileno(), _LONGEST_LINE)
        if not part and not data:
            raise EOFError
        data += part
    display.note_line_end()
    return os.fsdecode(data).removesuffix("\n")


class PlainEditor:
    """Reads what is typed, and has the VM watched meanwhile. (See :class:`.editor.Editor`.)"""

    def __init__(
        self,
        session: Session,
        display: TerminalDisplay,
        histories: Histories,
        on_lost: Callable[[ConnectionLost], None],
        signals: PromptSignals,
        guide: Guide,
        on_reattachable: Callable[[], None],
        on_polled: Callable[[], None],
    ) -> None:
        """
        :param on_polled: is called when the VM was asked for its state, while it migrates.
        :param on_reattachable: is called when a VM that was lost answers again.
        """
        self._guide = guide
        self._on_reattachable = on_reattachable
        self._on_polled = on_polled
        self._reattachment = Reattachment(session)
        self._session = session
        self._display = display
        self._histories = histories
        self._on_lost = on_lost
        self._signals = signals
        self._has_ended = False

    def read(self) -> str:
        """Read what is typed, of one line or more.

        :raise EOFError: Ctrl-D on an empty line.
        :raise KeyboardInterrupt: Ctrl-C.
        :raise SystemExit: SIGTERM or SIGHUP.
        """
        human = self._session.is_human
        self._session.attachment.answers.forget_changeable()
        for text in self._guide.take_news():
            self._display.remark(text)
        try:
            with self._signals.raised(), terminal_modes(on=termios.ECHO):
                text = self._read_line(self._session.prompt)
                while Draft(text, human=human).needs_more:
                    text += "\n" + self._read_line(_CONTINUATION)
        finally:
            self._display.end_line()
        self._histories.add(text, self._session)
        return text

    def end(self) -> None:
        """Stop reading, as if Ctrl-D had been typed."""
        self._has_ended = True

    def _read_line(self, prompt: str) -> str:
        self._display.begin_line(sanitize_line(prompt))
        while not self._wait():
            if self._has_ended:
                raise EOFError
            self._display.begin_line(sanitize_line(prompt))
        return _read_typed(self._display)

    def _wait(self) -> bool:
        """Wait until a line can be read; False: something was printed, or the VM was lost."""
        attachment = self._session.attachment
        if not attachment.is_connected:
            return self._wait_without_vm()
        events = self._display.events
        try:
            while self._display.is_at_prompt:
                due = [at for at in (self._poll(), events.next_due) if at is not None]
                if attachment.client.wait_until_readable(
                    sys.stdin.fileno(),
                    min(due, default=None),
                    unless=lambda: not self._display.is_at_prompt,
                ):
                    events.show_sums()
                    return True
                events.show_sums()
        except ConnectionLost as error:
            self._on_lost(error)
        return False

    def _poll(self) -> float | None:
        """Ask for the VM's state as long as it migrates; return when to do so again."""
        attachment = self._session.attachment
        if not attachment.incidents.is_migrating:
            return None
        due = attachment.poller.poll(time.monotonic())
        self._on_polled()
        return due

    def _wait_without_vm(self) -> bool:
        """Wait until a line can be read; False: the VM was attached to again."""
        while self._reattachment.is_wanted:
            if is_ready(sys.stdin.fileno(), seconds=INTERVAL_SECONDS):
                return True
            if self._reattachment.is_possible():
                self._on_reattachable()
                return False
        return True  # nothing else can come
