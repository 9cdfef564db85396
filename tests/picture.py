"""The README's picture: a session at the prompt, in a real terminal, on a real VM.

``python -m tests.picture`` makes it again. It is drawn from what is on the screen then, but for the
time of the event, which is always the same.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from pyte.screens import Char

from tests.conftest import RunningVm, create_image, shell_command
from tests.terminal import Terminal

PATH = Path(__file__).parents[1] / ".github" / "session.svg"
QEMU = "7.2"
"""The QEMU that is in it. Others answer in other words."""

_DISKS = {"system": "20G", "data": "500G"}
_LINES = (
    "query-block | .table device qdev inserted.ro inserted.image.virtual-size",
    "device_add virtio-rng-pci,id=rng1",
    "cont",
)
_LAST_LINE = "device_add driver=virtio-net-pci id=nic1 netdev="
_LAST_SCREEN = re.compile(r"^ +lan .*\n +uplink .*\n(.*\n)*device_add \.\.\. ", re.MULTILINE)
_COLUMNS, _ROWS = 80, 27
_TIME = re.compile(r"^\d\d:\d\d:\d\d\.\d{3}")
_SHOWN_TIME = "14:03:27.512"

# In pixels. A run of characters has the width that it is given, whatever the font.
_WIDTH, _HEIGHT, _FONT = 8.4, 18, 14
_LEFT, _TOP = 16, 44
_FOREGROUND, _BACKGROUND, _BAR = "#d6dae4", "#191c24", "#272b36"
_COLOURS = {
    "black": "#3b4252",
    "red": "#ff7b85",
    "green": "#a5d67c",
    "brown": "#f0c674",
    "blue": "#6cb6ff",
    "magenta": "#d99bf0",
    "cyan": "#62d0d8",
    "white": "#d6dae4",
    "brightblack": "#8b93a7",
    "brightred": "#ff9aa2",
    "brightgreen": "#c0e59e",
    "brightyellow": "#ffe08a",
    "brightbrown": "#ffe08a",
    "brightblue": "#96ccff",
    "brightmagenta": "#eabcff",
    "brightcyan": "#8fe6ec",
    "brightwhite": "#ffffff",
}


class Cell(NamedTuple):
    """How a character of the screen looks."""

    colour: str
    background: str
    is_bold: bool
    is_underlined: bool


def make_picture(qemu: str) -> str:
    """Run a session, and draw its last screen."""
    with tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as name:
        folder = Path(name)
        options = []
        for number, (disk, size) in enumerate(_DISKS.items()):
            create_image(folder / f"{disk}.qcow2", size)
            options += [
                "-drive",
                f"if=none,id={disk},file={disk}.qcow2,read-only={_switch(number)}",
            ]
            options += ["-device", f"virtio-blk-pci,drive={disk},id=disk{number}"]
        options += ["-netdev", "user,id=uplink", "-netdev", "hubport,id=lan,hubid=0"]
        with closing(RunningVm(qemu, folder, *options)) as vm, vm.second():  # it has started
            return _run_session(vm.address, folder)


def _switch(number: int) -> str:
    return "on" if number else "off"


def _run_session(address: str, folder: Path) -> str:
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "MANPATH": str(folder),  # whether QEMU's manual is installed makes no difference
    }
    command = [*shell_command(), address]
    terminal = Terminal(command, variables, folder, columns=_COLUMNS, rows=_ROWS)
    try:
        terminal.wait_for_prompt()
        for line in _LINES:
            terminal.enter(line)
            terminal.wait_for_prompt()
        terminal.type(_LAST_LINE)
        terminal.wait_until(lambda: _is_complete(terminal), "the whole menu and signature")
        return draw(terminal)
    finally:
        terminal.end()


def _is_complete(terminal: Terminal) -> bool:
    """Whether all of the last screen was drawn, and the cursor is back behind what was typed."""
    line = terminal.cursor_line.rstrip()
    is_back = line.endswith(_LAST_LINE) and terminal.cursor_column == len(line)
    return is_back and _LAST_SCREEN.search(terminal.text) is not None


def draw(terminal: Terminal) -> str:
    """Draw a screen, from the first prompt on."""
    lines = terminal.lines
    first = next(number for number, line in enumerate(lines) if line.startswith("(QEMU)"))
    rows = range(first, len(lines))
    height = _TOP + len(rows) * _HEIGHT + 12
    width = round(2 * _LEFT + _COLUMNS * _WIDTH)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="ui-monospace, monospace" font-size="{_FONT}">',
        "<title>A session of qmp-shell</title>",
        f'<rect width="{width}" height="{height}" rx="10" fill="{_BACKGROUND}"/>',
        f'<path d="M0 30V10A10 10 0 0 1 10 0H{width - 10}A10 10 0 0 1 {width} 10V30Z"'
        f' fill="{_BAR}"/>',
        *(
            f'<circle cx="{20 + 20 * number}" cy="15" r="6" fill="{_COLOURS[colour]}"/>'
            for number, colour in enumerate(("red", "brown", "green"))
        ),
        f'<text x="{width / 2:g}" y="20" text-anchor="middle" fill="{_COLOURS["brightblack"]}">'
        "qmp-shell web1.sock</text>",
    ]
    for number, row in enumerate(rows):
        parts += _draw_row(terminal, row, _TOP + number * _HEIGHT)
    return "\n".join([*parts, "</svg>", ""])


def _draw_row(terminal: Terminal, row: int, top: int) -> Iterator[str]:
    time = _TIME.match(terminal.lines[row])
    cells = [terminal.cell(row, column) for column in range(_COLUMNS)]
    text = "".join(cell.data for cell in cells)
    if time is not None:
        text = _SHOWN_TIME + text[len(_SHOWN_TIME) :]
    looks = [_look(cell) for cell in cells]
    if row == terminal.cursor_row:
        column = terminal.cursor_column
        looks[column] = looks[column]._replace(background=_FOREGROUND, colour=_BACKGROUND)
    column = 0
    for look, group in groupby(looks):
        length = len(list(group))
        yield from _draw_run(look, text[column : column + length], column, top)
        column += length


def _draw_run(look: Cell, text: str, column: int, top: int) -> Iterator[str]:
    """Draw some characters that look the same."""
    if look.background != _BACKGROUND:
        yield (
            f'<rect x="{_LEFT + column * _WIDTH:g}" y="{top}" width="{len(text) * _WIDTH:g}"'
            f' height="{_HEIGHT}" fill="{look.background}"/>'
        )
    blank = len(text) - len(text.lstrip())
    shown = text.strip()
    if shown:
        style = ' font-weight="bold"' * look.is_bold
        style += ' text-decoration="underline"' * look.is_underlined
        yield (
            f'<text x="{_LEFT + (column + blank) * _WIDTH:g}" y="{top + _FONT - 1}"'
            f' textLength="{len(shown) * _WIDTH:g}" fill="{look.colour}"{style}'
            f' xml:space="preserve">{escape(shown)}</text>'
        )


def _look(cell: Char) -> Cell:
    foreground = _colour(cell.fg, _FOREGROUND)
    background = _colour(cell.bg, _BACKGROUND)
    if cell.reverse:
        foreground, background = background, foreground
    return Cell(foreground, background, cell.bold, cell.underscore)


def _colour(name: str, default: str) -> str:
    return default if name == "default" else _COLOURS.get(name, f"#{name}")


def main() -> None:
    PATH.write_text(make_picture(shutil.which("qemu-system-x86_64") or ""), encoding="utf-8")


if __name__ == "__main__":
    main()
