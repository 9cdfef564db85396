"""What is taller than the screen, shown in the user's pager."""

from __future__ import annotations

import os
import shlex
import shutil

from ..session.pipeline import feed

_DEFAULT = "less -R -F -X"


def page(text: str) -> bool:
    """Show a text in ``$PAGER`` if it doesn't fit the screen; whether that was done."""
    columns, lines = shutil.get_terminal_size()
    if _height(text, columns) < lines:
        return False
    command = shlex.split(os.environ.get("PAGER") or _DEFAULT)
    try:
        feed(command, text, {"LESS": "-R", **os.environ})
    except (OSError, ValueError, IndexError):
        return False  # there is no such pager; it is printed instead
    return True


def _height(text: str, columns: int) -> int:
    """How many rows a text takes, or more: escapes are counted as if they took room."""
    return sum(1 + len(line) // max(columns, 1) for line in text.split("\n"))
