"""Where a session's output goes: an interface that the two front ends implement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from ..connection import Observer
from ..messages import Event, Message, Reply
from ..render.formatter import Formatter
from ..render.views import FOR_PROGRAMS
from ..static_typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..client import Client
    from ..documentation.markup import Block
    from ..output import SafeText
    from ..render.parts import Node
    from ..render.views import Look, Subject
    from ..vm.waiting import ProgressIndicator


class Screen(Protocol):
    """The whole terminal, for something that is drawn anew again and again."""

    def draw(self, make: Callable[[Look, int], SafeText]) -> None:
        """Draw.

        :param make: makes the text, given what the terminal can show and its number of rows.
        """

    def wait_for_keys(self, client: Client, deadline: float) -> str:
        """Wait for keys, and receive what the VM sends meanwhile.

        :param deadline: by the monotonic clock.
        :return: what was typed; empty: nothing was.
        :raise ConnectionLost: the VM was lost.
        """


class TextDisplay(ABC):
    """Shows text of the shell's own, or collects it: what all displays do alike.

    :ivar format: makes the text.
    """

    def __init__(self, formatter: Formatter) -> None:
        self.format = formatter
        self._captured: list[str] | None = None

    @abstractmethod
    def show_text(self, text: SafeText) -> None:
        """Show a text of any length."""

    def lines(self, lines: Iterable[str]) -> None:
        self._show(lambda formatter: formatter.lines(lines))

    def pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        self._show(lambda formatter: formatter.pairs(rows))

    def best_pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        self.pairs(rows)

    def draw(self, nodes: Iterable[Node]) -> None:
        self._show(lambda formatter: formatter.draw(nodes))

    def document(self, blocks: Iterable[Block]) -> None:
        self._show(lambda formatter: formatter.document(blocks))

    def _show(self, make: Callable[[Formatter], SafeText]) -> None:
        if self._captured is None:
            self.show_text(make(self.format))
        else:
            self._captured.append(make(Formatter(FOR_PROGRAMS)))

    def begin_script_line(self, place: tuple[int, ...]) -> None:
        """Replies are shown in their order, so nothing is to be done. (:class:`Display`)"""
        del place

    def after_delivery(self) -> None:
        """What comes is shown at once, so nothing is left to show."""
        return

    def at_end(self) -> None:
        """Whoever needs the VM says that it is gone."""
        return

    @contextmanager
    def capture(self) -> Iterator[Sequence[str]]:
        found: list[str] = []
        self._captured = found
        try:
            yield found
        finally:
            self._captured = None


class Display(Observer, Protocol):
    """A terminal, or a script's output. It observes the connection whose events it shows.

    What it is given may hold any text of the VM's; it makes it safe to print.

    :ivar supports_unicode: characters beyond ASCII can be shown.
    """

    supports_unicode: bool

    def begin_script_line(self, place: tuple[int, ...]) -> None:
        """What is shown from now on is due to another line of a script.

        :param place: the same for the same line, when a script is run on several VMs: numbers of
            inputs and of lines in turn, from the outermost script to the one with the line.
        """

    def reply(self, subject: Subject, view: str) -> None:
        """Show the reply to a command, good or bad.

        :param view: a name in :data:`~qmp_shell.render.views.VIEWS`.
        """

    def dry_run(self, message: Message) -> None:
        """Show a message that a dry run would send, its secrets hidden."""

    def note(self, text: str) -> None:
        """Show a remark that a person may want and a program does not need."""

    def hint(self, text: str) -> None:
        """Show what may help against what was shown; an error in a script has its hint with it."""

    def lines(self, lines: Iterable[str]) -> None:
        """Show the output of a dot command or of the human monitor.

        :param lines: a newline in one of them is no end of a line.
        """

    def pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        """Show two columns: names, and what they are."""

    def best_pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show two columns, the best match first. A terminal shows only the first rows."""

    def draw(self, nodes: Iterable[Node]) -> None:
        """Show lines of several colours, or trees of them; long ones are wrapped."""

    def document(self, blocks: Iterable[Block]) -> None:
        """Show a text of the manual."""

    def capture(self) -> AbstractContextManager[Sequence[str]]:
        """Collect what :meth:`lines`, :meth:`pairs`, :meth:`draw` and :meth:`document` would show,
        for a program.
        """

    def event(self, event: Event) -> None:
        """Show an event."""

    def late_reply(self, reply: Reply) -> None:
        """Show the reply to a command that was given up waiting for."""

    def unexpected_reply(self, message: Message) -> None:
        """Show a reply that answers no command."""

    def warning(self, text: str) -> None:
        """Show what is wrong, though the command goes on."""

    def progress(self, title: str) -> AbstractContextManager[ProgressIndicator | None]:
        """Show progress as long as the context lasts; None: it would not be seen."""

    def screen(self) -> AbstractContextManager[Screen | None]:
        """Use the whole terminal as long as the context lasts; None: that is not possible."""

    def hold(self) -> AbstractContextManager[None]:
        """Another program uses the same terminal as long as the context lasts."""

    def make_way(self) -> None:
        """Another program is about to write to the same terminal."""

    def begin_row(self) -> None:
        """Another program has written to the same terminal, perhaps without a last newline."""

    def trace(self, direction: str, message: Message) -> None:
        """Show a message on the wire, its secrets hidden; ``>``: sent, ``<``: received."""
