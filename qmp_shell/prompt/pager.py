"""The user's pager, for what is taller than the screen."""

from __future__ import annotations

import os
import shlex
import shutil

from ..session.pipeline import Background, run_program

_DEFAULT = "less -R -F -X"


def page(text: str, background: Background) -> bool:
    """Show a text in ``$PAGER`` if it does not fit the screen.

    :param background: what is done while the pager runs.
    :return: whether the text was shown.
    """
    columns, lines = shutil.get_terminal_size()
    if _height(text, columns) < lines:
        return False
    try:
        command = shlex.split(os.environ.get("PAGER") or _DEFAULT)
        run_program(command, text, {"LESS": "-R", **os.environ}, background=background)
    except (OSError, ValueError, IndexError):
        return False  # there is no such pager, so the caller prints the text
    return True


def _height(text: str, columns: int) -> int:
    """How many rows a text takes at most: escapes are counted as if they were visible."""
    return sum(1 + len(line) // max(columns, 1) for line in text.split("\n"))
