"""Where the output of lines goes: to the display, to a file, or to a shell command."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from ..errors import ConnectionLost, UsageError
from ..language import Destination
from ..static_typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..vm import Attachment
    from .delivery import Delivery
    from .display import Display
    from .pipeline import Wait
    from .settings import Settings
    from .sharing import Sharing


class PrintingSession(Protocol):
    """A session, as far as it matters here."""

    attachment: Attachment
    display: Display
    settings: Settings
    is_dry_run: bool
    sharing: Sharing


class Outputs:
    """Gives what lines print to where it is to go."""

    def __init__(self, session: PrintingSession, *, is_one_of_many: bool) -> None:
        """:param is_one_of_many: the same lines run on other VMs at the same time."""
        self._session = session
        self._is_one_of_many = is_one_of_many

    @contextmanager
    def redirected(self, destination: Destination) -> Iterator[None]:
        """Give what is printed in this context to a file or a shell command, unless it fails.

        :raise UsageError: it cannot go there.
        """
        if destination.view is not None:
            raise UsageError("a view is for the reply to a command")
        if destination.variable is not None:
            raise UsageError(".let keeps what a command returns, and this is no command of the VM")
        with self.open(destination) as delivery:
            if delivery is None:
                yield
                return
            with self._session.display.capture() as texts:
                yield
            self._session.display.make_way()
            delivery.deliver("\n".join(texts))

    def open(self, destination: Destination) -> AbstractContextManager[Delivery | None]:
        """Open the file, or prepare the shell command, that output goes to; None: it is displayed.

        In a dry run all output is displayed.

        :raise UsageError: it cannot go there.
        """
        if self._session.is_dry_run or (destination.file is None and destination.pipeline is None):
            return nullcontext()
        if destination.file is not None and not destination.file.appends and self._is_one_of_many:
            raise UsageError(
                "all VMs would write over the same file; use >> FILE, or a shell command in which"
                " $QMP_VM is the VM's name"
            )
        from .delivery import Delivery

        return Delivery(destination, lambda: self._session.settings.timeout, self.background)

    def clear(self, destination: Destination) -> None:
        """There is no output. A file that it was to replace is empty then.

        :raise UsageError: it cannot be written.
        """
        with self.open(destination) as delivery:
            if delivery is not None:
                delivery.clear()

    @contextmanager
    def background(self) -> Iterator[Wait | None]:
        """What is done while another program runs: those who share the monitor are served."""
        is_shared = self._session.sharing.server is not None
        with self._session.display.hold() if is_shared else nullcontext():
            try:
                yield self._wait_until_readable if is_shared else None
            finally:
                self._session.display.begin_row()

    def _wait_until_readable(self, descriptor: int) -> None:
        with suppress(ConnectionLost):  # the next line that needs the VM will say so
            self._session.attachment.client.wait_until_readable(descriptor)
            return
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll()
