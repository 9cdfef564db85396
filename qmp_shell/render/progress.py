"""A progress bar, by tqdm: on standard error, and only if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .text import sanitize_line

if TYPE_CHECKING:
    from tqdm import tqdm

    from ..vm.records import Progress


class ProgressBar:
    """How far something is, its rate, and the time left. It appears with the first figures."""

    def __init__(self, title: str) -> None:
        self._title = sanitize_line(title)
        self._bar: tqdm[Any] | None = None

    def update(self, progress: Progress, note: str = "") -> None:
        """Show new figures.

        :param note: is shown after them.
        """
        bar = self._bar
        if bar is None:
            bar = self._bar = _new_bar(self._title, progress)
        bar.total = progress.total or None
        bar.n = progress.done
        bar.set_postfix_str(sanitize_line(note), refresh=False)
        bar.refresh()

    def hide(self) -> None:
        """Take the bar off the screen until the next update, for something else to be printed."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _new_bar(title: str, progress: Progress) -> tqdm[Any]:
    from tqdm import tqdm

    # tqdm's monitor is a thread, and signals that this thread blocks would be delivered to it.
    tqdm.monitor_interval = 0
    return tqdm(
        desc=title,
        total=progress.total or None,
        initial=progress.done,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        dynamic_ncols=True,
        leave=False,
        file=sys.stderr,
    )


class ProgressArea:
    """Where a display shows progress: at most one bar, if standard error is a terminal."""

    def __init__(self) -> None:
        self._bar: ProgressBar | None = None

    @contextmanager
    def show(self, title: str) -> Iterator[ProgressBar | None]:
        """Show a bar as long as the context lasts; None: standard error is not a terminal."""
        if sys.stderr is None or not sys.stderr.isatty():
            yield None
            return
        self._bar = bar = ProgressBar(title)
        try:
            yield bar
        finally:
            self._bar = None
            bar.close()

    def hide(self) -> None:
        """Make room for something to be printed; the bar is shown again with its next figures."""
        if self._bar is not None:
            self._bar.hide()
