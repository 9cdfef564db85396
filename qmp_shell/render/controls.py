"""Text with the control sequences of a terminal that move its cursor (ECMA-48, xterm)."""

from __future__ import annotations

from ..output import SafeText

ENTER_SCREEN = SafeText("\x1b[?1049h\x1b[?25l")
"""Begins to use another screen, without a cursor."""

LEAVE_SCREEN = SafeText("\x1b[H\x1b[J\x1b[?25h\x1b[?1049l")
"""Goes back to the first screen. A terminal that has no other one is left empty."""

NEW_LINE = SafeText("\n")

ERASE_LINE = SafeText("\r\x1b[K")
"""Erases the row that the cursor is in."""


def begin_row(columns: int) -> SafeText:
    """Moves the cursor to the beginning of a row, of the next one if it is not in the first column.

    A row of blanks ends in the same row if it begins in the first column, and otherwise in the next
    one: a terminal begins a new row only for what comes after the last column.

    :param columns: of the terminal.
    """
    return SafeText(" " * columns + ERASE_LINE)


def replace_screen(text: SafeText) -> SafeText:
    """A text in place of what is on the screen.

    That is written over, line by line, for it would flicker if it were cleared before.
    """
    lines = "\x1b[K\r\n".join(text.split("\n"))
    return SafeText(f"\x1b[H{lines}\x1b[K\x1b[J")


def erase_rows(rows: int) -> SafeText:
    """Erases the last rows above the cursor, which is at the beginning of a row."""
    return SafeText(f"\x1b[{rows}A\r\x1b[J")
