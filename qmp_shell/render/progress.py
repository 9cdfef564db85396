"""A progress bar, drawn by rich: on standard error, and only if that is a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..output import STANDARD_ERROR, Output, SafeText
from ..static_typing import TYPE_CHECKING
from .controls import ERASE_LINE
from .quantities import format_size
from .text import sanitize_line
from .views import Look, find_width

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import Task

    from ..vm.records import Progress

# A narrower terminal has no room for sizes and the rate.
_NARROW_COLUMNS = 60


class ProgressBar:
    """How far something is, its rate, and the time left. It appears with the first figures."""

    def __init__(self, title: str, output: Output) -> None:
        self._title = sanitize_line(title)
        self._output = output
        self._progress: RichProgress | None = None
        self._is_shown = False

    def update(self, progress: Progress, note: str = "") -> None:
        """Show new figures.

        :param note: is shown after them.
        """
        from .drawing import draw

        width = (find_width() or _NARROW_COLUMNS) - 1
        if self._progress is None:
            self._progress = _new_progress(self._title, is_narrow=width < _NARROW_COLUMNS)
        (task,) = self._progress.task_ids
        total = progress.total or None
        self._progress.update(task, completed=progress.done, total=total, note=sanitize_line(note))
        look = Look(
            colour=False,
            ascii_only=True,
            find_width=lambda: width,
            supports_unicode=self._output.supports_unicode,
        )
        line = draw(self._progress.get_renderable(), look).split("\n")[0]
        self._is_shown = True  # also if Ctrl-C comes while it is written
        self._output.write(SafeText(f"{ERASE_LINE}{line}"))

    def hide(self) -> None:
        """Take the bar off the screen until the next update, for something else to be printed."""
        if self._is_shown:
            self._output.write(ERASE_LINE)
            self._is_shown = False


def _new_progress(title: str, *, is_narrow: bool) -> RichProgress:
    """A bar that is drawn by its owner only, not by a thread of its own."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class Figures(TextColumn):
        """What is done of how much, and the rate."""

        def render(self, task: Task) -> Text:
            total = f" of {format_size(int(task.total))}" if task.total else ""
            rate = f"  {format_size(int(task.speed))}/s" if task.speed else ""
            return Text(f"{format_size(int(task.completed))}{total}{rate}")

    def text(form: str) -> TextColumn:
        return TextColumn(form, style="", markup=False)

    progress = Progress(
        text("{task.description}"),
        text("{task.percentage:>3.0f}%"),
        BarColumn(bar_width=None, table_column=Column(ratio=1)),  # what the others leave
        *([] if is_narrow else [Figures("")]),
        TimeRemainingColumn(compact=True),
        text("{task.fields[note]}"),
        auto_refresh=False,
        expand=True,
    )
    progress.add_task(title, note="")
    return progress


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
