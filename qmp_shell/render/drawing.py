"""Tables and trees as text, drawn by rich. Every text in them is made safe here, and nowhere else.

It is imported when something is drawn: rich takes tens of milliseconds to load.
"""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from ..output import SafeText
from ..static_typing import TYPE_CHECKING
from .palette import TOKEN_COLOURS
from .parts import Part
from .text import sanitize_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from .views import Look

# Columns where there is no limit, as in a pipe.
_UNLIMITED = 1 << 30
# There, a cell is not padded to more than this: one long text would make all lines as long.
_WIDEST_PADDED = 1000
_GAP = "  "  # between two columns of a table


def make_text(*parts: Part) -> Text:
    """A line of several parts: safe, and without the markup that rich would read in it."""
    line = Text(overflow="fold")
    for part in parts:
        line.append(sanitize_line(part.text).replace("\t", " "), style_of(part.kind))
    return line


def style_of(kind: str) -> str:
    """Rich's name of the colour of a kind of text."""
    return TOKEN_COLOURS.get(kind, kind).replace("bright", "bright_")


def draw(renderable: RenderableType, look: Look) -> SafeText:
    """Draw a table or a tree, all texts of which :func:`make_text` has made."""
    encoding = "utf-8" if look.supports_unicode else "ascii"  # decides what lines are drawn with
    file = io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace")
    console = Console(
        file=file,
        width=look.find_width() or _UNLIMITED,
        color_system="standard" if look.colour else None,
        force_terminal=look.colour,
        no_color=not look.colour,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(renderable)
    file.seek(0)
    return SafeText("\n".join(line.rstrip() for line in file))


def draw_table(table: Table, look: Look) -> SafeText:
    """Draw a table, all cells of which :func:`make_text` has made.

    Where there is no limit, rich would make each line as long as the longest one: for a reply of
    130 KB, that took 650 MB of memory.
    """
    if look.find_width() is not None:
        return draw(table, look)
    columns = []
    for column in table.columns:
        cells = [*[column.header] * table.show_header, *column.cells]
        columns.append([cell for cell in cells if isinstance(cell, Text)])
    widths = [max((cell.cell_len for cell in cells), default=0) for cells in columns]
    lines = []
    for row in zip(*columns, strict=True):
        line = Text()
        for column, cell, width in zip(table.columns, row, widths, strict=True):
            padding = Text(" " * (min(width, _WIDEST_PADDED) - cell.cell_len))
            is_right = column.justify == "right"
            for part in (padding, cell) if is_right else (cell, padding):
                line.append(part)
            line.append(_GAP)
        lines.append(line)
    return draw(Text("\n", overflow="fold").join(lines), look)
