"""Where a session's answers go; the front ends are that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from ..protocol import Event, Message, Reply

if TYPE_CHECKING:
    from ..render.progress import Bar
    from ..vm.waiting import Progress


class Display(Protocol):
    """Where a session's answers go: a terminal, or a script's output.

    :ivar unicode: it can show more than ASCII.
    """

    unicode: bool

    def reply(self, reply: Reply) -> None:
        """The answer to a command, good or bad."""

    def draft(self, message: Message) -> None:
        """What would be sent, if it were not for a dry run."""

    def remark(self, text: str) -> None:
        """Something by the way, for a person; a program does not need it."""

    def text(self, text: str) -> None:
        """What a dot command or the human monitor says; may be of many lines."""

    def event(self, event: Event) -> None:
        """Something happened in the VM."""

    def late(self, reply: Reply) -> None:
        """The answer to a command that is no longer waited for."""

    def stray(self, message: Message) -> None:
        """An answer to nothing that was asked."""

    def warn(self, text: str) -> None:
        """Something that is wrong, though what was asked for goes on."""

    def progress(self, title: str) -> AbstractContextManager[Progress | None]:
        """Show how far something is, for as long as it takes; None: nobody looks."""

    def trace(self, direction: str, message: Message) -> None:
        """A message on the wire, secrets hidden; ``>`` was sent, ``<`` received."""


class ProgressDisplay:
    """A display's half that shows progress, where standard error is a terminal."""

    _bar: Bar | None = None

    @contextmanager
    def progress(self, title: str) -> Iterator[Bar | None]:
        if sys.stderr is None or not sys.stderr.isatty():
            yield None
            return
        from ..render.progress import progress_bar

        try:
            with progress_bar(title) as self._bar:
                yield self._bar
        finally:
            self._bar = None

    def hide_progress(self) -> None:
        """Make room for something to be printed; the bar is back with its next figures."""
        if self._bar is not None:
            self._bar.hide()
