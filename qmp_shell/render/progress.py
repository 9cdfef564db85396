"""A progress bar, by tqdm: on standard error, and only on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm


class Bar:
    """How far something is, its rate, and the time left. It appears with the first figures."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: tqdm[Any] | None = None

    def update(self, done: int, total: int, note: str = "") -> None:
        """Show how far it is, in bytes or in whatever a job counts.

        :param total: 0: not known.
        """
        bar = self._bar
        if bar is None:
            # Its watchdog is a thread, and would take the interrupts that this one holds off.
            tqdm.monitor_interval = 0
            bar = tqdm(
                desc=self._title,
                total=total or None,
                initial=done,
                unit="B",
                unit_scale=True,
                unit_divisor=1024,
                dynamic_ncols=True,
                leave=False,
                file=sys.stderr,
            )
            self._bar = bar
        bar.total = total or None
        bar.n = done
        bar.set_postfix_str(note, refresh=False)
        bar.refresh()

    def hide(self) -> None:
        """Take it off the screen until the next update, for something else to be printed."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Bar]:
    """A bar, for as long as something takes."""
    bar = Bar(title)
    try:
        yield bar
    finally:
        bar.close()
