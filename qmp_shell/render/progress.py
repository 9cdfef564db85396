"""A progress bar, drawn by rich: on standard error, and only if that is a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..output import STANDARD_ERROR, Output, SafeText
from ..static_typing import TYPE_CHECKING
from .controls import ERASE_LINE
from .parts import Part
from .quantities import format_size
from .text import sanitize_line
from .views import Look

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import Task

    from ..vm.records import Progress

_USUAL_COLUMNS = 80  # of a terminal that does not tell
# Sizes and the rate are left out where a title would be shortened to less, in columns.
_SHORTEST_TITLE = 12


class ProgressBar:
    """How far something is, its rate, and the time left. It appears with the first figures."""

    def __init__(self, title: str, output: Output) -> None:
        self._title = title
        self._output = output
        self._progress: RichProgress | None = None
        self._is_shown = False

    def update(self, progress: Progress, note: str = "") -> None:
        """Show new figures.

        :param note: is shown after them.
        """
        from rich.progress import Progress as RichProgress

        if self._progress is None:
            self._progress = RichProgress(auto_refresh=False)  # it starts no thread
            self._progress.add_task("")
        (task,) = self._progress.tasks
        total = progress.total or None
        self._progress.update(task.id, completed=progress.done, total=total)
        line = self._draw(task, sanitize_line(note))
        self._is_shown = True  # also if Ctrl-C comes while it is written
        self._output.write(SafeText(f"{ERASE_LINE}{line}"))

    def _draw(self, task: Task, note: str) -> str:
        """A line. What gives way where it is too long: the bar, the title, then sizes and rate."""
        from rich.cells import cell_len
        from rich.progress import BarColumn, TimeRemainingColumn

        from .drawing import draw, make_text

        width = find_terminal_width(self._output.descriptor) - 1
        look = Look(
            colour=False,
            ascii_only=True,
            find_width=lambda: width,
            supports_unicode=self._output.supports_unicode,
        )
        title = make_text(Part(self._title))
        percentage = f"{task.percentage:>3.0f}%"
        left = TimeRemainingColumn(compact=True).render(task).plain
        others = [percentage, _format_figures(task), left, note]
        room = width - cell_len(" ".join(["", *others]))
        if room < min(title.cell_len, _SHORTEST_TITLE):
            others = [percentage, left, note]
            room = width - cell_len(" ".join(["", *others]))
        title.truncate(max(room, 1), overflow="ellipsis" if look.supports_unicode else "crop")
        room -= title.cell_len + 1
        if room > 0:
            bar = draw(
                BarColumn(bar_width=None).render(task), look.replaced(find_width=lambda: room)
            )
            others.insert(1, bar.ljust(room))
        line = make_text(Part(" ".join([title.plain, *others])))
        line.truncate(width, overflow="crop")
        return draw(line, look)[:width]  # an escape is longer than the character that it is for

    def hide(self) -> None:
        """Take the bar off the screen until the next update, for something else to be printed."""
        if self._is_shown:
            self._output.write(ERASE_LINE)
            self._is_shown = False


def find_terminal_width(descriptor: int) -> int:
    """Return the width, in characters, of the terminal that a file descriptor refers to."""
    try:
        return os.get_terminal_size(descriptor).columns or _USUAL_COLUMNS
    except OSError:  # it is none any more
        return _USUAL_COLUMNS


def _format_figures(task: Task) -> str:
    """What is done of how much, and the rate."""
    total = f" of {format_size(int(task.total))}" if task.total else ""
    rate = f"  {format_size(int(task.speed))}/s" if task.speed else ""
    return f"{format_size(int(task.completed))}{total}{rate}"


class ProgressArea:
    """Where a display shows progress: at most one bar, if standard error is a terminal."""

    def __init__(self) -> None:
        self._bar: ProgressBar | None = None

    @contextmanager
    def show(self, title: str) -> Iterator[ProgressBar | None]:
        """Show a bar as long as the context lasts; None: standard error is not a terminal."""
        output = Output(STANDARD_ERROR)
        if not output.is_terminal:
            yield None
            return
        self._bar = bar = ProgressBar(title, output)
        try:
            yield bar
        finally:
            self._bar = None
            bar.hide()

    def hide(self) -> None:
        """Make room for something to be printed; the bar is shown again with its next figures."""
        if self._bar is not None:
            self._bar.hide()
