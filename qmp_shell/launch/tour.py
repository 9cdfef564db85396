"""A guided tour of a VM: lines to try, in steps. Pure state; it neither shows nor runs anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """A step of a tour.

    :ivar title: what it shows, in a sentence.
    :ivar lines: lines to try, one after the other.
    :ivar aid: how the prompt helps with them, where it has keys and colours; may be empty.
    """

    title: str
    lines: tuple[str, ...]
    aid: str = ""


class Tour:
    """Where in a tour a person is."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._number = 0  # of the present step, counted from 0; as many as there are: it is over
        self._lines_done = 0

    @property
    def is_over(self) -> bool:
        """Whether there is no step left, or the person did not want it."""
        return self._number >= len(self._steps)

    @property
    def title(self) -> str:
        """The present step's number and title; empty: the tour is over."""
        if self.is_over:
            return ""
        return f"Tour {self._number + 1}/{len(self._steps)}: {self._steps[self._number].title}"

    @property
    def aid(self) -> str:
        """How the prompt helps with the present step; empty: not in particular, or it is over."""
        return "" if self.is_over else self._steps[self._number].aid

    @property
    def line(self) -> str:
        """The line to try now; empty: the tour is over."""
        return "" if self.is_over else self._steps[self._number].lines[self._lines_done]

    def note_success(self, line: str) -> None:
        """A line was run and did not fail: go on, if that is what the present line is about.

        It need not be the same line; the same command, with whatever arguments, is enough.
        """
        if self.is_over or line.split()[:1] != self.line.split()[:1]:
            return
        self._lines_done += 1
        if self._lines_done == len(self._steps[self._number].lines):
            self.go_on()

    def go_on(self) -> None:
        """Go to the next step, whether the present one was taken or not."""
        self._number += 1
        self._lines_done = 0

    def end(self) -> None:
        """The person wants no tour."""
        self._number = len(self._steps)
