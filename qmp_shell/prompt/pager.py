"""What is taller than the screen, shown in the user's pager."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess

_DEFAULT = "less -R -F -X"


def page(text: str) -> bool:
    """Show a text in ``$PAGER`` if it doesn't fit the screen; whether that was done."""
    columns, lines = shutil.get_terminal_size()
    if _height(text, columns) < lines:
        return False
    command = shlex.split(os.environ.get("PAGER") or _DEFAULT)
    environment = {"LESS": "-R", **os.environ}
    try:
        pager = subprocess.Popen(
            command, stdin=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
        )
    except (OSError, ValueError, IndexError):
        return False  # there is no such pager; it is printed instead
    # Who leaves the pager early has seen enough; Ctrl-C in it is the pager's own affair.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        pager.communicate(text + "\n")
    while pager.returncode is None:
        with contextlib.suppress(KeyboardInterrupt):
            pager.wait()
    return True


def _height(text: str, columns: int) -> int:
    """How many rows a text takes, or more: escapes are counted as if they took room."""
    return sum(1 + len(line) // max(columns, 1) for line in text.split("\n"))
