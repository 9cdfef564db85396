"""Whether a VM that was lost can be attached to again, found out now and then."""

from __future__ import annotations

import select

from ..errors import QMPError
from ..session import Session
from ..transport import open_stream

INTERVAL_SECONDS = 1.0
"""How often to try."""

# How long the person at the prompt may have to wait: for a connection, and for a greeting.
_CONNECT_SECONDS = 0.1
_GREETING_SECONDS = 0.2


class Reattachment:
    """Tries whether the VM that a session was attached to answers again."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def is_wanted(self) -> bool:
        """Whether the VM is lost, and is to be attached to again without being told."""
        attachment = self._session.attachment
        address = attachment.address
        return (
            self._session.settings.reconnect
            and not attachment.is_offline
            and not attachment.is_connected
            and address is not None
            and address.can_be_tried
        )

    def is_possible(self) -> bool:
        """Whether a monitor greets there now. (QEMU lets a client wait while it serves another.)"""
        address = self._session.attachment.address
        assert address is not None
        try:
            stream = open_stream(address, timeout=_CONNECT_SECONDS)
        except QMPError:
            return False
        try:
            if self._session.attachment.is_agent:  # it does not greet
                return True
            poll = select.poll()
            poll.register(stream.fileno(), select.POLLIN)
            if not stream.has_buffered and not poll.poll(_GREETING_SECONDS * 1000):
                return False
            return stream.receive(1) != b""
        except (QMPError, OSError):
            return False
        finally:
            stream.close()
