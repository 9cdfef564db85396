"""Asking the user a question before a command that cannot be undone."""

from __future__ import annotations

import shutil
import sys
import termios
from collections.abc import Callable

from prompt_toolkit.application import get_app_session
from prompt_toolkit.input.typeahead import clear_typeahead

from ..output import SafeText
from ..render.text import fold_question


def confirm(question: str, read: Callable[[SafeText], str]) -> bool:
    """Ask whether to go on. Anything but yes is no; what was typed before is no answer.

    :param read: shows the question, and reads what is typed behind it.
    :raise SystemExit: SIGTERM or SIGHUP came.
    """
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    clear_typeahead(get_app_session().input)
    # One column is for the cursor.
    text = fold_question(f"{question}.", "Go on? [y/N]", shutil.get_terminal_size().columns - 1)
    try:
        answer = read(text)
    except (EOFError, KeyboardInterrupt):
        return False
    return answer.strip().lower() in ("y", "yes")
