"""Asking the user a question before a command that cannot be undone."""

from __future__ import annotations

import sys
import termios
from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app_session
from prompt_toolkit.input.typeahead import clear_typeahead

from ..render.text import sanitize_line
from .signals import PromptSignals


def confirm(question: str, signals: PromptSignals, start: Callable[[], object]) -> bool:
    """Ask whether to go on. Anything but yes is no; what was typed before is no answer.

    :param start: is called when the event loop of the question runs.
    :raise SystemExit: SIGTERM or SIGHUP came.
    """
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    clear_typeahead(get_app_session().input)
    message = sanitize_line(f"{question}. Go on? [y/N] ")
    try:
        answer = signals.read(PromptSession(enable_suspend=True), message, start=start)
    except (EOFError, KeyboardInterrupt):
        return False
    return answer.strip().lower() in ("y", "yes")
