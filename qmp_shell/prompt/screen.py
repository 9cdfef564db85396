"""A screen that is drawn anew again and again, in place of what was printed, which comes back."""

from __future__ import annotations

import os
import shutil
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..client import Client
from ..output import Output, SafeText
from ..render.controls import ENTER_SCREEN, LEAVE_SCREEN, replace_screen
from ..render.views import Look

_MOST_BYTES = 1024


class TerminalScreen:
    """The whole terminal. (:class:`~qmp_shell.session.display.Screen`)"""

    def __init__(self, output: Output, look: Look) -> None:
        self._output = output
        self._look = look

    def draw(self, make: Callable[[Look, int], SafeText]) -> None:
        text = make(self._look, shutil.get_terminal_size().lines)
        self._output.write(replace_screen(text))

    def wait_for_keys(self, client: Client, deadline: float) -> str:
        descriptor = sys.stdin.fileno()
        if not client.wait_until_readable(descriptor, deadline):
            return ""
        keys = os.read(descriptor, _MOST_BYTES)
        return keys.decode(errors="replace") if keys else "q"  # the terminal was closed


@contextmanager
def open_screen(output: Output, look: Look) -> Iterator[TerminalScreen]:
    """Use the whole terminal as long as the context lasts. Ctrl-Z does not suspend it."""
    before = termios.tcgetattr(sys.stdin)
    unsuspended = termios.tcgetattr(sys.stdin)
    unsuspended[6][termios.VSUSP] = b"\0"
    try:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, unsuspended)
        output.write(ENTER_SCREEN)
        yield TerminalScreen(output, look)
    finally:
        with suppress(termios.error):  # the terminal was closed
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
        output.write_if_possible(LEAVE_SCREEN)
