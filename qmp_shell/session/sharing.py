"""Whether a session shares its VM's monitor with others, and on which socket."""

from __future__ import annotations

from contextlib import ExitStack

from ..errors import ConnectError, UsageError
from ..messages import Event
from ..signals import ended_by_signals
from ..static_typing import TYPE_CHECKING
from ..vm import Attachment

if TYPE_CHECKING:
    from ..sharing import MonitorServer
    from .display import Display

AGENT_REASON = (
    "a guest agent cannot be shared: it sends no greeting, and each of its clients begins by"
    " resetting what the others have sent"
)


class Sharing:
    """The socket on which a session's monitor is shared, if it is.

    :ivar server: None: it is not shared.
    """

    def __init__(self, display: Display, *, has_user: bool) -> None:
        """:param has_user: somebody handles the signals that end this program."""
        self.server: MonitorServer | None = None
        self._display = display
        self._has_user = has_user
        self._signals = ExitStack()

    def start(self, path: str, attachment: Attachment, *, read_only: bool) -> MonitorServer:
        """Share the monitor of a VM on a socket; it is created for its owner only.

        :param path: of the socket, or ``unix:`` and the path.
        :param read_only: only what changes nothing may be executed.
        :return: the server, as :attr:`server`.
        :raise UsageError: that is not possible.
        :raise ConnectionLost: there is no VM any more.
        """
        if self.server is not None:
            raise UsageError(f"{self.server.address} is shared already; .share off ends that")
        if attachment.is_agent:
            raise UsageError(AGENT_REASON)
        attachment.client.fileno()
        from ..sharing import open_server

        server = open_server(path, self._display.warning, read_only=read_only)
        try:
            server.attach(attachment)
        except ConnectError as error:
            server.close()
            raise UsageError(str(error)) from None
        self.server = server
        if not self._has_user:  # a signal must not leave the socket behind
            self._signals.enter_context(ended_by_signals())
        return server

    def follow(self, attachment: Attachment) -> None:
        """If a monitor is shared, share that of this VM from now on; the one before is gone."""
        if self.server is None:
            return
        try:
            if attachment.is_agent:
                raise UsageError(AGENT_REASON)
            self.server.attach(attachment)
        except (ConnectError, UsageError) as error:
            self.stop()
            self._display.warning(f"nothing is shared any more: {error}")

    def add_event(self, event: Event) -> None:
        """Pass an event of the VM on to all clients."""
        if self.server is not None:
            self.server.add_event(event)

    def stop(self) -> None:
        """End the sharing, if there is any."""
        server, self.server = self.server, None
        if server is not None:
            server.close()
        self._signals.close()
