"""Where a session's output goes: an interface that the two front ends implement."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from ..protocol import Event, Message, Reply

if TYPE_CHECKING:
    from ..vm.waiting import ProgressIndicator


class Display(Protocol):
    """A terminal, or a script's output.

    What it is given may hold any text of the VM's; it makes it safe to print.

    :ivar supports_unicode: characters beyond ASCII can be shown.
    """

    supports_unicode: bool

    def reply(self, reply: Reply) -> None:
        """Show the reply to a command, good or bad."""

    def dry_run(self, message: Message) -> None:
        """Show a message that a dry run would send."""

    def note(self, text: str) -> None:
        """Show a remark that a person may want and a program does not need."""

    def text(self, text: str) -> None:
        """Show the output of a dot command or of the human monitor; it may have many lines."""

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

    def trace(self, direction: str, message: Message) -> None:
        """Show a message on the wire, its secrets hidden; ``>``: sent, ``<``: received."""
